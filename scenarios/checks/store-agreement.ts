import type { Check } from "./check";
import { factOf } from "./raft/history";

/** All members' stores are the same at the same point of the log, and revisions only grow. */
export const storeAgreement: Check = {
  name: "store-agreement",
  claim: "Every member that applied an entry has the same store at the same revision, and no member's revision ever goes back.",
  source: "etcd documentation, KV API guarantees (sequential consistency of the replicated state machine)",
  params: {},
  required: [],
  begin() {
    const atIndex = new Map<number, { readonly revision: number; readonly hash: number; readonly member: string }>();
    const revisionOf = new Map<string, number>();
    let compared = 0;
    return {
      see(event) {
        if (event.type === "life" && !event.alive) revisionOf.delete(event.actor);
        if (event.type !== "fact") return undefined;
        const applied = factOf(event, "etcd.applied");
        if (!applied) return undefined;
        const [index, revision, hash] = [applied.index as number, applied.revision as number, applied.hash as number];
        const before = revisionOf.get(event.actor) ?? 0;
        if (revision < before) return `the revision of ${event.actor} went from ${before} back to ${revision}`;
        revisionOf.set(event.actor, revision);
        const other = atIndex.get(index);
        if (!other) atIndex.set(index, { revision, hash, member: event.actor });
        else {
          compared++;
          if (other.revision !== revision)
            return `after entry ${index} ${other.member} is at revision ${other.revision}, ${event.actor} at ${revision}`;
          if (other.hash !== hash)
            return `after entry ${index} (revision ${revision}) the stores of ${other.member} and ${event.actor} differ`;
        }
        return undefined;
      },
      end: () => ({ detail: `${compared} comparisons of members' stores over ${atIndex.size} entries`, reached: compared }),
    };
  },
};
