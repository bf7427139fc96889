import { described, type Operation, shown } from "./operation";
import { type SearchLimits, search, searchLimits } from "./search";

export interface HistoryVerdict {
  readonly keys: number;
  readonly operations: number;
  /** What is wrong, for people; undefined where the history is linearizable. */
  readonly violation: string | undefined;
  /** Keys on which the search gave up. */
  readonly undecided: readonly string[];
}

/**
 * Whether a recorded history is linearizable. Linearizability is local (Herlihy and Wing, 1990, theorem 1): a history is linearizable if that of each
 * key is, so each is searched by itself. Of several violations the one that shows first is told.
 */
export function checkHistory(operations: Iterable<Operation>, limits: SearchLimits = searchLimits): HistoryVerdict {
  const byKey = new Map<string, Operation[]>();
  let count = 0;
  for (const operation of operations) {
    count++;
    const own = byKey.get(operation.key);
    if (own) own.push(operation);
    else byKey.set(operation.key, [operation]);
  }
  let firstReturned = Number.POSITIVE_INFINITY;
  let violation: string | undefined;
  const undecided: string[] = [];
  for (const [key, own] of byKey) {
    const verdict = search(own, null, limits);
    if (verdict.type === "undecided") undecided.push(key);
    if (verdict.type !== "refused" || verdict.operation.returned >= firstReturned) continue;
    firstReturned = verdict.operation.returned;
    const possible = verdict.possible.map(shown);
    violation = `${described(verdict.operation)} fits nowhere: when it was answered ${key} could hold ${possible.join(" or ")}`;
  }
  return { keys: byKey.size, operations: count, violation, undecided };
}
