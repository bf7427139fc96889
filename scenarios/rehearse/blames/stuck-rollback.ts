import { type Blame, countOf, type Found, failuresBy, placeOf, plural, podsBehind } from "./blame";

/** What a container waits for that will not get better by itself. */
const hopeless = ["ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff"];

/** Source: Kubernetes' documentation of StatefulSets, "Forced rollback". */
export const stuckRollback: Blame = {
  name: "stuck-rollback",
  title: "a rollback that waits for the broken pod",
  what: "A StatefulSet was given its good template back, and waited for the broken pod to become ready before it would replace it.",
  find(evidence) {
    const { subject, service, observation } = evidence;
    // Only storms with images of their own roll back what they rolled out.
    if (evidence.case.images === undefined) return [];
    return subject.workloads.flatMap((workload): readonly Found[] => {
      const spec = (workload.manifest.object as { readonly spec?: { readonly podManagementPolicy?: string } }).spec;
      if (workload.kind !== "StatefulSet" || spec?.podManagementPolicy === "Parallel") return [];
      const broken = podsBehind(evidence).filter(
        ({ owner, deletedUs, waiting, ready }) =>
          owner === workload.id &&
          deletedUs === undefined &&
          waiting.some((reason) => hopeless.includes(reason)) &&
          !ready.some(({ untilUs }) => untilUs >= observation.endUs),
      );
      if (broken.length === 0) return [];
      const names = broken.map(({ pod }) => pod.slice(pod.indexOf("/") + 1)).join(", ");
      const policy = spec?.podManagementPolicy === undefined ? " (the default)" : "";
      return [
        {
          failed: countOf(failuresBy(service, "no-endpoint", "crashed", "not-listening-yet")),
          ...placeOf(workload.manifest, ["spec", "podManagementPolicy"]),
          setting: `spec.podManagementPolicy: OrderedReady${policy}`,
          evidence: `The old template was put back, but ${plural(broken.length, "pod")} of the bad version (${names}) stayed to the end: in order, the StatefulSet waits for it to become ready before it goes on.`,
          fix: "After such a rollback delete the broken pod by hand, or make the StatefulSet anew with podManagementPolicy: Parallel.",
          changes: [{ type: "set", id: workload.id, path: ["spec", "podManagementPolicy"], value: "Parallel" }],
        },
      ];
    });
  },
};
