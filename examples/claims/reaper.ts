// A reaper: claims of a StatefulSet's members that were scaled away are deleted, so that nobody pays for them. What its cache shows may be of the past, and a
// claim that is deleted is gone with all that is on it; so before it deletes one it asks once more, past the cache, whether the member is really not wanted.
import {
  type Controller,
  get,
  keyOf,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  remove,
  type StatefulSet,
  type Step,
  type Stored,
  statefulSets,
  watch,
} from "wavetank";

/** The number at the end of "data-orders-2". */
const ordinalOf = (claim: Stored<PersistentVolumeClaim>) => Number(claim.metadata.name.slice(claim.metadata.name.lastIndexOf("-") + 1));

function isScaledAway(claim: Stored<PersistentVolumeClaim>, set: Stored<StatefulSet>): boolean {
  const ordinal = ordinalOf(claim);
  return ordinal >= (set.spec?.replicas ?? 1) && ordinal >= (set.status?.replicas ?? 0);
}

function isClaimOf(claim: Stored<PersistentVolumeClaim>, set: Stored<StatefulSet>): boolean {
  const begins = (set.spec?.volumeClaimTemplates ?? []).map((template) => `${template.metadata?.name}-${set.metadata.name}-`);
  return begins.some((begin) => claim.metadata.name.startsWith(begin) && /^\d+$/.test(claim.metadata.name.slice(begin.length)));
}

const controller: Controller = {
  name: "reaper",
  watches: [watch(statefulSets, (set) => [keyOf(set)]), watch(persistentVolumeClaims, () => [])],
  reconcile(key, view) {
    const set = view.of(statefulSets).get(key);
    if (!set) return { steps: [] };
    const { namespace = "", name } = set.metadata;
    const claims = [...view.of(persistentVolumeClaims).list()].filter(
      (claim) => claim.metadata.namespace === namespace && isClaimOf(claim, set) && !claim.metadata.deletionTimestamp,
    );
    const steps = claims
      .filter((claim) => isScaledAway(claim, set))
      .map(
        (claim): Step =>
          get(statefulSets, namespace, name, (now) =>
            now.ok && isScaledAway(claim, now.object) ? [remove(persistentVolumeClaims, claim)] : [],
          ),
      );
    return { steps };
  },
};

export default controller;
