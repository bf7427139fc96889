import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import { revisionHashLabel } from "./controller-revision";
import { isPodReady } from "./pod-state";
import { podOf } from "./replicaset";

/** A StatefulSet's pods and what makes their identity: name, host name, volumes. Source: "StatefulSets" in the documentation, Pod identity. */

type Set = Stored<StatefulSet>;

export const podNameLabel = "statefulset.kubernetes.io/pod-name";
const podIndexLabel = "apps.kubernetes.io/pod-index";

export const startOf = (set: Set) => set.spec?.ordinals?.start ?? 0;
export const replicasOf = (set: Set) => set.spec?.replicas ?? 1;

/** The ordinal in "web-3"; undefined for a name that is not of this set's form. */
export function ordinalOf(set: Set, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const name = pod.metadata?.name ?? "";
  const rest = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^(0|[1-9]\d*)$/.test(rest) ? Number(rest) : undefined;
}

export const revisionOfPod = (pod: Pod) => pod.metadata?.labels?.[revisionHashLabel];

export const isRunningAndReady = (pod: Pod) => pod.status?.phase === "Running" && isPodReady(pod);
export const isHealthy = (pod: Stored<Pod>) => isRunningAndReady(pod) && !isBeingDeleted(pod);

/** The pod of an ordinal, from the template of a revision. */
export function statefulPod(
  set: Set,
  ordinal: number,
  template: PodTemplateSpec,
  revision: string,
): Pod & { readonly metadata: { readonly name: string } } {
  const name = `${set.metadata.name}-${ordinal}`;
  const made = podOf(set, template);
  const { generateName: _, ...metadata } = made.metadata!;
  const claims = (set.spec?.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata?.name ?? "",
    persistentVolumeClaim: { claimName: claimName(set, claim, ordinal), readOnly: false },
  }));
  const others = (made.spec?.volumes ?? []).filter((volume) => !claims.some((claim) => claim.name === volume.name));
  return {
    ...made,
    metadata: {
      ...metadata,
      name,
      labels: { ...metadata.labels, [podNameLabel]: name, [podIndexLabel]: String(ordinal), [revisionHashLabel]: revision },
    },
    spec: {
      ...made.spec!,
      hostname: name,
      ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(claims.length + others.length > 0 ? { volumes: [...claims, ...others] } : {}),
    },
  };
}

const claimName = (set: Set, claim: PersistentVolumeClaim, ordinal: number) =>
  `${claim.metadata?.name ?? ""}-${set.metadata.name}-${ordinal}`;

/** The claims that a pod's volumes are on; they outlive the pod. */
export function claimsOf(
  set: Set,
  ordinal: number,
): readonly (PersistentVolumeClaim & { readonly metadata: { readonly name: string; readonly namespace: string } })[] {
  return (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    ...template,
    metadata: {
      ...template.metadata,
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace ?? "",
      labels: { ...template.metadata?.labels, ...set.spec?.selector.matchLabels },
    },
  }));
}
