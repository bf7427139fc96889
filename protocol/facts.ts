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
  /** This member learnt that all up to here is committed. `entries` as above, the newly committed. */
  | { readonly kind: "raft.committed"; readonly entries: readonly (readonly [number, number, number])[] }
  | { readonly kind: "raft.snapshot"; readonly index: number; readonly term: number; readonly how: "taken" | "installed" }
  /** This member applied an entry; hash is of the whole store at that revision. */
  | { readonly kind: "etcd.applied"; readonly index: number; readonly revision: number; readonly hash: number }
  | { readonly kind: "etcd.compacted"; readonly revision: number }
  /** A write was acknowledged to whoever asked: key as text, its mod revision, deleted or put. */
  | { readonly kind: "etcd.acknowledged"; readonly revision: number; readonly keys: readonly string[]; readonly deleted: boolean }
  /** An API server changed an object. `verb` create, update, patch, delete; `object` is "apps/deployments/shop/web". */
  | { readonly kind: "api.write"; readonly verb: string; readonly object: string; readonly resourceVersion: string; readonly user: string }
  | { readonly kind: "api.relist"; readonly resource: string; readonly why: string }
  | { readonly kind: "leader.elected"; readonly lease: string; readonly holder: string }
  | { readonly kind: "leader.lost"; readonly lease: string; readonly holder: string }
  | { readonly kind: "scheduler.bound"; readonly pod: string; readonly node: string }
  | { readonly kind: "scheduler.unschedulable"; readonly pod: string; readonly reason: string }
  | { readonly kind: "container.started"; readonly pod: string; readonly container: string; readonly node: string; readonly image: string }
  | {
      readonly kind: "container.exited";
      readonly pod: string;
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
    };
