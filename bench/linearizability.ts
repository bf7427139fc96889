import { type Answered, type Asked, CommitOrder } from "../scenarios/checks/linearizability/commit-order";
import { checkHistory } from "../scenarios/checks/linearizability/history";
import { after, type Operation, type Outcome, type Request, type Value } from "../scenarios/checks/linearizability/operation";

export interface LinearizabilityFigures {
  readonly operationsPerSecond: number;
  /** The most calls, open writes and versions that were kept at once. */
  readonly keptMost: number;
  /** What the heap had grown by at the end, in bytes, after a collection where one can be asked for. */
  readonly heapGrowthBytes: number;
}

/** Checks that many operations of sixteen concurrent clients on a hundred keys against the commit order, as they are made up. */
export function commitOrderFigures(operations: number): LinearizabilityFigures {
  const order = new CommitOrder();
  const before = heapBytes();
  const started = performance.now();
  let keptMost = 0;
  eachOperation(operations, ({ type, operation }, answer) => {
    if (type === "call") order.called(askedOf(operation));
    else {
      const wrong = type === "return" ? order.returned(operation.name, answer!) : order.committed(answer!.revision, answer!.changes);
      if (wrong !== undefined) throw new Error(wrong);
      keptMost = Math.max(keptMost, order.size);
    }
  });
  const seconds = (performance.now() - started) / 1000;
  return { operationsPerSecond: operations / seconds, keptMost, heapGrowthBytes: heapBytes() - before };
}

/** Searches a history of that many operations for a linearization, from the answers alone, in operations per second. */
export function searchFigure(operations: number): number {
  const history: Operation[] = [];
  eachOperation(operations, ({ type, operation }) => {
    if (type === "return") history.push(operation);
  });
  const started = performance.now();
  const { violation, undecided } = checkHistory(history);
  if (violation !== undefined || undecided.length > 0) throw new Error(violation ?? "the search gave up");
  return operations / ((performance.now() - started) / 1000);
}

type Done = Extract<Answered, { readonly type: "done" }> & { readonly changes: ReadonlyMap<string, Value> };
type Moment = { readonly type: "call" | "commit" | "return"; readonly operation: Operation };

const clients = 16;
const keys = 100;

/** Makes up a history: each client's operation is called, takes effect and is answered while those of the others go on. */
function eachOperation(operations: number, tell: (moment: Moment, answer?: Done) => void): void {
  const held = new Map<string, Value>();
  const open: ({ operation: Operation; answer?: Done } | undefined)[] = Array.from({ length: clients });
  let [revision, moment, random] = [1, 0, 12_345];
  const draw = (bound: number) => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return (random >>> 8) % bound;
  };
  for (let made = 0, done = 0; done < operations; ) {
    const client = draw(clients);
    const own = open[client];
    if (!own) {
      if (made >= operations) continue;
      const key = `k${draw(keys)}`;
      const request = requestOf(draw(4), `v${made}`, held.get(key) ?? null);
      const operation: Operation = { name: `#${made++}`, key, called: ++moment, returned: 0, request, outcome: { type: "unknown" } };
      open[client] = { operation };
      tell({ type: "call", operation });
    } else if (!own.answer) {
      const { operation } = own;
      const { key, request } = operation;
      const before = held.get(key) ?? null;
      const now = after(before, { request, outcome: { type: "unknown" } })!;
      const changed = request.type === "put" || (request.type !== "get" && now !== before);
      if (changed) revision++;
      held.set(key, now);
      own.answer = { type: "done", revision, value: before, changed, changes: new Map([[key, now]]) };
      own.operation = { ...operation, outcome: outcomeOf(request, before) };
      if (changed) tell({ type: "commit", operation: own.operation }, own.answer);
    } else {
      tell({ type: "return", operation: { ...own.operation, returned: ++moment } }, own.answer);
      open[client] = undefined;
      done++;
    }
  }
}

function requestOf(kind: number, value: string, held: Value): Request {
  if (kind === 0) return { type: "get" };
  if (kind === 1) return { type: "put", value };
  return kind === 2 ? { type: "delete" } : { type: "swap", expected: held, value };
}

function outcomeOf(request: Request, before: Value): Outcome {
  switch (request.type) {
    case "get":
      return { type: "got", value: before };
    case "put":
      return { type: "done" };
    case "delete":
      return { type: "deleted", existed: before !== null };
    case "swap":
      return before === request.expected ? { type: "swapped" } : { type: "kept", value: before };
  }
}

function askedOf({ name, key, request }: Operation): Asked {
  const value = request.type === "put" || request.type === "swap" ? request.value : null;
  return { name, type: request.type, keys: [key], value, expected: request.type === "swap" ? request.expected : null };
}

function heapBytes(): number {
  (globalThis as { readonly gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}
