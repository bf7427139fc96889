import { type Blame, countOf, failuresBy, longestOutage, placeOf, readyAtBegin, spell, wanted } from "./blame";

export const oneReplica: Blame = {
  name: "one-replica",
  title: "one replica",
  what: "The only pod was lost, evicted, crashed, or (of a StatefulSet) rolled out, and until there was another nobody answered.",
  find(evidence) {
    const { subject, service, observation } = evidence;
    const [workload] = subject.workloads;
    if (!workload || wanted(evidence) !== 1) return [];
    const failed = failuresBy(service, "no-endpoint", "lost-node", "crashed");
    const pod = readyAtBegin(evidence)[0];
    if (countOf(failed) === 0 || !pod) return [];
    // A Deployment's rollout that takes the only pod away before there is another is its strategy's fault; others have no strategy that would keep it.
    const isRolled = pod.ending === "replaced" && failuresBy(service, "lost-node").length === 0;
    if (isRolled && workload.kind !== "StatefulSet") return [];
    const unready = observation.nodesNotReady.find(({ node }) => node === pod.node);
    const steps = [
      ...(unready ? [`${spell((unready.atUs - observation.beganUs) / 1e6)} until Kubernetes took the node for lost`] : []),
      ...(pod.deletedUs !== undefined && pod.ending === "node lost"
        ? [`${spell((pod.deletedUs - observation.beganUs) / 1e6)} until it gave the pod up`]
        : []),
    ];
    const how = isRolled
      ? "was deleted by the rollout, as a StatefulSet's is before the new one is made"
      : pod.ending === "evicted"
        ? "was evicted"
        : evidence.case.lost.includes(pod.node)
          ? `was on ${pod.node}`
          : "went away";
    return [
      {
        failed: countOf(failed),
        ...placeOf(workload.manifest, ["spec", "replicas"]),
        setting: "spec.replicas: 1",
        evidence: `Its only pod, ${pod.pod}, ${how}: nobody answered for ${spell(longestOutage(service))}${steps.length > 0 ? ` (${steps.join(", ")})` : ""}.`,
        fix: "Run two replicas or more.",
        changes: [{ type: "set", id: workload.id, path: ["spec", "replicas"], value: 2 }],
      },
    ];
  },
};
