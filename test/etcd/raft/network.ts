import { type Configuration, configurationOf, decodeConfiguration } from "../../../actors/etcd/raft/configuration";
import { acceptsSnapshot } from "../../../actors/etcd/raft/follower";
import type { LogPosition } from "../../../actors/etcd/raft/log";
import { type MemberId, nextWakeMs, type Persisted, type RaftConfig, type RaftNode, startNode } from "../../../actors/etcd/raft/node";
import type { Outgoing, Ready, Write } from "../../../actors/etcd/raft/ready";
import { type RaftInput, step } from "../../../actors/etcd/raft/step";
import type { Entry, RaftMessage } from "../../../protocol/raft";

export interface Flight {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly message: RaftMessage;
}

/** One member with its disk; `applied` stands for its state machine. */
export interface Member {
  readonly id: MemberId;
  node: RaftNode | null;
  disk: Persisted;
  /** Handed to the disk, not durable: lost in a crash. */
  writes: Write[];
  applied: Entry[];
  reads: { readonly request: number; readonly index: number }[];
  refusedReads: number[];
}

export const defaults: Omit<RaftConfig, "id" | "voters"> = {
  heartbeatIntervalMs: 100,
  electionTimeoutMs: 1000,
  preVote: true,
  checkQuorum: true,
  maxBytesPerAppend: 1 << 20,
  maxInflightMessages: 16,
  maxInflightBytes: 1 << 20,
  maxUncommittedBytes: 1 << 30,
};

/** A handful of pure members, the messages between them, and nothing that moves by itself: the test says what happens next. */
export class Network {
  nowMs = 0;
  readonly members = new Map<MemberId, Member>();
  /** Those that the cluster began with. */
  readonly founders: readonly MemberId[];
  flights: Flight[] = [];
  /** All entries that anybody ever applied. */
  private readonly history: Entry[] = [];
  /** Called after every step; where checks hook in. */
  observe: (member: Member, ready: Ready, input: RaftInput | null) => void = () => {};

  constructor(
    size: number,
    private readonly settings: Partial<RaftConfig> = {},
    private readonly random: (id: MemberId) => number = () => 0.5,
  ) {
    for (let n = 0; n < size; n++) this.add(`m${n}`);
    this.founders = this.ids;
    for (const id of this.founders) this.start(id);
  }

  get ids(): readonly MemberId[] {
    return [...this.members.keys()];
  }

  member(id: MemberId): Member {
    return this.members.get(id)!;
  }

  node(id: MemberId): RaftNode {
    return this.members.get(id)!.node!;
  }

  start(id: MemberId): void {
    const member = this.member(id);
    const config: RaftConfig = { ...defaults, ...this.settings, id, voters: this.founders.includes(id) ? this.founders : [] };
    member.node = startNode(config, member.disk, this.moment(id));
    member.applied = this.stateAt(member.disk.snapshot);
    member.writes = [];
  }

  /** A server with an empty disk that knows of nobody, and waits to be told. */
  join(id: MemberId): void {
    this.add(id);
    this.start(id);
  }

  /** Asks for another configuration. */
  configure(id: MemberId, voters: readonly MemberId[], learners: readonly MemberId[] = []): Ready | null {
    return this.step(id, { type: "configure", to: { voters, learners, context: new Uint8Array(0) } });
  }

  /** Memory goes, and every write that was not durable. */
  crash(id: MemberId): void {
    const member = this.member(id);
    member.node = null;
    member.writes = [];
  }

  /** One input, with everything that may happen at once; messages are put in flight, writes wait for `persist`. */
  step(id: MemberId, input: RaftInput): Ready | null {
    const member = this.member(id);
    if (!member.node) return null;
    const ready = step(member.node, input, this.moment(id));
    if (ready.write) member.writes.push(ready.write);
    if (ready.install) member.applied = this.stateAt(ready.install);
    for (const entry of ready.committed) member.applied.push(entry);
    for (const entry of member.applied.slice(this.history.length)) this.history.push(entry);
    member.reads.push(...ready.reads);
    member.refusedReads.push(...ready.refusedReads);
    this.fly(id, ready.messages);
    for (const { to, snapshot } of ready.sendSnapshot) this.sendSnapshot(member, to, snapshot);
    this.observe(member, ready, input);
    return ready;
  }

  /** The oldest write becomes durable. */
  persist(id: MemberId): boolean {
    const member = this.member(id);
    const write = member.writes.shift();
    if (!write) return false;
    member.disk = this.written(member.disk, write);
    this.fly(id, write.messagesAfter);
    this.step(id, { type: "persisted", write: write.id });
    return true;
  }

  deliver(flight: Flight): void {
    this.flights = this.flights.filter((other) => other !== flight);
    this.arrive(flight);
  }

  drop(flight: Flight): void {
    this.flights = this.flights.filter((other) => other !== flight);
    if (flight.message.kind === "raft.snapshot") this.step(flight.from, { type: "snapshotSent", to: flight.to, ok: false });
  }

  /** The message arrives, and another copy stays in flight. */
  duplicate(flight: Flight): void {
    this.arrive(flight);
  }

  propose(id: MemberId, text: string): Ready | null {
    return this.step(id, { type: "propose", data: [new TextEncoder().encode(text)] });
  }

