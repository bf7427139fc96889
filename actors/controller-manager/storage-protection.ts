import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../protocol/kinds/generated";
import { isBeingDeleted, keyOf, objectKey, type Stored } from "../../protocol/kinds/object";
import {
  type Controller,
  nothingToDo,
  type Plan,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  update,
  type View,
  watch,
} from "../client";
import { isPodTerminal } from "./pod-state";

/** Lets a claim that is being deleted go once no pod uses it any more. Source: "Storage Object in Use Protection". */
export const claimProtectionController: Controller = {
  name: "persistentvolumeclaim-protection",
  watches: [
    watch(persistentVolumeClaims, (claim) => [keyOf(claim)]),
    watch(pods, claimsOf, (old, pod) => isPodTerminal(old) !== isPodTerminal(pod)),
  ],
  reconcile(key, view) {
    const claim = view.of(persistentVolumeClaims).get(key);
    if (!claim || !isBeingDeleted(claim) || isUsed(claim, view)) return nothingToDo;
    return release(persistentVolumeClaims, claim, "kubernetes.io/pvc-protection");
  },
};

/** Lets a volume that is being deleted go once no claim is bound to it. */
export const volumeProtectionController: Controller = {
  name: "persistentvolume-protection",
  watches: [watch(persistentVolumes, ({ metadata }) => [metadata.name])],
  reconcile(key, view) {
    const volume = view.of(persistentVolumes).get(key);
    if (!volume || !isBeingDeleted(volume) || volume.status?.phase === "Bound") return nothingToDo;
    return release(persistentVolumes, volume, "kubernetes.io/pv-protection");
  },
};

function claimsOf({ spec, metadata }: Stored<Pod>): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [objectKey(metadata.namespace, persistentVolumeClaim.claimName)];
    return ephemeral ? [objectKey(metadata.namespace, `${metadata.name}-${name}`)] : [];
  });
}

function isUsed(claim: Stored<PersistentVolumeClaim>, view: View): boolean {
  const key = keyOf(claim);
  return view
    .of(pods)
    .byIndex("namespace", claim.metadata.namespace ?? "")
    .some((pod) => !isPodTerminal(pod) && claimsOf(pod).includes(key));
}

function release<T extends PersistentVolume | PersistentVolumeClaim>(resource: Resource<T>, object: Stored<T>, finalizer: string): Plan {
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(finalizer)) return nothingToDo;
  const metadata = { ...object.metadata, finalizers: finalizers.filter((each) => each !== finalizer) };
  return { steps: [update(resource, { ...object, metadata }, { ignore: ["NotFound"] })] };
}
