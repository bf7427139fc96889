import { oldestVisible } from "./compaction";
import type { Store } from "./store";

/**
 * A hash over everything that can be read or watched at or below `revision`: what etcd's HashKV is for. Costs a walk over the store;
 * two members at the same revision and compaction answer the same, however far each has got with removing.
 */
export function hashKv(store: Store, revision: number): number {
  let hash = 0;
  store.index.scan("", null, (history) => {
    for (let i = oldestVisible(history, store.compacted); i < history.versions.length; i++) {
      const version = history.versions[i]!;
      if (version.modRevision <= revision) hash = store.hashOf(version, hash);
    }
    return undefined;
  });
  return hash;
}
