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

/** Why one must come before the other. */
interface Edge {
  readonly to: number;
  readonly why: string;
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
): string | undefined {
  const writers = new Map<string, number>();
  for (const [i, { appended }] of transactions.entries()) if (appended !== "") writers.set(appended, i);
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
  return cycleIn(transactions, edgesOf(transactions, lists, writers));
}

function edgesOf(
  transactions: readonly Transaction[],
  lists: ReadonlyMap<string, readonly string[]>,
  writers: ReadonlyMap<string, number>,
): readonly Edge[][] {
  const edges: Edge[][] = transactions.map(() => []);
  const add = (from: number | undefined, to: number | undefined, why: string) => {
    if (from !== undefined && to !== undefined && from !== to) edges[from]!.push({ to, why });
  };
  for (const [key, elements] of lists)
    for (let i = 1; i < elements.length; i++)
      add(writers.get(elements[i - 1]!), writers.get(elements[i]!), `its element of ${key} stands before`);
  for (const [i, { reads, appended }] of transactions.entries())
    for (const { key, elements } of reads) {
      const end = lists.get(key) ?? [];
      const next = end[elements.length];
      if (elements.length > 0) add(writers.get(elements.at(-1)!), i, `what it appended to ${key} was read by`);
      if (next !== undefined && next !== appended) add(i, writers.get(next), `it read ${key} without what was appended by`);
    }
  addRealTime(transactions, add);
  return edges;
}

/** Who had been answered before another was called comes before it. Only the latest of those are linked: they stand for all before them. */
function addRealTime(transactions: readonly Transaction[], add: (from: number, to: number, why: string) => void): void {
  const moments = transactions.flatMap(({ calledAt, returnedAt }, i) => [
    { at: calledAt, i, isCall: true },
    ...(returnedAt === Number.POSITIVE_INFINITY ? [] : [{ at: returnedAt, i, isCall: false }]),
  ]);
  moments.sort((a, b) => a.at - b.at);
  const frontier = new Set<number>();
  for (const { i, isCall } of moments) {
    if (isCall) for (const before of frontier) add(before, i, "it had been answered before the call of");
    else {
      for (const before of frontier) if (transactions[before]!.returnedAt < transactions[i]!.calledAt) frontier.delete(before);
      frontier.add(i);
    }
  }
}

/** A cycle among transactions in words, or undefined where there is none: a depth-first search that needs no stack of calls. */
function cycleIn(transactions: readonly Transaction[], edges: readonly (readonly Edge[])[]): string | undefined {
  const state = new Uint8Array(transactions.length);
  for (let root = 0; root < transactions.length; root++) {
    if (state[root] !== 0) continue;
    const path: { readonly node: number; next: number }[] = [{ node: root, next: 0 }];
    state[root] = 1;
    while (path.length > 0) {
      const top = path.at(-1)!;
      const edge = edges[top.node]![top.next++];
      if (!edge) {
        state[top.node] = 2;
        path.pop();
      } else if (state[edge.to] === 0) {
        state[edge.to] = 1;
        path.push({ node: edge.to, next: 0 });
      } else if (state[edge.to] === 1) return described(transactions, edges, path, edge.to);
    }
  }
  return undefined;
}

function described(
  transactions: readonly Transaction[],
  edges: readonly (readonly Edge[])[],
  path: readonly { readonly node: number; readonly next: number }[],
  from: number,
): string {
  const cycle = path.slice(path.findIndex(({ node }) => node === from));
  const steps = cycle.map(({ node, next }) => `${transactions[node]!.call}: ${edges[node]![next - 1]!.why}`);
  return `no order explains these: ${steps.join(" ")} ${transactions[from]!.call}`.replace(/ (\S+): /g, " $1: ");
}
