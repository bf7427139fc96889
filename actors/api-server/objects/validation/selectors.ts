import type { LabelSelector, NodeSelector, NodeSelectorTerm } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain, wrongWithLabelValue, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import type { Findings } from "./field-error";
import { checkLabels } from "./metadata";

/** Label selectors and node selectors inside specs. */

export function checkLabelSelector(selector: LabelSelector | undefined, at: string, findings: Findings): void {
  if (selector === undefined) return;
  checkLabels(selector.matchLabels, `${at}.matchLabels`, findings);
  selector.matchExpressions?.forEach((expression, index) => {
    const here = `${at}.matchExpressions[${index}]`;
    const count = expression.values?.length ?? 0;
    switch (expression.operator) {
      case "In":
      case "NotIn":
        if (count === 0) findings.required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
        break;
      case "Exists":
      case "DoesNotExist":
        if (count > 0) findings.forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        break;
      default:
        findings.invalid(`${here}.operator`, expression.operator, "not a valid selector operator");
    }
    findings.invalidFor(`${here}.key`, expression.key, wrongWithQualifiedName(expression.key ?? ""));
    expression.values?.forEach((value, place) => {
      findings.invalidFor(`${here}.values[${place}]`, value, wrongWithLabelValue(value));
    });
  });
}

export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0;
}

const operators: ReadonlySet<string> = new Set(["In", "NotIn", "Exists", "DoesNotExist"]);

/** Whether the selector can be put to labels at all; if not, checkLabelSelector has said so. */
export function hasKnownOperators(selector: LabelSelector): boolean {
  return (selector.matchExpressions ?? []).every(({ operator }) => operators.has(operator));
}

export function checkNodeSelector(selector: NodeSelector, at: string, findings: Findings): void {
  if ((selector.nodeSelectorTerms ?? []).length === 0)
    findings.required(`${at}.nodeSelectorTerms`, "must have at least one node selector term");
  selector.nodeSelectorTerms?.forEach((term, index) => {
    checkNodeSelectorTerm(term, `${at}.nodeSelectorTerms[${index}]`, findings);
  });
}

/** What is only preferred may name values that no label can have. */
export function checkNodeSelectorTerm(term: NodeSelectorTerm, at: string, findings: Findings, preferred = false): void {
  term.matchExpressions?.forEach((expression, index) => {
    const here = `${at}.matchExpressions[${index}]`;
    const count = expression.values?.length ?? 0;
    switch (expression.operator) {
      case "In":
      case "NotIn":
        if (count === 0) findings.required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
        break;
      case "Exists":
      case "DoesNotExist":
        if (count > 0) findings.forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        break;
      case "Gt":
      case "Lt":
        if (count !== 1) findings.required(`${here}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
        break;
      default:
        findings.invalid(`${here}.operator`, expression.operator, "not a valid selector operator");
    }
    findings.invalidFor(`${here}.key`, expression.key, wrongWithQualifiedName(expression.key ?? ""));
    if (preferred) return;
    expression.values?.forEach((value, place) => {
      findings.invalidFor(`${here}.values[${place}]`, value, wrongWithLabelValue(value));
    });
  });
  term.matchFields?.forEach((requirement, index) => {
    const here = `${at}.matchFields[${index}]`;
    if (requirement.operator !== "In" && requirement.operator !== "NotIn")
      findings.invalid(`${here}.operator`, requirement.operator, "not a valid selector operator");
    else if (requirement.values?.length !== 1)
      findings.required(`${here}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
    if (requirement.key !== "metadata.name") findings.invalid(`${here}.key`, requirement.key, "not a valid field selector key");
    else
      requirement.values?.forEach((value, place) => {
        findings.invalidFor(`${here}.values[${place}]`, value, wrongWithDns1123Subdomain(value));
      });
  });
}
