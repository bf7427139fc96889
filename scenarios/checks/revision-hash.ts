import type { Check } from "./check";
import { factOf } from "./raft/history";

/** Whoever is at a revision holds the same as everybody else who ever was, whenever he got there. */
export const revisionHash: Check = {
  name: "revision-hash",
  claim:
    "At one revision every member has the same history, and in the end what members really hold at their common revision hashes to the same.",
  source: "etcd documentation, KV API guarantees; etcd-io/etcd#13766 (a hash for each revision would have shown it)",
  params: {},
  required: [],
  begin() {
    const hashAt = new Map<number, { readonly hash: number; readonly member: string }>();
    let compared = 0;
    return {
      see(event) {
        const applied = factOf(event, "etcd.applied");
        if (!applied || event.type !== "fact") return undefined;
        const [revision, hash] = [applied.revision as number, applied.hash as number];
        const other = hashAt.get(revision);
        if (!other) {
          hashAt.set(revision, { hash, member: event.actor });
          return undefined;
        }
        compared++;
        return other.hash === hash ? undefined : `at revision ${revision} the histories of ${other.member} and ${event.actor} differ`;
      },
      end({ members }) {
        const detail = `${compared} comparisons at ${hashAt.size} revisions, and of what ${members.length} members hold in the end`;
        const revision = Math.min(...members.map((member) => member.revision));
        for (const one of members)
          for (const other of members) {
            // What is compacted away on one of them only is no difference in what can be read.
            if (one.compacted !== other.compacted || one.hashKv(revision) === other.hashKv(revision)) continue;
            return { violation: `at revision ${revision} ${one.actor} and ${other.actor} hold different keys`, detail, reached: compared };
          }
        return { detail, reached: compared };
      },
    };
  },
};
