import type { Address, HostName } from "../protocol/address";
import type { ApiObject, Stored } from "../protocol/kinds/object";
import type { Fact } from "../runtime/actor";
import type { Reference } from "./reference/reference";

/** The acts of a run: the cluster comes up and the manifests settle; the storm; the calm in which it must converge. */
export type Act = "boot" | "storm" | "calm" | "end";

/** What a check may see, in the order in which it happened. `atUs` is virtual time since the run began. */
export type HistoryEvent =
  | { readonly type: "act"; readonly atUs: number; readonly act: Act }
  /** Ground truth that an actor recorded (protocol/facts.ts). */
  | { readonly type: "fact"; readonly atUs: number; readonly actor: Address; readonly host: HostName; readonly fact: Fact }
  /** A committed change of one key of the store, in commit order. `key` is the store's; `value`, of keys outside the API's, null where it was deleted. */
  | {
      readonly type: "store";
      readonly atUs: number;
      readonly revision: number;
      readonly key: string;
      readonly deleted: boolean;
      readonly value?: string | null;
    }
  /** The same change as API object; `id` is "Pod shop/web-1". `before` is undefined where it is new, `after` where it was deleted. */
  | {
      readonly type: "object";
      readonly atUs: number;
      readonly revision: number;
      readonly id: string;
      readonly before: Stored | undefined;
      readonly after: Stored | undefined;
    }
  | {
      readonly type: "fault";
      readonly atUs: number;
      readonly step: number;
      readonly fault: string;
      readonly phase: "began" | "ended";
      /** Hosts, actors or links that it was resolved to. */
      readonly targets: readonly string[];
      /** The hosts on which these were when it began; the targets themselves where not given. */
      readonly hosts?: readonly HostName[];
      /** What it did, as counted by the world: the proof that it took effect. Empty while it lasts. */
      readonly effect: string;
    }
  /** An operator's action ended: a patch, an apply. */
  | {
      readonly type: "action";
      readonly atUs: number;
      readonly step: number;
      readonly action: string;
      readonly ok: boolean;
      readonly detail: string;
    }
  /** An operator saved a backup of etcd, which holds all that was written up to that revision. */
  | { readonly type: "backup"; readonly atUs: number; readonly revision: number }
  /**
   * Etcd is made anew out of a backup: of its history, what came after `backupRevision` (so many revisions) is gone, and it goes on after `revision`. A new epoch:
   * Raft begins again, and objects are what they were; those that are others than a moment ago are told behind this.
   */
  | {
      readonly type: "restore";
      readonly atUs: number;
      readonly backupRevision: number;
      readonly lostRevisions: number;
      readonly revision: number;
    }
  /** An actor began or ended a life. */
  | { readonly type: "life"; readonly atUs: number; readonly actor: Address; readonly alive: boolean; readonly error: string }
  | { readonly type: "host"; readonly atUs: number; readonly host: HostName; readonly up: boolean }
  /** Why the cluster is not at rest now, whenever that changes; looked at once a second. Empty: it is. */
  | { readonly type: "rest"; readonly atUs: number; readonly reasons: readonly string[] };

/** How things stood when the run ended. */
export interface Final {
  readonly atUs: number;
  /** By id, as in object events. */
  readonly objects: ReadonlyMap<string, Stored>;
  /** Each etcd member that is alive: its revision and, for a key, the revision of its last change (undefined where it has no such key). */
  readonly members: readonly FinalMember[];
  readonly convergence: Convergence;
  /** The same run without faults, simulated when it is asked for; not there where that cannot be done. */
  readonly reference?: () => Reference;
}

export interface FinalMember {
  readonly actor: string;
  readonly revision: number;
  /** Up to here nothing but the newest versions is kept. */
  readonly compacted: number;
  modRevisionOf(key: string): number | undefined;
  /** A hash over everything that can be read at or below that revision. */
  hashKv(revision: number): number;
}

/** Whether and when the cluster came to rest after the storm; `reasons` say why not yet. */
export interface Convergence {
  readonly converged: boolean;
  /** Since the calm began. */
  readonly afterUs: number;
  /** Whether it stayed at rest until the run ended. */
  readonly stayed: boolean;
  readonly reasons: readonly string[];
}

/** "Pod shop/web-1", "Node node-0": how histories, checks and reports name an API object. */
export function objectId(object: ApiObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${object.kind} ${namespace}/${name}` : `${object.kind} ${name}`;
}

/** "1:02.345": minutes, seconds and milliseconds of virtual time. */
export function formatTime(us: number): string {
  const ms = Math.floor(us / 1000);
  const minutes = Math.floor(ms / 60_000);
  return `${minutes}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}.${String(ms % 1000).padStart(3, "0")}`;
}
