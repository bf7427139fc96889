import type { PodSpec } from "../../../protocol/kinds/generated";
import type { Manifest } from "../../manifests";
import type { Path } from "../../source";
import type { Note } from "../note";
import { workloadOf } from "../workload";
import { type Adaptation, type Adapted, changed, eachWorkload } from "./adaptation";

interface Place {
  readonly label: string;
  readonly what: string;
  readonly isOurs: RegExp;
  ours(index: number): string;
}

const places: readonly Place[] = [
  {
    label: "topology.kubernetes.io/zone",
    what: "zone",
    isOurs: /^zone-[a-z]$/,
    ours: (index) => `zone-${"abcdefghijklmnopqrstuvwxyz"[index % 26]}`,
  },
  { label: "kubernetes.io/hostname", what: "node", isOurs: /^node-\d+$/, ours: (index) => `node-${index}` },
];

/** The user's zones and nodes have names of their own; in the simulated cluster the first of them is zone-a, the next zone-b. */
export const placeNames: Adaptation = (manifests) => {
  let current = manifests;
  const notes: Note[] = [];
  for (const place of places) {
    const adapted = translated(current, place);
    current = adapted.manifests;
    notes.push(...adapted.notes);
  }
  return { manifests: current, notes };
};

function translated(manifests: readonly Manifest[], { label, what, isOurs, ours }: Place): Adapted {
  const workloads = manifests.map(workloadOf).filter((workload) => workload !== undefined);
  const names = new Set(workloads.flatMap(({ podPath, podSpec }) => valuesIn(podSpec, podPath, label).map(({ value }) => value)));
  const foreign = [...names].filter((name) => !isOurs.test(name)).sort((a, b) => (a < b ? -1 : 1));
  const own = new Map(foreign.map((name, i) => [name, ours(i)]));
  return eachWorkload(manifests, ({ manifest, podPath, podSpec }, note) => {
    let result = manifest;
    for (const { path, value } of valuesIn(podSpec, podPath, label)) {
      const now = own.get(value);
      if (now === undefined) continue;
      note(path, `${what} ${value}`, `taken for granted: it is ${now} of the rehearsal's cluster`);
      result = changed(result, path, now);
    }
    return result;
  });
}

interface Value {
  readonly path: Path;
  readonly value: string;
}

function valuesIn({ nodeSelector, affinity }: PodSpec, podPath: Path, label: string): readonly Value[] {
  const found: Value[] = [];
  const selected = nodeSelector?.[label];
  if (selected !== undefined) found.push({ path: [...podPath, "nodeSelector", label], value: selected });
  const required = "requiredDuringSchedulingIgnoredDuringExecution";
  const terms = affinity?.nodeAffinity?.[required]?.nodeSelectorTerms ?? [];
  for (const [i, { matchExpressions = [] }] of terms.entries())
    for (const [k, { key, values = [] }] of matchExpressions.entries())
      for (const [v, value] of values.entries()) {
        const path = [...podPath, "affinity", "nodeAffinity", required, "nodeSelectorTerms", i, "matchExpressions", k, "values", v];
        if (key === label) found.push({ path, value });
      }
  return found;
}
