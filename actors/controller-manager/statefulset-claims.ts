import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from "../../protocol/kinds/generated";
import { controllerReference, keyOf, type Stored } from "../../protocol/kinds/object";
import { persistentVolumeClaims, type Step, update, type View } from "../client";
import { claimsOf, ordinalOf, replicasOf, startOf } from "./statefulset-pods";

/**
 * Makes the claims of pods follow persistentVolumeClaimRetentionPolicy: what is to go with the StatefulSet, or with a pod that is scaled away, is owned
 * by it, and the garbage collector does the rest. A claim that something else controls is left alone.
 * Source: "StatefulSets" in the documentation, PersistentVolumeClaim retention.
 */
export function retentionSteps(set: Stored<StatefulSet>, pods: readonly Stored<Pod>[], view: View): readonly Step[] {
  return pods.flatMap((pod) => {
    const ordinal = ordinalOf(set, pod)!;
    return claimsOf(set, ordinal).flatMap((wanted) => {
      const claim = view.of(persistentVolumeClaims).get(keyOf(wanted));
      return claim ? retentionStep(set, pod, ordinal, claim) : [];
    });
  });
}

function retentionStep(set: Stored<StatefulSet>, pod: Stored<Pod>, ordinal: number, claim: Stored<PersistentVolumeClaim>): readonly Step[] {
  const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
  const before = claim.metadata.ownerReferences ?? [];
  const isMine = ({ kind, name, uid }: OwnerReference) =>
    uid === set.metadata.uid || uid === pod.metadata.uid || (kind === "Pod" && name === pod.metadata.name);
  if (before.some((reference) => reference.controller && !isMine(reference))) return [];
  const isScaledAway = ordinal < startOf(set) || ordinal >= startOf(set) + replicasOf(set);
  const owner =
    whenScaled === "Delete" && isScaledAway
      ? controllerReference(pod as Stored)
      : whenDeleted === "Delete"
        ? controllerReference(set as Stored)
        : undefined;
  const mine = before.filter(isMine);
  const kept = before.filter((reference) => !isMine(reference));
  const isRight = owner === undefined ? mine.length === 0 : mine.length === 1 && mine[0]!.uid === owner.uid;
  if (isRight) return [];
  return [update(persistentVolumeClaims, { ...claim, metadata: { ...claim.metadata, ownerReferences: owner ? [...kept, owner] : kept } })];
}
