import { decode } from "../../protocol/codec";
import type {
  CompactRequest,
  CompactResponse,
  DeleteRangeRequest,
  DeleteRangeResponse,
  EtcdError,
  EtcdRequest,
  LeaseGrantRequest,
  LeaseResponse,
  LeaseRevokeRequest,
  PutRequest,
  PutResponse,
  ResponseHeader,
  TxnRequest,
  TxnResponse,
} from "../../protocol/etcd";
import type { AlarmRequest, AlarmResponse, AuthRequest, AuthResponse } from "../../protocol/etcd-auth";
import { frozen } from "../../protocol/told";
import { authResponse } from "./auth/answers";
import { authRefusal } from "./auth/guard";
import { changeAuth } from "./auth/operations";
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
  | LeaseCheckpoint
  | AuthRequest
  | AlarmRequest;

export type Outcome =
  | PutResponse
  | DeleteRangeResponse
  | TxnResponse
  | CompactResponse
  | LeaseResponse
  | AuthResponse
  | AlarmResponse
  | EtcdError;

/** How many of the last transactions are remembered. */
const rememberedTransactions = 256;
const transactions = new Map<Uint8Array, Command>();

/**
 * What an entry of the log says. Followers that were told of an entry together hold the same bytes: a transaction in them is decoded once, and frozen,
 * so that the values of it that their stores keep are the same too.
 */
export function decodeCommand(data: Uint8Array): Command {
  const known = transactions.get(data);
  if (known !== undefined) return known;
  const command = decode(data) as Command;
  if (command.kind !== "etcd.txn") return command;
  if (transactions.size >= rememberedTransactions) transactions.clear();
  transactions.set(data, frozen(command));
  return command;
}

/** Applies one entry of the log. Whatever a member's own circumstances, the same log must make the same store. */
export function applyCommand(store: Store, command: Command, by: Answering): Outcome {
  const refusal = alarmRefusal(store, command) ?? (command.kind === "etcd.lease.checkpoint" ? null : authRefusal(store, command));
  if (refusal) return refusal;
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
    case "etcd.auth":
      return changeAuth(store.auth, command.operation) ?? authResponse(store.auth, headerOf(store, by));
    case "etcd.alarm": {
      const { action, alarm } = command;
      let alarms = [alarm];
      if (action === "activate") store.alarms.raise(alarm);
      else if (!store.alarms.disarm(alarm)) alarms = [];
      return { kind: "etcd.alarm.response", header: headerOf(store, by), alarms };
    }
  }
}

/** What a raised alarm stops: when members disagree everything, when one is full whatever takes more space. */
function alarmRefusal({ alarms }: Store, command: Command): EtcdError | null {
  if (
    alarms.list().length === 0 ||
    command.kind === "etcd.alarm" ||
    command.kind === "etcd.auth" ||
    command.kind === "etcd.lease.checkpoint"
  )
    return null;
  if (alarms.isRaised("CORRUPT")) return etcdError("corrupt");
  return alarms.isRaised("NOSPACE") && needsSpace(command) ? etcdError("noSpace") : null;
}

/** Deleting and compacting need to be possible when nothing else is. */
export function needsSpace(request: EtcdRequest | Command): boolean {
  switch (request.kind) {
    case "etcd.put":
    case "etcd.lease.grant":
      return true;
    case "etcd.txn":
      return [...request.success, ...request.failure].some(needsSpace);
    default:
      return false;
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
