import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod } from "../../protocol/kinds/generated";

/** What of a node node selectors look at. */
export interface SelectableNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether one of the terms holds. A term without requirements selects nothing. Source: NodeSelector in the API reference. */
export function matchesNodeSelector(selector: NodeSelector, node: SelectableNode): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesNodeSelectorTerm(term, node));
}

/** Whether all of a term's requirements hold. */
export function matchesNodeSelectorTerm(term: NodeSelectorTerm, node: SelectableNode): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  return (
    expressions.every((requirement) => holds(requirement, node.labels[requirement.key])) &&
    fields.every((requirement) => holds(requirement, requirement.key === "metadata.name" ? node.name : undefined))
  );
}

function holds({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return areWhole(value, values[0]) && Number(value) > Number(values[0]);
    case "Lt":
      return areWhole(value, values[0]) && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

const areWhole = (...texts: readonly (string | undefined)[]) => texts.every((text) => text !== undefined && /^-?\d+$/.test(text));

/** Whether a pod's nodeSelector and required node affinity allow the node. */
export function podAllowsNode(pod: Pod, node: SelectableNode): boolean {
  const selector = pod.spec?.nodeSelector;
  if (selector) for (const [key, value] of Object.entries(selector)) if (node.labels[key] !== value) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}
