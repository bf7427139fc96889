import type { LabelSelector, ReplicaSet, ReplicationController, Service, StatefulSet } from "../../protocol/kinds/generated";
import { matchesLabelMap, matchesLabels, type Requirement, requirementsOf } from "../../protocol/kinds/label-selector";
import { controllerOf } from "../../protocol/kinds/object";
import type { PodInfo } from "./framework";

type Owner = ReplicaSet | ReplicationController | StatefulSet;

/**
 * Selects the pods that a pod is to be spread from when it says nothing itself: those that every Service in front of it and its owner select;
 * undefined for a pod that nothing selects. Source: cluster-level default constraints of "Pod Topology Spread Constraints".
 */
export function siblingsOf(
  pod: PodInfo,
  services: readonly Service[],
  owners: readonly Owner[],
): ((labels: Readonly<Record<string, string>>) => boolean) | undefined {
  const requirements: Requirement[] = [];
  for (const { spec } of services)
    if (matchesLabelMap(spec?.selector, pod.labels)) requirements.push(...requirementsOf({ matchLabels: spec!.selector! }));
  const uid = controllerOf(pod.pod)?.uid;
  const selector = owners.find((owner) => uid !== undefined && owner.metadata?.uid === uid)?.spec?.selector;
  if (selector) requirements.push(...requirementsOf(isLabelSelector(selector) ? selector : { matchLabels: selector }));
  return requirements.length === 0 ? undefined : (labels) => matchesLabels(requirements, labels);
}

/** A ReplicationController's selector is a plain map. */
function isLabelSelector(selector: LabelSelector | Readonly<Record<string, string>>): selector is LabelSelector {
  return typeof selector.matchLabels === "object" || Array.isArray(selector.matchExpressions);
}
