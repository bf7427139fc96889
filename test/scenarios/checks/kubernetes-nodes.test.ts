import type { JsonObject } from "../../../protocol/kinds/object";
import { pod, told } from "./told";

const owned = (object: JsonObject, kind: string, uid: string): JsonObject => ({
  ...object,
  metadata: { ...(object.metadata as JsonObject), ownerReferences: [{ apiVersion: "v1", kind, name: uid, uid, controller: true }] },
});
const node = (name: string, ready = true, more: JsonObject = {}): JsonObject => ({
  kind: "Node",
  metadata: { name, uid: name },
  status: { conditions: [{ type: "Ready", status: ready ? "True" : "Unknown" }] },
  ...more,
});
const started = (name: string, uid: string, on: string) => ({
  kind: "container.started",
  pod: `shop/${name}`,
  podUid: uid,
  container: "main",
  node: on,
  image: "x",
});
const exited = (name: string, uid: string, on: string) => ({
  kind: "container.exited",
  pod: `shop/${name}`,
  podUid: uid,
  container: "main",
  node: on,
  exitCode: 0,
  reason: "Completed",
});
const restless = { convergence: { converged: false, afterUs: 1, stayed: false, reasons: ["x"] } };

describe("one-live-pod (StatefulSets: at most one pod of an identity)", () => {
  const db = (uid: string, on: string, deleting = false) => owned(pod("db-0", { uid, node: on, deleting }), "StatefulSet", "db");
  const first = () =>
    told()
      .object(node("node-0"))
      .object(db("a", "node-0"))
      .fact("container-runtime/node-0", started("db-0", "a", "node-0"));
  const second = (history: ReturnType<typeof first>) =>
    history.object(db("b", "node-1")).fact("container-runtime/node-1", started("db-0", "b", "node-1"));

  it("holds where the first was stopped before the second came", () => {
    const history = first()
      .object(db("a", "node-0", true))
      .fact("container-runtime/node-0", exited("db-0", "a", "node-0"))
      .gone("Pod shop/db-0");
    expect(second(history).judge("one-live-pod")).toMatchObject({ verdict: "held", reached: 2 });
  });

  it("holds where the first node went down", () => {
    const history = first()
      .object(db("a", "node-0", true))
      .gone("Pod shop/db-0")
      .host("node-0", false);
    expect(second(history).judge("one-live-pod").verdict).toBe("held");
  });

  it("is violated by a second that runs while the first does", () => {
    const history = first()
      .object(db("a", "node-0", true))
      .gone("Pod shop/db-0");
    expect(second(history).judge("one-live-pod").detail).toBe(
      "shop/db-0 runs on node-1, and the pod of that name before it still runs on node-0",
    );
  });

  it("promises nothing for pods that were deleted by force or whose node was removed", () => {
    expect(second(first().gone("Pod shop/db-0")).judge("one-live-pod").verdict).toBe("held");
    const removed = first()
      .object(db("a", "node-0", true))
      .gone("Node node-0")
      .gone("Pod shop/db-0");
    expect(second(removed).judge("one-live-pod").verdict).toBe("held");
  });

  it("does not judge pods of other owners", () => {
    const web = (uid: string, on: string) => pod("web", { uid, node: on });
    const history = told()
      .object(web("a", "node-0"))
      .fact("container-runtime/node-0", started("web", "a", "node-0"));
    expect(history.judge("one-live-pod")).toMatchObject({ verdict: "violated", reached: 0 });
  });
});

describe("no-stray-containers (a node runs what is bound to it)", () => {
  const running = () =>
    told()
      .object(pod("a", { node: "node-0" }))
      .fact("container-runtime/node-0", started("a", "uid-a", "node-0"));

  it("holds for a pod that is there, and after its end", () => {
    expect(running().judge("no-stray-containers")).toMatchObject({ verdict: "held", reached: 1 });
    const ended = running()
      .fact("container-runtime/node-0", exited("a", "uid-a", "node-0"))
      .gone("Pod shop/a");
    expect(ended.judge("no-stray-containers").verdict).toBe("held");
  });

  it("is violated by a container whose pod is gone, and by one of an earlier pod of that name", () => {
    expect(running().gone("Pod shop/a").judge("no-stray-containers").detail).toBe(
      "node-0 runs container main of pod shop/a, which is not bound to it (any more)",
    );
    const again = running()
      .gone("Pod shop/a")
      .object(pod("a", { node: "node-0", uid: "another" }));
    expect(again.judge("no-stray-containers").verdict).toBe("violated");
  });

  it("knows that nothing runs on a host that is down", () => {
    expect(running().gone("Pod shop/a").host("node-0", false).judge("no-stray-containers").verdict).toBe("held");
  });
});

describe("one-container-instance (a container is started anew when its instance before has ended)", () => {
  const runtime = "container-runtime/node-0";
  const first = () => told().fact(runtime, started("a", "uid-a", "node-0"));

  it("holds for a restart, for a pod of the same name elsewhere, and where the node or its runtime died in between", () => {
    const restarted = first()
      .fact(runtime, exited("a", "uid-a", "node-0"))
      .fact(runtime, started("a", "uid-a", "node-0"));
    expect(restarted.judge("one-container-instance")).toMatchObject({ verdict: "held", reached: 2 });
    expect(
      first()
        .fact(runtime, started("a", "another", "node-0"))
        .judge("one-container-instance").verdict,
    ).toBe("held");
    expect(
      first()
        .host("node-0", false)
        .fact(runtime, started("a", "uid-a", "node-0"))
        .judge("one-container-instance").verdict,
    ).toBe("held");
  });

  it("is violated by a second instance beside the first", () => {
    expect(
      first()
        .fact(runtime, started("a", "uid-a", "node-0"))
        .judge("one-container-instance").detail,
    ).toBe("node-0 starts container main of pod shop/a, and the instance before it still runs");
  });
});

