import type { AppendRequest, AppendResponse, Entry, HeartbeatRequest, HeartbeatResponse } from "../../../protocol/raft";
import { type Configuration, encodeConfiguration, isJoint, isVoter, reachedBy, voteOf } from "./configuration";
import { entryBytes } from "./log";
import { becomeFollower, type LeaderRole, type MemberId, type Moment, type RaftNode } from "./node";
import { Progress } from "./progress";

const nothing = new Uint8Array(0);

/** A new leader begins with an empty entry: once that is committed, so is everything before it (section 8). */
export function beginTerm(node: RaftNode, leader: LeaderRole): void {
  for (const [id, progress] of leader.progress) progress.active = id === node.config.id;
  appendOwn(node, leader, [{ index: node.log.lastIndex + 1, term: node.term, type: "noop", data: nothing }]);
  broadcastAppends(node, leader);
}

/** Appends a client's data to the leader's log and sends it on. */
export function propose(node: RaftNode, data: readonly Uint8Array[]): void {
  const { role, log } = node;
  if (role.name !== "leader") {
    node.outbox.answerProposal({ ok: false, why: "not leader" });
    return;
  }
  if (role.transfer) {
    node.outbox.answerProposal({ ok: false, why: "transferring" });
    return;
  }
  const firstIndex = log.lastIndex + 1;
  const entries = data.map((bytes, i): Entry => ({ index: firstIndex + i, term: node.term, type: "data", data: bytes }));
  const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  if (role.uncommittedBytes > 0 && role.uncommittedBytes + bytes > node.config.maxUncommittedBytes) {
    node.outbox.answerProposal({ ok: false, why: "too much uncommitted" });
    return;
  }
  appendOwn(node, role, entries);
  node.outbox.answerProposal({ ok: true, firstIndex, term: node.term });
  broadcastAppends(node, role);
}

/**
 * Appends another configuration: C_old,new where the voters change, and otherwise C_new at once, since quorums stay what they are
 * (thesis, section 4.3). One change at a time, and only once an entry of the own term is committed: before, a change of an earlier leader
 * that this one does not know of may still be under way (raft-dev, "bug in single-server membership changes", 2015).
 */
export function proposeConfiguration(node: RaftNode, to: Pick<Configuration, "voters" | "learners" | "context">): void {
  const { role, log, configurations, outbox } = node;
  if (to.voters.length === 0 || to.voters.some((id) => to.learners.includes(id)))
    throw new Error("raft: a configuration has voters, and nobody is voter and learner");
  const { latest, latestIndex } = configurations;
  if (role.name !== "leader") outbox.answerProposal({ ok: false, why: "not leader" });
  else if (role.transfer) outbox.answerProposal({ ok: false, why: "transferring" });
  else if (log.termAt(log.commit) !== node.term) outbox.answerProposal({ ok: false, why: "term not begun" });
  else if (isJoint(latest) || latestIndex > log.commit) outbox.answerProposal({ ok: false, why: "change under way" });
  else {
    const { voters, learners, context } = to;
    const sameVoters = voters.length === latest.voters.length && voters.every((id) => latest.voters.includes(id));
    outbox.answerProposal({ ok: true, firstIndex: log.lastIndex + 1, term: node.term });
    appendConfiguration(node, role, { voters, outgoing: sameVoters ? [] : latest.voters, learners, context });
  }
}

/** The leader's own disk has come further: only now its own copy counts (thesis, section 10.2.1). */
export function ownLogDurable(node: RaftNode, leader: LeaderRole, at: Moment): void {
  if (leader.progress.get(node.config.id)!.matched(node.log.stable)) advanceCommit(node, leader, at);
}

export function receiveAppendResponse(node: RaftNode, leader: LeaderRole, from: MemberId, response: AppendResponse, at: Moment): void {
  const progress = leader.progress.get(from);
  if (!progress) return;
  progress.active = true;
  if (response.rejected) {
    const hint = node.log.findConflictByTerm(response.hintIndex, response.hintTerm).index;
    if (progress.rejected(response.index, hint)) sendAppend(node, from, progress, true);
    return;
  }
  const wasPaused = progress.paused;
  const news = progress.matched(response.index);
  if (news || (progress.state === "probe" && response.index > 0 && response.index === progress.match)) {
    if (progress.state === "probe") progress.becomeReplicate();
    else if (progress.state === "snapshot" && progress.match + 1 >= node.log.firstIndex) progress.becomeReplicate();
  }
  const advanced = advanceCommit(node, leader, at);
  // It may have stepped down just now, or the member may have left.
  if (node.role !== leader || leader.progress.get(from) !== progress) return;
  if (!advanced && wasPaused) sendAppend(node, from, progress, true);
  while (sendAppend(node, from, progress, false));
  if (leader.transfer?.to === from && progress.match === node.log.lastIndex)
    node.outbox.say(from, { kind: "raft.timeoutNow", term: node.term });
}

