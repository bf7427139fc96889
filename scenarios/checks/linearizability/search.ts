import { after, type Operation, type Value } from "./operation";

export interface SearchLimits {
  /** How many visited configurations are remembered. Forgetting costs time, never the right answer. */
  readonly rememberedMax: number;
  /** After so many attempts to place an operation the search gives up. */
  readonly attemptsMax: number;
}

export const searchLimits: SearchLimits = { rememberedMax: 1_000_000, attemptsMax: 50_000_000 };

type Refused = { readonly type: "refused"; readonly operation: Operation; readonly possible: readonly Value[] };

export type Verdict =
  /** `order`: the completed operations, and the unknown ones that were needed, in one order that explains every answer. */
  | { readonly type: "linearizable"; readonly order: readonly Operation[] }
  /** The history up to this operation's answer has no such order, and before it had: what the key could have held then. */
  | Refused
  /** The search gave up. */
  | { readonly type: "undecided"; readonly attempts: number };

const shownStatesMax = 20;

/**
 * Whether the operations on one key are linearizable: the search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with the memory of
 * visited configurations of Lowe ("Testing for linearizability", 2017). The operations need not be sorted; the memory used is bounded by the limits.
 */
export function search(operations: readonly Operation[], initial: Value = null, limits: SearchLimits = searchLimits): Verdict {
  const verdict = new Search(operations, initial, limits).run();
  return verdict.type === "refused" ? firstRefused(operations, initial, limits, verdict) : verdict;
}

/**
 * Where a search got stuck, answers that came later had a say: another that was under way could not have helped because of what it was answered in the end.
 * The first answer that is wrong is the one up to which there is no order although what is under way then may still come out in any way.
 */
function firstRefused(operations: readonly Operation[], initial: Value, limits: SearchLimits, stuck: Refused): Verdict {
  const ends = operations
    .map(({ returned }) => returned)
    .filter((end) => end >= stuck.operation.returned && end < Number.POSITIVE_INFINITY);
  for (const end of ends.sort((a, b) => a - b)) {
    const verdict = new Search(until(operations, end), initial, limits).run();
    if (verdict.type === "refused") return { ...verdict, operation: operations.find(({ returned }) => returned === end)! };
    if (verdict.type === "undecided") break;
  }
  return stuck;
}

/** The history as it was known at that moment. */
function until(operations: readonly Operation[], end: number): readonly Operation[] {
  return operations
    .filter(({ called }) => called < end)
    .map((one) => (one.returned <= end ? one : { ...one, returned: Number.POSITIVE_INFINITY, outcome: { type: "unknown" } }));
}

/** How the search came to where it is: what was placed last, and what held before. */
interface Step {
  readonly op: number;
  readonly state: Value;
  readonly frontier: number;
  readonly chainFrom: Value | undefined;
}

class Search {
  private readonly ops: readonly Operation[];
  private readonly events: EventList;
  private readonly remembered: Remembered;
  /** Operations without an answer that some answer may bear witness of, in the order of their calls. */
  private readonly unknown: readonly number[];
  /** Of each of them the one before it that does the same, so that it need only be tried once that one has a place; -1 where there is none. */
  private readonly alike: ReadonlyMap<number, number>;
  private readonly placedUnknown = new Set<number>();
  private readonly steps: Step[] = [];
  private state: Value;
  /** One more than the highest number of a placed completed operation. */
  private frontier = 0;
  /**
   * The state before the unknown operations that were placed last, undefined after a completed one. An unknown operation only needs a place directly
   * before an answer that would not fit without it: after any answer a register holds what that answer says, however it came to be.
   */
  private chainFrom: Value | undefined = undefined;
  private left: number;
  private furthest = -1;
  private readonly possible = new Set<Value>();

  constructor(
    operations: readonly Operation[],
    initial: Value,
    private readonly limits: SearchLimits,
  ) {
    this.ops = [...operations].sort((a, b) => a.called - b.called);
    this.state = initial;
    this.events = new EventList(this.ops);
    this.remembered = new Remembered(limits.rememberedMax);
    const { unknown, alike } = witnessed(this.ops);
    this.unknown = unknown;
    this.alike = alike;
    this.left = this.ops.reduce((sum, { outcome }) => sum + (outcome.type === "unknown" ? 0 : 1), 0);
  }

