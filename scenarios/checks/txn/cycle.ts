/**
 * Why one transaction comes before another: it wrote what stands before the other's (ww), wrote what the other read (wr), read what was before the other's write
 * (rw, an anti-dependency), or had been answered before the other was asked for (rt).
 */
export type Dependency = "ww" | "wr" | "rw" | "rt";

export interface Edge {
  readonly to: number;
  readonly kind: Dependency;
  readonly why: string;
}

/** One transaction of a cycle, and why it comes before the next one, or the last before the first. */
export interface CycleStep {
  readonly call: string;
  /** What it read and wrote. */
  readonly did: string;
  readonly kind: Dependency;
  readonly why: string;
}

/** A proof that no order explains what was read: each of these has to come before the next, and the last before the first. */
export interface Cycle {
  /** The anomaly in the terms of Adya and Elle: G0, G1c, G-single, G2, with "-realtime" where only the order of real time closes it. */
  readonly name: string;
  readonly steps: readonly CycleStep[];
}

/** A shortest cycle through transactions that any cycle goes through, as the places of those in it; undefined where there is none. */
export function cycleIn(edges: readonly (readonly Edge[])[]): readonly number[] | undefined {
  const some = someCycle(edges);
  if (!some) return undefined;
  return some.map((from) => shortestFrom(from, edges)).reduce((best, one) => (one.length < best.length ? one : best), some);
}

/** The edge of a cycle from one place to the next; where there are several, one that says most: what was read or written rather than when. */
export function edgeBetween(edges: readonly (readonly Edge[])[], from: number, to: number): Edge {
  const order: readonly Dependency[] = ["ww", "wr", "rw", "rt"];
  return edges[from]!.filter((edge) => edge.to === to).sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))[0]!;
}

/** What a cycle is called (Adya, "Weak Consistency", 1999; Kingsbury and Alvaro, "Elle", 2020). */
export function anomalyName(kinds: readonly Dependency[]): string {
  const anti = kinds.filter((kind) => kind === "rw").length;
  const name = anti > 1 ? "G2" : anti === 1 ? "G-single" : kinds.includes("wr") ? "G1c" : "G0";
  return kinds.includes("rt") ? `${name}-realtime` : name;
}

/** Any cycle: a depth-first search that needs no stack of calls. */
function someCycle(edges: readonly (readonly Edge[])[]): readonly number[] | undefined {
  const state = new Uint8Array(edges.length);
  for (let root = 0; root < edges.length; root++) {
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
      } else if (state[edge.to] === 1) {
        const nodes = path.map(({ node }) => node);
        return nodes.slice(nodes.indexOf(edge.to));
      }
    }
  }
  return undefined;
}

/** A shortest way from a place on a cycle back to it, breadth first. */
function shortestFrom(from: number, edges: readonly (readonly Edge[])[]): readonly number[] {
  const cameFrom = new Map<number, number>();
  const queue = [from];
  for (const node of queue)
    for (const { to } of edges[node]!) {
      if (to === from) {
        const way = [node];
        while (way[0] !== from) way.unshift(cameFrom.get(way[0]!)!);
        return way;
      }
      if (cameFrom.has(to)) continue;
      cameFrom.set(to, node);
      queue.push(to);
    }
  throw new Error("a cycle that leads nowhere");
}
