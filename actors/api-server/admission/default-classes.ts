import type { Ingress, IngressClass, PersistentVolumeClaim, StorageClass } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { forbidden, internalError } from "../../../protocol/status";
import { type Admission, isOf, type Plugin } from "./admission";

type Class = Stored<StorageClass> | Stored<IngressClass>;

/** The classes of a kind that are marked as the default one. */
function defaultsOf({ cluster }: Admission, group: string, plural: string, annotation: string): readonly Class[] {
  return (cluster.list(group, "v1", plural) as readonly Class[]).filter(({ metadata }) => metadata.annotations?.[annotation] === "true");
}

/** A claim that names no class gets the default one; of several the one that was made last. */
export const defaultStorageClass: Plugin = {
  name: "DefaultStorageClass",
  mutate(admission) {
    if (admission.operation !== "CREATE" || !isOf(admission, "", "persistentvolumeclaims")) return admission.object;
    const claim = admission.object as ApiObject & PersistentVolumeClaim;
    if (claim.spec?.storageClassName !== undefined || claim.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] !== undefined)
      return claim;
    const [newest] = [...defaultsOf(admission, "storage.k8s.io", "storageclasses", "storageclass.kubernetes.io/is-default-class")].sort(
      (a, b) => compareText(b.metadata.creationTimestamp, a.metadata.creationTimestamp) || compareText(a.metadata.name, b.metadata.name),
    );
    return newest ? ({ ...claim, spec: { ...claim.spec, storageClassName: newest.metadata.name } } as ApiObject) : claim;
  },
};

/** An Ingress that names no class gets the default one; several defaults are an error. */
export const defaultIngressClass: Plugin = {
  name: "DefaultIngressClass",
  mutate(admission) {
    if (admission.operation !== "CREATE" || !isOf(admission, "networking.k8s.io", "ingresses")) return admission.object;
    const ingress = admission.object as ApiObject & Ingress;
    if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.["kubernetes.io/ingress.class"] !== undefined)
      return ingress;
    const defaults = defaultsOf(admission, "networking.k8s.io", "ingressclasses", "ingressclass.kubernetes.io/is-default-class");
    if (defaults.length > 1) {
      const refused = internalError(`${defaults.length} default IngressClasses were found, only 1 allowed`);
      return forbidden({ group: "networking.k8s.io", resource: "ingresses", name: admission.name }, refused.message);
    }
    const [only] = defaults;
    return only ? ({ ...ingress, spec: { ...ingress.spec, ingressClassName: only.metadata.name } } as ApiObject) : ingress;
  },
};

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
