import type { Check } from "./check";
import { factOf } from "./raft/history";

/** Of each key the newest acknowledged write, and the newest deletion that was committed. */
interface Writes {
  readonly acknowledged: Map<string, { readonly revision: number; readonly deleted: boolean }>;
  readonly deletedAt: Map<string, number>;
}

/** A copy of what was written up to that revision. */
function upTo(revision: number, { acknowledged, deletedAt }: Writes): Writes {
  return {
    acknowledged: new Map([...acknowledged].filter(([, write]) => write.revision <= revision)),
    deletedAt: new Map([...deletedAt].filter(([, at]) => at <= revision)),
  };
}

/** Whom a write of that revision concerns: what a backup holds may be acknowledged only after it was saved. */
function told(revision: number, now: Writes, saved: (Writes & { readonly revision: number }) | undefined): readonly Writes[] {
  return saved && revision <= saved.revision ? [now, saved] : [now];
}

/** A write that was answered is there at the end, or was changed by a later write. */
export const acknowledgedWrites: Check = {
  name: "acknowledged-writes",
  claim:
    "No write that was acknowledged is lost: at the end every member holds it or something newer in its place. Where etcd was made anew of a backup, that goes for all that the backup held.",
  source: "etcd documentation, KV API guarantees (durability: a completed operation is durable)",
  params: {},
  required: [],
  acrossRestore: "spans",
  begin() {
    let now: Writes = { acknowledged: new Map(), deletedAt: new Map() };
    /** The same for what the last backup holds, and what was acknowledged beyond it. */
    let saved: (Writes & { readonly revision: number }) | undefined;
    let beyond = { writes: 0, keys: new Set<string>() };
    const lostByRestore: string[] = [];
    let writes = 0;
    return {
      see(event) {
        if (event.type === "backup") {
          saved = { revision: event.revision, ...upTo(event.revision, now) };
          beyond = { writes: 0, keys: new Set() };
        }
        if (event.type === "restore") {
          // What no backup of that revision was seen of cannot be held against it.
          now = saved?.revision === event.backupRevision ? saved : { acknowledged: new Map(), deletedAt: new Map() };
          lostByRestore.push(
            `${beyond.writes} acknowledged writes on ${beyond.keys.size} keys after revision ${event.backupRevision} were given up for a backup`,
          );
          saved = undefined;
        }
        if (event.type === "store" && event.deleted)
          for (const { deletedAt } of told(event.revision, now, saved)) deletedAt.set(event.key, event.revision);
        const fact = factOf(event, "etcd.acknowledged");
        if (!fact) return undefined;
        writes++;
        const revision = fact.revision as number;
        for (const key of fact.keys as readonly string[])
          for (const { acknowledged } of told(revision, now, saved))
            if (revision > (acknowledged.get(key)?.revision ?? 0)) acknowledged.set(key, { revision, deleted: fact.deleted === true });
        if (saved && revision > saved.revision) {
          beyond.writes++;
          for (const key of fact.keys as readonly string[]) beyond.keys.add(key);
        }
        return undefined;
      },
      end(final) {
        const { acknowledged, deletedAt } = now;
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
          detail: [
            `${writes} acknowledged writes on ${acknowledged.size} keys, all${lostByRestore.length > 0 ? " others" : ""} found on ${final.members.length} members`,
            ...lostByRestore,
          ].join("; "),
          reached: final.members.length === 0 ? 0 : writes,
        };
      },
    };
  },
};