  run(): Verdict {
    /** Where to look next: an event of the completed operations or, below zero, the place ~at among the unknown ones. */
    let at = this.events.first();
    for (let attempts = 0; this.left > 0; attempts++) {
      if (attempts >= this.limits.attemptsMax) return { type: "undecided", attempts };
      const op = this.candidate(at);
      if (op === undefined) {
        this.noteStuck();
        const step = this.steps.pop();
        if (!step) return { type: "refused", operation: this.ops[this.furthest]!, possible: [...this.possible] };
        at = this.undo(step);
      } else if (op >= 0 && this.place(op)) at = this.events.first();
      else at = this.following(at);
    }
    return { type: "linearizable", order: this.steps.map(({ op }) => this.ops[op]!) };
  }

  /** The operation at that place, -1 where there is none but a later place may have one, undefined where all have been tried. */
  private candidate(at: number): number | undefined {
    if (at >= 0) return this.events.isReturn(at) ? -1 : this.events.opOf(at);
    const op = this.unknown[~at];
    // What was called after the first answer that is still open cannot come before it.
    if (op === undefined || this.ops[op]!.called > this.ops[this.events.firstReturned()]!.returned) return undefined;
    const twin = this.alike.get(op) ?? -1;
    return this.placedUnknown.has(op) || (twin >= 0 && !this.placedUnknown.has(twin)) ? -1 : op;
  }

  /** Completed operations up to the first answer, then the unknown ones. */
  private following(at: number): number {
    if (at < 0) return at - 1;
    return this.events.isReturn(at) ? ~0 : this.events.next(at);
  }

  private place(op: number): boolean {
    const operation = this.ops[op]!;
    const state = after(this.state, operation);
    if (state === undefined) return false;
    const unknown = operation.outcome.type === "unknown";
    if (unknown ? state === this.state : this.chainFrom !== undefined && after(this.chainFrom, operation) !== undefined) return false;
    const step: Step = { op, state: this.state, frontier: this.frontier, chainFrom: this.chainFrom };
    this.chainFrom = unknown ? (this.chainFrom === undefined ? this.state : this.chainFrom) : undefined;
    this.state = state;
    if (unknown) this.placedUnknown.add(op);
    else {
      this.events.lift(op);
      this.left--;
      if (op >= this.frontier) this.frontier = op + 1;
    }
    this.steps.push(step);
    if (this.remembered.isNew(this.configuration())) return true;
    this.steps.pop();
    this.undo(step);
    return false;
  }

  /** Takes the operation back; answers with the place that comes after it. */
  private undo({ op, state, frontier, chainFrom }: Step): number {
    this.state = state;
    this.frontier = frontier;
    this.chainFrom = chainFrom;
    if (this.placedUnknown.delete(op)) return ~(this.unknown.indexOf(op) + 1);
    this.events.unlift(op);
    this.left++;
    return this.events.next(this.events.callOf(op));
  }

  /** What has been placed and what holds now. Of the completed operations only those before the frontier that are still open need naming. */
  private configuration(): string {
    const parts: (string | number)[] = [this.state === null ? "-" : `=${this.state}`, this.frontier];
    if (this.chainFrom !== undefined) parts.push(this.chainFrom === null ? "<-" : `<=${this.chainFrom}`);
    for (let at = this.events.first(); at >= 0 && !this.events.isReturn(at); at = this.events.next(at))
      if (this.events.opOf(at) < this.frontier) parts.push(this.events.opOf(at));
    if (this.placedUnknown.size > 0) parts.push("?", ...[...this.placedUnknown].sort((a, b) => a - b));
    return parts.join(" ");
  }

  private noteStuck(): void {
    const op = this.events.firstReturned();
    const furthest = this.ops[this.furthest]?.returned ?? -1;
    const { returned } = this.ops[op]!;
    if (returned < furthest) return;
    if (returned > furthest) this.possible.clear();
    this.furthest = op;
    if (this.possible.size < shownStatesMax) this.possible.add(this.state);
  }
}

