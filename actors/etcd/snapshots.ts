import type { Address } from "../../protocol/address";
import type { DefragmentResponse } from "../../protocol/etcd-auth";
import type { SnapshotRequest, SnapshotResponse } from "../../protocol/raft";
import { headerOf } from "./commands";
import { advance } from "./drive";
import { decodeMembership, encodeMembership } from "./membership";
import { acceptsSnapshot } from "./raft/follower";
import { type MemberContext, type MemberState, nowMs } from "./state";
import { enclosedIn, restoreStore, StoreCapture } from "./store/snapshot";
import { SnapshotReceiver } from "./transfer";

const chunkBytes = 1024 * 1024;

/** Enough has been applied since the last snapshot, or somebody wants the disk tidied: write one, chunk by chunk, a turn for each. */
export function snapshotWhenDue(state: MemberState, ctx: MemberContext): void {
  const { node, settings, appliedIndex } = state;
  if (state.taking || state.arriving) return;
  if (state.defragmenting.length > 0) answerDefragmented(state, ctx);
  if (appliedIndex - node.log.snapshot.index < settings.snapshotCount && state.defragmenting.length === 0) return;
  const snapshot = { index: appliedIndex, term: node.log.termAt(appliedIndex)! };
  state.taking = { snapshot, capture: new StoreCapture(state.store, encodeMembership(state.membership)), first: true };
  writeNextChunk(state, ctx);
}

function answerDefragmented(state: MemberState, ctx: MemberContext): void {
  const covered = state.node.log.snapshot.index;
  const answer: DefragmentResponse = {
    kind: "etcd.defragment.response",
    header: headerOf(state.store, { member: state.id, term: state.node.term }),
  };
  for (const { index, job } of state.defragmenting) if (index <= covered) ctx.reply(job.request, answer);
  state.defragmenting = state.defragmenting.filter(({ index }) => index > covered);
}

/** A chunk of the own snapshot is on disk: write the next, or let the log's prefix go. */
export function snapshotChunkWritten(state: MemberState, last: boolean, ctx: MemberContext): void {
  const { taking, node, settings } = state;
  if (!taking) return;
  if (!last) {
    writeNextChunk(state, ctx);
    return;
  }
  state.taking = null;
  const { snapshot } = taking;
  ctx.record({ kind: "raft.snapshot", index: snapshot.index, term: snapshot.term, how: "taken" });
  if (snapshot.index <= node.log.snapshot.index) return;
  const dropIndex = Math.max(node.log.base.index, snapshot.index - settings.snapshotCatchupEntries);
  advance(state, { type: "compacted", snapshot, dropIndex }, ctx);
  // A restart needs only what follows the snapshot; the entries behind it stay in memory for slow followers.
  const operations = state.journal.drop(snapshot.index);
  if (operations.length > 0) ctx.persist(operations);
}

/** A chunk from the leader. Once all are here, the whole is checked and then put to Raft. */
export function receiveSnapshotChunk(state: MemberState, from: Address, request: SnapshotRequest, ctx: MemberContext): void {
  advance(state, { type: "message", from, message: request }, ctx);
  if (!acceptsSnapshot(state.node, from, request) || state.arriving) {
    // The leader may have missed that all of it has arrived.
    if (request.last && request.term === state.node.term) state.durations.said(from, ctx.send(from, arrivedAlready(request)));
    return;
  }
  if (!state.receiver?.isFor(from, request)) state.receiver = new SnapshotReceiver(from, request);
  const { receiver } = state;
  const bytes = receiver.take(request);
  state.durations.said(from, ctx.send(from, receiver.response));
  if (!bytes) return;
  // A snapshot of the own that is under way is older than this one.
  state.taking = null;
  const snapshot = { index: request.index, term: request.snapshotTerm };
  const membership = decodeMembership(enclosedIn(bytes));
  state.arriving = { snapshot, store: restoreStore(bytes), membership, bytes };
  const { write } = advance(state, { type: "snapshotReceived", from, snapshot, configuration: membership.configuration }, ctx);
  if (!write?.snapshot) state.arriving = null;
}

export function receiveSnapshotResponse(state: MemberState, from: Address, response: SnapshotResponse, ctx: MemberContext): void {
  advance(state, { type: "message", from, message: response }, ctx);
  const sender = state.senders.get(from);
  const outcome = sender?.answered(response, nowMs(ctx));
  if (outcome === "next") state.durations.said(from, ctx.send(from, sender!.request));
  if (outcome === "done") endTransfer(state, from, true, ctx);
}

/** Looks after transfers as time passes and leadership goes. */
export function tendTransfers(state: MemberState, ctx: MemberContext): void {
  for (const [to, sender] of state.senders) {
    if (state.node.role.name !== "leader") {
      state.senders.delete(to);
      continue;
    }
    const due = sender.time(nowMs(ctx));
    if (due === "resend") state.durations.said(to, ctx.send(to as Address, sender.request));
    if (due === "giveUp") endTransfer(state, to as Address, false, ctx);
  }
}

function arrivedAlready(request: SnapshotRequest): SnapshotResponse {
  const { term, index, offset, bytes } = request;
  return { kind: "raft.snapshot.response", term, index, received: offset + bytes.length, done: true };
}

function endTransfer(state: MemberState, to: Address, ok: boolean, ctx: MemberContext): void {
  state.senders.delete(to);
  advance(state, { type: "snapshotSent", to, ok }, ctx);
}

function writeNextChunk(state: MemberState, ctx: MemberContext): void {
  const taking = state.taking!;
  const chunk = taking.capture.nextChunk(chunkBytes)!;
  const last = taking.capture.done;
  const token = last ? "snapshot end" : "snapshot chunk";
  state.durations.writing(token, nowMs(ctx));
  ctx.persist(state.journal.writeSnapshot(taking.snapshot, chunk, taking.first, last), { token });
  taking.first = false;
}
