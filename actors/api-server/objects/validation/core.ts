import type {
  Binding,
  ConfigMap,
  Event,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  ResourceQuota,
  Secret,
} from "../../../../protocol/kinds/generated";
import {
  wrongWithConfigMapKey,
  wrongWithDns1123Subdomain,
  wrongWithLabelValue,
  wrongWithQualifiedName,
} from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import { isNetwork } from "./addresses";
import type { Findings } from "./field-error";
import { checkNonNegativeQuantity, checkPositiveQuantity, isLess } from "./numbers";
import { checkLabelSelector, checkNodeSelector } from "./selectors";

/** The core group's kinds apart from Pods, Services and ReplicationControllers. */

const dataBytesMax = 1024 * 1024;

export function checkConfigMap(map: ConfigMap, findings: Findings): void {
  let size = 0;
  for (const key in map.data) {
    findings.invalidFor(`data[${key}]`, key, wrongWithConfigMapKey(key));
    if (map.binaryData?.[key] !== undefined) findings.invalid(`data[${key}]`, key, "duplicate of key present in binaryData");
    size += Buffer.byteLength(map.data[key]!);
  }
  for (const key in map.binaryData) {
    findings.invalidFor(`binaryData[${key}]`, key, wrongWithConfigMapKey(key));
    size += decodedLength(map.binaryData[key]!);
  }
  if (size > dataBytesMax) findings.tooLong("", dataBytesMax);
}

const decodedLength = (base64: string) => (base64.length * 3) / 4 - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);

interface Data {
  readonly immutable?: boolean;
  readonly data?: unknown;
  readonly binaryData?: unknown;
}

/** ConfigMaps and Secrets that are marked immutable stay so, with their content. */
export function checkImmutableData(stored: Data, updated: Data, findings: Findings): void {
  if (stored.immutable !== true) return;
  if (updated.immutable !== true) findings.forbidden("immutable", "field is immutable when `immutable` is set");
  for (const field of ["data", "binaryData"] as const)
    if (!semanticallyEqual(stored[field], updated[field])) findings.forbidden(field, "field is immutable when `immutable` is set");
}

const demandedKeys: ReadonlyMap<string, readonly string[]> = new Map([
  ["kubernetes.io/dockercfg", [".dockercfg"]],
  ["kubernetes.io/dockerconfigjson", [".dockerconfigjson"]],
  ["kubernetes.io/ssh-auth", ["ssh-privatekey"]],
  ["kubernetes.io/tls", ["tls.crt", "tls.key"]],
]);

export function checkSecret(secret: Secret, findings: Findings): void {
  let size = 0;
  for (const key in secret.data) {
    findings.invalidFor(`data[${key}]`, key, wrongWithConfigMapKey(key));
    size += decodedLength(secret.data[key]!);
  }
  if (size > dataBytesMax) findings.tooLong("data", dataBytesMax);
  for (const key of demandedKeys.get(secret.type ?? "") ?? []) {
    const content = secret.data?.[key];
    if (content === undefined) findings.required(`data[${key}]`);
    else if (key.startsWith(".docker") && !isJson(content))
      findings.invalid(`data[${key}]`, "<secret contents redacted>", "invalid character in JSON");
  }
  if (secret.type === "kubernetes.io/basic-auth" && secret.data?.username === undefined && secret.data?.password === undefined) {
    findings.required("data[username]");
    findings.required("data[password]");
  }
  if (secret.type === "kubernetes.io/service-account-token" && !secret.metadata?.annotations?.["kubernetes.io/service-account.name"])
    findings.required("metadata.annotations[kubernetes.io/service-account.name]");
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(Buffer.from(base64, "base64").toString("utf8"));
    return true;
  } catch {
    return false;
  }
}

export function checkSecretUpdate(stored: Secret, updated: Secret, findings: Findings): void {
  if (stored.type !== updated.type) findings.invalid("type", updated.type, "field is immutable");
  checkImmutableData(stored, updated, findings);
}

export function checkNamespace(namespace: Namespace, findings: Findings): void {
  namespace.spec?.finalizers?.forEach((finalizer) => {
    findings.invalidFor("spec.finalizers", finalizer, wrongWithQualifiedName(finalizer));
  });
}