describe("preemption (places are taken for who matters more, and kept for them)", () => {
  const of = (name: string, priority: number, on?: string, status: JsonObject = {}): JsonObject => {
    const made = pod(name, on === undefined ? {} : { node: on });
    return { ...made, spec: { ...(made.spec as JsonObject), priority }, status: { phase: "Pending", ...status } };
  };
  const preempted = { conditions: [{ type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" }] };
  const waiting = () =>
    told()
      .object(of("low", 1, "node-0"))
      .at(20)
      .object(of("high", 9));

  it("holds for a victim that matters less than who waits, also where that was placed just now", () => {
    expect(
      waiting()
        .object(of("low", 1, "node-0", preempted))
        .judge("preemption"),
    ).toMatchObject({ verdict: "held", reached: 1 });
    const placed = waiting()
      .at(21)
      .object(of("high", 9, "node-1"))
      .at(22);
    expect(placed.object(of("low", 1, "node-0", preempted)).judge("preemption").verdict).toBe("held");
  });

  it("is violated where nobody who waits matters more", () => {
    const equal = told()
      .object(of("low", 9, "node-0"))
      .at(20)
      .object(of("high", 9));
    expect(equal.object(of("low", 9, "node-0", preempted)).judge("preemption").detail).toBe(
      "Pod shop/low of priority 9 was preempted, and no pod of a higher one waits for a node",
    );
    const placed = waiting()
      .at(21)
      .object(of("high", 9, "node-1"))
      .at(40);
    expect(placed.object(of("low", 1, "node-0", preempted)).judge("preemption").verdict).toBe("violated");
  });

  const again = (elect: boolean) => {
    const history = waiting()
      .object(of("high", 9, undefined, { nominatedNodeName: "node-0" }))
      .object(of("low", 1, "node-0", preempted));
    if (elect) history.at(21).fact("scheduler/1", { kind: "leader.elected", lease: "kube-scheduler", identity: "b" });
    return history
      .at(22)
      .object(of("new", 1))
      .object(of("new", 1, "node-0"))
      .at(40)
      .object(of("new", 1, "node-0", preempted));
  };

  it("is violated where what was kept went to another, which then has to go as well", () => {
    expect(again(false).judge("preemption").detail).toBe(
      "Pod shop/new was bound to node-0 when that was kept for Pod shop/high already, and is preempted: room is made again and again",
    );
  });

  it("holds where a scheduler that has begun to lead cannot know what was kept, or somebody as important came there", () => {
    expect(again(true).judge("preemption").verdict).toBe("held");
    const history = waiting()
      .object(of("high", 9, undefined, { nominatedNodeName: "node-0" }))
      .at(21)
      .object(of("other", 9, "node-0"));
    expect(
      history
        .at(22)
        .object(of("new", 1, "node-0"))
        .at(40)
        .object(of("new", 1, "node-0", preempted))
        .judge("preemption").verdict,
    ).toBe("held");
  });
});

describe("bound-to-living-node (nothing is given to a node that is gone)", () => {
  it("holds for nodes that exist, and for one that went just now", () => {
    const history = told()
      .object(node("node-0"))
      .object(pod("a", { node: "node-0" }))
      .at(10)
      .gone("Node node-0")
      .at(11);
    expect(history.object(pod("b", { node: "node-0" })).judge("bound-to-living-node", {}, restless)).toMatchObject({
      verdict: "held",
      reached: 2,
    });
  });

  it("holds where a fault keeps the news from the scheduler", () => {
    const history = told().object(node("node-0")).fault("began", ["apiserver-0"], "stale-api-server").at(2).gone("Node node-0").at(20);
    expect(history.object(pod("a", { node: "node-0" })).judge("bound-to-living-node", {}, restless).verdict).toBe("held");
  });

  it("is violated by a binding to a node that has been gone, and by one that never was", () => {
    const history = told()
      .object(node("node-0"))
      .gone("Node node-0")
      .at(20)
      .object(pod("a", { node: "node-0" }));
    expect(history.judge("bound-to-living-node").detail).toBe("Pod shop/a was bound to node-0, which was gone by then");
    expect(
      told()
        .object(pod("a", { node: "node-9" }))
        .judge("bound-to-living-node").detail,
    ).toMatch(/which never existed/);
  });

  it("is violated by a pod that is left on a node that is gone", () => {
    const history = told()
      .object(node("node-0"))
      .object(pod("a", { node: "node-0" }))
      .gone("Node node-0");
    expect(history.judge("bound-to-living-node").detail).toBe("Pod shop/a is left on node-0, which is gone");
  });
});

describe("eviction-storm (all nodes lost: none is)", () => {
  const evicted = (name: string) =>
    node(name, false, { spec: { taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }] } });

  it("holds where one of two nodes is lost and tainted", () => {
    const history = told().object(node("node-0")).object(node("node-1")).object(node("node-1", false)).at(60).object(evicted("node-1"));
    expect(history.judge("eviction-storm")).toMatchObject({ verdict: "held", reached: 1 });
  });

  it("is violated by a taint while nobody is heard of", () => {
    const history = told().object(node("node-0")).object(node("node-1")).object(node("node-0", false)).object(node("node-1", false));
    expect(history.at(60).object(evicted("node-1")).judge("eviction-storm").detail).toBe(
      "node-1 was tainted for eviction, though for 60 s no node at all has been Ready",
    );
  });
});
