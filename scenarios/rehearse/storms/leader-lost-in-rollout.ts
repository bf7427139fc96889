import { rollout } from "./rollout";
import { firstStepAt, hostsOf, often, type StandardStorm } from "./storm";

export const leaderLostInRollout: StandardStorm = {
  name: "leader-lost-in-rollout",
  what: "Each workload in turn is rolled out, and in the middle of it etcd's leader loses power for 20 seconds.",
  standard: true,
  cases: ({ workloads }, plan) =>
    workloads
      .filter(({ rolls }) => rolls)
      .map((workload) => ({
        about: workload.id,
        happened: `etcd's leader was lost in a rollout of ${workload.id}`,
        lost: [],
        steps: [
          rollout(workload, firstStepAt),
          { at: "3s", fault: "crash", target: { role: "etcd", is: "leader" }, silent: true, for: "20s" },
        ],
        seconds: 75,
        // The leader of one is all there is.
        beyondBudget: hostsOf(plan, "etcd").length < 3,
        requestsPerSecond: often,
      })),
};
