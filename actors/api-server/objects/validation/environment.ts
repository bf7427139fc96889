import type { EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector } from "../../../../protocol/kinds/generated";
import {
  wrongWithConfigMapKey,
  wrongWithDns1123Subdomain,
  wrongWithEnvVarName,
  wrongWithQualifiedName,
} from "../../../../protocol/kinds/names";
import { canonicalQuantity } from "../../../../protocol/kinds/quantity";
import type { Findings } from "./field-error";

/** A container's environment variables, and what they and volumes may refer to in their Pod. */

const envFields: ReadonlySet<string> = new Set([
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
]);
const volumeFields: ReadonlySet<string> = new Set([
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "metadata.labels",
  "metadata.annotations",
]);
const resourceNames: readonly string[] = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

export function checkEnv(env: readonly EnvVar[] | undefined, at: string, findings: Findings): void {
  env?.forEach((variable, index) => {
    const here = `${at}[${index}]`;
    if (!variable.name) findings.required(`${here}.name`);
    else findings.invalidFor(`${here}.name`, variable.name, wrongWithEnvVarName(variable.name));
    if (variable.valueFrom) checkSource(variable.valueFrom, variable.value ?? "", `${here}.valueFrom`, findings);
  });
}

function checkSource(source: EnvVarSource, value: string, at: string, findings: Findings): void {
  const given = (["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] as const).filter(
    (kind) => source[kind] !== undefined,
  );
  if (source.fieldRef) checkFieldRef(source.fieldRef, envFields, `${at}.fieldRef`, findings);
  if (source.resourceFieldRef) checkResourceField(source.resourceFieldRef, `${at}.resourceFieldRef`, findings);
  for (const kind of ["configMapKeyRef", "secretKeyRef"] as const) {
    const reference = source[kind];
    if (!reference) continue;
    if (!reference.name) findings.required(`${at}.${kind}.name`);
    if (!reference.key) findings.required(`${at}.${kind}.key`);
    else findings.invalidFor(`${at}.${kind}.key`, reference.key, wrongWithConfigMapKey(reference.key));
  }
  if (given.length === 0)
    findings.invalid(at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
  else if (value !== "") findings.invalid(at, "", "may not be specified when `value` is not empty");
  else if (given.length > 1) findings.invalid(at, "", "may not have more than one field specified at a time");
}

/** A field of the Pod; labels and annotations also one by one, `metadata.labels['app']`. */
function checkFieldRef(reference: ObjectFieldSelector, allowed: ReadonlySet<string>, at: string, findings: Findings): void {
  if (!reference.fieldPath) return findings.required(`${at}.fieldPath`);
  const [, path, key] = /^(metadata\.(?:labels|annotations))\['([^']*)'\]$/.exec(reference.fieldPath) ?? [];
  if (path !== undefined && key !== undefined)
    return findings.invalidFor(at, key, wrongWithQualifiedName(path === "metadata.annotations" ? key.toLowerCase() : key));
  if (allowed.has(reference.fieldPath)) return;
  if (envFields.has(reference.fieldPath) || volumeFields.has(reference.fieldPath))
    findings.notSupported(`${at}.fieldPath`, reference.fieldPath, [...allowed].sort());
  else
    findings.invalid(
      `${at}.fieldPath`,
      reference.fieldPath,
      `error converting fieldPath: field label not supported: ${reference.fieldPath}`,
    );
}

/** A field of the Pod as a volume's file. */
export function checkVolumeFieldRef(reference: ObjectFieldSelector, at: string, findings: Findings): void {
  checkFieldRef(reference, volumeFields, at, findings);
}

const cpuDivisors: readonly string[] = ["1m", "1"];
const byteDivisors: readonly string[] = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
const kindsOfDivisors: readonly (readonly [RegExp, readonly string[], string])[] = [
  [/\.cpu$/, cpuDivisors, "1m and 1 are supported with the cpu"],
  [/\.memory$/, byteDivisors, `${byteDivisors.join(", ")} are supported with the memory`],
  [/\.ephemeral-storage$/, byteDivisors, `${byteDivisors.join(", ")} are supported with the local ephemeral storage`],
  [/\.hugepages-/, byteDivisors, `${byteDivisors.join(", ")} are supported with the hugepages`],
];

/** A container's resource as a variable or file; a file also says whose. */
export function checkResourceField(selector: ResourceFieldSelector, at: string, findings: Findings, ofVolume = false): void {
  const { resource, divisor = "0" } = selector;
  if (ofVolume && !selector.containerName) findings.required(`${at}.containerName`);
  else if (!resource) findings.required(`${at}.resource`);
  else if (!resourceNames.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource))
    findings.notSupported(`${at}.resource`, resource, resourceNames);
  const unit = canonicalQuantity(divisor) ?? String(divisor);
  const rule = kindsOfDivisors.find(([names]) => names.test(resource ?? ""));
  if (unit !== "0" && rule && !rule[1].includes(unit))
    findings.invalid(`${at}.divisor`, resource, `only divisor's values ${rule[2]} resource`);
}

export function checkEnvFrom(sources: readonly EnvFromSource[] | undefined, at: string, findings: Findings): void {
  sources?.forEach((source, index) => {
    const here = `${at}[${index}]`;
    if (source.prefix) findings.invalidFor(`${here}.prefix`, source.prefix, wrongWithEnvVarName(source.prefix));
    for (const kind of ["configMapRef", "secretRef"] as const) {
      const reference = source[kind];
      if (!reference) continue;
      if (!reference.name) findings.required(`${here}.${kind}.name`);
      else findings.invalidFor(`${here}.${kind}.name`, reference.name, wrongWithDns1123Subdomain(reference.name));
    }
    const count = (source.configMapRef ? 1 : 0) + (source.secretRef ? 1 : 0);
    // Real servers name the list here.
    if (count === 0) findings.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`");
    else if (count > 1) findings.invalid(at, "", "may not have more than one field specified at a time");
  });
}
