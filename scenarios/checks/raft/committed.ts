import type { Check } from "../check";
import { DurableLogs, type EntryFact, entriesOf, factOf } from "./history";

/** What is committed stays: no other entry is ever committed in its place, no member drops it, and every later leader holds it. */
export const raftCommitted: Check = {
  name: "raft-committed",
  claim: "A committed entry is never replaced, never truncated, and held by every leader of a later term.",
  source: "Raft (extended version), figure 3, Leader Completeness and State Machine Safety; sections 5.4 and 5.4.3",
  params: {},
  required: [],
  begin() {
    const committed = new Map<number, EntryFact>();
    const commitOf = new Map<string, number>();
    const logs = new DurableLogs();
    let leaders = 0;
    return {
      see(event) {
        if (event.type !== "fact") return undefined;
        const { actor } = event;
        // What a life knew to be committed dies with it where its disk never took the entries: then others are still in their place there.
        if (factOf(event, "raft.recovered")) commitOf.delete(actor);
        const truncated = factOf(event, "raft.truncated");
        const until = commitOf.get(actor) ?? 0;
        if (truncated) {
          const fromIndex = truncated.fromIndex as number;
          if (fromIndex <= until) return `${actor} truncated its log from ${fromIndex}, though it had committed up to ${until}`;
          for (let index = fromIndex; committed.has(index); index++)
            if (logs.holds(actor, committed.get(index)!))
              return `${actor} truncated its log from ${fromIndex}, though it held entry ${index}, which was committed`;
        }
        logs.see(event);
        const news = factOf(event, "raft.committed");
        if (news)
          for (const entry of entriesOf(news)) {
            const [index, term, hash] = entry;
            const other = committed.get(index);
            if (other && (other[1] !== term || other[2] !== hash))
              return `entry ${index} was committed twice: in term ${other[1]}, and differently in term ${term} at ${actor}`;
            committed.set(index, entry);
            if (index > (commitOf.get(actor) ?? 0)) commitOf.set(actor, index);
          }
        const led = factOf(event, "raft.leader");
        if (led) {
          leaders++;
          for (const entry of committed.values())
            if (entry[1] < (led.term as number) && !logs.holds(actor, entry))
              return `${actor} leads term ${String(led.term)} without entry ${entry[0]} of term ${entry[1]}, which was committed before`;
        }
        return undefined;
      },
      end: () => ({
        detail: `${committed.size} entries committed, ${leaders} leaders held all that came before them`,
        reached: committed.size,
      }),
    };
  },
};
