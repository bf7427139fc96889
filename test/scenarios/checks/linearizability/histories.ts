import fc from "fast-check";
import { after, type Operation, type Request, type Value } from "../../../../scenarios/checks/linearizability/operation";

/** What one operation of a generated history does, and how far its call and its answer lie from the moment at which it takes effect. */
export interface Drawn {
  readonly kind: "get" | "put" | "delete" | "swap" | "wrongSwap";
  readonly key: number;
  readonly early: number;
  readonly late: number;
  /** The answer gets lost. */
  readonly lost: boolean;
  /** A lost request that never arrived either. */
  readonly neverHappened: boolean;
}

export const drawn: fc.Arbitrary<Drawn> = fc.record({
  kind: fc.constantFrom("get" as const, "get" as const, "put" as const, "delete" as const, "swap" as const, "wrongSwap" as const),
  key: fc.nat(2),
  early: fc.integer({ min: 1, max: 60 }),
  late: fc.integer({ min: 1, max: 60 }),
  lost: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  neverHappened: fc.boolean(),
});

/**
 * A linearizable history: operations take effect one after the other, ten ticks apart, and each is called before and answered after its moment, so that
 * they overlap at random. Values are unique.
 */
export function historyOf(draws: readonly Drawn[]): Operation[] {
  const state = new Map<string, Value>();
  return draws.map(({ kind, key: k, early, late, lost, neverHappened }, i): Operation => {
    const key = `k${k}`;
    const held = state.get(key) ?? null;
    const request = requestOf(kind, held, i);
    const moment = i * 10;
    // A hundredth of the number keeps calls and answers apart.
    const [called, returned] = [moment - early + i / 1000, moment + late + i / 1000 + 0.0005];
    const common = { name: `#${i}`, key, called, request };
    if (!(lost && neverHappened)) state.set(key, after(held, { request, outcome: { type: "unknown" } })!);
    if (lost) return { ...common, returned: Number.POSITIVE_INFINITY, outcome: { type: "unknown" } };
    return { ...common, returned, outcome: outcomeOf(request, held) };
  });
}

function requestOf(kind: Drawn["kind"], held: Value, i: number): Request {
  switch (kind) {
    case "get":
      return { type: "get" };
    case "delete":
      return { type: "delete" };
    case "put":
      return { type: "put", value: `v${i}` };
    case "swap":
      return { type: "swap", expected: held, value: `v${i}` };
    case "wrongSwap":
      return { type: "swap", expected: "never written", value: `v${i}` };
  }
}

function outcomeOf(request: Request, held: Value): Operation["outcome"] {
  switch (request.type) {
    case "get":
      return { type: "got", value: held };
    case "put":
      return { type: "done" };
    case "delete":
      return { type: "deleted", existed: held !== null };
    case "swap":
      return held === request.expected ? { type: "swapped" } : { type: "kept", value: held };
  }
}

/** The definition itself, for a handful of operations on one key: some order in which each answer fits and nothing comes after what was called after it. */
export function hasOrder(operations: readonly Operation[], state: Value = null): boolean {
  if (operations.every(({ outcome }) => outcome.type === "unknown")) return true;
  const firstReturned = Math.min(...operations.map(({ returned }) => returned));
  return operations.some((operation) => {
    if (operation.called > firstReturned) return false;
    const next = after(state, operation);
    return (
      next !== undefined &&
      hasOrder(
        operations.filter((other) => other !== operation),
        next,
      )
    );
  });
}
