import type { JobSpec, PodFailurePolicyRule } from "../../../../protocol/kinds/generated";
import { wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import type { Findings } from "./field-error";
import { checkNonNegative } from "./numbers";

/** When a Job's failed Pods count, and when some of its indexes are enough. Source: "Jobs", pod failure policy and success policy. */

const rulesMax = 20;
const valuesMax = 255;
const actions: readonly string[] = ["Count", "FailIndex", "FailJob", "Ignore"];
const statuses: readonly string[] = ["False", "True", "Unknown"];

export function checkPodFailurePolicy(spec: JobSpec, at: string, findings: Findings): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  if (rules.length > rulesMax) return findings.tooMany(`${at}.rules`, rules.length, rulesMax);
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  rules.forEach((rule, index) => {
    checkRule(rule, spec, names, `${at}.rules[${index}]`, findings);
  });
}

function checkRule(rule: PodFailurePolicyRule, spec: JobSpec, containers: ReadonlySet<string>, at: string, findings: Findings): void {
  if (!rule.action) findings.required(`${at}.action`, `valid values: ${actions.map((action) => JSON.stringify(action)).join(", ")}`);
  else if (rule.action === "FailIndex" && spec.backoffLimitPerIndex === undefined)
    findings.invalid(`${at}.action`, rule.action, "requires the backoffLimitPerIndex to be set");
  else if (!actions.includes(rule.action)) findings.notSupported(`${at}.action`, rule.action, actions);
  const { onExitCodes: codes, onPodConditions: conditions = [] } = rule;
  if (codes) {
    const here = `${at}.onExitCodes`;
    const { operator, values = [], containerName } = codes;
    if (operator !== "In" && operator !== "NotIn") findings.notSupported(`${here}.operator`, operator ?? "", ["In", "NotIn"]);
    if (containerName !== undefined && !containers.has(containerName))
      findings.invalid(`${here}.containerName`, containerName, "must be one of the container or initContainer names in the pod template");
    if (values.length === 0) findings.invalid(`${here}.values`, values, "at least one value is required");
    else if (values.length > valuesMax) findings.tooMany(`${here}.values`, values.length, valuesMax);
    let ordered = true;
    values.forEach((value, index) => {
      if (operator === "In" && value === 0) findings.invalid(`${here}.values[${index}]`, value, "must not be 0 for the In operator");
      if (values.indexOf(value) < index) findings.duplicate(`${here}.values[${index}]`, value);
      ordered &&= index === 0 || values[index - 1]! <= value;
    });
    if (!ordered) findings.invalid(`${here}.values`, values, "must be ordered");
  }
  if (conditions.length > rulesMax) findings.tooMany(`${at}.onPodConditions`, conditions.length, rulesMax);
  conditions.forEach(({ type, status }, index) => {
    const here = `${at}.onPodConditions[${index}]`;
    findings.invalidFor(`${here}.type`, type ?? "", wrongWithQualifiedName(type ?? ""));
    if (!status) findings.required(`${here}.status`, `valid values: ${statuses.map((one) => JSON.stringify(one)).join(", ")}`);
    else if (!statuses.includes(status)) findings.notSupported(`${here}.status`, status, statuses);
  });
  if (codes && conditions.length > 0) findings.invalid(at, rule, "specifying both OnExitCodes and OnPodConditions is not supported");
  if (!codes && conditions.length === 0) findings.invalid(at, rule, "specifying one of OnExitCodes and OnPodConditions is required");
}

export function checkSuccessPolicy(spec: JobSpec, at: string, findings: Findings): void {
  const rules = spec.successPolicy?.rules ?? [];
  if (rules.length === 0)
    return findings.required(`${at}.rules`, "at least one rules must be specified when the successPolicy is specified");
  if (rules.length > rulesMax) findings.tooMany(`${at}.rules`, rules.length, rulesMax);
  rules.forEach(({ succeededCount, succeededIndexes }, index) => {
    const here = `${at}.rules[${index}]`;
    if (succeededCount === undefined && succeededIndexes === undefined)
      findings.required(here, "at least one of succeededCount or succeededIndexes must be specified");
    checkNonNegative(succeededCount, `${here}.succeededCount`, findings);
    const total = spec.completions ?? 0;
    if (succeededCount !== undefined && succeededCount > total)
      findings.invalid(
        `${here}.succeededCount`,
        succeededCount,
        `must be less than or equal to ${total} (the number of specified completions)`,
      );
    const listed = succeededIndexes === undefined ? undefined : countIndexes(succeededIndexes, total);
    if (typeof listed === "string")
      findings.invalid(`${here}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${listed}`);
    else if (listed !== undefined && succeededCount !== undefined && succeededCount > listed)
      findings.invalid(
        `${here}.succeededCount`,
        succeededCount,
        `must be less than or equal to ${listed} (the number of indexes in the specified succeededIndexes field)`,
      );
  });
}

/** How many indexes a list such as "1,3-5,7" has, or what is wrong with it. */
function countIndexes(text: string, completions: number): number | string {
  if (text === "") return 0;
  let count = 0;
  let last = -1;
  for (const part of text.split(",")) {
    const ends = part.split("-");
    if (ends.length > 2)
      return `the fragment ${JSON.stringify(part)} violates the requirement that an index interval can have at most two parts separated by '-'`;
    for (const end of ends) if (!/^\d+$/.test(end)) return `cannot convert string to integer for index: ${JSON.stringify(end)}`;
    const [first = 0, until = first] = ends.map(Number);
    if (first >= completions || until >= completions) return `too large index: ${JSON.stringify(String(Math.max(first, until)))}`;
    if (first <= last) return `non-increasing order, previous: ${last}, current: ${first}`;
    if (ends.length === 2 && until <= first) return `non-increasing order, previous: ${first}, current: ${until}`;
    count += until - first + 1;
    last = until;
  }
  return count;
}