export function receiveHeartbeatResponse(node: RaftNode, leader: LeaderRole, from: MemberId, response: HeartbeatResponse): void {
  const progress = leader.progress.get(from);
  if (!progress) return;
  progress.active = true;
  progress.probeSent = false;
  progress.confirmedRound = Math.max(progress.confirmedRound, response.round);
  // An append may have been lost: the follower's answer to this one tells.
  if (progress.match < node.log.lastIndex || progress.state === "probe") sendAppend(node, from, progress, true);
  if (response.round > 0) confirmReads(node, leader);
}

/** A read may be served from index `commit`, once this member is known to lead still, and only after it committed in its own term (section 8). */
export function requestRead(node: RaftNode, request: number): void {
  const { role, log } = node;
  if (role.name !== "leader") {
    node.outbox.refuseReads([request]);
    return;
  }
  if (log.termAt(log.commit) !== node.term) {
    role.reads.hold(request);
    return;
  }
  if (role.reads.request(request, log.commit)) broadcastHeartbeats(node, role);
  confirmReads(node, role);
}

/** The snapshot for that member has been sent in full, or could not be. */
export function snapshotSent(leader: LeaderRole, to: MemberId, ok: boolean): void {
  const progress = leader.progress.get(to);
  if (progress?.state !== "snapshot") return;
  if (!ok) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  // Wait for the member's word or the next heartbeat before probing.
  progress.probeSent = true;
}

/** What a leader does as time passes: heartbeats, the check of its quorum, the end of a transfer that did not come about. */
export function leaderTime(node: RaftNode, leader: LeaderRole, at: Moment): void {
  if (at.nowMs >= leader.quorumCheckDueMs) {
    leader.quorumCheckDueMs = at.nowMs + node.config.electionTimeoutMs;
    const isActive = (id: MemberId) => id === node.config.id || leader.progress.get(id)!.active;
    if (node.config.checkQuorum && voteOf(node.configurations.latest, isActive) !== "won") {
      becomeFollower(node, node.term, null, at);
      return;
    }
    for (const progress of leader.progress.values()) progress.beginPeriod();
  }
  if (leader.transfer && at.nowMs >= leader.transfer.dueMs) leader.transfer = null;
  if (at.nowMs >= leader.heartbeatDueMs) broadcastHeartbeats(node, leader, at);
}

/** Hands leadership to an up-to-date member (thesis, section 3.10); proposals are refused until it took over or the time is up. */
export function transferLeadership(node: RaftNode, to: MemberId, at: Moment): void {
  const { role } = node;
  if (role.name !== "leader" || to === node.config.id) return;
  const progress = role.progress.get(to);
  if (!progress || !isVoter(node.configurations.latest, to)) return;
  role.transfer = { to, dueMs: at.nowMs + node.config.electionTimeoutMs };
  if (progress.match === node.log.lastIndex) node.outbox.say(to, { kind: "raft.timeoutNow", term: node.term });
  else sendAppend(node, to, progress, true);
}

function appendOwn(node: RaftNode, leader: LeaderRole, entries: readonly Entry[]): void {
  node.log.append(entries);
  if (node.configurations.append(entries, node.log.commit)) followConfiguration(node, leader);
  for (const entry of entries) leader.uncommittedBytes += entryBytes(entry);
}

/** Only entries of the current term are committed by counting copies; older ones follow with them (section 5.4.2, figure 8). */
function advanceCommit(node: RaftNode, leader: LeaderRole, at: Moment): boolean {
  const { log } = node;
  const reached = reachedBy(node.configurations.latest, (id) => leader.progress.get(id)!.match);
  if (reached > Math.max(log.commit, leader.heldBack) && log.termAt(reached)! < node.term) {
    leader.heldBack = reached;
    node.outbox.holdBack(reached, log.termAt(reached)!);
  }
  if (reached <= log.commit || log.termAt(reached) !== node.term) return false;
  for (const entry of log.slice(log.commit + 1, reached, Number.POSITIVE_INFINITY)) leader.uncommittedBytes -= entryBytes(entry);
  leader.uncommittedBytes = Math.max(0, leader.uncommittedBytes);
  log.commit = reached;
  for (const request of leader.reads.takeHeld()) requestRead(node, request);
  if (node.configurations.latestIndex <= reached && finishChange(node, leader, at)) return true;
  broadcastAppends(node, leader);
  return true;
}

