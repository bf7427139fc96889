/** What is said between an API server and etcd: etcd's v3 key-value, watch and lease services as messages. */

import type {
  Alarm,
  AlarmListRequest,
  AlarmRequest,
  AlarmResponse,
  Asked,
  AuthReadRequest,
  AuthRequest,
  AuthResponse,
  DefragmentRequest,
  DefragmentResponse,
} from "./etcd-auth";

export type SortOrder = "none" | "ascend" | "descend";
export type SortTarget = "key" | "version" | "create" | "mod" | "value";

/** Keys from `key` up to but without `rangeEnd`; an empty rangeEnd means that one key, a single 0 byte all keys from `key` on. */
export interface RangeRequest extends Asked {
  readonly kind: "etcd.range";
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  /** 0 means no limit. */
  readonly limit: number;
  /** 0 means the newest. */
  readonly revision: number;
  readonly sortOrder: SortOrder;
  readonly sortTarget: SortTarget;
  /** Answer from the member asked, which may lag; otherwise the read is linearizable. */
  readonly serializable: boolean;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  /** Only keys whose revisions lie within these; `count` counts all the same. */
  readonly revisions?: RevisionBounds;
}

/** Bounds that count themselves; 0 for none. */
export interface RevisionBounds {
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

export interface PutRequest extends Asked {
  readonly kind: "etcd.put";
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** A lease's id, or 0. */
  readonly lease: number;
  readonly prevKv: boolean;
  /** The key, which has to be there, keeps its value or its lease. */
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}

export interface DeleteRangeRequest extends Asked {
  readonly kind: "etcd.delete";
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly prevKv: boolean;
}

/** A condition on one key. `value` is meant for target "value"; `number` for the others. A key that is not there has all numbers 0. */
export interface Compare {
  readonly key: Uint8Array;
  readonly target: "version" | "create" | "mod" | "value" | "lease";
  readonly result: "equal" | "notEqual" | "greater" | "less";
  readonly number: number;
  readonly value: Uint8Array;
  /** With it, the condition is on each key of the range. */
  readonly rangeEnd?: Uint8Array;
}

export type TxnOperation = RangeRequest | PutRequest | DeleteRangeRequest | TxnRequest;

export interface TxnRequest extends Asked {
  readonly kind: "etcd.txn";
  readonly compare: readonly Compare[];
  readonly success: readonly TxnOperation[];
  readonly failure: readonly TxnOperation[];
}

export interface CompactRequest extends Asked {
  readonly kind: "etcd.compact";
  readonly revision: number;
}

export interface LeaseGrantRequest extends Asked {
  readonly kind: "etcd.lease.grant";
  /** 0 lets the member choose. */
  readonly id: number;
  readonly ttlSeconds: number;
}
export interface LeaseRevokeRequest extends Asked {
  readonly kind: "etcd.lease.revoke";
  readonly id: number;
}
export interface LeaseKeepAliveRequest extends Asked {
  readonly kind: "etcd.lease.keepAlive";
  readonly id: number;
}
export interface LeaseTimeToLiveRequest extends Asked {
  readonly kind: "etcd.lease.timeToLive";
  readonly id: number;
  readonly keys: boolean;
}
export interface LeaseListRequest extends Asked {
  readonly kind: "etcd.lease.list";
}
/** Whom the member takes for leader, its term, revision and size. Always answered from its own state. */
export interface StatusRequest extends Asked {
  readonly kind: "etcd.status";
}

/** The hash of what can be read at a revision and below (0 for the newest), from the member's own state: members at one revision answer the same. */
export interface HashKvRequest extends Asked {
  readonly kind: "etcd.hashKv";
  readonly revision: number;
}
/** The leader is to hand over to that member; answered when it has begun to. */
export interface MoveLeaderRequest extends Asked {
  readonly kind: "etcd.moveLeader";
  readonly to: string;
}

/** A member of the cluster. */
export interface ClusterMember {
  /** The address of its actor, "etcd/3", by which it is known. */
  readonly id: string;
  readonly name: string;
  /** What the member list shows; members speak to each other's addresses. */
  readonly peerUrls: readonly string[];
  /** It gets the log, and neither votes nor counts. */
  readonly isLearner: boolean;
}

/** The members, as the leader knows them or, unless `linearizable`, the member asked. */
export interface MemberListRequest extends Asked {
  readonly kind: "etcd.member.list";
  readonly linearizable: boolean;
}
/** Then start it with `join` in its configuration and an empty disk. An address that was removed is not taken again. */
export interface MemberAddRequest extends Asked {
  readonly kind: "etcd.member.add";
  readonly member: string;
  /** "" for one made of the address. */
  readonly name: string;
  /** None for its address. */
  readonly peerUrls: readonly string[];
  readonly isLearner: boolean;
}
export interface MemberRemoveRequest extends Asked {
  readonly kind: "etcd.member.remove";
  readonly member: string;
}
export interface MemberUpdateRequest extends Asked {
  readonly kind: "etcd.member.update";
  readonly member: string;
  readonly peerUrls: readonly string[];
}
/** A learner that has caught up becomes a voter. */
export interface MemberPromoteRequest extends Asked {
  readonly kind: "etcd.member.promote";
  readonly member: string;
}
/** Answered when the change is complete; by joint consensus where voters change. */
export type MemberChangeRequest = MemberAddRequest | MemberRemoveRequest | MemberUpdateRequest | MemberPromoteRequest;

export type EtcdRequest =
  | RangeRequest
  | PutRequest
  | DeleteRangeRequest
  | TxnRequest
  | CompactRequest
  | LeaseGrantRequest
  | LeaseRevokeRequest
  | LeaseKeepAliveRequest
  | LeaseTimeToLiveRequest
  | LeaseListRequest
  | StatusRequest
  | HashKvRequest
  | MoveLeaderRequest
  | MemberListRequest
  | MemberChangeRequest
  | AuthRequest
  | AuthReadRequest
  | AlarmRequest
  | AlarmListRequest
  | DefragmentRequest;

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: number;
}

