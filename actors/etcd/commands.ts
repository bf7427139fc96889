import { decode } from "../../protocol/codec";
import type {
  CompactRequest,
  CompactResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  EtcdError,
  LeaseGrantRequest,
  LeaseResponse,
  LeaseRevokeRequest,
  PutRequest,
  PutResponse,
  ResponseHeader,
  TxnRequest,
  TxnResponse,
} from "../../protocol/etcd";
import { compact } from "./store/compaction";
import { etcdError } from "./store/errors";
import type { Checkpoint } from "./store/expiry";
import type { Store } from "./store/store";
import { type Answering, applyWrite, deleteKeys } from "./store/txn";

/** What is left of leases, as the leader counts it, so that the next one need not begin anew. */
export interface LeaseCheckpoint {
  readonly kind: "etcd.lease.checkpoint";
  readonly checkpoints: readonly Checkpoint[];
}

/** What the replicated log holds: requests that change the store. */
export type Command =
  | PutRequest
  | DeleteRangeRequest
  | TxnRequest
  | CompactRequest
  | LeaseGrantRequest
  | LeaseRevokeRequest
  | LeaseCheckpoint;

export type Outcome = PutResponse | DeleteRangeResponse | TxnResponse | CompactResponse | LeaseResponse | EtcdError;

export function decodeCommand(data: Uint8Array): Command {
  return decode(data) as Command;
}

/** Applies one entry of the log. Whatever a member's own circumstances, the same log must make the same store. */
export function applyCommand(store: Store, command: Command, by: Answering): Outcome {
  switch (command.kind) {
    case "etcd.put":
    case "etcd.delete":
    case "etcd.txn":
      return applyWrite(store, command, by);
    case "etcd.compact":
      return compact(store, command.revision) ?? { kind: "etcd.compact.response", header: headerOf(store, by) };
    case "etcd.lease.grant": {
      if (store.leases.get(command.id)) return etcdError("leaseExists");
      store.leases.grant(command.id, command.ttlSeconds);
      return leaseResponse(headerOf(store, by), command.id, command.ttlSeconds, command.ttlSeconds);
    }
    case "etcd.lease.revoke": {
      const lease = store.leases.get(command.id);
      if (!lease) return etcdError("leaseNotFound");
      deleteKeys(store, [...lease.keys].sort());
      store.leases.all.delete(command.id);
      return leaseResponse(headerOf(store, by), command.id, -1, 0);
    }
    case "etcd.lease.checkpoint":
      for (const { id, remainingTtlSeconds } of command.checkpoints) {
        const lease = store.leases.get(id);
        if (lease) lease.remainingTtlSeconds = remainingTtlSeconds;
      }
      return leaseResponse(headerOf(store, by), 0, 0, 0);
  }
}

export function headerOf(store: Store, by: Answering): ResponseHeader {
  return { member: by.member, revision: store.revision, term: by.term };
}

export function leaseResponse(
  header: ResponseHeader,
  id: number,
  ttlSeconds: number,
  grantedTtlSeconds: number,
  more: Partial<Pick<LeaseResponse, "keys" | "leases">> = {},
): LeaseResponse {
  return { kind: "etcd.lease.response", header, id, ttlSeconds, grantedTtlSeconds, keys: more.keys ?? [], leases: more.leases ?? [] };
}
