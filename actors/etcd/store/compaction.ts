import type { EtcdError } from "../../../protocol/etcd";
import { etcdError } from "./errors";
import type { Store } from "./store";
import type { History } from "./version";

/** Refuses reads below that revision from now on; `scavenge` removes, bit by bit, what nobody can read any more. */
export function compact(store: Store, revision: number): EtcdError | null {
  if (revision <= store.compacted) return etcdError("compacted");
  if (revision > store.revision) return etcdError("futureRevision");
  store.compacted = revision;
  return null;
}

/**
 * Goes over at most that many revisions' changes. True when nothing is left to remove.
 * The changes at the compacted revision itself stay: a watch may begin there.
 */
export function scavenge(store: Store, maxRevisions: number): boolean {
  let done = 0;
  for (; done < maxRevisions && store.firstChange + done < store.compacted; done++)
    for (const { history } of store.changes[done]!) trim(store, history);
  store.changes.splice(0, done);
  store.firstChange += done;
  if (store.firstChange < store.compacted) return false;
  for (const { history } of store.changesOf(store.compacted)) trim(store, history);
  return true;
}

/** The oldest of a key's versions that can still be seen: the newest at the compacted revision, and all after it. */
export function oldestVisible(history: History, compacted: number): number {
  const { versions } = history;
  let at = versions.length - 1;
  while (at > 0 && versions[at]!.modRevision > compacted) at--;
  const { modRevision, tombstone } = versions[at]!;
  // A deletion before the compacted revision has no reader and no watcher left.
  return tombstone && modRevision < compacted ? at + 1 : at;
}

function trim(store: Store, history: History): void {
  // A history that a later change of the same key has emptied is no longer in the index.
  if (history.versions.length === 0) return;
  const gone = history.versions.splice(0, oldestVisible(history, store.compacted));
  for (const version of gone) store.sizeBytes -= version.bytes;
  if (history.versions.length === 0) store.index.delete(history.key);
}
