import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  SecretReference,
  TypedLocalObjectReference,
  TypedObjectReference,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import { checkDiskSource, checkDriverName } from "./disk-sources";
import type { Findings } from "./field-error";
import { checkNonNegativeQuantity, checkPositiveQuantity, isLess } from "./numbers";
import { checkNoBacksteps } from "./paths";
import { checkLabelSelector, checkNodeSelector } from "./selectors";

/** Persistent volumes, and claims on them. */

const accessModes: readonly string[] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

function checkAccessModes(modes: readonly string[], at: string, findings: Findings): void {
  for (const mode of modes) if (!accessModes.includes(mode)) findings.notSupported(at, mode, accessModes);
  if (modes.includes("ReadWriteOncePod") && modes.some((mode) => mode !== "ReadWriteOncePod" && accessModes.includes(mode)))
    findings.forbidden(at, "may not use ReadWriteOncePod with other access modes");
}

function checkVolumeMode(mode: string | undefined, at: string, findings: Findings): void {
  if (mode !== undefined && mode !== "Block" && mode !== "Filesystem") findings.notSupported(at, mode, ["Block", "Filesystem"]);
}

/** What of a volume's spec is not its source. */
const apart: ReadonlySet<string> = new Set([
  ...["accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy"],
  ...["storageClassName", "volumeAttributesClassName", "volumeMode"],
]);

export function checkPersistentVolume({ spec }: PersistentVolume, findings: Findings): void {
  if (!spec) return findings.required("spec");
  checkVolumeSpec(spec, "spec", findings);
}

