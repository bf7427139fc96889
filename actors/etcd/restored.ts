import type { DiskOperation } from "../../runtime/actor";
import { Journal } from "./journal";
import { encodeMembership, foundingMembership } from "./membership";
import { restoreStore, StoreCapture, snapshotOf } from "./store/snapshot";
import type { Store } from "./store/store";

/** A cluster that is made of a backup begins, as etcd's does, with a snapshot at the first index of the first term. */
const beginning = { index: 1, term: 1 };

/** The store in a backup's bytes, without what belonged to the cluster that it was taken of: its alarms. Throws an Error on bytes that are none. */
export function storeOfBackup(bytes: Uint8Array): Store {
  const store = restoreStore(bytes);
  for (const alarm of store.alarms.list()) store.alarms.disarm(alarm);
  return store;
}

/**
 * What has to be on the empty disk of each of these members so that they come up with that store as one new cluster. Who the members of the
 * old one were is of no account.
 */
export function founding(store: Store, members: readonly string[]): readonly DiskOperation[] {
  const { journal } = Journal.recover({ logs: new Map(), blobs: new Map() });
  const snapshot = new StoreCapture(store, encodeMembership(foundingMembership(members))).nextChunk(Number.POSITIVE_INFINITY)!;
  const hardState = { term: beginning.term, vote: null, commit: beginning.index };
  return journal.write({ id: 1, hardState, entries: [], snapshot: beginning, messagesAfter: [] }, snapshot);
}

/**
 * The same store at a revision that is `by` higher, with all history before it compacted, as `etcdutl snapshot restore --bump-revision N --mark-compacted` makes it: nobody who
 * has seen what was written after the backup meets the revision of it again with something else in it, and whoever watches on from there is told to list.
 */
export function revisionBumped(store: Store, by: number): Store {
  if (!Number.isSafeInteger(store.revision + by) || by < 0) throw new Error(`revision ${store.revision} cannot be raised by ${by}`);
  store.revision += by;
  store.compacted = store.revision;
  // What the capture of it leaves out is what no reader can reach behind the compaction.
  return restoreStore(snapshotOf(store));
}
