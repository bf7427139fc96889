import type { AppendRequest, HeartbeatRequest, SnapshotRequest } from "../../../protocol/raft";
import type { Configuration } from "./configuration";
import type { LogPosition } from "./log";
import { becomeFollower, type MemberId, type Moment, type RaftNode } from "./node";

/** A leader of the current term has spoken: follow it, and do not campaign meanwhile. */
export function hearLeader(node: RaftNode, leader: MemberId, at: Moment): void {
  if (node.role.name === "leader") throw new Error(`raft: ${leader} leads in term ${node.term} like this member`);
  if (node.role.name === "follower" && node.leader === leader) node.electionDueMs = at.nowMs + node.electionSpanMs;
  else becomeFollower(node, node.term, leader, at);
  node.leaderHeardMs = at.nowMs;
}

/** AppendEntries: refuse unless the log holds what comes before; replace what conflicts; append; move the commit index (section 5.3). */
export function receiveAppend(node: RaftNode, from: MemberId, request: AppendRequest): void {
  const { log, configurations } = node;
  const { previousIndex, previousTerm, entries } = request;
  if (previousIndex < log.commit) {
    answerAppend(node, from, log.commit);
    return;
  }
  if (!log.matches(previousIndex, previousTerm)) {
    // The hint lets the leader skip a whole term of conflicting entries at a time (end of section 5.3).
    const hint = log.findConflictByTerm(Math.min(previousIndex, log.lastIndex), previousTerm);
    const answer = { term: node.term, rejected: true, index: previousIndex, hintIndex: hint.index, hintTerm: hint.term };
    node.outbox.promise(from, { kind: "raft.append.response", ...answer });
    return;
  }
  const conflict = log.findConflict(entries);
  if (conflict) {
    if (conflict.index <= log.lastIndex) {
      node.outbox.cut(conflict.index, log.lastIndex);
      log.truncateFrom(conflict.index);
      configurations.truncateFrom(conflict.index);
    }
    const news = entries.slice(conflict.index - previousIndex - 1);
    log.append(news);
    configurations.append(news, log.commit);
  }
  const lastNew = previousIndex + entries.length;
  log.commit = Math.max(log.commit, Math.min(request.commit, lastNew));
  answerAppend(node, from, lastNew);
}

export function receiveHeartbeat(node: RaftNode, from: MemberId, request: HeartbeatRequest): void {
  const { log } = node;
  log.commit = Math.max(log.commit, Math.min(request.commit, log.lastIndex));
  node.outbox.promiseTerm(from, { kind: "raft.heartbeat.response", term: node.term, round: request.round });
}

/** Whether a chunk, after it was stepped, belongs to a snapshot that is news here, so that it is worth keeping. */
export function acceptsSnapshot(node: RaftNode, from: MemberId, request: SnapshotRequest): boolean {
  return node.leader === from && request.term === node.term && request.index > node.log.commit;
}

/** A chunk counts as word from the leader; a snapshot that is no news is answered with how far the log is. */
export function receiveSnapshotChunk(node: RaftNode, from: MemberId, request: SnapshotRequest): void {
  if (request.index <= node.log.commit) answerAppend(node, from, node.log.commit);
}

/** The whole snapshot has arrived (section 7): it replaces the log, unless the log turns out to hold all of it. */
export function receiveSnapshot(node: RaftNode, from: MemberId, snapshot: LogPosition, configuration: Configuration): void {
  const { log } = node;
  if (snapshot.index <= log.commit) {
    answerAppend(node, from, log.commit);
    return;
  }
  if (log.matches(snapshot.index, snapshot.term)) {
    // The entries are all here and now known to be committed: they say more than the snapshot.
    log.commit = snapshot.index;
    answerAppend(node, from, log.commit);
    return;
  }
  // What the snapshot covers it stands for, committed or not; what lies behind it follows another entry than the snapshot's.
  if (log.lastIndex > snapshot.index) node.outbox.cut(snapshot.index + 1, log.lastIndex);
  log.reset(snapshot);
  node.configurations.reset(snapshot.index, configuration);
  node.outbox.receive(snapshot);
  answerAppend(node, from, snapshot.index);
}

function answerAppend(node: RaftNode, to: MemberId, index: number): void {
  node.outbox.promise(to, { kind: "raft.append.response", term: node.term, rejected: false, index, hintIndex: 0, hintTerm: 0 });
}
