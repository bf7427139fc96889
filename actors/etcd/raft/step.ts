import type { RaftMessage } from "../../../protocol/raft";
import { type Configuration, configurationOf } from "./configuration";
import { campaign, disregardsVotes, receiveVoteRequest, receiveVoteResponse } from "./election";
import { hearLeader, receiveAppend, receiveHeartbeat, receiveSnapshot, receiveSnapshotChunk } from "./follower";
import type { LogPosition } from "./log";
import { becomeFollower, type MemberId, type Moment, type RaftNode } from "./node";
import type { Ready } from "./ready";
import {
  leaderTime,
  ownLogDurable,
  propose,
  proposeConfiguration,
  receiveAppendResponse,
  receiveHeartbeatResponse,
  requestRead,
  snapshotSent,
  transferLeadership,
} from "./replication";

/** Everything that can happen to a member's part in Raft. */
export type RaftInput =
  /** Time has passed; see nextWakeMs. */
  | { readonly type: "wake" }
  | { readonly type: "message"; readonly from: MemberId; readonly message: RaftMessage }
  /** Answered in `proposed`. */
  | { readonly type: "propose"; readonly data: readonly Uint8Array[] }
  /** Another configuration, by joint consensus where voters change; answered in `proposed`. */
  | { readonly type: "configure"; readonly to: Pick<Configuration, "voters" | "learners" | "context"> }
  /** A linearizable read under a number of the caller's; answered in `reads` or `refusedReads`. */
  | { readonly type: "read"; readonly request: number }
  /** The write of that id, and all before it, is durable. */
  | { readonly type: "persisted"; readonly write: number }
  /** All chunks of a snapshot that `acceptsSnapshot` let in have arrived. */
  | {
      readonly type: "snapshotReceived";
      readonly from: MemberId;
      readonly snapshot: LogPosition;
      /** As of the snapshot; null for the one that the members began with. */
      readonly configuration: Configuration | null;
    }
  /** The transfer to that member has ended. */
  | { readonly type: "snapshotSent"; readonly to: MemberId; readonly ok: boolean }
  /** The state machine's snapshot up to there is durable: entries up to `dropIndex` may go. */
  | { readonly type: "compacted"; readonly snapshot: LogPosition; readonly dropIndex: number }
  | { readonly type: "transfer"; readonly to: MemberId };

/** Takes one input in and says what is to be done. Changes the node, and nothing else; throws only if Raft's own rules are broken. */
export function step(node: RaftNode, input: RaftInput, at: Moment): Ready {
  take(node, input, at);
  return node.outbox.collect({ term: node.term, vote: node.vote, commit: node.log.commit }, node.log);
}

function take(node: RaftNode, input: RaftInput, at: Moment): void {
  const { role } = node;
  switch (input.type) {
    case "wake":
      if (role.name === "leader") leaderTime(node, role, at);
      else if (at.nowMs >= node.electionDueMs) campaign(node, false, at);
      return;
    case "message":
      if (settleTerm(node, input.from, input.message, at)) receive(node, input.from, input.message, at);
      return;
    case "propose":
      propose(node, input.data);
      return;
    case "configure":
      proposeConfiguration(node, input.to);
      return;
    case "read":
      requestRead(node, input.request);
      return;
    case "persisted":
      node.outbox.durable(input.write, node.log);
      if (role.name === "leader") ownLogDurable(node, role, at);
      return;
    case "snapshotReceived":
      receiveSnapshot(node, input.from, input.snapshot, input.configuration ?? configurationOf(node.config.voters));
      return;
    case "snapshotSent":
      if (role.name === "leader") snapshotSent(role, input.to, input.ok);
      return;
    case "compacted":
      if (input.snapshot.index > node.log.snapshot.index) node.log.snapshot = input.snapshot;
      node.log.dropUpTo(Math.min(input.dropIndex, node.log.snapshot.index));
      return;
    case "transfer":
      transferLeadership(node, input.to, at);
      return;
  }
}

/** The rules of terms (section 5.1): a later term makes a follower, an earlier one is turned away. True where the message counts. */
function settleTerm(node: RaftNode, from: MemberId, message: RaftMessage, at: Moment): boolean {
  if (message.term > node.term) {
    if (message.kind === "raft.vote" && disregardsVotes(node, message, at)) return false;
    const ofFuture =
      message.kind === "raft.vote" ? message.preVote : message.kind === "raft.vote.response" && message.preVote && message.granted;
    if (!ofFuture) becomeFollower(node, message.term, isFromLeader(message) ? from : null, at);
    return true;
  }
  if (message.term === node.term) return true;
  if (message.kind === "raft.vote" && message.preVote)
    node.outbox.promise(from, { kind: "raft.vote.response", term: node.term, preVote: true, granted: false });
  else if (isFromLeader(message))
    // A leader left behind has to hear of the later term, or it would stay and this member could never follow it again.
    node.outbox.promise(from, { kind: "raft.append.response", term: node.term, rejected: false, index: 0, hintIndex: 0, hintTerm: 0 });
  return false;
}

function receive(node: RaftNode, from: MemberId, message: RaftMessage, at: Moment): void {
  const { role } = node;
  switch (message.kind) {
    case "raft.vote":
      receiveVoteRequest(node, from, message, at);
      return;
    case "raft.vote.response":
      receiveVoteResponse(node, from, message, at);
      return;
    case "raft.append":
      hearLeader(node, from, at);
      receiveAppend(node, from, message);
      return;
    case "raft.heartbeat":
      hearLeader(node, from, at);
      receiveHeartbeat(node, from, message);
      return;
    case "raft.snapshot":
      hearLeader(node, from, at);
      receiveSnapshotChunk(node, from, message);
      return;
    case "raft.append.response":
      if (role.name === "leader") receiveAppendResponse(node, role, from, message, at);
      return;
    case "raft.heartbeat.response":
      if (role.name === "leader") receiveHeartbeatResponse(node, role, from, message);
      return;
    case "raft.snapshot.response":
      return;
    case "raft.timeoutNow":
      if (node.role.name === "follower") campaign(node, true, at);
      return;
  }
}

function isFromLeader(message: RaftMessage): boolean {
  return message.kind === "raft.append" || message.kind === "raft.heartbeat" || message.kind === "raft.snapshot";
}
