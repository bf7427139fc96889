import { loadScenario } from "../../cli/load";
import { inputOf } from "../../cli/simulate";
import { runScenario } from "../../scenarios/run";

describe("healthy seeds that were violated once", () => {
  const ofStore = (seed: number) => runScenario(inputOf(loadScenario("scenarios/library/healthy-store.yaml"), { seed, keepTraceLines: 0 }));

  // The member of a disk that was damaged and the one of a disk that was lost were replaced at once; it came back with nothing of what it had voted for.
  it("healthy-store 20675: a member whose data is damaged is not replaced twice at once", () => {
    const { verdict, schedule } = ofStore(20675);
    expect(verdict).toBe("held");
    expect(schedule.filter(({ name }) => name === "replace-member").map(({ targets }) => targets)).toEqual([[]]);
  });

  // Nobody was told that the member died with its host, which the plan did not know to live there: its next life seemed to go back.
  it("healthy-store 20776: a member that came later dies with its host", () => {
    expect(ofStore(20776).verdict).toBe("held");
  });

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

  // The churn had ended a millisecond before, and its member was still there.
  it("healthy-store 55542: nor by one that comes before the second member has gone", () => {
    const { verdict, schedule } = ofStore(55542);
    expect(verdict).toBe("held");
    expect(schedule.filter(({ name }) => name === "replace-member").map(({ targets }) => targets)).toEqual([[]]);
  });

  // The host had lost its power when its damaged disk was emptied: nobody saw the member on it, and it came back under its name, with nothing of its vote.
  it("healthy-store 25516: a member whose disk is emptied does not come back, whoever starts its host", () => {
    expect(ofStore(25516).verdict).toBe("held");
  });

  // The leader's disk stood still while the lease ran out: its end was judged by the first entry that was committed after that, along with which it was.
  it("healthy-store 70068: a lease that runs out while nothing can be committed ends when something can", () => {
    expect(ofStore(70068).checks.filter(({ verdict }) => verdict !== "held")).toEqual([]);
  });

  // Nobody had read a set, or asked what was left of a lease, between two outages and the end: the runs were said to prove nothing. Now whoever uses etcd looks once more
  // when all is at rest, at whichever member answers, and the run waits for it.
  it("healthy-store 24015 and 38607: each workload looks at what there is in the end, however long nothing could be", () => {
    expect(ofStore(24015).checks.find(({ name }) => name === "set-full")).toMatchObject({ verdict: "held" });
    // Two of the three members that the clients know are gone.
    const { checks, convergence, virtualMs, stormUs } = ofStore(38607);
    expect(checks.filter(({ verdict }) => verdict !== "held")).toEqual([]);
    expect(virtualMs - (stormUs! + convergence.afterUs) / 1000).toBeLessThan(15_000);
  });
});
