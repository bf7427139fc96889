import type { HistoryEvent } from "../history";
import type { Check } from "./check";
import { type Answered, CommitOrder } from "./linearizability/commit-order";
import { checkHistory } from "./linearizability/history";
import type { Operation, Outcome, Request, Value } from "./linearizability/operation";
import { known } from "./watch/told";

type Called = NonNullable<ReturnType<typeof known<"register.called">>>;
type Returned = NonNullable<ReturnType<typeof known<"register.returned">>>;

/** So many operations are kept for the search, which needs no ground truth; beyond that the commit order alone judges. */
const searchedMax = 20_000;

/** Linearizability of the registers workload: against the commit order as it happens, and in the end by search, from the answers alone. */
export const linearizability: Check = {
  name: "linearizability",
  claim:
    "All operations on etcd's keys but serializable reads take effect at once, somewhere between call and answer: some one order explains every answer.",
  source: "etcd documentation, KV API guarantees (linearizability, atomicity); Herlihy and Wing, 1990",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const order = new CommitOrder();
    const recorded = new Recorded();
    const open = new Map<string, { readonly called: Called; readonly actor: string }>();
    const keys = new Set<string>();
    const revision = new Revision();
    let answers = 0;
    let unknown = 0;
    return {
      see(event) {
        const whole = revision.see(event);
        const wrong = whole && order.committed(whole.revision, new Map([...whole.changes].filter(([key]) => keys.has(key))));
        if (wrong !== undefined) return wrong;
        const called = known(event, "register.called");
        if (called && !called.serializable && event.type === "fact") {
          for (const key of called.keys) keys.add(key);
          open.set(called.call, { called, actor: event.actor });
          order.called({ name: called.call, type: called.request, keys: called.keys, value: called.value, expected: called.expected });
          recorded.called(called);
        }
        if (event.type === "life" && !event.alive)
          for (const [call, { actor }] of open) {
            if (actor !== event.actor) continue;
            open.delete(call);
            order.returned(call, { type: "unknown" });
          }
        const returned = known(event, "register.returned");
        if (!returned || !open.delete(returned.call)) return undefined;
        if (returned.outcome === "done") answers++;
        else if (returned.outcome === "unknown") unknown++;
        recorded.returned(returned);
        return order.returned(returned.call, answerOf(returned));
      },
      end() {
        const { violation, undecided, operations } = checkHistory(recorded.operations());
        const doubt = undecided.length > 0 ? `; the search gave up on ${undecided.join(", ")}` : "";
        const detail = `${answers} answers right and ${unknown} unknown against the commit order; ${operations} operations searched${doubt}`;
        return violation === undefined ? { detail, reached: answers } : { violation, detail, reached: answers };
      },
    };
  },
};

function answerOf({ outcome, revision, value, changed }: Returned): Answered {
  return outcome === "done" ? { type: "done", revision, value, changed } : { type: outcome };
}

/** Puts the changes of one revision together, which are told one after the other. */
class Revision {
  private revision = 1;
  private changes = new Map<string, Value>();

  /** The revision that is whole now, if one has become so. */
  see(event: HistoryEvent): { readonly revision: number; readonly changes: ReadonlyMap<string, Value> } | undefined {
    const same = event.type === "store" && event.revision === this.revision;
    // An API object's change is told with the store's.
    const whole =
      !same && event.type !== "object" && this.changes.size > 0 ? { revision: this.revision, changes: this.changes } : undefined;
    if (whole) this.changes = new Map();
    if (event.type === "store") {
      this.revision = event.revision;
      this.changes.set(event.key, event.value ?? null);
    }
    return whole;
  }
}

/** The history as the clients saw it. */
class Recorded {
  private readonly calls = new Map<string, { readonly called: Called; readonly at: number }>();
  private readonly done: Operation[] = [];
  private moment = 0;
  private full = false;

  called(called: Called): void {
    // What is called later cannot explain an answer before it, so a history may be cut off here.
    this.full ||= this.done.length >= searchedMax;
    if (!this.full) this.calls.set(called.call, { called, at: ++this.moment });
  }

  returned({ call, outcome, value, changed }: Returned): void {
    const open = this.calls.get(call);
    if (!open || outcome === "unknown") return;
    this.calls.delete(call);
    if (outcome === "done") this.add(open.called, open.at, ++this.moment, outcomeOf(open.called.request, value, changed));
  }

  operations(): readonly Operation[] {
    for (const { called, at } of this.calls.values()) this.add(called, at, Number.POSITIVE_INFINITY, { type: "unknown" });
    this.calls.clear();
    return this.done;
  }

  private add(called: Called, at: number, returned: number, outcome: Outcome): void {
    for (const key of called.keys) this.done.push({ name: called.call, key, called: at, returned, request: requestOf(called), outcome });
  }
}

function requestOf({ request, value, expected }: Called): Request {
  switch (request) {
    case "put":
      return { type: "put", value: value! };
    case "swap":
      return { type: "swap", expected, value: value! };
    default:
      return { type: request };
  }
}

function outcomeOf(request: Called["request"], value: Value, changed: boolean): Outcome {
  switch (request) {
    case "get":
      return { type: "got", value };
    case "put":
      return { type: "done" };
    case "delete":
      return { type: "deleted", existed: changed };
    case "swap":
      return changed ? { type: "swapped" } : { type: "kept", value };
  }
}
