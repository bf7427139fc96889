import type { HistoryEvent } from "../../history";

/** One log entry as the facts tell it: index, term, hash of its data. */
export type EntryFact = readonly [index: number, term: number, hash: number];

type Named = { readonly kind: string; readonly [field: string]: unknown };

/** The fields of a fact of that kind, or undefined; protocol/facts.ts says which fields it has. */
export function factOf<K extends string>(event: HistoryEvent, kind: K): Named | undefined {
  return event.type === "fact" && event.fact.kind === kind ? event.fact : undefined;
}

/** The entries of a raft.persisted or raft.committed fact. */
export function entriesOf(fact: Named): readonly EntryFact[] {
  return fact.entries as readonly EntryFact[];
}

/** Each member's log as it stands on its disk, rebuilt from what members recorded. */
export class DurableLogs {
  private readonly members = new Map<string, Map<number, EntryFact>>();
  /** Up to here a member's log was replaced by a snapshot. */
  private readonly snapshots = new Map<string, number>();

  see(event: HistoryEvent): void {
    if (event.type !== "fact") return;
    const { actor, fact } = event;
    switch (fact.kind) {
      case "raft.persisted": {
        const log = this.logOf(actor);
        const entries = entriesOf(fact);
        if (entries.length > 0) dropFrom(log, entries[0]![0]);
        for (const entry of entries) log.set(entry[0], entry);
        return;
      }
      case "raft.truncated":
        return dropFrom(this.logOf(actor), fact.fromIndex as number);
      case "raft.snapshot":
        if (fact.how === "installed") this.snapshots.set(actor, Math.max(this.snapshots.get(actor) ?? 0, fact.index as number));
    }
  }

  /** Whether the member holds that entry, itself or in a snapshot. */
  holds(member: string, [index, term, hash]: EntryFact): boolean {
    if (index <= (this.snapshots.get(member) ?? 0)) return true;
    const own = this.logOf(member).get(index);
    return own !== undefined && own[1] === term && own[2] === hash;
  }

  private logOf(member: string): Map<number, EntryFact> {
    let log = this.members.get(member);
    if (!log) this.members.set(member, (log = new Map()));
    return log;
  }
}

/** Indices are dense, so this stops at the first that is missing. */
function dropFrom(log: Map<number, EntryFact>, fromIndex: number): void {
  for (let index = fromIndex; log.delete(index); index++);
}
