import { type Address, roleOf } from "../../protocol/address";
import { encode } from "../../protocol/codec";
import type { EtcdError, EtcdRequest, EtcdResponse, TxnOperation, TxnRequest } from "../../protocol/etcd";
import type { Answer } from "../../runtime/actor";
import { raiseAlarm } from "./alarms";
import { answerAuth } from "./auth/answers";
import { authRefusal } from "./auth/guard";
import { type Command, headerOf, leaseResponse, needsSpace, type Outcome } from "./commands";
import { advance } from "./drive";
import { beginLease, renewLease } from "./lease-keeper";
import { maintain } from "./maintenance";
import { membersResponse, servesNot } from "./member-changes";
import { type Job, type MemberContext, type MemberState, nowMs, type Proposal } from "./state";
import { etcdError } from "./store/errors";
import { rangeRefusal, readRange } from "./store/range";
import { textOf } from "./store/store";
import { applyWrite, requestRefusal } from "./store/txn";

/** More than this many proposals under way, and further ones are turned away. */
const proposalsMax = 5_000;
/** How long a forwarded request without a deadline of its own may take. */
const forwardMaxMs = 60_000;
const leaseTtlMaxSeconds = 9_000_000_000;
/** About what a lease takes. */
const leaseBytes = 64;

/** A client, or another member on a client's behalf, asks for something. */
export function takeRequest(state: MemberState, job: Job, ctx: MemberContext): void {
  const { body } = job;
  const why = servesNot(state);
  // etcd's learners tell what they have to those who do not ask for more.
  const asked = body.kind === "etcd.status" || body.kind === "etcd.hashKv" || (body.kind === "etcd.range" && body.serializable);
  const asLearner = why === "notForLearner" && asked;
  if (why && !asLearner) {
    answer(job, etcdError(why), ctx);
    return;
  }
  if (body.kind === "etcd.member.list" && !body.linearizable) {
    answer(job, membersResponse(state, null), ctx);
    return;
  }
  if (body.kind === "etcd.status" || body.kind === "etcd.hashKv" || body.kind === "etcd.moveLeader") {
    answer(job, authRefusal(state.store, body) ?? maintain(state, body, ctx), ctx);
    return;
  }
  if (body.kind === "etcd.defragment") {
    const refused = authRefusal(state.store, body);
    if (refused) answer(job, refused, ctx);
    else state.defragmenting.push({ index: state.appliedIndex, job });
    return;
  }
  if (mayBeOld(body)) {
    hasCaughtUp(state) ? serveRead(state, job, ctx) : hold(state, job, ctx);
    return;
  }
  const refusal = isWrite(body) ? writeRefusal(state, body, ctx) : null;
  if (refusal) {
    answer(job, refusal, ctx);
    return;
  }
  route(state, job, ctx);
}

/** Whether a request asks for what this member itself holds, however old. */
function mayBeOld(body: Job["body"]): boolean {
  return body.kind === "etcd.range" && body.serializable;
}

/**
 * Whether the store has come to all that an earlier life may have shown: what that had applied was in its log, on the disk. No leader answers in the
 * place of a member that has not: what that tells may be ahead of this disk, and a third life would show something older.
 */
function hasCaughtUp(state: MemberState): boolean {
  return state.appliedIndex >= state.recoveredIndex;
}

/** Brings a request to the leader: here, at another member, or later when there is one. */
export function route(state: MemberState, job: Job, ctx: MemberContext): void {
  const { leader, role } = state.node;
  // Whoever asked has been told by now that there is no answer in time.
  if (job.dueMs <= nowMs(ctx)) return;
  if (role.name === "leader") {
    isWrite(job.body) ? proposeRequest(state, job, ctx) : askToRead(state, job, ctx);
    return;
  }
  // What another member forwarded goes back to it: it may know better by now.
  if (roleOf(job.from) === "etcd") {
    answer(job, etcdError("notLeader"), ctx);
    return;
  }
  if (leader === null) {
    hold(state, job, ctx);
    return;
  }
  const deadlineMs = Math.min(job.dueMs - nowMs(ctx), forwardMaxMs);
  ctx.ask<EtcdResponse>(leader as Address, job.body, { deadlineMs }, (state, got, ctx) => {
    forwarded(state, job, got, ctx);
    return undefined;
  });
}

