import type { Fact } from "../../runtime/actor";
import type { HistoryEvent } from "../history";

/** One operation of a client on a store, as it saw it. */
export interface ClientOperation {
  readonly call: string;
  /** Who asked, one thing after the other: "client/registers-0.3". */
  readonly client: string;
  readonly keys: readonly string[];
  readonly text: string;
  readonly calledUs: number;
  /** -1 while there is no answer. */
  readonly returnedUs: number;
  readonly outcome: string;
}

/** A change of a key as it was committed: the truth beside what clients saw. */
export interface Commit {
  readonly atUs: number;
  readonly revision: number;
  readonly key: string;
  readonly value: string | null;
}

/** How workloads name their calls; values that they write are such names too. */
const callName = /\bclient\/[^\s:,;]+#\d+/g;

/** The calls that a text names, in order. */
export function callsIn(text: string): readonly string[] {
  return [...new Set(text.match(callName) ?? [])];
}

/**
 * The operations that workloads tell of by pairs of facts, "….called" and "….returned" with the same `call`, and what was committed of their keys.
 * Bounded: of a long run the last are kept.
 */
export class OperationLog {
  private readonly open = new Map<string, ClientOperation>();
  private done: ClientOperation[] = [];
  private committed: Commit[] = [];

  constructor(private readonly keptMax: number) {}

  see(event: HistoryEvent): void {
    if (event.type === "store" && event.value !== undefined) {
      const { atUs, revision, key, value } = event;
      this.committed.push({ atUs, revision, key, value });
      if (this.committed.length > 2 * this.keptMax) this.committed = this.committed.slice(-this.keptMax);
    }
    if (event.type !== "fact" || typeof event.fact.call !== "string") return;
    const { fact, atUs } = event;
    const call = String(fact.call);
    if (fact.kind.endsWith(".called")) this.open.set(call, calledOf(call, fact, atUs));
    else if (fact.kind.endsWith(".returned")) {
      const open = this.open.get(call);
      if (!open) return;
      this.open.delete(call);
      this.done.push({ ...open, returnedUs: atUs, outcome: outcomeOf(open, fact) });
      if (this.done.length > 2 * this.keptMax) this.done = this.done.slice(-this.keptMax);
    }
  }

  /** When a call was answered; undefined where it is not known. */
  returnedUs(call: string): number | undefined {
    return this.done.findLast((one) => one.call === call)?.returnedUs;
  }

  all(): { readonly operations: readonly ClientOperation[]; readonly commits: readonly Commit[] } {
    return { operations: [...this.done, ...this.open.values()], commits: this.committed };
  }
}

function calledOf(call: string, fact: Fact, calledUs: number): ClientOperation {
  const { request, keys, key, value, expected, serializable } = fact;
  const own = Array.isArray(keys) ? keys.map(String) : key === undefined ? [] : [String(key)];
  const parts = [String(request ?? fact.kind.slice(0, -".called".length)), ...own];
  if (request === "swap") parts.push(`${shown(expected)} for ${shown(value)}`);
  else if (value !== undefined && value !== null) parts.push(shown(value));
  if (serializable === true) parts.push("(serializable)");
  return { call, client: call.replace(/\/\d+#\d+$/, ""), keys: own, text: parts.join(" "), calledUs, returnedUs: -1, outcome: "" };
}

function outcomeOf({ text }: ClientOperation, { outcome, value, changed, revision, detail }: Fact): string {
  if (outcome !== "done") return `${String(outcome)}${detail ? `: ${String(detail)}` : ""}`;
  const at = typeof revision === "number" && revision > 0 ? ` at revision ${revision}` : "";
  if (text.startsWith("get")) return `${shown(value)}${at}`;
  if (text.startsWith("swap") || text.startsWith("delete"))
    return `${changed === true ? "done" : `not done${value === undefined || text.startsWith("delete") ? "" : `, it held ${shown(value)}`}`}${at}`;
  return `done${at}`;
}

/** A value that is a call's name, shortened to what tells it from others. */
function shown(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return String(value).replace(/^client\//, "");
}
