import type { KnownFact } from "../../../protocol/facts";
import type { HistoryEvent } from "../../history";
import { known } from "../watch/told";

export type Called = Extract<KnownFact, { readonly kind: "txn.called" }>;
export type Returned = Extract<KnownFact, { readonly kind: "txn.returned" }>;

/** A call that has been answered, with where in the order of all calls and answers it was called and answered. */
export interface Answered {
  readonly called: Called;
  readonly returned: Returned;
  readonly calledAt: number;
  readonly returnedAt: number;
}

/** Follows the calls of one workload. */
export class Calls {
  /** Calls that have not been answered; those of a client that died never will be. */
  readonly open = new Map<string, { readonly called: Called; readonly at: number }>();
  private moment = 0;

  constructor(private readonly workload: Called["workload"]) {}

  /** Answers with the call that begins with this event, if one does. */
  begun(event: HistoryEvent): Called | undefined {
    const called = known(event, "txn.called");
    if (called?.workload !== this.workload) return undefined;
    this.open.set(called.call, { called, at: ++this.moment });
    return called;
  }

  /** Answers with the call that this event answers, if it does. */
  answered(event: HistoryEvent): Answered | undefined {
    const returned = known(event, "txn.returned");
    const open = returned && this.open.get(returned.call);
    if (!returned || !open) return undefined;
    this.open.delete(returned.call);
    return { called: open.called, returned, calledAt: open.at, returnedAt: ++this.moment };
  }
}
