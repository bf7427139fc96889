import { behaviourOf, type ImageBehaviour } from "../../../actors/container-runtime/image-behaviour";
import type { ClusterPlan } from "../../cluster";
import type { Workload } from "../workload";
import { imageOf, repositoryOf, setImage } from "./rollout";
import { firstStepAt, often, type StandardStorm, type StormCase } from "./storm";

const badSeconds = 50;

/** Rolls out a version that is no good, and after a while the old one again. */
function badVersion(workload: Workload, tag: string, plan: ClusterPlan, how: Partial<ImageBehaviour>, happened: string): StormCase {
  const image = imageOf(workload);
  const bad = `${repositoryOf(image)}:${tag}`;
  return {
    about: workload.id,
    happened,
    lost: [],
    // The new version is otherwise what the old one was.
    images: [{ ...behaviourOf(image, behavioursIn(plan)), ...how, image: bad }],
    steps: [setImage(workload, bad, firstStepAt), setImage(workload, image, `${badSeconds}s`)],
    seconds: badSeconds + 40,
    requestsPerSecond: often,
  };
}

/** How images behave in this cluster: what its container runtimes are told. */
function behavioursIn({ hosts }: ClusterPlan): readonly ImageBehaviour[] {
  for (const { actors } of hosts)
    for (const { config } of actors) if (config.behaviours !== undefined) return config.behaviours as readonly ImageBehaviour[];
  return [];
}

export const imagePullFailure: StandardStorm = {
  name: "image-pull-failure",
  what: "Each workload in turn is rolled out with an image that cannot be pulled, and rolled back 50 seconds later.",
  standard: true,
  cases: ({ workloads }, plan) =>
    workloads
      .filter(({ rolls }) => rolls)
      .map((workload) => {
        const pullFailure = "failed to resolve reference: manifest unknown";
        const happened = `${workload.id} was rolled out with an image that cannot be pulled`;
        return badVersion(workload, "wavetank-not-there", plan, { pullFailure }, happened);
      }),
};

export const crashLoop: StandardStorm = {
  name: "crash-loop",
  what: "Each workload in turn is rolled out with a version that crashes as it starts, and rolled back 50 seconds later.",
  standard: true,
  cases: ({ workloads }, plan) =>
    workloads
      .filter(({ rolls }) => rolls)
      .map((workload) => {
        const how = { readyAfterMs: 60_000, crashAfterMs: { min: 300, max: 900 }, crashCode: 1 };
        return badVersion(
          workload,
          "wavetank-crashes",
          plan,
          how,
          `${workload.id} was rolled out with a version that crashes as it starts`,
        );
      }),
};

export const lateCrash: StandardStorm = {
  name: "late-crash",
  what: "Each workload in turn is rolled out with a version that serves for a few seconds, then crashes, and again; rolled back 50 seconds later.",
  standard: false,
  cases: ({ workloads }, plan) =>
    workloads
      .filter(({ rolls }) => rolls)
      .map((workload) => {
        const how = { crashAfterMs: { min: 6_000, max: 9_000 }, crashCode: 1 };
        const happened = `${workload.id} was rolled out with a version that crashes after some seconds`;
        return badVersion(workload, "wavetank-crashes-late", plan, how, happened);
      }),
};