export interface ResponseHeader {
  readonly member: string;
  readonly revision: number;
  readonly term: number;
}

export interface RangeResponse {
  readonly kind: "etcd.range.response";
  readonly header: ResponseHeader;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}
export interface PutResponse {
  readonly kind: "etcd.put.response";
  readonly header: ResponseHeader;
  readonly prevKv: KeyValue | null;
}
export interface DeleteRangeResponse {
  readonly kind: "etcd.delete.response";
  readonly header: ResponseHeader;
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}
export interface TxnResponse {
  readonly kind: "etcd.txn.response";
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly (RangeResponse | PutResponse | DeleteRangeResponse | TxnResponse)[];
}
export interface CompactResponse {
  readonly kind: "etcd.compact.response";
  readonly header: ResponseHeader;
}
export interface LeaseResponse {
  readonly kind: "etcd.lease.response";
  readonly header: ResponseHeader;
  readonly id: number;
  /** Remaining, or -1 where the lease is gone. */
  readonly ttlSeconds: number;
  readonly grantedTtlSeconds: number;
  readonly keys: readonly Uint8Array[];
  readonly leases: readonly number[];
}
export interface StatusResponse {
  readonly kind: "etcd.status.response";
  readonly header: ResponseHeader;
  /** The leader's address or "". */
  readonly leader: string;
  readonly committedIndex: number;
  readonly appliedIndex: number;
  /** Bytes of keys and values that are kept: what the quota is on. */
  readonly sizeBytes: number;
  /** Bytes of this member's log and snapshot on its disk, which defragmenting makes fewer. */
  readonly diskBytes: number;
  readonly compactedRevision: number;
  /** The member neither votes nor counts. */
  readonly isLearner: boolean;
  readonly alarms: readonly Alarm[];
}

export interface HashKvResponse {
  readonly kind: "etcd.hashKv.response";
  readonly header: ResponseHeader;
  readonly hash: number;
  readonly compactRevision: number;
}
export interface MoveLeaderResponse {
  readonly kind: "etcd.moveLeader.response";
  readonly header: ResponseHeader;
}

export interface MembersResponse {
  readonly kind: "etcd.member.response";
  readonly header: ResponseHeader;
  /** The member that was added, removed (as it was), updated or promoted; null in answer to a list. */
  readonly member: ClusterMember | null;
  readonly members: readonly ClusterMember[];
}

/** The gRPC codes that etcd uses, by name, with etcd's own messages ("etcdserver: mvcc: required revision has been compacted"). */
export interface EtcdError {
  readonly kind: "etcd.error";
  readonly code:
    | "InvalidArgument"
    | "NotFound"
    | "FailedPrecondition"
    | "OutOfRange"
    | "Unavailable"
    | "ResourceExhausted"
    | "DeadlineExceeded"
    | "AlreadyExists"
    | "PermissionDenied"
    | "Unauthenticated"
    | "DataLoss";
  readonly message: string;
  /** True where a write may or may not have happened; false where it certainly has not. */
  readonly unknown: boolean;
}

export type EtcdResponse =
  | RangeResponse
  | PutResponse
  | DeleteRangeResponse
  | TxnResponse
  | CompactResponse
  | LeaseResponse
  | StatusResponse
  | HashKvResponse
  | MoveLeaderResponse
  | MembersResponse
  | AuthResponse
  | AlarmResponse
  | DefragmentResponse
  | EtcdError;

/** Opens a watch as a stream; the stream's items are WatchResponses. */
export interface WatchRequest extends Asked {
  readonly kind: "etcd.watch";
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  /** The first revision wanted; 0 means from now on. */
  readonly startRevision: number;
  readonly prevKv: boolean;
  /** Ask for empty responses that say how far the watch has come. */
  readonly progressNotify: boolean;
}

export interface WatchEvent {
  readonly type: "put" | "delete";
  /** For a delete only key and modRevision mean something. */
  readonly kv: KeyValue;
  readonly prevKv: KeyValue | null;
}

/** All events of one revision come in one response. With no events it says that all up to header.revision were sent. */
export interface WatchResponse {
  readonly kind: "etcd.watch.response";
  readonly header: ResponseHeader;
  readonly created: boolean;
  /** Not 0: the watch was cancelled because its start revision is compacted; this is the oldest that is left. */
  readonly compactRevision: number;
  readonly events: readonly WatchEvent[];
}

/** On an open watch stream the watcher may ask for a progress response. */
export interface WatchProgressRequest {
  readonly kind: "etcd.watch.progress";
}

/** Opens a stream for a backup: the member's store as it is then. Each BackupNext is answered by one BackupChunk. */
export interface BackupRequest extends Asked {
  readonly kind: "etcd.backup";
}
export interface BackupNext {
  readonly kind: "etcd.backup.next";
}
export interface BackupChunk {
  readonly kind: "etcd.backup.chunk";
  readonly header: ResponseHeader;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

export type EtcdMessage =
  | EtcdRequest
  | EtcdResponse
  | WatchRequest
  | WatchResponse
  | WatchProgressRequest
  | BackupRequest
  | BackupNext
  | BackupChunk;