function checkVolumeSpec(spec: PersistentVolumeSpec, at: string, findings: Findings): void {
  if ((spec.accessModes ?? []).length === 0) findings.required(`${at}.accessModes`);
  checkAccessModes(spec.accessModes ?? [], `${at}.accessModes`, findings);
  const capacity = spec.capacity ?? {};
  if (Object.keys(capacity).length === 0) findings.required(`${at}.capacity`);
  if (capacity.storage === undefined || Object.keys(capacity).length > 1)
    findings.notSupported(`${at}.capacity`, spec.capacity ?? null, ["storage"]);
  for (const name in capacity) checkPositiveQuantity(capacity[name], `${at}.capacity[${name}]`, findings);
  const reclaim = spec.persistentVolumeReclaimPolicy;
  if (reclaim && !["Delete", "Recycle", "Retain"].includes(reclaim))
    findings.notSupported(`${at}.persistentVolumeReclaimPolicy`, reclaim, ["Delete", "Recycle", "Retain"]);
  if (spec.nodeAffinity && !spec.nodeAffinity.required)
    findings.required(`${at}.nodeAffinity.required`, "must specify required node constraints");
  else if (spec.nodeAffinity?.required) checkNodeSelector(spec.nodeAffinity.required, `${at}.nodeAffinity.required`, findings);
  const sources = Object.keys(spec).filter((field) => !apart.has(field));
  for (const extra of sources.slice(1)) findings.forbidden(`${at}.${extra}`, "may not specify more than 1 volume type");
  checkVolumeSource(spec, sources[0], at, findings);
  if (sources.length === 0) findings.required(at, "must specify a volume type");
  if (spec.hostPath?.path === "/" && reclaim === "Recycle")
    findings.forbidden(`${at}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'");
  if (spec.storageClassName)
    findings.invalidFor(`${at}.storageClassName`, spec.storageClassName, wrongWithDns1123Subdomain(spec.storageClassName));
  checkVolumeMode(spec.volumeMode, `${at}.volumeMode`, findings);
  const attributes = spec.volumeAttributesClassName;
  if (attributes === undefined) return;
  if (attributes === "") findings.required(`${at}.volumeAttributesClassName`, "an empty string is disallowed");
  else findings.invalidFor(`${at}.volumeAttributesClassName`, attributes, wrongWithDns1123Subdomain(attributes));
  if (!spec.csi) findings.required(`${at}.csi`, "has to be specified when using volumeAttributesClassName");
}

function checkVolumeSource(spec: PersistentVolumeSpec, source: string | undefined, at: string, findings: Findings): void {
  switch (source) {
    case undefined:
      return;
    case "local":
      if (!spec.local?.path) findings.required(`${at}.local.path`);
      else checkNoBacksteps(spec.local.path, `${at}.local.path`, findings);
      if (!spec.nodeAffinity) findings.required(`${at}.nodeAffinity`, "Local volume requires node affinity");
      return;
    case "csi":
      checkDriverName(spec.csi?.driver, `${at}.csi.driver`, findings);
      if (!spec.csi?.volumeHandle) findings.required(`${at}.csi.volumeHandle`);
      for (const field of csiSecrets) checkSecretReference(spec.csi?.[field], `${at}.csi.${field}`, findings);
      return;
    default:
      checkDiskSource(spec, source, at, findings);
  }
}

const csiSecrets = ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"] as const;

function checkSecretReference(reference: SecretReference | undefined, at: string, findings: Findings): void {
  if (!reference) return;
  if (!reference.name) findings.required(`${at}.name`);
  else findings.invalidFor(`${at}.name`, reference.name, wrongWithDns1123Subdomain(reference.name));
  if (!reference.namespace) findings.required(`${at}.namespace`);
  else findings.invalidFor(`${at}.namespace`, reference.namespace, wrongWithDns1123Label(reference.namespace));
}

export function checkPersistentVolumeUpdate(stored: PersistentVolume, updated: PersistentVolume, findings: Findings): void {
  const before: Partial<PersistentVolumeSpec> = stored.spec ?? {};
  const after: Partial<PersistentVolumeSpec> = updated.spec ?? {};
  const sourceOf = (spec: object) => Object.fromEntries(Object.entries(spec).filter(([field]) => !apart.has(field)));
  // The secret for growing may be filled in once.
  const filled = before.csi && after.csi && before.csi.controllerExpandSecretRef === undefined;
  const compared = filled ? { ...after, csi: { ...after.csi, controllerExpandSecretRef: undefined } } : after;
  if (!semanticallyEqual(sourceOf(before), sourceOf(compared)))
    findings.forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation");
  if (before.volumeMode !== after.volumeMode) findings.invalid("volumeMode", after.volumeMode ?? null, "field is immutable");
  if (before.nodeAffinity && !semanticallyEqual(before.nodeAffinity, after.nodeAffinity))
    findings.invalid("nodeAffinity", after.nodeAffinity ?? null, "field is immutable, except for updating from beta label to GA");
  if (before.volumeAttributesClassName !== undefined && after.volumeAttributesClassName === undefined)
    findings.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden");
}

export function checkPersistentVolumeClaim({ spec }: PersistentVolumeClaim, findings: Findings): void {
  checkClaimSpec(spec, "spec", findings);
}

export function checkClaimSpec(spec: PersistentVolumeClaimSpec | undefined, at: string, findings: Findings): void {
  if (!spec) return findings.required(at);
  if ((spec.accessModes ?? []).length === 0) findings.required(`${at}.accessModes`, "at least 1 access mode is required");
  checkLabelSelector(spec.selector, `${at}.selector`, findings);
  checkAccessModes(spec.accessModes ?? [], `${at}.accessModes`, findings);
  const storage = spec.resources?.requests?.storage;
  if (storage === undefined) findings.required(`${at}.resources[storage]`);
  else checkPositiveQuantity(storage, `${at}.resources[storage]`, findings);
  for (const field of ["storageClassName", "volumeAttributesClassName"] as const)
    if (spec[field]) findings.invalidFor(`${at}.${field}`, spec[field], wrongWithDns1123Subdomain(spec[field]));
  checkVolumeMode(spec.volumeMode, `${at}.volumeMode`, findings);
  checkDataSource(spec.dataSource, `${at}.dataSource`, findings);
  checkDataSource(spec.dataSourceRef, `${at}.dataSourceRef`, findings);
  const { dataSource, dataSourceRef } = spec;
  if (!dataSource || !dataSourceRef) return;
  if (dataSourceRef.namespace)
    return findings.invalid(at, `${at}.dataSource`, "may not be specified when dataSourceRef.namespace is specified");
  const same = (["apiGroup", "kind", "name"] as const).every((field) => dataSource[field] === dataSourceRef[field]);
  if (!same) findings.invalid(at, `${at}.dataSource`, "must match dataSourceRef");
}

function checkDataSource(source: TypedLocalObjectReference | TypedObjectReference | undefined, at: string, findings: Findings): void {
  if (!source) return;
  if (!source.name) findings.required(`${at}.name`);
  if (!source.kind) findings.required(`${at}.kind`);
  if (!source.apiGroup && source.kind !== "PersistentVolumeClaim")
    findings.invalid(at, source.kind ?? "", "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  if (source.apiGroup) findings.invalidFor(`${at}.apiGroup`, source.apiGroup, wrongWithDns1123Subdomain(source.apiGroup));
  if ("namespace" in source && source.namespace)
    findings.invalidFor(`${at}.namespace`, source.namespace, wrongWithDns1123Label(source.namespace));
}

/** Of a claim the size and the attributes may change once it is bound; volume name and class may be filled in once. */
export function checkPersistentVolumeClaimUpdate(stored: PersistentVolumeClaim, updated: PersistentVolumeClaim, findings: Findings): void {
  const before: PersistentVolumeClaimSpec = stored.spec ?? {};
  const after: PersistentVolumeClaimSpec = updated.spec ?? {};
  const bound = updated.status?.phase === "Bound";
  const had = before.resources?.requests?.storage;
  const wanted = after.resources?.requests?.storage;
  const pretended = {
    ...after,
    ...(before.volumeName ? {} : { volumeName: before.volumeName }),
    ...(before.storageClassName === undefined ? { storageClassName: undefined } : {}),
    ...(bound && had !== undefined && after.resources?.requests
      ? { resources: { ...after.resources, requests: { ...after.resources.requests, storage: had } } }
      : {}),
    ...(bound && after.volumeAttributesClassName !== undefined ? { volumeAttributesClassName: before.volumeAttributesClassName } : {}),
  };
  if (!semanticallyEqual(before, pretended))
    findings.forbidden("spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims");
  // Whoever asked for too much may take it back, as long as it is more than there is.
  const capacity = stored.status?.capacity?.storage ?? "0";
  if (had !== undefined && wanted !== undefined && isLess(wanted, had) && !isLess(capacity, wanted))
    findings.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
  if (before.volumeMode !== after.volumeMode) findings.invalid("volumeMode", after.volumeMode ?? null, "field is immutable");
  if (before.volumeAttributesClassName === undefined) return;
  if (after.volumeAttributesClassName === undefined)
    findings.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden");
  else if (after.volumeAttributesClassName === "")
    findings.forbidden("spec.volumeAttributesClassName", "update from non-nil value to an empty string is forbidden");
}

const resizeStatuses: readonly string[] = [
  ...["ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizePending", "NodeResizeInProgress", "NodeResizeInfeasible"],
].sort();

export function checkClaimStatus({ status }: PersistentVolumeClaim, findings: Findings): void {
  for (const name in status?.capacity)
    if (isLess(status.capacity[name]!, 0))
      findings.invalid(`status.capacity[${name}]`, status.capacity[name], "must be a valid resource quantity");
  for (const [name, is] of Object.entries(status?.allocatedResourceStatuses ?? {}))
    if (!resizeStatuses.includes(is)) findings.notSupported("status.allocatedResourceStatus", name, resizeStatuses);
  for (const name in status?.allocatedResources)
    checkNonNegativeQuantity(status.allocatedResources[name], `status.allocatedResources[${name}]`, findings);
}