/** What the leader made of a forwarded request. A write without an answer is unknown and never sent again. */
function forwarded(state: MemberState, job: Job, got: Answer<EtcdResponse>, ctx: MemberContext): void {
  if (got.ok) {
    const refused = got.body.kind === "etcd.error" && got.body.message === etcdError("notLeader").message;
    refused ? hold(state, job, ctx) : answer(job, got.body, ctx);
    return;
  }
  if (got.error === "refused" || !isWrite(job.body)) {
    hold(state, job, ctx);
    return;
  }
  answer(job, etcdError(got.error === "timeout" ? "timeout" : "timeoutLeaderFailed", true), ctx);
}

/** Keeps a request until there is a leader, or the store has caught up, but not much longer than an election takes. */
function hold(state: MemberState, job: Job, ctx: MemberContext): void {
  state.waiting.push({ job, untilMs: nowMs(ctx) + 2 * state.settings.electionTimeoutMs });
  ctx.setTimer("route", state.settings.heartbeatIntervalMs);
}

/** There may be a leader now, or what was asked for is there, or some have waited long enough. */
export function routeWaiting(state: MemberState, ctx: MemberContext): void {
  const waiting = state.waiting;
  state.waiting = [];
  for (const held of waiting) {
    if (held.untilMs <= nowMs(ctx)) answer(held.job, etcdError("noLeader"), ctx);
    else if (mayBeOld(held.job.body) && hasCaughtUp(state)) serveRead(state, held.job, ctx);
    else if (!mayBeOld(held.job.body) && state.node.leader !== null) route(state, held.job, ctx);
    else state.waiting.push(held);
  }
  if (state.waiting.length > 0) ctx.setTimer("route", state.settings.heartbeatIntervalMs);
}

/** Puts a command into the queue for the log. */
export function enqueue(state: MemberState, command: Command, job: Job | null, finish: Proposal["finish"]): void {
  // Entries stay in memory for long: a copy, for what is encoded is a piece of a large buffer.
  state.queue.push({ command, data: Buffer.from(encode(command)), job, finish });
}

/** Everything that is queued goes into the log together, one batch for each write of the disk. */
export function flushQueue(state: MemberState, ctx: MemberContext): void {
  if (state.queue.length === 0) return;
  const { role } = state.node;
  if (role.name === "leader" && (state.writesUnderWay > 0 || role.transfer)) return;
  const batch = state.queue;
  state.queue = [];
  const { proposed } = advance(state, { type: "propose", data: batch.map(({ data }) => data) }, ctx);
  for (const [i, proposal] of batch.entries()) {
    if (proposed?.ok) state.proposed.set(proposed.firstIndex + i, { term: proposed.term, proposal });
    else if (!proposal.job) proposal.finish(state, etcdError("notLeader"), ctx);
    else if (proposed?.why === "not leader") route(state, proposal.job, ctx);
    else answer(proposal.job, etcdError("tooManyRequests"), ctx);
  }
}

/** Serves the reads whose index is applied. */
export function serveReads(state: MemberState, ctx: MemberContext): void {
  if (state.readsToServe.length === 0) return;
  const ready = state.readsToServe.filter(({ index }) => index <= state.appliedIndex);
  if (ready.length === 0) return;
  state.readsToServe = state.readsToServe.filter(({ index }) => index > state.appliedIndex);
  for (const { job } of ready) serveRead(state, job, ctx);
}

