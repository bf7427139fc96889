import type { PersistentVolumeClaim, StorageClass } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { compareQuantity, parseQuantity } from "../../../protocol/kinds/quantity";
import { forbidden } from "../../../protocol/status";
import { isOf, type Plugin } from "./admission";

const protections = [
  ["persistentvolumeclaims", "kubernetes.io/pvc-protection"],
  ["persistentvolumes", "kubernetes.io/pv-protection"],
] as const;

/** Claims and volumes get a finalizer that keeps them while they are in use. */
export const storageObjectInUseProtection: Plugin = {
  name: "StorageObjectInUseProtection",
  mutate(admission) {
    const { object } = admission;
    const protection = protections.find(([plural]) => isOf(admission, "", plural))?.[1];
    const finalizers = object.metadata.finalizers ?? [];
    if (admission.operation !== "CREATE" || !protection || finalizers.includes(protection)) return object;
    return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, protection] } };
  },
};

/** A claim grows only once it is bound and where its class allows that. */
export const persistentVolumeClaimResize: Plugin = {
  name: "PersistentVolumeClaimResize",
  validate(admission) {
    const { operation, object, old, cluster, name } = admission;
    if (operation !== "UPDATE" || !isOf(admission, "", "persistentvolumeclaims")) return undefined;
    const [before, after] = [old, object].map(
      (claim) => (claim as (ApiObject & PersistentVolumeClaim) | undefined)?.spec?.resources?.requests?.storage,
    );
    if (before === undefined || after === undefined || compareQuantity(parseQuantity(after), parseQuantity(before)) <= 0) return undefined;
    const subject = { group: "", resource: "persistentvolumeclaims", name };
    const claim = old as Stored<PersistentVolumeClaim>;
    if (claim.status?.phase !== "Bound") return forbidden(subject, "Only bound persistent volume claims can be expanded");
    const className = claim.spec?.storageClassName ?? "";
    const found =
      className === ""
        ? undefined
        : (cluster.get("storage.k8s.io", "v1", "storageclasses", "", className) as Stored<StorageClass> | undefined);
    if (found?.allowVolumeExpansion === true) return undefined;
    return forbidden(
      subject,
      "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
    );
  },
};
