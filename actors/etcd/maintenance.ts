import type {
  BackupChunk,
  BackupRequest,
  EtcdError,
  HashKvRequest,
  HashKvResponse,
  MoveLeaderRequest,
  MoveLeaderResponse,
  StatusRequest,
  StatusResponse,
} from "../../protocol/etcd";
import type { StreamRef } from "../../runtime/actor";
import { authRefusal } from "./auth/guard";
import { headerOf } from "./commands";
import { advance } from "./drive";
import { isLearner } from "./membership";
import type { MemberContext, MemberState } from "./state";
import { etcdError } from "./store/errors";
import { hashKv } from "./store/hash";
import { StoreCapture } from "./store/snapshot";

const backupChunkBytes = 256 * 1024;

/** What is asked of this member itself, and answered from its own state. */
export function maintain(
  state: MemberState,
  body: StatusRequest | HashKvRequest | MoveLeaderRequest,
  ctx: MemberContext,
): StatusResponse | HashKvResponse | MoveLeaderResponse | EtcdError {
  switch (body.kind) {
    case "etcd.status":
      return statusOf(state);
    case "etcd.hashKv":
      return hashOf(state, body.revision);
    case "etcd.moveLeader":
      return moveLeader(state, body.to, ctx);
  }
}

function statusOf(state: MemberState): StatusResponse {
  const { store, node } = state;
  return {
    kind: "etcd.status.response",
    header: header(state),
    leader: node.leader ?? "",
    committedIndex: node.log.commit,
    appliedIndex: state.appliedIndex,
    sizeBytes: store.sizeBytes,
    diskBytes: state.journal.diskBytes,
    compactedRevision: store.compacted,
    isLearner: isLearner(state.membership, state.id),
    alarms: store.alarms.list(),
  };
}

function hashOf(state: MemberState, revision: number): HashKvResponse | EtcdError {
  const { store } = state;
  if (revision > store.revision) return etcdError("futureRevision");
  if (revision > 0 && revision < store.compacted) return etcdError("compacted");
  const hash = hashKv(store, revision === 0 ? store.revision : revision);
  return { kind: "etcd.hashKv.response", header: header(state), hash, compactRevision: store.compacted };
}

function moveLeader(state: MemberState, to: string, ctx: MemberContext): MoveLeaderResponse | EtcdError {
  if (state.node.role.name !== "leader") return etcdError("notLeader");
  const target = state.membership.configuration.voters.find((member) => member === to);
  if (target === undefined) return etcdError("badLeaderTransferee");
  if (target !== state.id) advance(state, { type: "transfer", to: target }, ctx);
  return { kind: "etcd.moveLeader.response", header: header(state) };
}

/** Somebody wants a backup: the store is captured as it is now, and handed out as fast as it is asked for. */
export function openBackup(state: MemberState, stream: StreamRef, request: BackupRequest, ctx: MemberContext): void {
  const refusal = authRefusal(state.store, request);
  if (refusal) {
    ctx.close(stream, "refused", refusal.message);
    return;
  }
  state.backups.set(stream.key, { capture: new StoreCapture(state.store), header: header(state) });
}

/** The next part of it, unless all has been handed out. */
export function continueBackup(state: MemberState, stream: StreamRef, ctx: MemberContext): void {
  const backup = state.backups.get(stream.key);
  const bytes = backup?.capture.nextChunk(backupChunkBytes);
  if (!backup || !bytes) return;
  const chunk: BackupChunk = { kind: "etcd.backup.chunk", header: backup.header, bytes, last: backup.capture.done };
  ctx.push(stream, chunk);
}

function header(state: MemberState) {
  return headerOf(state.store, { member: state.id, term: state.node.term });
}
