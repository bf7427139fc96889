import type { EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector } from "../../../../protocol/kinds/generated";
import { wrongWithConfigMapKey, wrongWithDns1123Subdomain, wrongWithEnvVarName } from "../../../../protocol/kinds/names";
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
  if (source.resourceFieldRef) checkResourceField(source.resourceFieldRef.resource, `${at}.resourceFieldRef`, findings);
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
  if (/^metadata\.(labels|annotations)\['[^']+'\]$/.test(reference.fieldPath) || allowed.has(reference.fieldPath)) return;
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

/** A container's resource as a variable or file. */
export function checkResourceField(resource: string | undefined, at: string, findings: Findings): void {
  if (!resource) findings.required(`${at}.resource`);
  else if (!resourceNames.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource))
    findings.notSupported(`${at}.resource`, resource, resourceNames);
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
    if (count === 0) findings.invalid(here, "", "must specify one of: `configMapRef` or `secretRef`");
    else if (count > 1) findings.invalid(here, "", "may not have more than one field specified at a time");
  });
}
