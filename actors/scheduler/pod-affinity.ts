import type { LabelSelector, Pod, PodAffinityTerm } from "../../protocol/kinds/generated";
import { matchesLabelSelector, matchesLabels, type Requirements, requirementsOf } from "../../protocol/kinds/label-selector";

type Labels = Readonly<Record<string, string>>;

/** A pod affinity term, ready to be compared with many pods. */
export interface AffinityTerm {
  readonly topologyKey: string;
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: LabelSelector | undefined;
  /** Undefined selects no pod. */
  readonly selector: Requirements | undefined;
}

export interface WeightedAffinityTerm extends AffinityTerm {
  readonly weight: number;
}

/** The terms of a pod's affinity; its own namespace counts where a term names none. */
export function affinityTerms(pod: Pod): {
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedAffinityTerm[];
  readonly preferredAntiAffinity: readonly WeightedAffinityTerm[];
} {
  const term = (t: PodAffinityTerm): AffinityTerm => affinityTerm(pod, t);
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  return {
    requiredAffinity: (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    requiredAntiAffinity: (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(term),
    preferredAffinity: (podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((t) => ({
      ...term(t.podAffinityTerm),
      weight: t.weight,
    })),
    preferredAntiAffinity: (podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((t) => ({
      ...term(t.podAffinityTerm),
      weight: t.weight,
    })),
  };
}

function affinityTerm(pod: Pod, term: PodAffinityTerm): AffinityTerm {
  const named = term.namespaces ?? [];
  const own = named.length === 0 && term.namespaceSelector === undefined;
  return {
    topologyKey: term.topologyKey,
    namespaces: new Set(own ? [pod.metadata?.namespace ?? ""] : named),
    namespaceSelector: term.namespaceSelector,
    selector:
      term.labelSelector && withLabelKeys(term.labelSelector, pod.metadata?.labels ?? {}, term.matchLabelKeys, term.mismatchLabelKeys),
  };
}

/** Adds the pod's own values under matchLabelKeys (and excludes those under mismatchLabelKeys); keys the pod does not have are passed over. */
export function withLabelKeys(
  selector: LabelSelector,
  labels: Labels,
  matchLabelKeys: readonly string[] = [],
  mismatchLabelKeys: readonly string[] = [],
): Requirements {
  const extra = (keys: readonly string[], operator: "in" | "notin") =>
    keys.flatMap((key) => (labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }]));
  return [...requirementsOf(selector), ...extra(matchLabelKeys, "in"), ...extra(mismatchLabelKeys, "notin")];
}

/** Whether the term means a pod with these labels in this namespace. */
export function termMatches(term: AffinityTerm, namespace: string, labels: Labels, namespaceLabels: ReadonlyMap<string, Labels>): boolean {
  if (term.selector === undefined || !matchesLabels(term.selector, labels)) return false;
  if (term.namespaces.has(namespace)) return true;
  return term.namespaceSelector !== undefined && matchesLabelSelector(term.namespaceSelector, namespaceLabels.get(namespace) ?? {});
}
