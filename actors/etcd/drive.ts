import { crc32 } from "node:zlib";
import type { Address } from "../../protocol/address";
import type { Entry } from "../../protocol/raft";
import { applyCommand, decodeCommand, type Outcome } from "./commands";
import { applyConfiguration, retireIfRemoved } from "./member-changes";
import { encodeMembership } from "./membership";
import type { LogPosition } from "./raft/log";
import type { Outgoing, Ready, Write } from "./raft/ready";
import { type RaftInput, step } from "./raft/step";
import { type MemberContext, type MemberState, momentOf, nowMs } from "./state";
import { etcdError } from "./store/errors";
import { SnapshotSender } from "./transfer";

const chunkBytes = 512 * 1024;

/** Puts one input into Raft and does what it wants done. */
export function advance(state: MemberState, input: RaftInput, ctx: MemberContext): Ready {
  const ready = step(state.node, input, momentOf(ctx));
  if (ready.truncated) {
    // What is replaced was never committed, so nobody has seen it.
    state.recoveredIndex = Math.min(state.recoveredIndex, ready.truncated.fromIndex - 1);
    ctx.record({ kind: "raft.truncated", fromIndex: ready.truncated.fromIndex });
  }
  if (ready.heldBack) ctx.record({ kind: "raft.heldBack", ...ready.heldBack });
  if (ready.write) persist(state, ready.write, ctx);
  send(state, ready.messages, ctx);
  recordCommitted(state, ctx);
  if (ready.install) install(state, ready.install, ctx);
  for (const entry of ready.committed) apply(state, entry, ctx);
  for (const { to } of ready.sendSnapshot) startSnapshot(state, to as Address, ctx);
  for (const { request, index } of ready.reads) {
    state.readsToServe.push({ index, job: state.reads.get(request)! });
    state.reads.delete(request);
  }
  for (const request of ready.refusedReads) {
    const job = state.reads.get(request)!;
    state.reads.delete(request);
    state.waiting.push({ job, untilMs: nowMs(ctx) + 2 * state.settings.electionTimeoutMs });
  }
  return ready;
}

/** What the disk kept, which may be more than the last life heard of before it ended. */
export function recordRecovered(state: MemberState, ctx: MemberContext): void {
  const { log, term, vote } = state.node;
  const { index: snapshotIndex, term: snapshotTerm } = log.base;
  ctx.record({ kind: "raft.recovered", term, vote: vote ?? "", snapshotIndex, snapshotTerm, lastIndex: log.lastIndex });
  const { voters, outgoing, learners } = state.membership.configuration;
  ctx.record({ kind: "raft.configuration", index: snapshotIndex, voters, outgoing, learners });
  if (vote !== null) ctx.record({ kind: "raft.voted", term, candidate: vote });
  const entries = log.slice(log.firstIndex, log.lastIndex, Number.POSITIVE_INFINITY);
  if (entries.length > 0) ctx.record({ kind: "raft.persisted", entries: entries.map(factOf) });
}

/** Persist before you speak: what promises something goes out only once the write is on disk. */
function persist(state: MemberState, write: Write, ctx: MemberContext): void {
  const { hardState, entries, snapshot } = write;
  const received = snapshot && state.arriving ? state.arriving.bytes : null;
  const { seen } = state;
  const voted = hardState.vote !== null && (hardState.vote !== seen.vote || hardState.term !== seen.voteTerm);
  seen.vote = hardState.vote;
  seen.voteTerm = hardState.term;
  state.writesUnderWay++;
  if (snapshot) ctx.record({ kind: "raft.snapshot", index: snapshot.index, term: snapshot.term, how: "received" });
  if (entries.length > 0) ctx.record({ kind: "raft.appended", runs: runsOf(entries) });
  state.durations.writing(`raft ${write.id}`, nowMs(ctx));
  ctx.persist(state.journal.write(write, received), {
    token: `raft ${write.id}`,
    then: () => {
      if (voted) ctx.record({ kind: "raft.voted", term: hardState.term, candidate: hardState.vote });
      if (entries.length > 0) ctx.record({ kind: "raft.persisted", entries: entries.map(factOf) });
      send(state, write.messagesAfter, ctx);
      return undefined;
    },
  });
}

function send(state: MemberState, messages: readonly Outgoing[], ctx: MemberContext): void {
  for (const { to, message } of messages) {
    if (message.kind === "raft.vote.response" && message.granted && !message.preVote)
      ctx.record({ kind: "raft.granted", term: message.term, candidate: to });
    if (message.kind === "raft.heartbeat") state.durations.beat(to, nowMs(ctx));
    state.durations.said(to, ctx.send(to as Address, message));
  }
}

