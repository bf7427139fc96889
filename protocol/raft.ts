/** What etcd members say to each other: Raft's messages, as datagrams. The sender's address is in the envelope. */

/** One log entry; data is opaque to Raft. "noop" entries are what a new leader begins its term with. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly type: "noop" | "data" | "configuration";
  readonly data: Uint8Array;
}

/** RequestVote (section 5.2 of the Raft paper); with preVote it asks without disturbing anybody (section 9.6 of the thesis). */
export interface VoteRequest {
  readonly kind: "raft.vote";
  readonly term: number;
  readonly preVote: boolean;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The old leader asked for this election, so leases of leadership do not count. */
  readonly transfer: boolean;
}
export interface VoteResponse {
  readonly kind: "raft.vote.response";
  readonly term: number;
  readonly preVote: boolean;
  readonly granted: boolean;
}
/** AppendEntries with entries (section 5.3). */
export interface AppendRequest {
  readonly kind: "raft.append";
  readonly term: number;
  readonly previousIndex: number;
  readonly previousTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}
export interface AppendResponse {
  readonly kind: "raft.append.response";
  readonly term: number;
  readonly rejected: boolean;
  /** The last index known to match, or when rejected the previousIndex that did not match. */
  readonly index: number;
  /** When rejected: where the leader may look next. */
  readonly hintIndex: number;
  readonly hintTerm: number;
}
export interface HeartbeatRequest {
  readonly kind: "raft.heartbeat";
  readonly term: number;
  readonly commit: number;
  /** Names the read-index round that this heartbeat confirms; 0 for none. */
  readonly round: number;
}
export interface HeartbeatResponse {
  readonly kind: "raft.heartbeat.response";
  readonly term: number;
  readonly round: number;
}
/** InstallSnapshot in chunks (section 7). */
export interface SnapshotRequest {
  readonly kind: "raft.snapshot";
  readonly term: number;
  readonly index: number;
  readonly snapshotTerm: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly last: boolean;
}
export interface SnapshotResponse {
  readonly kind: "raft.snapshot.response";
  readonly term: number;
  readonly index: number;
  /** How many bytes of that snapshot have arrived without a gap. */
  readonly received: number;
  readonly done: boolean;
}
/** Leadership transfer (section 3.10 of the thesis): campaign at once. */
export interface TimeoutNow {
  readonly kind: "raft.timeoutNow";
  readonly term: number;
}

/** To a server that was removed and goes on speaking: it is no member any more, and never will be. No part of Raft itself. */
export interface RemovedNotice {
  readonly kind: "raft.removed";
}

export type RaftMessage =
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | HeartbeatRequest
  | HeartbeatResponse
  | SnapshotRequest
  | SnapshotResponse
  | TimeoutNow;