  /** Snapshot of everything applied; `keep` entries before it stay in the log for slow followers. */
  compact(id: MemberId, keep = 0): void {
    const member = this.member(id);
    const node = member.node;
    if (!node || node.log.applied <= node.log.snapshot.index) return;
    const snapshot = { index: node.log.applied, term: node.log.termAt(node.log.applied)! };
    const entries = member.disk.entries.filter((entry) => entry.index > snapshot.index);
    member.disk = { ...member.disk, snapshot, configuration: this.configurationAt(snapshot.index), entries };
    this.step(id, { type: "compacted", snapshot, dropIndex: snapshot.index - keep });
  }

  /** Delivers and persists everything until nothing is under way; `lost` says which flights disappear. */
  settle(lost: (flight: Flight) => boolean = () => false): void {
    for (let rounds = 0; rounds < 100_000; rounds++) {
      const flight = this.flights[0];
      if (flight) lost(flight) || !this.member(flight.to).node ? this.drop(flight) : this.deliver(flight);
      else if (!this.ids.some((id) => this.persist(id))) return;
    }
    throw new Error("the network does not come to rest");
  }

  /** Moves time to the next moment at which somebody wants to be woken, wakes whoever is due, and settles. */
  nextWake(lost?: (flight: Flight) => boolean): void {
    const wakes = this.ids.flatMap((id) => {
      const node = this.member(id).node;
      return node ? [nextWakeMs(node) ?? Number.POSITIVE_INFINITY] : [];
    });
    this.nowMs = Math.max(this.nowMs, Math.min(...wakes));
    for (const id of this.ids) {
      const node = this.member(id).node;
      if (node && (nextWakeMs(node) ?? Number.POSITIVE_INFINITY) <= this.nowMs) this.step(id, { type: "wake" });
    }
    this.settle(lost);
  }

  /** Wakes until `done`, for at most that much virtual time. */
  runUntil(done: () => boolean, maxMs = 60_000, lost?: (flight: Flight) => boolean): void {
    const until = this.nowMs + maxMs;
    while (!done()) {
      if (this.nowMs > until) throw new Error(`still not so after ${maxMs} ms`);
      this.nextWake(lost);
    }
  }

  /** That member's election time-out passes alone, everybody hears of it: it leads. */
  elect(id: MemberId): void {
    this.nowMs = Math.max(this.nowMs + 1_000, ...this.ids.map((other) => (this.member(other).node?.leaderHeardMs ?? 0) + 1_000));
    this.node(id).electionDueMs = this.nowMs;
    this.step(id, { type: "wake" });
    this.settle();
    if (this.node(id).role.name !== "leader") throw new Error(`${id} did not win`);
  }

  leaders(): readonly MemberId[] {
    return this.ids.filter((id) => this.member(id).node?.role.name === "leader");
  }

  private moment(id: MemberId): { nowMs: number; random(): number } {
    return { nowMs: this.nowMs, random: () => this.random(id) };
  }

  private add(id: MemberId): void {
    const disk: Persisted = {
      hardState: { term: 0, vote: null, commit: 0 },
      snapshot: { index: 0, term: 0 },
      configuration: null,
      entries: [],
    };
    this.members.set(id, { id, node: null, disk, writes: [], applied: [], reads: [], refusedReads: [] });
  }

  private fly(from: MemberId, outgoing: readonly Outgoing[]): void {
    for (const { to, message } of outgoing) this.flights.push({ from, to, message });
  }

  /** The snapshot travels as one chunk without bytes. */
  private sendSnapshot(member: Member, to: MemberId, snapshot: LogPosition): void {
    const term = member.node!.term;
    const bytes = new Uint8Array(0);
    const message = {
      kind: "raft.snapshot",
      term,
      index: snapshot.index,
      snapshotTerm: snapshot.term,
      offset: 0,
      bytes,
      last: true,
    } as const;
    this.flights.push({ from: member.id, to, message });
  }

  private arrive({ from, to, message }: Flight): void {
    this.step(to, { type: "message", from, message });
    const receiver = this.member(to);
    if (message.kind !== "raft.snapshot") return;
    if (receiver.node && acceptsSnapshot(receiver.node, from, message)) {
      const snapshot = { index: message.index, term: message.snapshotTerm };
      this.step(to, { type: "snapshotReceived", from, snapshot, configuration: this.configurationAt(snapshot.index) });
    }
    this.step(from, { type: "snapshotSent", to, ok: receiver.node !== null });
  }

  /** What a snapshot stands for: the entries that whoever was first applied up to there. */
  private stateAt(snapshot: LogPosition): Entry[] {
    return this.history.slice(0, snapshot.index);
  }

  /** The configuration that whoever has applied so much is in. */
  configurationAt(index: number): Configuration {
    const entry = this.history.slice(0, index).findLast(({ type }) => type === "configuration");
    return entry ? decodeConfiguration(entry.data) : configurationOf(this.founders);
  }

  private written(disk: Persisted, write: Write): Persisted {
    const { snapshot } = write;
    const base = snapshot ? { snapshot, configuration: this.configurationAt(snapshot.index), entries: [] } : disk;
    const first = write.entries[0]?.index ?? Number.POSITIVE_INFINITY;
    return {
      hardState: write.hardState,
      snapshot: base.snapshot,
      configuration: base.configuration,
      entries: [...base.entries.filter((entry) => entry.index < first), ...write.entries],
    };
  }
}