export function checkNode(node: Node, findings: Findings): void {
  const seen = new Set<string>();
  node.spec?.taints?.forEach((taint, index) => {
    const at = `spec.taints[${index}]`;
    findings.invalidFor(`${at}.key`, taint.key ?? "", wrongWithQualifiedName(taint.key ?? ""));
    if (taint.value) findings.invalidFor(`${at}.value`, taint.value, wrongWithLabelValue(taint.value));
    if (!taint.effect) findings.required(`${at}.effect`);
    const pair = `${taint.key}/${taint.effect}`;
    if (seen.has(pair)) findings.duplicate(at, taint);
    seen.add(pair);
  });
  const networks = node.spec?.podCIDRs ?? [];
  networks.forEach((network, index) => {
    if (!isNetwork(network))
      findings.invalid(`spec.podCIDRs[${index}]`, network, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
  });
  if (networks.length > 2) findings.invalid("spec.podCIDRs", networks, "may specify no more than one CIDR for each IP family");
  for (const name in node.status?.capacity) checkNonNegativeQuantity(node.status.capacity[name], `status.capacity[${name}]`, findings);
  for (const name in node.status?.allocatable)
    checkNonNegativeQuantity(node.status.allocatable[name], `status.allocatable[${name}]`, findings);
}

/** A Node's address range is given once; its provider's ID as well. */
export function checkNodeUpdate(stored: Node, updated: Node, findings: Findings): void {
  const before = stored.spec ?? {};
  const after = updated.spec ?? {};
  if ((before.podCIDRs ?? []).length > 0 && !semanticallyEqual(before.podCIDRs, after.podCIDRs))
    findings.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid');
  if (before.providerID && before.providerID !== after.providerID)
    findings.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid');
}

/** What a quota may limit by a name without a domain. */
const quotaResources: ReadonlySet<string> = new Set([
  ...["cpu", "memory", "storage", "ephemeral-storage"].flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
  ...["pods", "resourcequotas", "services", "services.nodeports", "services.loadbalancers"],
  ...["replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps"],
]);

export function checkResourceQuota({ spec }: ResourceQuota, findings: Findings): void {
  for (const name in spec?.hard) {
    findings.invalidFor(`spec.hard[${name}]`, name, wrongWithQualifiedName(name));
    if (!name.includes("/") && !quotaResources.has(name) && !/^(requests\.)?hugepages-/.test(name)) {
      findings.invalid(`spec.hard[${name}]`, name, "must be a standard resource type or fully qualified");
      findings.invalid(`spec.hard[${name}]`, name, "must be a standard resource for quota");
    }
    checkNonNegativeQuantity(spec.hard[name], `spec.hard[${name}]`, findings);
  }
}

export function checkResourceQuotaUpdate(stored: ResourceQuota, updated: ResourceQuota, findings: Findings): void {
  if (!semanticallyEqual([...(stored.spec?.scopes ?? [])].sort(), [...(updated.spec?.scopes ?? [])].sort()))
    findings.invalid("spec.scopes", updated.spec?.scopes ?? null, "field is immutable");
}

export function checkLimitRange({ spec }: LimitRange, findings: Findings): void {
  const types = new Set<string>();
  spec?.limits?.forEach((limit, index) => {
    const at = `spec.limits[${index}]`;
    if (types.has(limit.type)) findings.duplicate(`${at}.type`, limit.type);
    types.add(limit.type);
    for (const name of new Set([...Object.keys(limit.max ?? {}), ...Object.keys(limit.min ?? {}), ...Object.keys(limit.default ?? {})])) {
      const max = amountOf(limit.max, name);
      const min = amountOf(limit.min, name);
      const standard = amountOf(limit.default, name);
      const request = amountOf(limit.defaultRequest, name);
      if (min !== undefined && max !== undefined && isLess(max, min))
        findings.invalid(`${at}.min[${name}]`, min, `min value ${min} is greater than max value ${max}`);
      if (request !== undefined && min !== undefined && isLess(request, min))
        findings.invalid(`${at}.defaultRequest[${name}]`, request, `min value ${min} is greater than default request value ${request}`);
      if (request !== undefined && standard !== undefined && isLess(standard, request))
        findings.invalid(
          `${at}.defaultRequest[${name}]`,
          request,
          `default request value ${request} is greater than default limit value ${standard}`,
        );
      if (standard !== undefined && max !== undefined && isLess(max, standard))
        findings.invalid(`${at}.default[${name}]`, standard, `default value ${standard} is greater than max value ${max}`);
    }
  });
}

/** What a list of resources says of one, which may be called like something that every object has. */
function amountOf<T>(list: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return list !== undefined && Object.hasOwn(list, name) ? list[name] : undefined;
}

const accessModes: readonly string[] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

export function checkPersistentVolume({ spec }: PersistentVolume, findings: Findings): void {
  if (!spec) return findings.required("spec");
  if ((spec.accessModes ?? []).length === 0) findings.required("spec.accessModes");
  if (spec.capacity?.storage === undefined) findings.notSupported("spec.capacity", spec.capacity ?? null, ["storage"]);
  else checkPositiveQuantity(spec.capacity.storage, "spec.capacity[storage]", findings);
  const apart: ReadonlySet<string> = new Set([
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
  ]);
  const sources = Object.keys(spec).filter((field) => !apart.has(field));
  if (sources.length === 0) findings.required("spec", "must specify a volume type");
  for (const extra of sources.slice(1)) findings.forbidden(`spec.${extra}`, "may not specify more than 1 volume type");
  if (spec.local && !spec.nodeAffinity?.required) findings.required("spec.nodeAffinity", "Local volume requires node affinity");
  if (spec.hostPath?.path === "/" && spec.persistentVolumeReclaimPolicy === "Recycle")
    findings.forbidden("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'");
  if (spec.nodeAffinity?.required) checkNodeSelector(spec.nodeAffinity.required, "spec.nodeAffinity.required", findings);
}

export function checkPersistentVolumeUpdate(stored: PersistentVolume, updated: PersistentVolume, findings: Findings): void {
  const sourceOf = ({ spec }: PersistentVolume) => {
    const {
      accessModes,
      capacity,
      claimRef,
      mountOptions,
      nodeAffinity,
      persistentVolumeReclaimPolicy,
      storageClassName,
      volumeMode,
      volumeAttributesClassName,
      ...source
    } = spec ?? {};
    return source;
  };
  if (!semanticallyEqual(sourceOf(stored), sourceOf(updated)))
    findings.forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation");
  if (stored.spec?.volumeMode !== updated.spec?.volumeMode)
    findings.invalid("spec.volumeMode", updated.spec?.volumeMode ?? null, "field is immutable");
}

export function checkPersistentVolumeClaim({ spec }: PersistentVolumeClaim, findings: Findings): void {
  if (!spec) return findings.required("spec");
  if ((spec.accessModes ?? []).length === 0) findings.required("spec.accessModes", "at least 1 access mode is required");
  for (const mode of spec.accessModes ?? []) if (!accessModes.includes(mode)) findings.notSupported("spec.accessModes", mode, accessModes);
  if (spec.accessModes?.includes("ReadWriteOncePod") && spec.accessModes.length > 1)
    findings.forbidden("spec.accessModes", "may not use ReadWriteOncePod with other access modes");
  const storage = spec.resources?.requests?.storage;
  if (storage === undefined) findings.required("spec.resources[storage]");
  else checkPositiveQuantity(storage, "spec.resources[storage]", findings);
  if (spec.storageClassName)
    findings.invalidFor("spec.storageClassName", spec.storageClassName, wrongWithDns1123Subdomain(spec.storageClassName));
  checkLabelSelector(spec.selector, "spec.selector", findings);
}

/** Of a claim the size may grow once it is bound; volume name and class may be filled in once. */
export function checkPersistentVolumeClaimUpdate(stored: PersistentVolumeClaim, updated: PersistentVolumeClaim, findings: Findings): void {
  const before: PersistentVolumeClaimSpec = stored.spec ?? {};
  const after: PersistentVolumeClaimSpec = updated.spec ?? {};
  const pretended = {
    ...after,
    ...(before.volumeName ? {} : { volumeName: before.volumeName }),
    ...(before.storageClassName === undefined ? { storageClassName: undefined } : {}),
    ...(stored.status?.phase === "Bound" ? { resources: before.resources } : {}),
    volumeAttributesClassName: before.volumeAttributesClassName,
  };
  if (!semanticallyEqual(before, pretended))
    findings.forbidden("spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims");
  const had = before.resources?.requests?.storage;
  const wanted = after.resources?.requests?.storage;
  if (had !== undefined && wanted !== undefined && isLess(wanted, had))
    findings.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
}

export function checkEvent(event: Event, findings: Findings): void {
  const involved = event.involvedObject?.namespace ?? "";
  const namespace = event.metadata?.namespace ?? "";
  const belongs = involved === "" ? namespace === "default" || namespace === "kube-system" || namespace === "" : involved === namespace;
  if (!belongs) findings.invalid("involvedObject.namespace", involved, "does not match event.namespace");
}

export function checkBinding(binding: Binding, findings: Findings): void {
  const { kind, name } = binding.target ?? {};
  if (kind && kind !== "Node" && kind !== "Minion") findings.notSupported("target.kind", kind, ["Node", "<empty>"]);
  if (!name) findings.required("target.name");
}
