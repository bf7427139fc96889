import type { Check } from "../check";
import { entriesOf, factOf } from "./history";

/** No state runs ahead of its member's disk: whoever has read it would read something older after a crash. */
export const raftAppliedDurable: Check = {
  name: "raft-applied-durable",
  claim: "A member applies an entry to its store only once the entry is on its own disk.",
  source: "etcd-io/etcd#14370; Ongaro's thesis, section 10.2.1",
  params: {},
  required: [],
  begin() {
    const durable = new Map<string, number>();
    let applied = 0;
    return {
      see(event) {
        if (event.type !== "fact") return undefined;
        const { actor } = event;
        const last = (index: number) => durable.set(actor, index);
        // A life begins with what its disk kept, which may be less than what was on its way.
        const recovered = factOf(event, "raft.recovered");
        if (recovered) last(recovered.lastIndex as number);
        const persisted = factOf(event, "raft.persisted");
        if (persisted) last(entriesOf(persisted).at(-1)![0]);
        const truncated = factOf(event, "raft.truncated");
        if (truncated) last(Math.min(durable.get(actor) ?? 0, (truncated.fromIndex as number) - 1));
        const snapshot = factOf(event, "raft.snapshot");
        if (snapshot?.how === "installed") last(Math.max(durable.get(actor) ?? 0, snapshot.index as number));
        const entry = factOf(event, "etcd.applied");
        if (!entry) return undefined;
        applied++;
        const known = durable.get(actor) ?? 0;
        return (entry.index as number) > known
          ? `${actor} applied entry ${String(entry.index)}, and its disk holds only those up to ${known}`
          : undefined;
      },
      end: () => ({ detail: `${applied} entries applied, each on disk before`, reached: applied }),
    };
  },
};
