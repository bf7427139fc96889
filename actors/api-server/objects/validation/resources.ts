import type { ResourceRequirements } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { canonicalQuantity, parseQuantity } from "../../../../protocol/kinds/quantity";
import type { Findings } from "./field-error";
import { checkNonNegativeQuantity, isLess } from "./numbers";

/** What containers and Pods ask for and are limited to. */

const standard: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
const isHugePages = (name: string) => name.startsWith("hugepages-");
/** Kubernetes' own resources: without a domain, or in its. */
const isNative = (name: string) => !name.includes("/") || name.includes("kubernetes.io/");
/** These may be promised more than once; all else must be asked for in full. */
const canOvercommit = (name: string) => isNative(name) && !isHugePages(name);

interface Options {
  /** The Pod's claims on devices that a container may use. */
  readonly claims?: ReadonlySet<string>;
  /** Amounts for a Pod as a whole: of CPU, memory and huge pages alone. */
  readonly ofPod?: true;
}

export function checkResources(resources: ResourceRequirements | undefined, at: string, findings: Findings, options: Options = {}): void {
  if (!resources) return;
  const { limits = {}, requests = {} } = resources;
  for (const name in limits) checkResource(name, limits[name]!, `${at}.limits`, findings, options);
  for (const name in requests) {
    const request = requests[name]!;
    checkResource(name, request, `${at}.requests`, findings, options);
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    const shown = canonicalQuantity(request) ?? String(request);
    if (limit === undefined) {
      if (!canOvercommit(name)) findings.required(`${at}.limits`, "Limit must be set for non overcommitable resources");
    } else if (!canOvercommit(name) && parseQuantity(limit).nanos !== parseQuantity(request).nanos)
      findings.invalid(`${at}.requests`, shown, `must be equal to ${name} limit of ${canonicalQuantity(limit) ?? limit}`);
    else if (isLess(limit, request))
      findings.invalid(`${at}.requests`, shown, `must be less than or equal to ${name} limit of ${canonicalQuantity(limit) ?? limit}`);
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes("cpu") && !names.includes("memory"))
    findings.forbidden(at, "HugePages require cpu or memory");
  checkClaims(resources, options.claims ?? new Set(), `${at}.claims`, findings);
}

/** A container uses whole claims, or single requests of them, each once. */
function checkClaims({ claims }: ResourceRequirements, known: ReadonlySet<string>, at: string, findings: Findings): void {
  const used = new Set<string>();
  for (const [index, { name, request }] of (claims ?? []).entries()) {
    const here = `${at}[${index}]`;
    if (!name) {
      findings.required(here);
      continue;
    }
    if (request) findings.invalidFor(`${here}.request`, request, wrongWithDns1123Label(request));
    const key = request ? `${name}/${request}` : name;
    const overlaps = used.has(name) || used.has(key) || (!request && [...used].some((other) => other.startsWith(`${name}/`)));
    if (overlaps) findings.duplicate(here, used.has(name) || !request ? name : key);
    used.add(key);
    if (known.has(name)) continue;
    const which = known.size === 0 ? " which is empty" : `: ${[...known].sort().join(", ")}`;
    findings.notFound(here, name, `must be one of the names in pod.spec.resourceClaims${which}`);
  }
}

const ofPods: readonly string[] = ["cpu", "hugepages-", "memory"];

function checkResource(name: string, amount: string | number, list: string, findings: Findings, { ofPod }: Options): void {
  const at = `${list}[${name}]`;
  if (ofPod && (standard.has(name) || isHugePages(name)) && !ofPods.some((one) => name.startsWith(one)))
    findings.notSupported(at, name, ofPods);
  else checkResourceName(name, at, findings);
  checkNonNegativeQuantity(amount, at, findings);
  const { nanos } = parseQuantity(amount);
  if (!isNative(name) && nanos % 1_000_000_000n !== 0n) findings.invalid(at, amount, "must be an integer");
  if (isHugePages(name) && !isMultiple(nanos, name.slice("hugepages-".length)))
    findings.invalid(
      at,
      canonicalQuantity(amount) ?? amount,
      `${canonicalQuantity(amount) ?? amount} is not positive integer multiple of ${name}`,
    );
}

function isMultiple(nanos: bigint, page: string): boolean {
  if (canonicalQuantity(page) === undefined) return true;
  const size = parseQuantity(page).nanos;
  return size > 0n && nanos > 0n && nanos % size === 0n;
}

/** A resource of a container: a standard one, huge pages, or one with the domain of whoever provides it. */
export function checkResourceName(name: string, at: string, findings: Findings): void {
  const wrong = wrongWithQualifiedName(name);
  findings.invalidFor(at, name, wrong);
  if (wrong.length > 0 || standard.has(name) || isHugePages(name)) return;
  if (name.includes("/")) {
    // What is limited or requested by a quota has a prefix that no resource may have.
    if (!isNative(name) && name.startsWith("requests.")) findings.invalid(at, name, "doesn't follow extended resource name standard");
    return;
  }
  if (!knownToQuotas.has(name)) findings.invalid(at, name, "must be a standard resource type or fully qualified");
  findings.invalid(at, name, "must be a standard resource for containers");
}

/** Names without a domain that mean something, though not to containers. */
const knownToQuotas: ReadonlySet<string> = new Set([
  ...["cpu", "memory", "ephemeral-storage"].flatMap((name) => [`requests.${name}`, `limits.${name}`]),
  ...["storage", "requests.storage", "pods", "resourcequotas", "services", "services.nodeports", "services.loadbalancers"],
  ...["replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps"],
]);
