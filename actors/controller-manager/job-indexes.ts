import type { Job, Pod } from "../../protocol/kinds/generated";

/** The completion indexes of an Indexed Job. Source: "Jobs" in the documentation, completion mode. */

export const indexAnnotation = "batch.kubernetes.io/job-completion-index";

/** The index of a pod, undefined where it has none. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata?.annotations?.[indexAnnotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The indexes that have succeeded, by what the status says and by pods that it does not know of yet. */
export function succeededIndexes(job: Job, pods: readonly Pod[]): ReadonlySet<number> {
  const completions = job.spec?.completions ?? 0;
  const indexes = new Set(parseIndexes(job.status?.completedIndexes, completions));
  for (const pod of pods) {
    const index = pod.status?.phase === "Succeeded" ? indexOf(pod) : undefined;
    if (index !== undefined && index < completions) indexes.add(index);
  }
  return indexes;
}

/** "1,3-5" as a set; what lies at or beyond `completions` is left out. */
export function parseIndexes(text: string | undefined, completions: number): ReadonlySet<number> {
  const indexes = new Set<number>();
  for (const part of text ? text.split(",") : []) {
    const [first = 0, last = first] = part.split("-").map(Number);
    for (let at = first; at <= last && at < completions; at++) indexes.add(at);
  }
  return indexes;
}

/** A set as "1,3-5": runs of three and more are written with a hyphen, of two with a comma. */
export function formatIndexes(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === sorted[end]! + 1) end += 1;
    if (end === at) parts.push(String(sorted[at]));
    else if (end === at + 1) parts.push(`${sorted[at]},${sorted[end]}`);
    else parts.push(`${sorted[at]}-${sorted[end]}`);
    at = end + 1;
  }
  return parts.join(",");
}

/** The lowest indexes that have neither succeeded nor an active pod. */
export function pendingIndexes(
  completions: number,
  done: ReadonlySet<number>,
  active: ReadonlySet<number>,
  count: number,
): readonly number[] {
  const pending: number[] = [];
  for (let at = 0; at < completions && pending.length < count; at++) if (!done.has(at) && !active.has(at)) pending.push(at);
  return pending;
}
