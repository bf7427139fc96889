import type { Address } from "../../protocol/address";
import type { ClusterMember, EtcdRequest, ResponseHeader } from "../../protocol/etcd";
import type { Context, RequestRef, StreamRef } from "../../runtime/actor";
import type { Command, Outcome } from "./commands";
import type { Durations } from "./durations";
import type { Journal } from "./journal";
import type { Membership } from "./membership";
import type { LogPosition } from "./raft/log";
import type { MemberId, Moment, RaftNode } from "./raft/node";
import type { EtcdSettings } from "./settings";
import type { LeaseExpiry } from "./store/expiry";
import type { StoreCapture } from "./store/snapshot";
import type { Store } from "./store/store";
import type { Watchers } from "./store/watchers";
import type { SnapshotReceiver, SnapshotSender } from "./transfer";

export interface EtcdConfig {
  /** Those that begin the cluster together, this one among them, in the same order everywhere. */
  readonly members: readonly Address[];
  /** This one joins a cluster that has added it: it begins with nothing, whatever `members` says, and waits to be told. */
  readonly join?: boolean;
  /** Flags by their etcd names; see etcdSettings. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export type MemberContext = Context<MemberState>;

/** A client's request that has not been answered. */
export interface Job {
  readonly body: EtcdRequest;
  readonly request: RequestRef;
  readonly from: Address;
  /** When the asker gives up, by this host's monotonic clock. */
  readonly dueMs: number;
}

/** A command for the log, and what to do with what came of it. */
export interface Proposal {
  readonly command: Command;
  readonly data: Uint8Array;
  readonly job: Job | null;
  finish(state: MemberState, outcome: Outcome, ctx: MemberContext): void;
}

export interface WatchStream {
  readonly stream: StreamRef;
  /** A progress response was asked for and is owed as soon as everything has been sent. */
  progressOwed: boolean;
  /** Since the last progress interval began. */
  sentEvents: boolean;
}

/** What an etcd member keeps in memory. All of it but the configuration comes back from the disk or from the others. */
export interface MemberState {
  readonly id: MemberId;
  /** As of the applied entry. */
  membership: Membership;
  /** It was removed from the cluster. */
  retired: boolean;
  /** Changes of the membership that wait for the one under way. */
  changes: Job[];
  change: {
    readonly job: Job;
    readonly term: number;
    /** By which its configuration is recognised. */
    readonly context: Uint8Array;
    readonly before: ClusterMember | null;
  } | null;
  readonly settings: EtcdSettings;
  readonly node: RaftNode;
  readonly journal: Journal;
  store: Store;
  /** The entry that the store has come to. */
  appliedIndex: number;
  /** The end of the log that this life began with. Until that is applied, the store may be older than what an earlier life showed. */
  recoveredIndex: number;

  /** Proposals wait while a write is under way, to go into the next one together. */
  queue: Proposal[];
  writesUnderWay: number;
  /** Proposals in the log, by index. */
  readonly proposed: Map<number, { readonly term: number; readonly proposal: Proposal }>;
  nextRead: number;
  /** Reads whose index is being confirmed, by number. */
  readonly reads: Map<number, Job>;
  /** Confirmed reads that wait until that index is applied. */
  readsToServe: { readonly index: number; readonly job: Job }[];
  /** Requests that wait for a leader. */
  waiting: { readonly job: Job; readonly untilMs: number }[];

  readonly watchers: Watchers;
  readonly streams: Map<string, WatchStream>;
  /** Backups that are being handed out, by their streams. */
  readonly backups: Map<string, { readonly capture: StoreCapture; readonly header: ResponseHeader }>;
  /** On the leader, once it has applied an entry of its own term. */
  expiry: LeaseExpiry | null;
  readonly revoking: Set<number>;
  /** Alarms on their way into the log. */
  readonly raising: Set<string>;
  /** Who waits for a snapshot of at least that index, and for the log behind it to go. */
  defragmenting: { readonly index: number; readonly job: Job }[];

  /** A snapshot being written to the own disk. */
  taking: { readonly snapshot: LogPosition; readonly capture: StoreCapture; first: boolean } | null;
  readonly senders: Map<MemberId, SnapshotSender>;
  receiver: SnapshotReceiver | null;
  /** A received snapshot until it is durable. */
  arriving: { readonly snapshot: LogPosition; readonly store: Store; readonly membership: Membership; readonly bytes: Uint8Array } | null;

  /** What others have been told of, to notice changes. */
  readonly seen: {
    role: string;
    term: number;
    leader: MemberId | null;
    /** Since when there is no leader; Infinity while there is one. */
    leaderlessMs: number;
    committed: number;
    vote: MemberId | null;
    voteTerm: number;
  };
  readonly durations: Durations;
  /** When the raft timer will fire. */
  wakeMs: number;
}

export function nowMs(ctx: MemberContext): number {
  return ctx.monotonicUs() / 1000;
}

export function momentOf(ctx: MemberContext): Moment {
  return { nowMs: nowMs(ctx), random: () => ctx.random("election") };
}
