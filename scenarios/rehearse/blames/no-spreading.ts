import type { TopologySpreadConstraint } from "../../../protocol/kinds/generated";
import type { Change } from "../change";
import type { Workload } from "../workload";
import { type Blame, countOf, failuresBy, longestOutage, placeOf, plural, readyAtBegin, spell, wanted } from "./blame";

export const noSpreading: Blame = {
  name: "no-spreading",
  title: "all replicas in one place",
  what: "Several pods stood on the one node, or in the one zone, that was lost, and nothing had told the scheduler to spread them.",
  find(evidence) {
    const { subject, service, observation, storm, case: one } = evidence;
    const [workload] = subject.workloads;
    const topology = storm === "zone-lost" ? "zone" : "node";
    const failed = countOf(failuresBy(service, "lost-node", "no-endpoint"));
    if (!workload || workload.kind === "DaemonSet" || failed === 0 || wanted(evidence) < 2) return [];
    const before = readyAtBegin(evidence);
    const gone = before.filter(({ node }) => one.lost.includes(node));
    const places = storm === "zone-lost" ? 3 : Math.min(before.length, observation.room.length);
    // As even as it can be is nobody's fault.
    if (gone.length < 2 || gone.length <= Math.ceil(before.length / Math.max(1, places))) return [];
    const key = topology === "zone" ? "topology.kubernetes.io/zone" : "kubernetes.io/hostname";
    const { where, setting } = settingOf(workload, key);
    const all = gone.length === before.length;
    return [
      {
        failed,
        ...placeOf(workload.manifest, where),
        setting,
        evidence: `${all ? `All ${before.length} pods` : `${gone.length} of ${plural(before.length, "pod")}`} stood ${topology === "zone" ? `in ${one.about}` : `on ${one.about}`}: ${
          all ? `nobody answered for ${spell(longestOutage(service))}` : `${plural(failed, "request")} failed`
        }.`,
        fix: `Spread the pods over ${topology}s.`,
        changes: spreading(workload, key),
      },
    ];
  },
};

/** What put the pods together, or what would have kept them apart and is missing. */
function settingOf(
  { podSpec, podPath }: Workload,
  key: string,
): { readonly where: readonly (string | number)[]; readonly setting: string } {
  if (podSpec.nodeSelector?.[key] !== undefined)
    return { where: [...podPath, "nodeSelector", key], setting: `nodeSelector ${key}: ${podSpec.nodeSelector[key]}` };
  if (podSpec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution)
    return { where: [...podPath, "affinity", "nodeAffinity"], setting: "a node affinity that leaves few places" };
  if (podSpec.affinity?.podAffinity)
    return { where: [...podPath, "affinity", "podAffinity"], setting: "a podAffinity that draws the pods together" };
  const constraints = podSpec.topologySpreadConstraints ?? [];
  const i = constraints.findIndex((constraint) => constraint.topologyKey === key);
  if (i >= 0)
    return {
      where: [...podPath, "topologySpreadConstraints", i, "whenUnsatisfiable"],
      setting: `whenUnsatisfiable: ${constraints[i]!.whenUnsatisfiable}, which is not binding`,
    };
  return { where: [...podPath, "topologySpreadConstraints"], setting: `no topologySpreadConstraints for ${key}` };
}

function spreading({ id, podPath, podSpec, labels }: Workload, key: string): readonly Change[] {
  const others = (podSpec.topologySpreadConstraints ?? []).filter(({ topologyKey }) => topologyKey !== key);
  const constraint: TopologySpreadConstraint = {
    maxSkew: 1,
    topologyKey: key,
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: labels },
  };
  const set = (path: readonly (string | number)[], value?: unknown): Change => ({ type: "set", id, path: [...podPath, ...path], value });
  return [
    set(["topologySpreadConstraints"], [...others, constraint]),
    ...(podSpec.nodeSelector?.[key] === undefined ? [] : [set(["nodeSelector", key])]),
    ...(podSpec.affinity?.podAffinity ? [set(["affinity", "podAffinity"])] : []),
    ...(podSpec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      ? [set(["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"])]
      : []),
  ];
}
