import { type Configuration, configurationOf, decodeConfiguration, isJoint } from "../../../actors/etcd/raft/configuration";
import { quorumOf } from "../../../actors/etcd/raft/quorum";
import type { Member, Network } from "./network";

/**
 * After every step the properties of figure 3 of the Raft paper are looked up in the members' logs and disks, which a test can see and the
 * members cannot.
 */
export class Checks {
  private readonly leaders = new Map<number, string>();
  /** Term of every entry that anybody has taken for committed, by index. */
  private readonly committed: number[] = [0];
  private readonly readFloors = new Map<number, number>();
  /** Members that no message reaches or leaves. */
  readonly cutOff = new Set<string>();
  reached = { elections: 0, committed: 0, truncated: 0, snapshots: 0, reads: 0, crashes: 0, joint: 0, configurations: 0 };
  /** The latest that is committed: all that is committed is on a majority of its voters' disks. */
  configuration: Configuration;

  constructor(private readonly network: Network) {
    this.configuration = configurationOf(network.founders);
    network.observe = (member, ready) => {
      this.electionSafety(member);
      this.stateMachineSafety(member);
      this.logMatching(member);
      this.latestConfiguration(member);
      for (const read of ready.reads) this.linearizableRead(read);
      if (ready.truncated) this.reached.truncated++;
      if (ready.install) this.reached.snapshots++;
    };
  }

  /** What a read that is asked for now must see at least. */
  beforeRead(request: number): void {
    this.readFloors.set(request, this.committed.length - 1);
  }

  /** At most one leader can be elected in a given term; and it holds every committed entry (leader completeness). */
  private electionSafety(member: Member): void {
    const node = member.node!;
    if (node.role.name !== "leader" || this.leaders.get(node.term) === member.id) return;
    must(!this.leaders.has(node.term), `${member.id} and ${this.leaders.get(node.term)} both lead in term ${node.term}`);
    this.leaders.set(node.term, member.id);
    this.reached.elections++;
    for (let index = node.log.firstIndex; index < this.committed.length; index++) {
      must(node.log.termAt(index) === this.committed[index], `leader ${member.id} lacks committed entry ${index}`);
    }
  }

  /** What one member has committed no other ever sees differently, and a majority of disks holds it. */
  private stateMachineSafety(member: Member): void {
    const { log } = member.node!;
    const first = this.committed.length;
    for (let index = first; index <= log.commit; index++) {
      this.committed[index] = log.termAt(index) ?? log.snapshot.term;
      this.reached.committed++;
      const [entry] = log.slice(index, index, Number.POSITIVE_INFINITY);
      if (entry?.type === "configuration") this.configured(decodeConfiguration(entry.data), index);
    }
    for (let index = first; index <= log.commit; index++) this.durable(index);
    member.applied.forEach((entry, i) => {
      must(entry.index === i + 1 && entry.term === this.committed[entry.index], `${member.id} applied another entry ${entry.index}`);
    });
  }

  /** C_old,new is committed by a majority of the old voters too, and no other change begins before C_new is committed (thesis, section 4.3). */
  private configured(configuration: Configuration, index: number): void {
    const { voters, outgoing } = configuration;
    if (isJoint(configuration)) {
      must(!isJoint(this.configuration), `C_old,new at ${index} follows another`);
      must(sameSet(outgoing, this.configuration.voters), `C_old,new at ${index} does not begin with C_old`);
      this.onQuorum(index, outgoing);
      this.reached.joint++;
    } else if (isJoint(this.configuration))
      must(sameSet(voters, this.configuration.voters), `C_new at ${index} is not what C_old,new led to`);
    else must(sameSet(voters, this.configuration.voters), `at ${index} voters change without C_old,new`);
    this.configuration = configuration;
    this.reached.configurations++;
  }

  private durable(index: number): void {
    this.onQuorum(index, this.configuration.voters);
  }

  private onQuorum(index: number, voters: readonly string[]): void {
    const holds = (member: Member) =>
      member.disk.snapshot.index >= index ||
      member.disk.entries.some((entry) => entry.index === index && entry.term === this.committed[index]);
    const copies = voters.filter((id) => holds(this.network.member(id))).length;
    must(copies >= quorumOf(voters.length), `committed entry ${index} is on ${copies} disks`);
  }

  everythingDurable(): void {
    for (let index = 1; index < this.committed.length; index++) this.durable(index);
  }

  /** If two logs hold an entry with the same index and term, they are identical up to it. */
  private logMatching(member: Member): void {
    const { log } = member.node!;
    for (const other of this.network.members.values()) {
      if (!other.node || other === member) continue;
      const theirs = other.node.log;
      const first = Math.max(log.firstIndex, theirs.firstIndex);
      let index = Math.min(log.lastIndex, theirs.lastIndex);
      while (index >= first && log.termAt(index) !== theirs.termAt(index)) index--;
      for (; index >= first; index--)
        must(log.termAt(index) === theirs.termAt(index), `the logs of ${member.id} and ${other.id} differ at ${index}`);
    }
  }

  /** A server always uses the latest configuration in its log (thesis, section 4.1). */
  private latestConfiguration(member: Member): void {
    const { log, configurations } = member.node!;
    const last = log.slice(log.firstIndex, log.lastIndex, Number.POSITIVE_INFINITY).findLast(({ type }) => type === "configuration");
    const uses = configurations.latestIndex;
    must(last ? uses === last.index : uses <= log.base.index, `${member.id} uses the configuration at ${uses}, not that at ${last?.index}`);
  }

  private linearizableRead(read: { request: number; index: number }): void {
    this.reached.reads++;
    must(read.index >= this.readFloors.get(read.request)!, `read ${read.request} at ${read.index} misses what was committed before it`);
  }
}

function sameSet(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one) => others.includes(one));
}

export function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
