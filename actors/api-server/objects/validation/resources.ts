import type { ResourceRequirements } from "../../../../protocol/kinds/generated";
import { wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { parseQuantity } from "../../../../protocol/kinds/quantity";
import type { Findings } from "./field-error";
import { checkNonNegativeQuantity, isLess } from "./numbers";

/** What containers ask for and are limited to. */

const standard: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
const isHugePages = (name: string) => name.startsWith("hugepages-");
/** These may be promised more than once; all else must be asked for in full. */
const canOvercommit = (name: string) => standard.has(name);

export function checkResources(resources: ResourceRequirements | undefined, at: string, findings: Findings): void {
  if (!resources) return;
  const { limits = {}, requests = {} } = resources;
  for (const name in limits) checkResource(name, limits[name]!, `${at}.limits`, findings);
  for (const name in requests) {
    const request = requests[name]!;
    checkResource(name, request, `${at}.requests`, findings);
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (limit === undefined) {
      if (!canOvercommit(name)) findings.required(`${at}.limits`, "Limit must be set for non overcommitable resources");
    } else if (!canOvercommit(name) && parseQuantity(limit).nanos !== parseQuantity(request).nanos)
      findings.invalid(`${at}.requests`, request, `must be equal to ${name} limit of ${limit}`);
    else if (isLess(limit, request)) findings.invalid(`${at}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`);
  }
  resources.claims?.forEach((claim, index) => {
    if (!claim.name) findings.required(`${at}.claims[${index}].name`);
  });
}

function checkResource(name: string, amount: string | number, list: string, findings: Findings): void {
  const at = `${list}[${name}]`;
  checkResourceName(name, at, findings);
  checkNonNegativeQuantity(amount, at, findings);
  const whole = !standard.has(name) && name.includes("/");
  if (whole && parseQuantity(amount).nanos % 1_000_000_000n !== 0n) findings.invalid(at, amount, "must be an integer");
}

/** A resource of a container: a standard one, huge pages, or one with the domain of whoever provides it. */
export function checkResourceName(name: string, at: string, findings: Findings): void {
  const wrong = wrongWithQualifiedName(name);
  findings.invalidFor(at, name, wrong);
  if (wrong.length > 0 || name.includes("/") || standard.has(name) || isHugePages(name)) return;
  findings.invalid(at, name, "must be a standard resource type or fully qualified");
  findings.invalid(at, name, "must be a standard resource for containers");
}