function proposeRequest(state: MemberState, job: Job, ctx: MemberContext): void {
  if (isMemberChange(job.body)) {
    // Put to Raft when the input has been dealt with: one change at a time.
    state.changes.push(job);
    return;
  }
  if (state.queue.length + state.proposed.size >= proposalsMax) {
    answer(job, etcdError("tooManyRequests"), ctx);
    return;
  }
  const command = commandOf(state, job.body, ctx);
  enqueue(state, command, job, (state, outcome, ctx) => {
    acknowledge(command, outcome, ctx);
    if (outcome.kind === "etcd.lease.response" && command.kind === "etcd.lease.grant") beginLease(state, command.id, ctx);
    answer(job, outcome, ctx);
  });
}

function askToRead(state: MemberState, job: Job, ctx: MemberContext): void {
  const request = state.nextRead++;
  state.reads.set(request, job);
  advance(state, { type: "read", request }, ctx);
}

function serveRead(state: MemberState, job: Job, ctx: MemberContext): void {
  const { store, node } = state;
  const { body } = job;
  const by = { member: state.id, term: node.term };
  const header = headerOf(store, by);
  const refusal = readRefusal(state, body);
  if (refusal) {
    answer(job, refusal, ctx);
    return;
  }
  switch (body.kind) {
    case "etcd.range":
      state.durations.done.read();
      answer(job, rangeRefusal(store, body) ?? readRange(store, body, store.revision, header), ctx);
      return;
    case "etcd.txn":
      answer(job, requestRefusal(body, state.settings.maxTxnOps) ?? applyWrite(store, body, by), ctx);
      return;
    case "etcd.member.list":
      answer(job, membersResponse(state, null), ctx);
      return;
    case "etcd.lease.list":
      answer(job, leaseResponse(header, 0, 0, 0, { leases: store.leases.list() }), ctx);
      return;
    case "etcd.lease.timeToLive": {
      const lease = store.leases.get(body.id);
      if (!lease) {
        answer(job, leaseResponse(header, body.id, -1, 0), ctx);
        return;
      }
      const left = state.expiry?.remainingSeconds(body.id, nowMs(ctx)) ?? lease.grantedTtlSeconds;
      const keys = body.keys ? [...lease.keys].sort().map((key) => Buffer.from(key, "latin1")) : [];
      answer(job, leaseResponse(header, body.id, left, lease.grantedTtlSeconds, { keys }), ctx);
      return;
    }
    case "etcd.lease.keepAlive":
      renewLease(state, body.id, header, (response, ctx) => answer(job, response, ctx), ctx);
      return;
    case "etcd.auth.read":
      answer(job, answerAuth(store.auth, body.question, header), ctx);
      return;
    case "etcd.alarm.list":
      answer(job, { kind: "etcd.alarm.response", header, alarms: store.alarms.list() }, ctx);
      return;
    default:
      throw new Error(`etcd: ${body.kind} is not a read`);
  }
}

/** Judged by the state that is read: after it was confirmed for a linearizable read. */
function readRefusal({ store }: MemberState, body: EtcdRequest): EtcdError | null {
  const refusal = authRefusal(store, body);
  if (refusal) return refusal;
  return (body.kind === "etcd.range" || body.kind === "etcd.txn") && store.alarms.isRaised("CORRUPT") ? etcdError("corrupt") : null;
}

function answer(job: Job, response: EtcdResponse, ctx: MemberContext): void {
  ctx.reply(job.request, response);
}

function isMemberChange({ kind }: EtcdRequest): boolean {
  return kind.startsWith("etcd.member.") && kind !== "etcd.member.list";
}

function isWrite(body: EtcdRequest): boolean {
  if (isMemberChange(body)) return true;
  switch (body.kind) {
    case "etcd.put":
    case "etcd.delete":
    case "etcd.compact":
    case "etcd.lease.grant":
    case "etcd.lease.revoke":
    case "etcd.auth":
    case "etcd.alarm":
      return true;
    case "etcd.txn":
      return [...body.success, ...body.failure].some((operation) => operation.kind !== "etcd.range" && isWrite(operation));
    default:
      return false;
  }
}