/**
 * The latest configuration is committed. C_old,new: whoever leads now appends C_new (thesis, section 4.3). C_new without this member: it has
 * led a cluster that it is no part of as long as it had to, and steps down (section 4.2.2). True when either came about.
 */
function finishChange(node: RaftNode, leader: LeaderRole, at: Moment): boolean {
  const { latest } = node.configurations;
  if (isJoint(latest)) {
    appendConfiguration(node, leader, { ...latest, outgoing: [] });
    return true;
  }
  if (isVoter(latest, node.config.id)) return false;
  broadcastAppends(node, leader);
  // Handing over spares the others an election time-out (section 3.10).
  const heir = latest.voters.find((id) => leader.progress.get(id)!.match === node.log.lastIndex);
  if (heir !== undefined) node.outbox.say(heir, { kind: "raft.timeoutNow", term: node.term });
  becomeFollower(node, node.term, null, at);
  return true;
}

function appendConfiguration(node: RaftNode, leader: LeaderRole, configuration: Configuration): void {
  const data = encodeConfiguration(configuration);
  appendOwn(node, leader, [{ index: node.log.lastIndex + 1, term: node.term, type: "configuration", data }]);
  broadcastAppends(node, leader);
}

/** The latest configuration is in force as soon as it is in the log: the leader sends to those in it, and to nobody else. */
function followConfiguration(node: RaftNode, leader: LeaderRole): void {
  const { others } = node.configurations;
  for (const id of leader.progress.keys()) if (id !== node.config.id && !others.includes(id)) leader.progress.delete(id);
  for (const id of others) {
    if (leader.progress.has(id)) continue;
    const progress = new Progress(node.log.lastIndex, node.config);
    // It has had no time to answer yet.
    progress.active = true;
    leader.progress.set(id, progress);
  }
  if (leader.transfer && !isVoter(node.configurations.latest, leader.transfer.to)) leader.transfer = null;
}

function broadcastAppends(node: RaftNode, leader: LeaderRole): void {
  const said: AppendRequest[] = [];
  for (const id of node.configurations.others) sendAppend(node, id, leader.progress.get(id)!, true, said);
}

/**
 * Sends the next entries to a member, or the snapshot where they have been dropped. An empty append carries the commit index
 * and probes; it is sent only if `evenEmpty`. True when something was sent. `said` holds what others were just sent of the same log: members that
 * are equally far get one message, so that it is encoded once.
 */
function sendAppend(node: RaftNode, to: MemberId, progress: Progress, evenEmpty: boolean, said: AppendRequest[] = []): boolean {
  const { log, config } = node;
  if (progress.state === "snapshot" || (progress.state === "probe" && progress.probeSent)) return false;
  const previousIndex = progress.next - 1;
  const previousTerm = log.termAt(previousIndex);
  if (previousTerm === undefined) {
    // Nobody there, or it would have answered: a snapshot would go nowhere.
    if (!progress.active) return false;
    progress.becomeSnapshot(log.snapshot.index);
    node.outbox.startSnapshot(to, log.snapshot);
    return true;
  }
  const entries = progress.inflightFull ? [] : log.slice(progress.next, log.lastIndex, config.maxBytesPerAppend);
  if (entries.length === 0 && !evenEmpty) return false;
  const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  progress.sent(previousIndex + entries.length, bytes);
  let message = said.find((other) => other.previousIndex === previousIndex && other.entries.length === entries.length);
  if (message === undefined) {
    message = Object.freeze({ kind: "raft.append", term: node.term, previousIndex, previousTerm, entries, commit: log.commit });
    said.push(message);
  }
  node.outbox.say(to, message);
  return true;
}

function broadcastHeartbeats(node: RaftNode, leader: LeaderRole, at?: Moment): void {
  if (at) leader.heartbeatDueMs = at.nowMs + node.config.heartbeatIntervalMs;
  let message: HeartbeatRequest | undefined;
  for (const id of node.configurations.others) {
    // A follower must not take for committed what it does not hold.
    const commit = Math.min(leader.progress.get(id)!.match, node.log.commit);
    if (message?.commit !== commit) message = Object.freeze({ kind: "raft.heartbeat", term: node.term, commit, round: leader.reads.round });
    node.outbox.say(id, message);
  }
}

function confirmReads(node: RaftNode, leader: LeaderRole): void {
  leader.progress.get(node.config.id)!.confirmedRound = leader.reads.round;
  const { reads, begun } = leader.reads.confirm(reachedBy(node.configurations.latest, (id) => leader.progress.get(id)!.confirmedRound));
  node.outbox.answerReads(reads);
  if (!begun) return;
  broadcastHeartbeats(node, leader);
  confirmReads(node, leader);
}
