/**
 * Ground truth that actors record for checks and timelines: what they did, not what others believe. Actors record these with ctx.record;
 * each adds the actor and the time. Checks in scenarios/checks read them.
 */
export type KnownFact =
  | { readonly kind: "raft.leader"; readonly term: number }
  | { readonly kind: "raft.role"; readonly role: "follower" | "precandidate" | "candidate" | "leader"; readonly term: number }
  /** A vote was persisted. */
  | { readonly kind: "raft.voted"; readonly term: number; readonly candidate: string }
  /** Entries are in this member's log on disk; `entries` are [index, term, hash of data]. */
  | { readonly kind: "raft.persisted"; readonly entries: readonly (readonly [number, number, number])[] }
  | { readonly kind: "raft.truncated"; readonly fromIndex: number }
  /** A leader found an entry of an earlier term on a quorum, and does not take it for committed by that (Raft, section 5.4.2, figure 8). */
  | { readonly kind: "raft.heldBack"; readonly index: number; readonly term: number }
  /** A new leader's clocks for leases begin: so many count on from a checkpoint, so many have their full time again. */
  | { readonly kind: "etcd.leaseClocks"; readonly resumed: number; readonly anew: number }
  /** What is left of so many leases was put into the log, or lost with the leadership. */
  | { readonly kind: "etcd.leaseCheckpoint"; readonly leases: number; readonly kept: boolean }
  /** Entries are in this member's log in memory and on their way to its disk; `runs` are [first index, last index, term]. */
  | { readonly kind: "raft.appended"; readonly runs: readonly (readonly [number, number, number])[] }
  /** This member says yes to a candidate: the answer leaves it. */
  | { readonly kind: "raft.granted"; readonly term: number; readonly candidate: string }
  /** A life began with what the disk kept: hard state, the snapshot's position, and the log's end; a raft.persisted with the entries follows. */
  | {
      readonly kind: "raft.recovered";
      readonly term: number;
      readonly vote: string;
      readonly snapshotIndex: number;
      readonly snapshotTerm: number;
      readonly lastIndex: number;
    }
  /** This member learnt that all up to here is committed. `entries` as above, the newly committed. */
  | { readonly kind: "raft.committed"; readonly entries: readonly (readonly [number, number, number])[] }
  /** Taken of the own store; received, so that it is the log in memory; or installed, so that it is on disk and is the store. */
  | { readonly kind: "raft.snapshot"; readonly index: number; readonly term: number; readonly how: "taken" | "received" | "installed" }
  /** This member applied a configuration, or began a life with it; with `outgoing` it is C_old,new, of which these are the old voters. */
  | {
      readonly kind: "raft.configuration";
      readonly index: number;
      readonly voters: readonly string[];
      readonly outgoing: readonly string[];
      readonly learners: readonly string[];
    }
  /** A leader is asked for a change of the members, and puts it to Raft; `learner` of one that is added. */
  | {
      readonly kind: "etcd.memberChange";
      readonly change: "add" | "remove" | "promote" | "update";
      readonly member: string;
      readonly learner: boolean;
    }
  /** This member applied an entry; hash is of the whole store at that revision. */
  | { readonly kind: "etcd.applied"; readonly index: number; readonly revision: number; readonly hash: number }
  | { readonly kind: "etcd.compacted"; readonly revision: number }
  /** A write was acknowledged to whoever asked: key as text, its mod revision, deleted or put. */
  | { readonly kind: "etcd.acknowledged"; readonly revision: number; readonly keys: readonly string[]; readonly deleted: boolean }
  /** An API server changed an object. `verb` create, update, patch, delete; `object` is "apps/deployments/shop/web". */
  | { readonly kind: "api.write"; readonly verb: string; readonly object: string; readonly resourceVersion: string; readonly user: string }
  | { readonly kind: "api.relist"; readonly resource: string; readonly why: string }
  /** A client's cache was filled by a list as of that resourceVersion, or watches on from it. `resource` with its selectors. */
  | { readonly kind: "informer.listed" | "informer.watching"; readonly resource: string; readonly resourceVersion: number }
  | { readonly kind: "leader.elected"; readonly lease: string; readonly holder: string }
  | { readonly kind: "leader.lost"; readonly lease: string; readonly holder: string }
  | { readonly kind: "scheduler.bound"; readonly pod: string; readonly node: string }
  | { readonly kind: "scheduler.unschedulable"; readonly pod: string; readonly reason: string }
  | {
      readonly kind: "container.started";
      readonly pod: string;
      readonly podUid: string;
      readonly container: string;
      readonly node: string;
      readonly image: string;
    }
  | {
      readonly kind: "container.exited";
      readonly pod: string;
      readonly podUid: string;
      readonly container: string;
      readonly node: string;
      readonly exitCode: number;
      readonly reason: string;
    }
  | { readonly kind: "pod.ready"; readonly pod: string; readonly node: string; readonly ready: boolean }
  | { readonly kind: "proxy.programmed"; readonly node: string; readonly services: number; readonly endpoints: number }
  | { readonly kind: "node.eviction"; readonly pod: string; readonly node: string }
  /** A load generator's request ended. */
  | {
      readonly kind: "load.result";
      readonly workload: string;
      readonly service: string;
      readonly requestId: string;
      readonly outcome: string;
      readonly code: number;
      readonly latencyUs: number;
      readonly servedBy: string;
      /** Of a request that failed: what the client was told, "" where nobody answered; its node of entry. */
      readonly detail: string;
      readonly via: string;
    }
  /** A register workload asks etcd: puts one value to all `keys` in one transaction, gets, deletes, or swaps `expected` for `value` in the one key; null is "no such key". */
  | {
      readonly kind: "register.called";
      readonly call: string;
      readonly member: string;
      readonly request: "get" | "put" | "delete" | "swap";
      readonly keys: readonly string[];
      readonly value: string | null;
      readonly expected: string | null;
      readonly serializable: boolean;
    }
  /** Its answer, with the revision of the header; `value` is what a get or a swap that failed saw; `changed` says whether a delete or swap did its work. */
  | {
      readonly kind: "register.returned";
      readonly call: string;
      readonly outcome: "done" | "refused" | "unknown";
      readonly revision: number;
      readonly value: string | null;
      readonly changed: boolean;
      readonly detail: string;
    }
  /**
   * A client of etcd begins something on several keys, in one transaction or in a read and a transaction that is guarded by it: `add` an element to the set
   * under `keys[0]`, `append` it to these lists, `add` a number to a counter, `transfer` an amount from the first account to the second, or `read` them.
   */
  | {
      readonly kind: "txn.called";
      readonly call: string;
      readonly workload: "sets" | "lists" | "counters" | "bank";
      readonly action: "add" | "append" | "increment" | "transfer" | "read";
      readonly member: string;
      readonly keys: readonly string[];
      readonly value: string;
    }
  /** How it ended. `seen` is what it read under each of the keys (of a set: its elements), in one look at `revision`; refused: certainly without effect. */
  | {
      readonly kind: "txn.returned";
      readonly call: string;
      readonly outcome: "done" | "refused" | "unknown";
      readonly revision: number;
      readonly seen: readonly (string | null)[];
      readonly detail: string;
    }
  /** A client of etcd asks something of a lease (0 where it is to be granted): a `put` puts `key` under it. */
  | {
      readonly kind: "lease.called";
      readonly call: string;
      readonly action: "grant" | "keepAlive" | "revoke" | "put" | "timeToLive";
      readonly lease: number;
      readonly key: string;
    }
  /** The answer: of a grant the lease, and of grants, renewals and questions the seconds that are left, -1 where it is gone. */
  | {
      readonly kind: "lease.returned";
      readonly call: string;
      readonly outcome: "done" | "refused" | "unknown";
      readonly lease: number;
      readonly ttlSeconds: number;
      readonly detail: string;
    }
  /** A client holds a lock: its key was made at `fence`, and it may count on its lease until then. Both times are of the client's own monotonic clock. */
  | {
      readonly kind: "lock.held";
      readonly lock: string;
      readonly holder: string;
      readonly fence: number;
      readonly nowUs: number;
      readonly untilUs: number;
    }
  | { readonly kind: "lock.released"; readonly lock: string; readonly holder: string; readonly why: string }
  /** A node came under pressure of "MemoryPressure" or "DiskPressure", or out of it. */
  | { readonly kind: "node.pressure"; readonly node: string; readonly condition: string; readonly pressed: boolean }
  /** A kubelet evicts a pod because its node is short of a resource. */
  | { readonly kind: "pod.pressureEvicted"; readonly node: string; readonly pod: string; readonly resource: string }
  /** A candidate leads: its key was made at revision `term`, and it may count on its lease until then. Both times are of the client's own monotonic clock. */
  | {
      readonly kind: "election.leads";
      readonly election: string;
      readonly leader: string;
      readonly term: number;
      readonly nowUs: number;
      readonly untilUs: number;
    }
  | { readonly kind: "election.ended"; readonly election: string; readonly leader: string; readonly why: string }
  /** Somebody begins to ask who leads. */
  | { readonly kind: "election.asked"; readonly election: string; readonly call: string }
  /** The answer: whose key is the oldest and the revision at which it was made; "" and 0 where nobody stands. */
  | { readonly kind: "election.seen"; readonly election: string; readonly call: string; readonly leader: string; readonly term: number }
  /** Somebody who churns a cluster finished an activity. */
  | { readonly kind: "churn.done"; readonly activity: string; readonly round: number; readonly ok: boolean; readonly detail: string }
  /** A watcher of the API listed a kind, in one namespace or (where it is "") in all: each object as "namespace/name" with its resourceVersion. */
  | {
      readonly kind: "api-watch.listed";
      readonly watch: string;
      readonly of: string;
      readonly namespace: string;
      readonly resourceVersion: number;
      readonly objects: readonly (readonly [string, number])[];
    }
  /** It watches from there, for the `number`th time. */
  | {
      readonly kind: "api-watch.opened";
      readonly watch: string;
      readonly number: number;
      readonly server: string;
      readonly of: string;
      readonly namespace: string;
      readonly resourceVersion: number;
    }
  /** What it was told, as it came; of a bookmark the object is "". */
  | {
      readonly kind: "api-watch.event";
      readonly watch: string;
      readonly number: number;
      readonly type: string;
      readonly object: string;
      readonly resourceVersion: number;
    }
  /** The stream ended; `gone` where it has to list again (410). */
  | { readonly kind: "api-watch.closed"; readonly watch: string; readonly number: number; readonly gone: boolean; readonly detail: string }
  /** A watch workload opened a watch on the keys of a prefix, for the `number`th time. */
  | {
      readonly kind: "watch.opened";
      readonly watch: string;
      readonly number: number;
      readonly member: string;
      readonly prefix: string;
      readonly startRevision: number;
    }
  /** What the watch was told, as it came. */
  | {
      readonly kind: "watch.response";
      readonly watch: string;
      readonly number: number;
      readonly revision: number;
      readonly created: boolean;
      readonly compactRevision: number;
      readonly events: readonly {
        readonly type: "put" | "delete";
        readonly key: string;
        readonly revision: number;
        readonly value: string | null;
        /** When the key was made, and how often it was written since; 0 of a deletion. */
        readonly createRevision: number;
        readonly version: number;
        /** 0 and null where there was no previous value in the event. */
        readonly previousRevision: number;
        readonly previousValue: string | null;
      }[];
    }
  | { readonly kind: "watch.closed"; readonly watch: string; readonly number: number; readonly reason: string; readonly detail: string };
