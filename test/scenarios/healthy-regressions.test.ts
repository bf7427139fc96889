import { loadScenario } from "../../cli/load";
import { inputOf } from "../../cli/simulate";
import { runScenario } from "../../scenarios/run";

describe("healthy seeds that were violated once", () => {
  // A disk was emptied while member-churn had put a second member on its host: two of four votes were gone for good, which no cluster survives.
  it("healthy-store 70026: a host with two members of etcd is not taken by another fault", () => {
    const { verdict, schedule, convergence } = runScenario(
      inputOf(loadScenario("scenarios/library/healthy-store.yaml"), { seed: 70026, keepTraceLines: 0 }),
    );
    expect({ verdict, converged: convergence.converged }).toEqual({ verdict: "held", converged: true });
    // Both are drawn, and the second is passed over.
    const targets = (fault: string) => schedule.filter(({ name }) => name === fault).map((step) => step.targets);
    expect({ churn: targets("member-churn"), corrupt: targets("corrupt-disk") }).toEqual({ churn: [["etcd-2"]], corrupt: [[]] });
  });
});
