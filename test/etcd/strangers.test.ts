import type { RaftMessage, RemovedNotice } from "../../protocol/raft";
import { ReplicaSet } from "./replica-set";
import { put, range } from "./store/requests";

/** What somebody who is no member of etcd could say to depose a leader, to slip in an entry, or to talk a member out of its cluster. */
const lies: readonly (RaftMessage | RemovedNotice)[] = [
  { kind: "raft.vote", term: 99, preVote: false, lastIndex: 999, lastTerm: 98, transfer: true },
  { kind: "raft.heartbeat", term: 99, commit: 999, round: 1 },
  {
    ...{ kind: "raft.append", term: 99, previousIndex: 0, previousTerm: 0, commit: 1 },
    entries: [{ index: 1, term: 99, type: "data", data: new Uint8Array([1, 2, 3]) }],
  },
  { kind: "raft.snapshot", term: 99, index: 999, snapshotTerm: 98, offset: 0, bytes: new Uint8Array(8), last: true },
  { kind: "raft.timeoutNow", term: 1 },
  { kind: "raft.removed" },
];

describe("Raft's messages count only from members of etcd", () => {
  test.each(lies.map((message) => [message.kind, message] as const))("%s of a stranger changes nothing", (_kind, message) => {
    const set = new ReplicaSet();
    const leader = set.leader();
    set.ask(leader, put("kept", "1"));
    set.simulation.runFor(500);
    const told = () =>
      set.members.map((member) => {
        const { node, retired, appliedIndex } = set.state(member)!;
        return { term: node.term, vote: node.vote, role: node.role.name, last: node.log.lastIndex, appliedIndex, retired };
      });
    const before = told();
    for (const member of set.members) set.simulation.portal().send(member, message);
    set.simulation.runFor(2_000);
    expect(told()).toEqual(before);
    expect(set.crashes).toEqual([]);
    expect(set.ask(leader, range("kept"))).toMatchObject({ kind: "etcd.range.response", count: 1 });
  });
});
