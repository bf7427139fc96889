import { checkOf, type Invariant } from "./invariant";

/** Commitment is a promise of disks, not of memories. */
export const committedIsDurableInv: Invariant = {
  name: "CommittedIsDurableInv",
  claim:
    "What is committed is on the disks of so many members that every quorum has one of them, from the moment at which it is committed.",
  judge(model) {
    const { last } = model.committed;
    const without = model.quorumWithout(last, ({ disk }) => disk);
    if (!without) return undefined;
    const ends = without.map((name) => `${name} up to ${model.members.get(name)?.disk.match ?? 0}`);
    return `entry ${last} is committed, and a quorum does not have it on disk: ${ends.join(", ")}`;
  },
};

export const raftCommittedIsDurable = checkOf("raft-committed-is-durable", committedIsDurableInv);
