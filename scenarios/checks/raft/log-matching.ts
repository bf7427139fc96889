import type { Check } from "../check";
import { entriesOf, factOf } from "./history";

/** Entries with the same index and term hold the same, and so does everything before them. */
export const raftLogMatching: Check = {
  name: "raft-log-matching",
  claim: "Two logs that hold an entry of the same index and term are the same up to there.",
  source: "Raft (extended version), figure 3, Log Matching; section 5.3",
  params: {},
  required: [],
  begin() {
    // For each (index, term) that ever was on a disk: the hash of its data and the term of the entry before it, by which equality runs down the log.
    const known = new Map<string, { readonly hash: number; readonly member: string; previousTerm: number | undefined }>();
    const lastOf = new Map<string, Map<number, number>>();
    let entries = 0;
    return {
      see(event) {
        if (event.type !== "fact") return undefined;
        // What a snapshot takes the place of is no longer part of the log.
        const snapshot = factOf(event, "raft.snapshot");
        if (snapshot && snapshot.how !== "taken") lastOf.set(event.actor, new Map([[snapshot.index as number, snapshot.term as number]]));
        const persisted = factOf(event, "raft.persisted");
        if (!persisted) return undefined;
        let terms = lastOf.get(event.actor);
        if (!terms) lastOf.set(event.actor, (terms = new Map()));
        for (const [index, term, hash] of entriesOf(persisted)) {
          entries++;
          terms.set(index, term);
          const previousTerm = terms.get(index - 1);
          const key = `${index}/${term}`;
          const other = known.get(key);
          if (!other) {
            known.set(key, { hash, member: event.actor, previousTerm });
            continue;
          }
          if (other.hash !== hash) return `entry ${index} of term ${term} differs between ${other.member} and ${event.actor}`;
          if (other.previousTerm !== undefined && previousTerm !== undefined && other.previousTerm !== previousTerm)
            return `entry ${index} of term ${term} follows term ${other.previousTerm} at ${other.member}, but term ${previousTerm} at ${event.actor}`;
          other.previousTerm ??= previousTerm;
        }
        return undefined;
      },
      end: () => ({ detail: `${entries} entries persisted, ${known.size} of them distinct`, reached: entries }),
    };
  },
};
