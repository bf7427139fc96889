import type { Manifest } from "../manifests";

/** What becomes of a kind that the simulated cluster does not carry out. */
export interface Unmodelled {
  readonly group: string;
  readonly kind: string;
  /** Whether it is applied all the same: stored, and without effect. */
  readonly applied: boolean;
  readonly became: string;
}

const storage = "applied, without effect: volumes hold nothing and are never attached, moved or lost";

function of(group: string, applied: boolean, became: string, ...kinds: readonly string[]): readonly Unmodelled[] {
  return kinds.map((kind) => ({ group, kind, applied, became }));
}

/** Kinds of Kubernetes itself without, or with less than, their effect. */
export const unmodelled: readonly Unmodelled[] = [
  ...of(
    "apiextensions.k8s.io",
    true,
    "applied: its resources are stored and validated, and no operator runs that would act on them",
    "CustomResourceDefinition",
  ),
  ...of("apiregistration.k8s.io", false, "left out: no aggregated API server runs", "APIService"),
  ...of("autoscaling", true, "not scaled: its target is rehearsed with the least number of replicas it allows", "HorizontalPodAutoscaler"),
  ...of("networking.k8s.io", true, "applied, without effect: requests go to the Service itself", "Ingress", "IngressClass"),
  ...of("networking.k8s.io", true, "applied, without effect: every pod may talk to every other", "NetworkPolicy"),
  ...of("", true, storage, "PersistentVolume", "PersistentVolumeClaim"),
  ...of("storage.k8s.io", true, storage, "StorageClass", "CSIDriver", "VolumeAttributesClass"),
  ...of("node.k8s.io", true, "applied, without effect: every pod runs in the one simulated runtime", "RuntimeClass"),
  ...of(
    "resource.k8s.io",
    false,
    "left out: no devices are allocated",
    "DeviceClass",
    "ResourceClaim",
    "ResourceClaimTemplate",
    "ResourceSlice",
  ),
  ...of("flowcontrol.apiserver.k8s.io", true, "applied, without effect", "FlowSchema", "PriorityLevelConfiguration"),
];

/** Why an object of the manifests has less than its effect; undefined where it has all of it. */
export function unmodelledOf({ kind: { group, kind } }: Manifest): Unmodelled | undefined {
  return unmodelled.find((one) => one.kind === kind && one.group === group);
}
