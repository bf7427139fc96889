import type { VoteRequest, VoteResponse } from "../../../protocol/raft";
import { isVoter, voteOf } from "./configuration";
import {
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePreCandidate,
  type MemberId,
  type Moment,
  type RaftNode,
  resetElectionTimer,
} from "./node";
import { beginTerm } from "./replication";

/** The election time-out has passed, or the leader asked for it (`transfer`): try to become leader (section 5.2). */
export function campaign(node: RaftNode, transfer: boolean, at: Moment): void {
  if (!node.configurations.mayCampaign(node.log.commit)) {
    // A learner, one that waits to be told of a configuration, or one that was removed: it only knows of no leader any more.
    if (!transfer) becomeFollower(node, node.term, null, at);
    return;
  }
  if (node.config.preVote && !transfer) {
    becomePreCandidate(node, at);
    if (!decideVote(node, at)) requestVotes(node, node.term + 1, true, false);
    return;
  }
  becomeCandidate(node, at);
  if (!decideVote(node, at)) requestVotes(node, node.term, false, transfer);
}

/**
 * True where a vote request must not even raise the term: this member hears from a leader, so there is nothing to elect
 * (section 6: servers disregard RequestVote when they believe a current leader exists). Leadership transfer is exempt.
 */
export function disregardsVotes(node: RaftNode, request: VoteRequest, at: Moment): boolean {
  if (!node.config.checkQuorum || request.transfer || node.leader === null) return false;
  return node.role.name === "leader" || at.nowMs < node.leaderHeardMs + node.config.electionTimeoutMs;
}

/** One vote per term, for a log at least as up to date as the own (sections 5.2 and 5.4.1). */
export function receiveVoteRequest(node: RaftNode, from: MemberId, request: VoteRequest, at: Moment): void {
  const { preVote } = request;
  const free = node.vote === from || (node.vote === null && node.leader === null) || (preVote && request.term > node.term);
  const granted = request.term >= node.term && free && node.log.isUpToDate(request.lastIndex, request.lastTerm);
  if (granted && !preVote) {
    node.vote = from;
    resetElectionTimer(node, at);
  }
  // A granted pre-vote speaks of the term to come, a refusal of the own: a candidate left behind learns it so.
  node.outbox.promise(from, { kind: "raft.vote.response", term: granted && preVote ? request.term : node.term, preVote, granted });
}

/** Terms have been compared: this answers the campaign that is under way, or one of another kind in the same term. Only voters count. */
export function receiveVoteResponse(node: RaftNode, from: MemberId, response: VoteResponse, at: Moment): void {
  const { role } = node;
  const expected = response.preVote ? "preCandidate" : "candidate";
  if (role.name !== expected || !isVoter(node.configurations.latest, from)) return;
  if (response.granted && response.term !== (response.preVote ? node.term + 1 : node.term)) return;
  if (!role.votes.has(from)) role.votes.set(from, response.granted);
  decideVote(node, at);
}

/** True when the vote is decided, one way or the other. */
function decideVote(node: RaftNode, at: Moment): boolean {
  const { role } = node;
  if (role.name !== "preCandidate" && role.name !== "candidate") return true;
  const outcome = voteOf(node.configurations.latest, (id) => role.votes.get(id));
  if (outcome === "pending") return false;
  if (outcome === "lost") becomeFollower(node, node.term, null, at);
  else if (role.name === "candidate") beginTerm(node, becomeLeader(node, at));
  else {
    becomeCandidate(node, at);
    if (!decideVote(node, at)) requestVotes(node, node.term, false, false);
  }
  return true;
}

function requestVotes(node: RaftNode, term: number, preVote: boolean, transfer: boolean): void {
  const { lastIndex, lastTerm } = node.log;
  const { others, latest } = node.configurations;
  for (const to of others)
    if (isVoter(latest, to)) node.outbox.promise(to, { kind: "raft.vote", term, preVote, lastIndex, lastTerm, transfer });
}
