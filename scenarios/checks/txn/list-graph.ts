import { anomalyName, type Cycle, type CycleStep, cycleIn, type Dependency, type Edge, edgeBetween } from "./cycle";

/** One transaction over lists: what it saw of each list it read, and the element that it appended to one or more of them, "" for none. */
export interface Transaction {
  readonly call: string;
  readonly acknowledged: boolean;
  readonly appended: string;
  readonly reads: readonly { readonly key: string; readonly elements: readonly string[] }[];
  /** Places in the order of all calls and answers. */
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** What is wrong, in words; where that is a cycle, with its parts. */
export interface Anomaly {
  readonly text: string;
  readonly cycle?: Cycle;
}

/**
 * What is wrong with transactions over lists, given how the lists ended; undefined where nothing is. Lists are grown at their ends only, so the last state
 * of each tells the order of all its writes, and what a transaction read tells its place among them (Elle). Together with real time that makes a graph, and
 * a cycle in it is a proof that no order explains the reads.
 */
export function wrongWithLists(
  transactions: readonly Transaction[],
  lists: ReadonlyMap<string, readonly string[]>,
  refused: ReadonlySet<string>,
): Anomaly | undefined {
  const text = wrongWithReads(transactions, lists, refused);
  return text === undefined ? wrongWithOrder(transactions, lists) : { text };
}

function writersOf(transactions: readonly Transaction[]): ReadonlyMap<string, number> {
  return new Map(transactions.flatMap(({ appended }, i) => (appended === "" ? [] : [[appended, i] as const])));
}

/** What no order is needed to see. */
function wrongWithReads(
  transactions: readonly Transaction[],
  lists: ReadonlyMap<string, readonly string[]>,
  refused: ReadonlySet<string>,
): string | undefined {
  const writers = writersOf(transactions);
  for (const [key, elements] of lists) {
    const seen = new Set<string>();
    for (const element of elements) {
      if (seen.has(element)) return `${key} holds ${element} twice`;
      if (!writers.has(element)) return `${key} holds ${element}, which ${refused.has(element) ? "was refused" : "nobody appended"}`;
      seen.add(element);
    }
  }
  for (const { call, acknowledged, appended, reads } of transactions) {
    if (acknowledged && appended !== "" && !reads.some(({ key }) => lists.get(key)?.includes(appended)))
      return `${call} was acknowledged, and ${appended} is in none of its lists`;
    for (const { key, elements } of reads) {
      const end = lists.get(key) ?? [];
      const at = elements.findIndex((element, i) => end[i] !== element);
      if (at >= 0) return `${call} read ${elements[at]} at place ${at} of ${key}, where ${end[at] ?? "nothing"} is in the end`;
    }
  }
  return undefined;
}

function wrongWithOrder(transactions: readonly Transaction[], lists: ReadonlyMap<string, readonly string[]>): Anomaly | undefined {
  const edges = edgesOf(transactions, lists, writersOf(transactions));
  const places = cycleIn(edges);
  if (!places) return undefined;
  const all = places.map((place, i): CycleStep => {
    const { kind, why } = edgeBetween(edges, place, places[(i + 1) % places.length]!);
    const { call, reads, appended } = transactions[place]!;
    const read = reads.map(({ key, elements }) => `read ${key}: ${elements.length === 0 ? "nothing" : lately(elements)}`);
    return { call, did: [...read, ...(appended === "" ? [] : [`appended ${appended}`])].join("; "), kind, why };
  });
  // What had been answered before one that had been answered before a third tells nothing: the first had been before the third.
  const steps = all.filter(({ kind }, i) => kind !== "rt" || all.at(i - 1)!.kind !== "rt");
  const name = anomalyName(steps.map(({ kind }) => kind));
  const told = steps.map(({ call, why }) => `${call}: ${why}`);
  return { text: `no order explains these (${name}): ${told.join(" ")} ${steps[0]!.call}`, cycle: { name, steps } };
}

/** The end of a list is what matters, and a long one would hide it. */
function lately(elements: readonly string[]): string {
  return elements.length <= 4 ? elements.join(" ") : `… ${elements.slice(-3).join(" ")} (${elements.length})`;
}

function edgesOf(
  transactions: readonly Transaction[],
  lists: ReadonlyMap<string, readonly string[]>,
  writers: ReadonlyMap<string, number>,
): readonly Edge[][] {
  const edges: Edge[][] = transactions.map(() => []);
  const add = (from: number | undefined, to: number | undefined, kind: Dependency, why: string) => {
    if (from !== undefined && to !== undefined && from !== to) edges[from]!.push({ to, kind, why });
  };
  for (const [key, elements] of lists)
    for (let i = 1; i < elements.length; i++)
      add(writers.get(elements[i - 1]!), writers.get(elements[i]!), "ww", `its element of ${key} stands before`);
  for (const [i, { reads, appended }] of transactions.entries())
    for (const { key, elements } of reads) {
      const end = lists.get(key) ?? [];
      const next = end[elements.length];
      if (elements.length > 0) add(writers.get(elements.at(-1)!), i, "wr", `what it appended to ${key} was read by`);
      if (next !== undefined && next !== appended) add(i, writers.get(next), "rw", `it read ${key} without what was appended by`);
    }
  addRealTime(transactions, add);
  return edges;
}

/** Who had been answered before another was called comes before it. Only the latest of those are linked: they stand for all before them. */
function addRealTime(transactions: readonly Transaction[], add: (from: number, to: number, kind: Dependency, why: string) => void): void {
  const moments = transactions.flatMap(({ calledAt, returnedAt }, i) => [
    { at: calledAt, i, isCall: true },
    ...(returnedAt === Number.POSITIVE_INFINITY ? [] : [{ at: returnedAt, i, isCall: false }]),
  ]);
  moments.sort((a, b) => a.at - b.at);
  const frontier = new Set<number>();
  for (const { i, isCall } of moments) {
    if (isCall) for (const before of frontier) add(before, i, "rt", "it had been answered before the call of");
    else {
      for (const before of frontier) if (transactions[before]!.returnedAt < transactions[i]!.calledAt) frontier.delete(before);
      frontier.add(i);
    }
  }
}
