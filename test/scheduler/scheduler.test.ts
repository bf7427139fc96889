import { address } from "../../protocol/address";
import type { ComponentGetResponse } from "../../protocol/cluster";
import type { Message } from "../../protocol/codec";
import { NodesTank } from "./nodes-tank";

const placed = (t: NodesTank) => t.pods().map(({ metadata, spec }) => `${metadata?.name} ${spec?.nodeName ?? "-"}`);
const requests = (cpu: string) => ({ containers: [{ name: "web", image: "shop/web:1", resources: { requests: { cpu } } }] });

const text = (t: NodesTank, path: string): string => {
  let got = "";
  t.simulation.ask<ComponentGetResponse>(address("scheduler", 0), { kind: "component.get", path } as Message, 5_000, (answer) => {
    if (answer.ok) got = Buffer.from(answer.body.bytes).toString();
  });
  t.until(() => got !== "", "the scheduler does not answer");
  return got;
};

describe("the scheduler", () => {
  test("spreads pods that ask for nothing over the nodes, binds each once, and says so", () => {
    const t = new NodesTank({ nodes: 3 });
    for (let n = 0; n < 6; n += 1) t.run(`web-${n}`);
    t.simulation.runFor(10_000);
    const perNode = ["node-0", "node-1", "node-2"].map((node) => t.pods().filter(({ spec }) => spec?.nodeName === node).length);
    expect(perNode).toEqual([2, 2, 2]);
    expect(
      t.facts
        .filter(({ kind }) => kind === "scheduler.bound")
        .map(({ pod }) => pod)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4, 5].map((n) => `shop/web-${n}`));
    expect(t.events("web-0")).toContainEqual(expect.stringMatching(/^Scheduled: Successfully assigned shop\/web-0 to node-\d$/));
    expect(t.pods().every(({ status }) => status?.phase === "Running")).toBe(true);
  });

  test("says why no node will do, and places the pod once there is room", () => {
    const t = new NodesTank({ nodes: 2 });
    t.run("a", requests("3"));
    t.run("b", requests("3"));
    t.run("c", requests("3"));
    t.simulation.runFor(5_000);
    const condition = t.pod("c")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    const message =
      "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";
    expect(condition).toMatchObject({ status: "False", reason: "Unschedulable", message });
    expect(t.events("c")).toContain(`FailedScheduling: ${message}`);
    // Source: kubernetes pkg/scheduler/metrics and its list of stable metrics.
    const lines = text(t, "/metrics").split("\n");
    expect(lines).toContain('scheduler_unschedulable_pods{plugin="NodeResourcesFit",profile="default-scheduler"} 1');
    expect(lines).toContain('scheduler_queue_incoming_pods_total{queue="active",event="UnschedulablePodAdd"} 3');
    expect(lines).toContain('scheduler_queue_incoming_pods_total{queue="unschedulable",event="ScheduleAttemptFailure"} 1');
    const point = (name: string, status: string) =>
      lines.find((line) =>
        line.startsWith(`scheduler_framework_extension_point_duration_seconds_count{extension_point="${name}",status="${status}"`),
      );
    expect(
      [point("PreFilter", "Success"), point("Filter", "Success"), point("Bind", "Success")].map((line) => line?.split(" ")[1]),
    ).toEqual([...["3", "3", "2"]]);
    expect(point("PostFilter", "Unschedulable")).toMatch(/ 1$/);
    const asked = text(t, "/metrics/resources");
    expect(asked).toContain(
      'kube_pod_resource_request{namespace="shop",pod="c",node="",scheduler="default-scheduler",priority="0",resource="cpu",unit="cores"} 3\n',
    );
    t.delete("/api/v1/namespaces/shop/pods/a");
    t.simulation.runFor(15_000);
    expect(t.pod("c")?.status?.phase).toBe("Running");
    expect(t.pod("c")?.status?.conditions?.find(({ type }) => type === "PodScheduled")).toEqual(
      expect.not.objectContaining({ reason: "Unschedulable" }),
    );
  });

  test("never promises more of a node than it has, however fast pods come (a node's capacity is never exceeded)", () => {
    const t = new NodesTank({ nodes: 2 });
    for (let n = 0; n < 12; n += 1) t.run(`p-${n}`, requests("1"));
    t.simulation.runFor(20_000);
    const running = t.pods().filter(({ status }) => status?.phase === "Running");
    expect(running).toHaveLength(8);
    // One attempt in ten is looked at closely: each plug-in, once for each node where it filters.
    const plugin = (name: string, more: string) =>
      [...text(t, "/metrics").matchAll(/^scheduler_plugin_execution_duration_seconds_count\{plugin="(\w+)",(.*)\} (\d+)$/gm)]
        .filter(([, which, labels]) => which === name && labels!.includes(more))
        .reduce((sum, [, , , count]) => sum + Number(count), 0);
    const closely = plugin("NodeResourcesFit", "PreFilter");
    expect(closely).toBeGreaterThan(0);
    const attempts = [...text(t, "/metrics").matchAll(/^scheduler_schedule_attempts_total\{.*\} (\d+)$/gm)];
    expect(closely).toBeLessThan(attempts.reduce((sum, [, count]) => sum + Number(count), 0));
    expect(plugin("NodeUnschedulable", "Filter")).toBe(2 * closely);
    expect(plugin("NodeUnschedulable", "PreFilter")).toBe(0);
    expect(t.pods().filter(({ status }) => status?.phase === "Failed")).toEqual([]);
  });

  test("makes room for a pod of higher priority (Pod Priority and Preemption)", () => {
    const t = new NodesTank({ nodes: 1 });
    t.create("/apis/scheduling.k8s.io/v1/priorityclasses", { metadata: { name: "urgent" }, value: 1000 });
    t.run("low", requests("3"));
    t.simulation.runFor(5_000);
    t.run("high", { ...requests("3"), priorityClassName: "urgent" });
    t.simulation.runFor(1_000);
    expect(t.pod("high")?.status?.nominatedNodeName).toBe("node-0");
    t.simulation.runFor(15_000);
    expect(t.pod("low")).toBeUndefined();
    expect(t.pod("high")?.status?.phase).toBe("Running");
    expect(t.events("low").some((event) => event.startsWith("Preempted: Preempted by pod "))).toBe(true);
  });

  test("binds nothing to a node that has been deleted (kubernetes/kubernetes#56261)", () => {
    const t = new NodesTank({ nodes: 2 });
    t.delete("/api/v1/nodes/node-0");
    t.simulation.runFor(1_000);
    for (let n = 0; n < 4; n += 1) t.run(`web-${n}`);
    t.simulation.runFor(10_000);
    expect(placed(t)).toEqual([0, 1, 2, 3].map((n) => `web-${n} node-1`));
  });

  test("a pod of which nobody told the scheduler, or whose binding was not answered, is placed all the same, and once (kubernetes/kubernetes#26043)", () => {
    const t = new NodesTank({ nodes: 2 });
    const cut = { from: ["apiserver-0"], to: ["control-0"], kinds: null, effect: { type: "block" } } as const;
    t.simulation.addRule({ id: "answers", ...cut });
    t.run("web");
    t.simulation.runFor(3_000);
    t.simulation.removeRule("answers");
    t.simulation.runFor(60_000);
    expect(t.pod("web")?.status?.phase).toBe("Running");
    expect(t.facts.filter(({ kind }) => kind === "container.started")).toHaveLength(1);
  });

  test("another takes over when the one that leads is gone", () => {
    const t = new NodesTank({ nodes: 1, schedulers: 2 });
    const leader = t.facts.find(({ kind, lease }) => kind === "leader.elected" && lease === "kube-scheduler")?.holder as string;
    t.simulation.crashHost(leader.startsWith(address("scheduler", 0)) ? "control-0" : "control-1");
    t.run("web");
    t.simulation.runFor(10_000);
    expect(t.pod("web")?.spec?.nodeName).toBeUndefined();
    t.simulation.runFor(15_000);
    expect(t.pod("web")?.status?.phase).toBe("Running");
  });
});