/** Faults that are found before anything gets into the log. */
function writeRefusal(state: MemberState, body: EtcdRequest, ctx: MemberContext): EtcdError | null {
  const { settings } = state;
  if (body.kind === "etcd.lease.grant")
    return body.ttlSeconds > leaseTtlMaxSeconds ? etcdError("leaseTtlTooLarge") : spaceRefusal(state, body, leaseBytes, ctx);
  if (body.kind !== "etcd.put" && body.kind !== "etcd.delete" && body.kind !== "etcd.txn") return null;
  const refusal = requestRefusal(body, settings.maxTxnOps);
  if (refusal) return refusal;
  const bytes = sizeOf(body);
  return bytes > settings.maxRequestBytes ? etcdError("requestTooLarge") : spaceRefusal(state, body, bytes, ctx);
}

/** What does not fit raises the alarm, by which from then on every member refuses such writes until it is disarmed. */
function spaceRefusal(state: MemberState, body: EtcdRequest, bytes: number, ctx: MemberContext): EtcdError | null {
  const { store, settings } = state;
  if (!needsSpace(body)) return null;
  if (store.sizeBytes + bytes > settings.quotaBackendBytes) raiseAlarm(state, { member: state.id, alarm: "NOSPACE" }, ctx);
  else if (!store.alarms.isRaised("NOSPACE")) return null;
  return etcdError("noSpace");
}

function sizeOf(operation: TxnOperation): number {
  if (operation.kind === "etcd.put") return operation.key.length + operation.value.length;
  if (operation.kind !== "etcd.txn") return operation.key.length;
  const compared = operation.compare.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
  return [...operation.success, ...operation.failure].reduce((sum, nested) => sum + sizeOf(nested), compared);
}

/** The command that a write becomes: a lease gets its id and at least the time that a change of leader may take. */
function commandOf(state: MemberState, body: EtcdRequest, ctx: MemberContext): Command {
  if (body.kind !== "etcd.lease.grant") return body as Command;
  const ttlMinSeconds = Math.ceil((1.5 * state.settings.electionTimeoutMs) / 1000);
  let { id } = body;
  while (id === 0 || (body.id === 0 && state.store.leases.get(id))) id = 1 + ctx.randomInt("lease id", 2 ** 48);
  return { ...body, id, ttlSeconds: Math.max(body.ttlSeconds, ttlMinSeconds) };
}

/** Ground truth for "no acknowledged write is lost". */
function acknowledge(command: Command, outcome: Outcome, ctx: MemberContext): void {
  if (outcome.kind === "etcd.put.response" && command.kind === "etcd.put")
    acknowledgeKeys(outcome.header.revision, [textOf(command.key)], false, ctx);
  else if (
    outcome.kind === "etcd.delete.response" &&
    command.kind === "etcd.delete" &&
    outcome.deleted > 0 &&
    command.rangeEnd.length === 0
  )
    acknowledgeKeys(outcome.header.revision, [textOf(command.key)], true, ctx);
  else if (outcome.kind === "etcd.txn.response" && command.kind === "etcd.txn") {
    const { puts, deletes } = writtenBy(command, outcome.succeeded);
    if (puts.length > 0) acknowledgeKeys(outcome.header.revision, puts, false, ctx);
    if (deletes.length > 0) acknowledgeKeys(outcome.header.revision, deletes, true, ctx);
  }
}

function acknowledgeKeys(revision: number, keys: readonly string[], deleted: boolean, ctx: MemberContext): void {
  ctx.record({ kind: "etcd.acknowledged", revision, keys, deleted });
}

/** The single keys that the chosen branch of a txn names. */
function writtenBy(txn: TxnRequest, succeeded: boolean): { readonly puts: readonly string[]; readonly deletes: readonly string[] } {
  const puts: string[] = [];
  const deletes: string[] = [];
  for (const operation of succeeded ? txn.success : txn.failure)
    if (operation.kind === "etcd.put") puts.push(textOf(operation.key));
    else if (operation.kind === "etcd.delete" && operation.rangeEnd.length === 0) deletes.push(textOf(operation.key));
  return { puts, deletes };
}