/** Applies an entry to the store and answers whoever proposed it here. */
function apply(state: MemberState, entry: Entry, ctx: MemberContext): void {
  const { store } = state;
  const waiting = state.proposed.get(entry.index);
  state.proposed.delete(entry.index);
  const mine = waiting?.term === entry.term ? waiting.proposal : null;
  const before = store.revision;
  let outcome: Outcome | null = null;
  if (entry.type === "data") {
    const command = mine?.command ?? decodeCommand(entry.data);
    outcome = applyCommand(store, command, { member: state.id, term: state.node.term });
    state.durations.done.applied(command, outcome);
    if (command.kind === "etcd.compact" && outcome.kind !== "etcd.error") {
      ctx.record({ kind: "etcd.compacted", revision: command.revision });
      ctx.setTimer("scavenge", 0);
    }
    // One that was refused lives on.
    if (command.kind === "etcd.lease.revoke" && !store.leases.get(command.id)) forgetLease(state, command.id);
  }
  state.appliedIndex = entry.index;
  if (entry.type === "configuration") applyConfiguration(state, entry, ctx);
  for (let revision = before + 1; revision <= store.revision; revision++) state.watchers.changed(revision, store.changesOf(revision));
  ctx.record({ kind: "etcd.applied", index: entry.index, revision: store.revision, hash: store.hash });
  if (mine && outcome) mine.finish(state, outcome, ctx);
  // Another entry stands where the proposal stood: it can never be committed, so this much is certain.
  else if (waiting && !mine) waiting.proposal.finish(state, etcdError("leaderChanged"), ctx);
}

function forgetLease(state: MemberState, id: number): void {
  state.expiry?.forget(id);
  state.revoking.delete(id);
}

/** A snapshot from the leader is durable: it becomes the store. */
function install(state: MemberState, snapshot: LogPosition, ctx: MemberContext): void {
  const { arriving } = state;
  if (arriving?.snapshot.index !== snapshot.index) throw new Error(`etcd: the snapshot of ${snapshot.index} to install is not at hand`);
  const fromRevision = state.store.revision + 1;
  state.store = arriving.store;
  state.membership = arriving.membership;
  state.appliedIndex = snapshot.index;
  state.arriving = null;
  state.receiver = null;
  state.seen.committed = Math.max(state.seen.committed, snapshot.index);
  if (state.store.revision >= fromRevision) state.watchers.replaced(fromRevision);
  ctx.record({ kind: "raft.snapshot", index: snapshot.index, term: snapshot.term, how: "installed" });
  ctx.record({ kind: "etcd.applied", index: snapshot.index, revision: state.store.revision, hash: state.store.hash });
  for (const [index, { proposal }] of state.proposed) {
    if (index > snapshot.index) continue;
    state.proposed.delete(index);
    proposal.finish(state, etcdError("leaderChanged", true), ctx);
  }
  retireIfRemoved(state, ctx);
}

/** A member is too far behind: it gets the store as it is now, which is newer than the last snapshot. */
function startSnapshot(state: MemberState, to: Address, ctx: MemberContext): void {
  const { node, settings } = state;
  const snapshot = { index: state.appliedIndex, term: node.log.termAt(state.appliedIndex)! };
  const limits = { chunkBytes, resendMs: 2 * settings.heartbeatIntervalMs, giveUpMs: 5 * settings.electionTimeoutMs };
  const sender = new SnapshotSender(to, node.term, snapshot, state.store, limits, nowMs(ctx), encodeMembership(state.membership));
  state.senders.set(to, sender);
  state.durations.said(to, ctx.send(to, sender.request));
}

function recordCommitted(state: MemberState, ctx: MemberContext): void {
  const { log } = state.node;
  const from = Math.max(state.seen.committed + 1, log.firstIndex);
  if (log.commit < from) return;
  state.seen.committed = log.commit;
  ctx.record({ kind: "raft.committed", entries: log.slice(from, log.commit, Number.POSITIVE_INFINITY).map(factOf) });
}

function factOf(entry: Entry): readonly [index: number, term: number, hash: number] {
  return [entry.index, entry.term, entry.data.length === 0 ? 0 : crc32(entry.data)];
}

/** Entries as runs of one term: [first index, last index, term]. */
function runsOf(entries: readonly Entry[]): readonly (readonly [number, number, number])[] {
  const runs: [number, number, number][] = [];
  for (const { index, term } of entries) {
    const last = runs.at(-1);
    if (last?.[2] === term) last[1] = index;
    else runs.push([index, index, term]);
  }
  return runs;
}
