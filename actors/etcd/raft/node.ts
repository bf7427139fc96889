import type { Entry } from "../../../protocol/raft";
import { type Configuration, Configurations, configurationOf } from "./configuration";
import { Log, type LogPosition } from "./log";
import { Outbox } from "./outbox";
import { Progress } from "./progress";
import { ReadRounds } from "./read-index";

export type MemberId = string;

export interface RaftConfig {
  readonly id: MemberId;
  /** The members that vote before any entry or snapshot says otherwise, in the same order everywhere; nobody for one that joins. */
  readonly voters: readonly MemberId[];
  readonly heartbeatIntervalMs: number;
  /** Lower bound of the election time-out; the upper bound is twice that. */
  readonly electionTimeoutMs: number;
  /** Ask whether an election could be won before disturbing the term (thesis, section 9.6). */
  readonly preVote: boolean;
  /** A leader that has not heard from a quorum for an election time-out steps down (thesis, section 6.2). */
  readonly checkQuorum: boolean;
  readonly maxBytesPerAppend: number;
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
  /** Proposals are refused while more than this much is appended but not committed. */
  readonly maxUncommittedBytes: number;
}

/** What must be on disk before this member speaks of it (Raft paper, figure 2), and the commit index, which is only a help. */
export interface HardState {
  readonly term: number;
  readonly vote: MemberId | null;
  readonly commit: number;
}

/** What a member finds on its disk: entries follow the snapshot without a gap. */
export interface Persisted {
  readonly hardState: HardState;
  readonly snapshot: LogPosition;
  /** As of the snapshot; null for the one that the members began with. */
  readonly configuration: Configuration | null;
  readonly entries: readonly Entry[];
}

export interface LeaderRole {
  readonly name: "leader";
  /** Of every member; its own entry says how much of the log is durable here. */
  readonly progress: Map<MemberId, Progress>;
  readonly reads: ReadRounds;
  heartbeatDueMs: number;
  quorumCheckDueMs: number;
  transfer: { readonly to: MemberId; readonly dueMs: number } | null;
  uncommittedBytes: number;
  /** The newest entry of an earlier term that a quorum has without being committed by that. */
  heldBack: number;
}

export type Role =
  | { readonly name: "follower" }
  | { readonly name: "preCandidate"; readonly votes: Map<MemberId, boolean> }
  | { readonly name: "candidate"; readonly votes: Map<MemberId, boolean> }
  | LeaderRole;

/** Time and chance, handed in with every step. `random` answers in [0, 1). */
export interface Moment {
  readonly nowMs: number;
  random(): number;
}

/** One member's part in Raft. Only `step` and what it calls change it. */
export interface RaftNode {
  readonly config: RaftConfig;
  readonly log: Log;
  readonly configurations: Configurations;
  readonly outbox: Outbox;
  term: number;
  vote: MemberId | null;
  leader: MemberId | null;
  role: Role;
  /** When the leader of this term was last heard; what check-quorum's lease counts from. */
  leaderHeardMs: number;
  /** When to campaign, unless leading. */
  electionDueMs: number;
  /** This member's time-out until its role changes. */
  electionSpanMs: number;
}

/** A member that starts, for the first time or again: always as a follower (Raft paper, section 5.2). */
export function startNode(config: RaftConfig, persisted: Persisted, at: Moment): RaftNode {
  const { hardState, snapshot, entries } = persisted;
  const configuration = persisted.configuration ?? configurationOf(config.voters);
  const node: RaftNode = {
    config,
    log: new Log(snapshot, entries, hardState.commit),
    configurations: new Configurations(config.id, snapshot.index, configuration, entries),
    outbox: new Outbox(hardState),
    term: hardState.term,
    vote: hardState.vote,
    leader: null,
    role: { name: "follower" },
    leaderHeardMs: Number.NEGATIVE_INFINITY,
    electionDueMs: 0,
    electionSpanMs: 0,
  };
  resetElectionTimer(node, at);
  return node;
}

/** Randomised between one and two election time-outs, so that split votes are rare (section 5.2). */
export function resetElectionTimer(node: RaftNode, at: Moment): void {
  node.electionSpanMs = node.config.electionTimeoutMs * (1 + at.random());
  node.electionDueMs = at.nowMs + node.electionSpanMs;
}

export function becomeFollower(node: RaftNode, term: number, leader: MemberId | null, at: Moment): void {
  if (node.role.name === "leader") node.outbox.refuseReads(node.role.reads.takeAll());
  enterTerm(node, term);
  node.role = { name: "follower" };
  node.leader = leader;
  resetElectionTimer(node, at);
}

export function becomePreCandidate(node: RaftNode, at: Moment): void {
  node.role = { name: "preCandidate", votes: new Map([[node.config.id, true]]) };
  node.leader = null;
  resetElectionTimer(node, at);
}

export function becomeCandidate(node: RaftNode, at: Moment): void {
  enterTerm(node, node.term + 1);
  node.vote = node.config.id;
  node.role = { name: "candidate", votes: new Map([[node.config.id, true]]) };
  node.leader = null;
  resetElectionTimer(node, at);
}

/** The new leader's log is the truth from here on; the caller appends the entry that its term begins with. */
export function becomeLeader(node: RaftNode, at: Moment): LeaderRole {
  const members = [node.config.id, ...node.configurations.others];
  const progress = new Map(members.map((id) => [id, new Progress(node.log.lastIndex, node.config)]));
  const role: LeaderRole = {
    name: "leader",
    progress,
    reads: new ReadRounds(),
    heartbeatDueMs: at.nowMs + node.config.heartbeatIntervalMs,
    quorumCheckDueMs: at.nowMs + node.config.electionTimeoutMs,
    transfer: null,
    uncommittedBytes: 0,
    heldBack: 0,
  };
  progress.get(node.config.id)!.matched(node.log.stable);
  node.role = role;
  node.leader = node.config.id;
  return role;
}

/** When this member wants to be woken although nothing has happened; null for never. */
export function nextWakeMs(node: RaftNode): number | null {
  const { role } = node;
  if (role.name !== "leader") return node.electionDueMs;
  if (role.progress.size === 1) return null;
  return Math.min(role.heartbeatDueMs, role.quorumCheckDueMs, role.transfer?.dueMs ?? Number.POSITIVE_INFINITY);
}

function enterTerm(node: RaftNode, term: number): void {
  if (term === node.term) return;
  node.term = term;
  node.vote = null;
}
