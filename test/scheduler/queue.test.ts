import { SchedulerCache } from "../../actors/scheduler/cache";
import { backoffMs, SchedulingQueue } from "../../actors/scheduler/queue";
import { feasibleNodesWanted } from "../../actors/scheduler/schedule";
import { info, nodeObject, pod } from "./objects";

const fitEvents = (rejectors: ReadonlySet<string>) =>
  new Set(rejectors.has("NodeResourcesFit") ? (["NodeAdd", "AssignedPodDelete"] as const) : []);
const queue = () => new SchedulingQueue(fitEvents, (one) => (one.pod.spec?.schedulingGates ?? []).length > 0);
const rejected = new Set(["NodeResourcesFit"]);

describe("the scheduling queue", () => {
  test("the higher priority goes first, then the older (PrioritySort)", () => {
    const q = queue();
    q.set(info("old"), 0);
    q.set(info("young"), 5);
    q.set(info("urgent", { priority: 10 }), 9);
    expect([q.pop(), q.pop(), q.pop(), q.pop()].map((one) => one?.info.name)).toEqual(["urgent", "old", "young", undefined]);
  });

  test("waits grow from one second to ten", () => {
    expect([1, 2, 3, 4, 5, 6].map((attempts) => backoffMs(attempts))).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  test("an unschedulable pod waits for an event that can help it, and then for its back-off", () => {
    const q = queue();
    q.set(info("p"), 0);
    q.requeue(q.pop()!.info.uid, rejected, 0);
    expect(q.placeOf("uid-p")).toBe("unschedulable");
    q.moveBy("NodeTaint", 100);
    expect(q.placeOf("uid-p")).toBe("unschedulable");
    q.moveBy("NodeAdd", 200);
    expect(q.placeOf("uid-p")).toBe("backoff");
    expect(q.advance(999)).toBe(1000);
    q.advance(1000);
    expect(q.placeOf("uid-p")).toBe("active");
  });

  test("an event that comes while the pod is in flight is not missed", () => {
    const q = queue();
    q.set(info("p"), 0);
    q.pop();
    q.moveBy("AssignedPodDelete", 10);
    q.requeue("uid-p", rejected, 20);
    expect(q.placeOf("uid-p")).toBe("backoff");
  });

  test("after five minutes without an event it is tried again", () => {
    const q = queue();
    q.set(info("p"), 0);
    q.pop();
    q.requeue("uid-p", rejected, 0);
    expect(q.advance(299_999)).toBe(300_000);
    q.advance(300_000);
    expect(q.placeOf("uid-p")).toBe("active");
  });

  test("a gated pod enters when its gates are gone", () => {
    const q = queue();
    q.set(info("p", { schedulingGates: [{ name: "g" }] }), 0);
    expect(q.pop()).toBeUndefined();
    q.set(info("p"), 10);
    expect(q.pop()?.info.name).toBe("p");
  });

  test("a pod that was deleted is gone from every place", () => {
    const q = queue();
    q.set(info("p"), 0);
    q.done("uid-p");
    expect([q.size, q.activeCount]).toEqual([0, 0]);
  });
});

describe("the cache", () => {
  const cpuOn = (cache: SchedulerCache, name: string) => cache.node(name)?.requested.milliCpu;

  test("an assumed pod counts on its node until it is forgotten (kubernetes/kubernetes#26043)", () => {
    const cache = new SchedulerCache();
    cache.setNode(nodeObject("a"));
    cache.assume(info("p", { cpu: "1" }), "a");
    expect(cpuOn(cache, "a")).toBe(1000);
    cache.forget("uid-p");
    expect(cpuOn(cache, "a")).toBe(0);
  });

  test("a pod cannot be assumed twice (kubernetes/kubernetes#124109)", () => {
    const cache = new SchedulerCache();
    cache.assume(info("p"), "a");
    expect(() => cache.assume(info("p"), "b")).toThrow("is on node a already");
  });

  test("what was seen wins over what was assumed, and forgetting then changes nothing", () => {
    const cache = new SchedulerCache();
    cache.setNode(nodeObject("a"));
    cache.setNode(nodeObject("b"));
    cache.assume(info("p", { cpu: "1" }), "a");
    cache.setPod(pod("p", { cpu: "1", nodeName: "b" }));
    cache.forget("uid-p");
    expect([cpuOn(cache, "a"), cpuOn(cache, "b")]).toEqual([0, 1000]);
  });

  test("a node that was deleted is offered no more (kubernetes/kubernetes#56261), and finds its pods again when it comes back", () => {
    const cache = new SchedulerCache();
    cache.setNode(nodeObject("a"));
    cache.setPod(pod("p", { cpu: "1", nodeName: "a" }));
    cache.deleteNode("a");
    expect(cache.nodes).toEqual([]);
    cache.setNode(nodeObject("a"));
    expect(cpuOn(cache, "a")).toBe(1000);
  });

  test("zones take turns in the order of the nodes", () => {
    const cache = new SchedulerCache();
    for (const [name, zone] of [
      ["a1", "a"],
      ["a2", "a"],
      ["b1", "b"],
    ] as const)
      cache.setNode(nodeObject(name, { zone }));
    expect(cache.nodes.map(({ name }) => name)).toEqual(["a1", "b1", "a2"]);
  });
});

test("a search in a large cluster ends at a share of feasible nodes (percentageOfNodesToScore)", () => {
  expect([10, 99, 100, 1000, 5000, 20_000].map(feasibleNodesWanted)).toEqual([10, 99, 100, 420, 500, 1000]);
});
