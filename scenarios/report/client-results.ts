import { isSuccess } from "../checks/service-availability";
import type { HistoryEvent } from "../history";

/** What became of one request of a client. */
export interface ClientResult {
  /** The Service that was asked, or the workload that asked a store. */
  readonly service: string;
  readonly ok: boolean;
  readonly latencyUs: number;
}

/** Reads requests' results off the history: facts "load.result" of requests to Services, and pairs "….called", "….returned" of clients of a store. */
export class ClientResults {
  private readonly calledUs = new Map<string, number>();

  see(event: HistoryEvent): ClientResult | undefined {
    if (event.type !== "fact") return undefined;
    const { fact, atUs, actor } = event;
    if (fact.kind === "load.result")
      return { service: String(fact.service), ok: isSuccess(fact.outcome, fact.code), latencyUs: fact.latencyUs as number };
    if (typeof fact.call !== "string") return undefined;
    const call = String(fact.call);
    if (fact.kind.endsWith(".called")) this.calledUs.set(call, atUs);
    const calledUs = this.calledUs.get(call);
    if (!fact.kind.endsWith(".returned") || calledUs === undefined) return undefined;
    this.calledUs.delete(call);
    return { service: actor, ok: fact.outcome === "done", latencyUs: atUs - calledUs };
  }
}
