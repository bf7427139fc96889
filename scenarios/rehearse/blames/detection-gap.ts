import { type Blame, countOf, failuresBy, placeOf, plural, readyAtBegin, spell } from "./blame";

export const detectionGap: Blame = {
  name: "detection-gap",
  title: "the time until Kubernetes takes a node for lost",
  what: "Requests went to pods on a lost node until it counted as NotReady. No setting of the manifests is to blame: clients that try again, and more replicas, make it hurt less.",
  onlyExplains: true,
  find(evidence) {
    const { subject, service, observation, case: one } = evidence;
    const failed = failuresBy(service, "lost-node");
    const before = readyAtBegin(evidence);
    const gone = before.filter(({ node }) => one.lost.includes(node));
    // Where every pod was lost, where they stood is to blame.
    if (countOf(failed) === 0 || gone.length === 0 || gone.length === before.length) return [];
    const noticed = Math.max(...failed.map(({ lastUs }) => lastUs)) - observation.beganUs;
    const [workload] = subject.workloads;
    return [
      {
        failed: countOf(failed),
        ...placeOf(workload?.manifest ?? subject.manifest, workload ? ["spec", "replicas"] : []),
        setting: "kube-controller-manager's node-monitor-grace-period: 50s (the default)",
        evidence: `${gone.length} of ${plural(before.length, "pod")} stood where it was lost, and ${gone.length === 1 ? "was" : "were"} sent requests for ${spell(noticed / 1e6)} more: ${plural(countOf(failed), "request")} failed.`,
        fix: "Let clients try again at once, or run more replicas, so that a lost one is a smaller part.",
        changes: [],
      },
    ];
  },
};
