import { acknowledgedWrites } from "./acknowledged-writes";
import type { Check } from "./check";
import { RaftModel } from "./raft/model";

/** Beyond the budget a loss may be right: it is, if so many disks were lost that no quorum could know better. */
export const legitimateLoss: Check = {
  name: "legitimate-loss",
  claim:
    "An acknowledged write is lost only if a quorum of the disks was lost, and the cluster stays without a leader or does not converge only if a quorum of the members is gone.",
  source: "TigerBeetle VOPR (whether a loss is legitimate); Raft, section 5.4: committed entries survive the loss of any minority",
  params: {},
  required: [],
  acrossRestore: "spans",
  begin(params) {
    let model = new RaftModel();
    const writes = acknowledgedWrites.begin(params);
    /** Members of which a life began with less than was on their disk, and up to where they have to catch up to be whole again. */
    const lostDisks = new Map<string, number>();
    /** Members whose last life ended, and nobody began another. */
    const dead = new Set<string>();
    const hostOf = new Map<string, string>();
    /** The hosts whose disks an operator knows to be gone for good, of a fault that ends with a restore. */
    let givenUp: readonly string[] = [];
    const restores: string[] = [];
    const restored = (revisions: number): string | undefined => {
      const { voters } = model.configuration;
      const gone = voters.filter((member) => givenUp.includes(hostOf.get(member) ?? ""));
      const quorum = Math.floor(voters.length / 2) + 1;
      model = new RaftModel();
      lostDisks.clear();
      dead.clear();
      if (revisions > 0 && gone.length < quorum)
        return `${revisions} revisions were given up for a backup, and only ${gone.join(" and ") || "nobody"} was lost: a quorum of ${voters.length} knew better`;
      restores.push(
        `legitimate, for ${gone.join(" and ")} were lost, a quorum of ${voters.length}: ${revisions} revisions were given up for a backup`,
      );
      return undefined;
    };
    return {
      see(event) {
        if (event.type === "life" && event.actor.startsWith("etcd/")) {
          if (event.alive) dead.delete(event.actor);
          else dead.add(event.actor);
        }
        if (event.type === "fact" && event.actor.startsWith("etcd/")) hostOf.set(event.actor, event.host);
        if (event.type === "fault" && event.phase === "began" && event.fault === "restore-backup") givenUp = event.targets;
        if (event.type === "restore") {
          writes.see(event);
          return restored(event.lostRevisions);
        }
        if (event.type === "fact" && event.fact.kind === "raft.recovered") {
          const before = model.members.get(event.actor)?.disk;
          if (before && (event.fact.lastIndex as number) < before.match) lostDisks.set(event.actor, model.committed.last);
        }
        const moved = model.see(event);
        if (moved && moved.disk.match >= (lostDisks.get(moved.name) ?? Number.POSITIVE_INFINITY)) lostDisks.delete(moved.name);
        return writes.see(event);
      },
      end(final) {
        const { voters } = model.configuration;
        const quorum = Math.floor(voters.length / 2) + 1;
        const { violation: loss, detail, reached } = writes.end(final);
        const gone = voters.filter((member) => dead.has(member));
        const damaged = voters.filter((member) => lostDisks.has(member) || dead.has(member));
        const unavailable = final.convergence.converged
          ? undefined
          : `the cluster did not converge: ${final.convergence.reasons.slice(0, 3).join("; ")}`;
        const why = (members: readonly string[]) => (members.length === 0 ? "no disk was lost" : `only ${members.join(" and ")} were lost`);
        if (loss !== undefined && damaged.length < quorum)
          return { violation: `${loss}, and ${why(damaged)}: a quorum of ${voters.length} knew better`, detail: "", reached };
        if (unavailable !== undefined && gone.length < quorum && damaged.length < quorum)
          return { violation: `${unavailable}, and ${why(gone)}: a quorum of ${voters.length} is there`, detail: "", reached };
        if (loss === undefined && unavailable === undefined)
          return {
            detail: [detail, restores.length > 0 ? restores.join("; ") : `${damaged.length} of ${voters.length} disks were lost`].join(
              "; ",
            ),
            reached,
          };
        return {
          detail: `legitimate, for ${damaged.join(" and ")} were lost, a quorum of ${voters.length}: ${loss ?? unavailable}`,
          reached,
        };
      },
    };
  },
};