/** The calls and answers of the completed operations that have no place yet, in their order: a list from which operations are lifted and put back. */
class EventList {
  private readonly after: Int32Array;
  private readonly before: Int32Array;
  private readonly head: number;

  constructor(private readonly ops: readonly Operation[]) {
    this.head = 2 * ops.length;
    const events: number[] = [];
    for (const [op, { outcome }] of ops.entries()) if (outcome.type !== "unknown") events.push(2 * op, 2 * op + 1);
    events.sort((a, b) => this.placeOf(a) - this.placeOf(b));
    this.after = new Int32Array(this.head + 1).fill(-1);
    this.before = new Int32Array(this.head + 1).fill(-1);
    let last = this.head;
    for (const event of events) {
      this.after[last] = event;
      this.before[event] = last;
      last = event;
    }
  }

  /** The first event, -1 where none is left. */
  first(): number {
    return this.after[this.head]!;
  }

  next(event: number): number {
    return this.after[event]!;
  }

  isReturn(event: number): boolean {
    return event % 2 === 1;
  }

  opOf(event: number): number {
    return event >> 1;
  }

  callOf(op: number): number {
    return 2 * op;
  }

  /** The operation whose answer comes first. */
  firstReturned(): number {
    let event = this.first();
    while (!this.isReturn(event)) event = this.next(event);
    return this.opOf(event);
  }

  lift(op: number): void {
    for (const event of [2 * op, 2 * op + 1]) {
      const [before, after] = [this.before[event]!, this.after[event]!];
      this.after[before] = after;
      if (after >= 0) this.before[after] = before;
    }
  }

  /** Undoes the latest lift that is not undone. */
  unlift(op: number): void {
    for (const event of [2 * op + 1, 2 * op]) {
      const [before, after] = [this.before[event]!, this.after[event]!];
      this.after[before] = event;
      if (after >= 0) this.before[after] = event;
    }
  }

  private placeOf(event: number): number {
    const { called, returned } = this.ops[event >> 1]!;
    return this.isReturn(event) ? returned : called;
  }
}

/** Configurations that were visited: two generations, of which the older is forgotten when the younger is full. */
class Remembered {
  private young = new Set<string>();
  private old = new Set<string>();

  constructor(private readonly max: number) {}

  isNew(configuration: string): boolean {
    if (this.young.has(configuration) || this.old.has(configuration)) return false;
    if (this.young.size >= this.max / 2) {
      this.old = this.young;
      this.young = new Set();
    }
    this.young.add(configuration);
    return true;
  }
}

/**
 * The unknown operations whose effect some answer could show: a value that nobody saw explains no more than that there was one. Those among them that leave
 * the same for all that anybody saw are interchangeable, and none of them ever ends, so they are used in the order of their calls.
 */
function witnessed(ops: readonly Operation[]): { readonly unknown: readonly number[]; readonly alike: ReadonlyMap<number, number> } {
  const seen = new Set<Value>();
  let sawAnything = false;
  for (const { request, outcome } of ops) {
    if (outcome.type === "got" || outcome.type === "kept") seen.add(outcome.value);
    if (request.type === "swap" && (outcome.type === "swapped" || outcome.type === "unknown")) seen.add(request.expected);
    if (outcome.type === "deleted") outcome.existed ? (sawAnything = true) : seen.add(null);
  }
  const last = { delete: -1, unseen: -1 };
  const alike = new Map<number, number>();
  const unknown = ops.flatMap(({ request, outcome }, op) => {
    if (outcome.type !== "unknown" || request.type === "get") return [];
    const leaves = request.type === "delete" ? null : request.value;
    if (!seen.has(leaves) && (!sawAnything || leaves === null)) return [];
    const kind = request.type === "delete" ? "delete" : request.type === "put" && !seen.has(leaves) ? "unseen" : undefined;
    if (kind) {
      alike.set(op, last[kind]);
      last[kind] = op;
    }
    return [op];
  });
  return { unknown, alike };
}
