import type { NodeInfo, PodInfo } from "../../actors/scheduler/framework";
import { plugins } from "../../actors/scheduler/plugins";
import { preempt } from "../../actors/scheduler/preemption";
import type { PodDisruptionBudget } from "../../protocol/kinds/generated";
import { info, node, place, pod, snapshot } from "./objects";

function preemption(incoming: PodInfo, nodes: readonly NodeInfo[], budgets: readonly PodDisruptionBudget[] = []): string {
  const placement = place(incoming, nodes);
  if (placement.outcome !== "unschedulable") throw new Error("there was room");
  const found = preempt(incoming, snapshot(nodes), plugins, placement.diagnosis, budgets, 0);
  return found.possible ? `${found.node}: ${found.victims.map(({ name }) => name).join(" ")}` : found.message;
}

const urgent = info("urgent", { cpu: "2", priority: 100 });

describe("preemption (Pod Priority and Preemption)", () => {
  test("takes only as many as are needed, and the least important", () => {
    const running = [pod("low", { cpu: "2", priority: 1 }), pod("mid", { cpu: "2", priority: 50 })];
    expect(preemption(urgent, [node("a", { running })])).toBe("a: low");
  });

  test("prefers the node whose victims matter least", () => {
    const nodes = [
      node("a", { running: [pod("mid", { cpu: "4", priority: 50 })] }),
      node("b", { running: [pod("low", { cpu: "4", priority: 1 })] }),
    ];
    expect(preemption(urgent, nodes)).toBe("b: low");
  });

  test("prefers the node on which no disruption budget breaks", () => {
    const nodes = [
      node("a", { running: [pod("guarded", { cpu: "4", priority: 1 }, { app: "db" })] }),
      node("b", { running: [pod("free", { cpu: "4", priority: 50 })] }),
    ];
    const budget = {
      metadata: { namespace: "shop" },
      spec: { selector: { matchLabels: { app: "db" } } },
      status: { disruptionsAllowed: 0 },
    };
    expect(preemption(urgent, nodes, [budget as unknown as PodDisruptionBudget])).toBe("b: free");
  });

  test("says why it is of no use", () => {
    const equal = [pod("equal", { cpu: "4", priority: 100 })];
    expect(preemption(urgent, [node("a", { running: equal }), node("b", { spec: { unschedulable: true } })])).toBe(
      "0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
    );
    const polite = info("polite", { cpu: "2", priority: 100, preemptionPolicy: "Never" });
    expect(preemption(polite, [node("a", { running: [pod("low", { cpu: "4" })] })])).toBe("not eligible due to preemptionPolicy=Never.");
  });
});
