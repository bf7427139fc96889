import type { EtcdError, MemberChangeRequest, MembersResponse } from "../../protocol/etcd";
import type { Entry } from "../../protocol/raft";
import { authRefusal } from "./auth/guard";
import { headerOf } from "./commands";
import { advance } from "./drive";
import { changeOf, changeRefusal, configured, type Health, inSyncPart, isLearner, listMembers, memberOf } from "./membership";
import { isJoint } from "./raft/configuration";
import { route } from "./requests";
import { type Job, type MemberContext, type MemberState, nowMs } from "./state";
import { type ErrorName, etcdError } from "./store/errors";

/** Why this member serves nothing, or nothing of that kind, because of what it is to the cluster; null for a voter. */
export function servesNot(state: MemberState): ErrorName | null {
  if (state.retired) return "stopped";
  if (!state.membership.members.has(state.id)) return "noLeader";
  return isLearner(state.membership, state.id) ? "notForLearner" : null;
}

export function membersResponse(state: MemberState, member: string | null): MembersResponse {
  const header = headerOf(state.store, { member: state.id, term: state.node.term });
  const { membership } = state;
  return {
    kind: "etcd.member.response",
    header,
    member: member === null ? null : memberOf(membership, member),
    members: listMembers(membership),
  };
}

/** Changes wait for one another: the first in the row is put to Raft as soon as none is under way and all before it is applied. */
export function pursueChanges(state: MemberState, ctx: MemberContext): void {
  const { change, node, changes } = state;
  if (change && change.term !== node.term) {
    // Another leader may finish it, or replace it.
    state.change = null;
    answer(change.job, etcdError("leaderChanged", true), ctx);
  }
  if (changes.length === 0) return;
  if (node.role.name !== "leader") {
    state.changes = [];
    for (const job of changes) route(state, job, ctx);
    return;
  }
  while (state.changes.length > 0 && !state.change && state.appliedIndex >= node.configurations.latestIndex) {
    const job = state.changes[0]!;
    if (job.dueMs > nowMs(ctx) && !begin(state, job, ctx)) return;
    state.changes.shift();
  }
}

/** False where Raft has to come further first. */
function begin(state: MemberState, job: Job, ctx: MemberContext): boolean {
  const request = job.body as MemberChangeRequest;
  const why = changeRefusal(state.membership, request, state.id, healthOf(state));
  const refusal = authRefusal(state.store, request) ?? (why && etcdError(why));
  if (refusal) {
    answer(job, refusal, ctx);
    return true;
  }
  const to = changeOf(state.membership, request);
  const before = memberOf(state.membership, request.member);
  // A single member commits at once, so this has to be known before.
  state.change = { job, term: state.node.term, context: to.context, before };
  const learner = request.kind === "etcd.member.add" && request.isLearner;
  ctx.record({ kind: "etcd.memberChange", change: request.kind.slice("etcd.member.".length), member: request.member, learner });
  const { proposed } = advance(state, { type: "configure", to }, ctx);
  if (proposed?.ok) return true;
  state.change = null;
  return false;
}

/** A configuration is applied: on C_new whoever asked is answered, and a member that is no part of it retires. */
export function applyConfiguration(state: MemberState, entry: Entry, ctx: MemberContext): void {
  const membership = configured(state.membership, entry.data);
  state.membership = membership;
  const { voters, outgoing, learners, context } = membership.configuration;
  ctx.record({ kind: "raft.configuration", index: entry.index, voters, outgoing, learners });
  if (isJoint(membership.configuration)) return;
  const { change } = state;
  if (change) {
    state.change = null;
    const mine = change.term === entry.term && Buffer.compare(change.context, context) === 0;
    const { member } = change.job.body as MemberChangeRequest;
    answer(
      change.job,
      mine ? { ...membersResponse(state, member), member: memberOf(membership, member) ?? change.before } : etcdError("leaderChanged"),
      ctx,
    );
  }
  retireIfRemoved(state, ctx);
}

/** A member that was removed serves nobody and campaigns no more; its address never belongs again. */
export function retireIfRemoved(state: MemberState, ctx: MemberContext): void {
  if (state.membership.removed.has(state.id)) retire(state, ctx);
}

export function retire(state: MemberState, ctx: MemberContext): void {
  if (state.retired) return;
  state.retired = true;
  ctx.log("info", "removed from the cluster");
  const waiting = [...state.waiting, ...state.readsToServe].map(({ job }) => job);
  for (const job of [...waiting, ...state.changes, ...state.reads.values()]) answer(job, etcdError("stopped"), ctx);
  for (const { job } of state.queue) if (job) answer(job, etcdError("stopped"), ctx);
  // These are in the log: whoever leads now may commit them.
  for (const { proposal } of state.proposed.values()) if (proposal.job) answer(proposal.job, etcdError("stopped", true), ctx);
  state.waiting = [];
  state.readsToServe = [];
  state.changes = [];
  state.queue = [];
  state.reads.clear();
  state.proposed.clear();
  for (const { stream } of state.streams.values()) ctx.close(stream, "refused", etcdError("stopped").message);
  state.streams.clear();
  for (const timer of ["raft", "route", "lease", "checkpoint", "progress", "deliver"]) ctx.cancelTimer(timer);
}

function healthOf(state: MemberState): Health {
  const { role, log } = state.node;
  const progress = (id: string) => (role.name === "leader" ? role.progress.get(id) : undefined);
  return {
    isConnected: (id) => progress(id)?.connected ?? false,
    isInSync: (id) => progress(id)?.state === "replicate" && progress(id)!.match >= inSyncPart * log.lastIndex,
  };
}

function answer(job: Job, response: MembersResponse | EtcdError, ctx: MemberContext): void {
  ctx.reply(job.request, response);
}
