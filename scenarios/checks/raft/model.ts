import type { HistoryEvent } from "../../history";
import { entriesOf } from "./history";
import { CommittedSequence, LogModel } from "./log-model";

export interface MemberModel {
  readonly name: string;
  alive: boolean;
  role: string;
  term: number;
  /** The log as the member has it in memory; of one that is dead, what its disk holds. */
  readonly memory: LogModel;
  readonly disk: LogModel;
  /** What the member itself knows to be committed. */
  commit: number;
  /** Of a leader: the greatest index that was committed in a term before its own. */
  owes: number;
  /** The snapshot of a life that has begun, as long as the entries behind it are still to be told. */
  recovering: { readonly index: number; readonly term: number } | undefined;
}

export interface ConfigurationModel {
  readonly index: number;
  readonly voters: readonly string[];
  /** The old voters while it is C_old,new. */
  readonly outgoing: readonly string[];
}

/** The state of all members as the TLA+ specification of etcd's Raft has it (etcd-io/raft/tla), made of what the members recorded. */
export class RaftModel {
  readonly members = new Map<string, MemberModel>();
  readonly committed = new CommittedSequence();
  /** The newest that anybody has applied. */
  configuration: ConfigurationModel = { index: -1, voters: [], outgoing: [] };
  /** What was committed at an index at which something else is. */
  conflict: { readonly index: number; readonly term: number; readonly member: string } | undefined;

  /** Takes a step. Answers with the member that moved, or undefined where nothing of Raft happened. */
  see(event: HistoryEvent): MemberModel | undefined {
    if (event.type === "life" && event.actor.startsWith("etcd/") && !event.alive) return this.die(this.memberOf(event.actor));
    if (event.type !== "fact" || !event.fact.kind.startsWith("raft.")) return undefined;
    const { fact } = event;
    const member = this.memberOf(event.actor);
    switch (fact.kind) {
      case "raft.recovered": {
        const snapshot = { index: fact.snapshotIndex as number, term: fact.snapshotTerm as number };
        member.alive = true;
        member.term = fact.term as number;
        member.recovering = snapshot;
        return (fact.lastIndex as number) > snapshot.index ? undefined : this.recover(member);
      }
      case "raft.role":
        member.role = String(fact.role);
        member.term = fact.term as number;
        if (member.role === "leader") member.owes = this.committedBefore(member.term);
        return member;
      case "raft.appended":
        for (const [from, to, term] of fact.runs as readonly (readonly [number, number, number])[]) member.memory.append(from, to, term);
        return member;
      case "raft.persisted":
        return this.persist(member, fact);
      case "raft.truncated":
        member.memory.truncateFrom(fact.fromIndex as number);
        return member;
      case "raft.snapshot":
        if (fact.how === "received") member.memory.reset(fact.index as number, fact.term as number);
        else if (fact.how === "installed") member.disk.reset(fact.index as number, fact.term as number);
        return member;
      case "raft.committed":
        return this.commit(member, fact);
      case "raft.configuration": {
        const { index, voters, outgoing } = fact as unknown as ConfigurationModel;
        if (index > this.configuration.index) this.configuration = { index, voters, outgoing };
        return member;
      }
      default:
        return undefined;
    }
  }

  /** Of these members, those that could decide without any who has that log up to `index`: undefined where every quorum has one who does. */
  quorumWithout(index: number, logOf: (member: MemberModel) => LogModel): readonly string[] | undefined {
    if (index === 0) return undefined;
    const { voters, outgoing } = this.configuration;
    const lacks = (name: string) => {
      const member = this.members.get(name);
      return !member || logOf(member).match < index;
    };
    const lacking = voters.filter(lacks);
    const decides = (without: readonly string[], all: readonly string[]) => without.length >= Math.floor(all.length / 2) + 1;
    if (voters.length === 0 || !decides(lacking, voters)) return undefined;
    return outgoing.length === 0 || decides(outgoing.filter(lacks), outgoing) ? lacking : undefined;
  }

  private memberOf(name: string): MemberModel {
    let member = this.members.get(name);
    if (!member) {
      const [memory, disk] = [new LogModel(this.committed), new LogModel(this.committed)];
      member = { name, alive: true, role: "follower", term: 0, memory, disk, commit: 0, owes: 0, recovering: undefined };
      this.members.set(name, member);
    }
    return member;
  }

  private die(member: MemberModel): MemberModel {
    member.alive = false;
    member.role = "follower";
    member.commit = 0;
    member.memory.become(member.disk);
    return member;
  }

  /** What the disk kept is all there is, however much was thought to be on it. */
  private recover(member: MemberModel): MemberModel {
    if (!member.recovering) return member;
    member.disk.reset(member.recovering.index, member.recovering.term);
    member.memory.become(member.disk);
    member.recovering = undefined;
    return member;
  }

  private persist(member: MemberModel, fact: { readonly [field: string]: unknown; readonly kind: string }): MemberModel {
    const entries = entriesOf(fact);
    const begins = member.recovering !== undefined;
    this.recover(member);
    for (let at = 0; at < entries.length; ) {
      const [from, term] = entries[at]!;
      let to = from;
      for (at++; at < entries.length && entries[at]![1] === term; at++) to = entries[at]![0];
      member.disk.append(from, to, term);
    }
    if (begins) member.memory.become(member.disk);
    return member;
  }

  private commit(member: MemberModel, fact: { readonly [field: string]: unknown; readonly kind: string }): MemberModel {
    const before = this.committed.last;
    for (const [index, term] of entriesOf(fact)) {
      if (!this.committed.add(index, term)) this.conflict ??= { index, term, member: member.name };
      member.commit = Math.max(member.commit, index);
      if (index <= before) continue;
      for (const other of this.members.values()) if (other.role === "leader" && term < other.term) other.owes = Math.max(other.owes, index);
    }
    if (this.committed.last > before)
      for (const { memory, disk } of this.members.values()) {
        memory.grow();
        disk.grow();
      }
    return member;
  }

  /** Terms never fall along the committed sequence. */
  private committedBefore(term: number): number {
    let index = this.committed.last;
    while (index > 0 && (this.committed.termAt(index) ?? 0) >= term) index--;
    return index;
  }
}
