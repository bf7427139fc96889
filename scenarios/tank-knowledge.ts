import type { Store } from "../actors/etcd/store/store";
import type { HostName } from "../protocol/address";
import type { Stored } from "../protocol/kinds/object";

/** What the tank has to be told, because only whoever watches the world knows it. */
export interface TankKnowledge {
  /** Whether something on a host is a leader at this moment. */
  leads(host: HostName): boolean;
  objects(): ReadonlyMap<string, Stored>;
  /** To be told that a backup of etcd was saved. */
  backupSaved(revision: number): void;
  /** To be told that etcd begins anew with that store, made of the backup of that revision. */
  restored(store: Store, backupRevision: number): void;
}
