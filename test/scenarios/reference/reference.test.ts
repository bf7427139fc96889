import { readManifests } from "../../../scenarios/manifests";
import { runScenario } from "../../../scenarios/run";
import { pod, replicaSet, told } from "../checks/told";
import { idleEtcd, scenarioOf, tinyCluster } from "../tiny";

const text = `${tinyCluster}
storm:
  - { at: 2s, fault: isolate, target: { role: etcd, is: leader }, for: 3s }
stormFor: 6s
expect: [same-as-reference, reference-updates, convergence]
`;

describe("the run without faults", () => {
  it("is simulated beside the run, and ends like it where nothing was lost", () => {
    const input = {
      scenario: scenarioOf(text),
      manifests: readManifests([]).manifests,
      objectsOfStep: new Map(),
      seed: 1,
      actors: idleEtcd,
    };
    const [same] = runScenario(input).checks.filter(({ name }) => name === "reference-updates");
    expect(same).toMatchObject({ verdict: "held", detail: "5 creations and deletions, the same as without faults" });
  });
});

describe("same-as-reference and reference-updates (Sieve: differential oracles)", () => {
  const reference = (objects: ReturnType<typeof told>, converged = true) => {
    const made = { objects: objects.final, updates: new Map([["created ReplicaSet shop/rs", 1]]), converged };
    return { reference: () => made };
  };
  const one = () =>
    told()
      .object(replicaSet("rs"))
      .object(pod("rs-a", { owner: "rs" }));

  it("hold where the same came of it, and was done as often", () => {
    expect(
      one().judge(
        "same-as-reference",
        {},
        reference(
          told()
            .object(replicaSet("rs"))
            .object(pod("rs-b", { owner: "rs" })),
        ),
      ),
    ).toMatchObject({
      verdict: "held",
      reached: 2,
    });
    expect(one().judge("reference-updates", {}, reference(one()))).toMatchObject({ verdict: "held", reached: 1 });
  });

  it("are violated by another end, and by work that was done twice", () => {
    expect(one().judge("same-as-reference", {}, reference(told().object(replicaSet("rs")))).detail).toBe(
      "1 Pod shop/rs-* here and 0 without faults",
    );
    const twice = told().object(replicaSet("rs")).gone("ReplicaSet shop/rs").object(replicaSet("rs"));
    expect(twice.judge("reference-updates", {}, reference(one())).detail).toBe(
      "created ReplicaSet shop/rs 2 times here and 1 times without faults; deleted ReplicaSet shop/rs 1 times here and 0 times without faults",
    );
  });

  it("prove nothing without a reference, or with one that did not converge", () => {
    expect(one().judge("same-as-reference").verdict).toBe("violated");
    expect(one().judge("reference-updates").verdict).toBe("violated");
    expect(one().judge("same-as-reference", {}, reference(one(), false)).detail).toBe("the run without faults did not converge itself");
  });
});
