/** What a reduction has come to, after each try. */
export interface Reduction<T> {
  readonly left: readonly T[];
  /** How many candidates have been tried, and whether the last still failed in the same way. */
  readonly tries: number;
  readonly accepted: boolean;
}

/**
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002, figure 3): the fewest of the parts that still fail, in the
 * sense that no single one of what is left can be taken away. A generator of candidates: each is tried by the caller, who answers whether it still fails.
 */
export function* reduce<T>(parts: readonly T[]): Generator<readonly T[], Reduction<T>, boolean> {
  let left = parts;
  let granularity = 2;
  let tries = 0;
  let accepted = false;
  const tried = new Set<string>();
  const key = (candidate: readonly T[]) => candidate.map((part) => parts.indexOf(part)).join(",");
  tried.add(key(parts));
  while (left.length > 0) {
    const chunks = split(left, Math.min(granularity, left.length));
    let smaller: readonly T[] | undefined;
    for (const candidate of [...chunks, ...complements(left, chunks)]) {
      if (candidate.length >= left.length || tried.has(key(candidate))) continue;
      tried.add(key(candidate));
      tries++;
      accepted = yield candidate;
      if (!accepted) continue;
      smaller = candidate;
      break;
    }
    if (smaller) {
      granularity = Math.max(2, Math.min(granularity - 1, smaller.length));
      left = smaller;
    } else if (granularity >= left.length) {
      // The empty input is the last candidate of all: a failure that needs none of the parts.
      if (left.length === 1 && !tried.has("")) {
        tries++;
        accepted = yield [];
        if (accepted) left = [];
      }
      break;
    } else granularity = Math.min(left.length, granularity * 2);
  }
  return { left, tries, accepted };
}

function split<T>(parts: readonly T[], count: number): readonly (readonly T[])[] {
  return Array.from({ length: count }, (_, i) =>
    parts.slice(Math.floor((i * parts.length) / count), Math.floor(((i + 1) * parts.length) / count)),
  );
}

function complements<T>(parts: readonly T[], chunks: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return chunks.length <= 2 ? [] : chunks.map((chunk) => parts.filter((part) => !chunk.includes(part)));
}
