import type { Check } from "./check";
import { factOf } from "./raft/history";

/** A write that was answered is there at the end, or was changed by a later write. */
export const acknowledgedWrites: Check = {
  name: "acknowledged-writes",
  claim: "No write that was acknowledged is lost: at the end every member holds it or something newer in its place.",
  source: "etcd documentation, KV API guarantees (durability: a completed operation is durable)",
  params: {},
  required: [],
  begin() {
    // Of each key the newest acknowledged write, and the newest deletion that was committed.
    const acknowledged = new Map<string, { readonly revision: number; readonly deleted: boolean }>();
    const deletedAt = new Map<string, number>();
    let writes = 0;
    return {
      see(event) {
        if (event.type === "store" && event.deleted) deletedAt.set(event.key, event.revision);
        const fact = factOf(event, "etcd.acknowledged");
        if (!fact) return undefined;
        writes++;
        const revision = fact.revision as number;
        for (const key of fact.keys as readonly string[])
          if (revision > (acknowledged.get(key)?.revision ?? 0)) acknowledged.set(key, { revision, deleted: fact.deleted === true });
        return undefined;
      },
      end(final) {
        const newest = Math.max(0, ...final.members.map((member) => member.revision));
        const lost = (violation: string) => ({ violation, detail: "", reached: writes });
        for (const [key, write] of acknowledged) {
          if (write.revision > newest && final.members.length > 0)
            return lost(
              `the acknowledged write of ${key} at revision ${write.revision} is lost: no member is further than revision ${newest}`,
            );
          const gone = write.deleted || (deletedAt.get(key) ?? 0) > write.revision;
          for (const member of final.members) {
            // A follower may lag; up to where it is, it must agree.
            if (member.revision < write.revision) continue;
            const held = member.modRevisionOf(key);
            if (held === undefined ? gone : held >= write.revision) continue;
            const instead = held === undefined ? "no such key" : `revision ${held}`;
            return lost(`the acknowledged write of ${key} at revision ${write.revision} is lost at ${member.actor}, which has ${instead}`);
          }
        }
        return {
          detail: `${writes} acknowledged writes on ${acknowledged.size} keys, all found on ${final.members.length} members`,
          reached: final.members.length === 0 ? 0 : writes,
        };
      },
    };
  },
};
