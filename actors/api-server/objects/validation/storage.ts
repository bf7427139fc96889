import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttributesClass,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../equality";
import { checkDriverName } from "./disk-sources";
import type { Findings } from "./field-error";
import { checkNonNegativeQuantity } from "./numbers";
import { checkLabelSelector } from "./selectors";

/** storage.k8s.io/v1. */

const parametersMax = 512;
const parameterBytesMax = 256 * 1024;

function checkParameters(parameters: Readonly<Record<string, string>> | undefined, at: string, findings: Findings, demanded = false): void {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > parametersMax) findings.tooLong(at, parametersMax);
  for (const [name] of entries) if (name === "") findings.invalid(at, name, "field can not be empty.");
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  if (bytes > parameterBytesMax) findings.tooLong(at, parameterBytesMax);
  if (demanded && entries.length === 0) findings.required(at, "must contain at least one key/value pair");
}

export function checkStorageClass(storage: StorageClass, findings: Findings): void {
  if (!storage.provisioner) findings.required("provisioner");
  else findings.invalidFor("provisioner", storage.provisioner, wrongWithQualifiedName(storage.provisioner.toLowerCase()));
  checkParameters(storage.parameters, "parameters", findings);
  const { reclaimPolicy, volumeBindingMode } = storage;
  if (reclaimPolicy && reclaimPolicy !== "Delete" && reclaimPolicy !== "Retain")
    findings.notSupported("reclaimPolicy", reclaimPolicy, ["Delete", "Retain"]);
  if (!volumeBindingMode) findings.required("volumeBindingMode");
  else if (volumeBindingMode !== "Immediate" && volumeBindingMode !== "WaitForFirstConsumer")
    findings.notSupported("volumeBindingMode", volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]);
  storage.allowedTopologies?.forEach((term, index) => {
    const keys = new Set<string>();
    term.matchLabelExpressions?.forEach(({ key, values = [] }, place) => {
      const at = `allowedTopologies[${index}].matchLabelExpressions[${place}]`;
      if (values.length === 0) findings.required(`${at}.values`);
      values.forEach((value, position) => {
        if (values.indexOf(value) < position) findings.duplicate(`${at}.values[${position}]`, value);
      });
      findings.invalidFor(`${at}.key`, key ?? "", wrongWithQualifiedName(key ?? ""));
      if (keys.has(key)) findings.duplicate(`${at}.key`, key);
      keys.add(key);
    });
  });
}

export function checkStorageClassUpdate(stored: StorageClass, updated: StorageClass, findings: Findings): void {
  if (!semanticallyEqual(stored.parameters, updated.parameters)) findings.forbidden("parameters", "updates to parameters are forbidden.");
  if (stored.provisioner !== updated.provisioner) findings.forbidden("provisioner", "updates to provisioner are forbidden.");
  if (stored.reclaimPolicy !== updated.reclaimPolicy) findings.forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden.");
  if (stored.volumeBindingMode !== updated.volumeBindingMode)
    findings.invalid("volumeBindingMode", updated.volumeBindingMode ?? null, "field is immutable");
}

export function checkVolumeAttributesClass(attributes: VolumeAttributesClass, findings: Findings): void {
  checkDriverName(attributes.driverName, "driverName", findings);
  checkParameters(attributes.parameters, "parameters", findings, true);
}

export function checkVolumeAttributesClassUpdate(stored: VolumeAttributesClass, updated: VolumeAttributesClass, findings: Findings): void {
  if (stored.driverName !== updated.driverName) findings.forbidden("driverName", "updates to driverName are forbidden.");
  if (!semanticallyEqual(stored.parameters, updated.parameters)) findings.forbidden("parameters", "updates to parameters are forbidden.");
}

export function checkCsiDriver(driver: CSIDriver, findings: Findings): void {
  checkDriverName(driver.metadata?.name, "metadata.name", findings);
  driver.spec?.volumeLifecycleModes?.forEach((mode, index) => {
    if (mode !== "Persistent" && mode !== "Ephemeral")
      findings.notSupported(`spec.volumeLifecycleModes[${index}]`, mode, ["Ephemeral", "Persistent"]);
  });
  const audiences = new Set<string>();
  driver.spec?.tokenRequests?.forEach(({ audience, expirationSeconds: seconds }, index) => {
    const at = `spec.tokenRequests[${index}]`;
    if (audiences.has(audience)) findings.duplicate(`${at}.audience`, audience);
    audiences.add(audience);
    if (seconds === undefined) return;
    if (seconds < 600) findings.invalid(`${at}.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes");
    if (seconds > 2 ** 32) findings.invalid(`${at}.expirationSeconds`, seconds, "may not specify a duration larger than 2^32 seconds");
  });
  const period = driver.spec?.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < 10)
    findings.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, "must be greater than or equal to 10 seconds");
}

export function checkCsiDriverUpdate(stored: CSIDriver, updated: CSIDriver, findings: Findings): void {
  for (const field of ["attachRequired", "volumeLifecycleModes"] as const)
    if (!semanticallyEqual(stored.spec?.[field], updated.spec?.[field]))
      findings.invalid(`spec.${field}`, updated.spec?.[field] ?? null, "field is immutable");
}

const nodeIdMax = 256;

export function checkCsiNode({ spec }: CSINode, findings: Findings): void {
  const names = new Set<string>();
  spec?.drivers?.forEach((driver, index) => {
    const at = `spec.drivers[${index}]`;
    checkDriverName(driver.name, `${at}.name`, findings);
    if (!driver.nodeID) findings.required(`${at}.nodeID`);
    else if (driver.nodeID.length > nodeIdMax) findings.invalid(`${at}.nodeID`, driver.nodeID, `must be ${nodeIdMax} characters or less`);
    const count = driver.allocatable?.count;
    if (count !== undefined && count < 0) findings.invalid(`${at}.allocatable.count`, count, "must be greater than or equal to 0");
    if (names.has(driver.name)) findings.duplicate(`${at}.name`, driver.name);
    names.add(driver.name);
    const keys = new Set<string>();
    for (const key of driver.topologyKeys ?? []) {
      if (!key) findings.required(`${at}.topologyKeys`);
      if (keys.has(key)) findings.duplicate(`${at}.topologyKeys`, key);
      keys.add(key);
      findings.invalidFor(`${at}.topologyKeys`, key, wrongWithQualifiedName(key));
    }
  });
}

/** What a driver has said of itself it does not take back, but for how many volumes it takes. */
export function checkCsiNodeUpdate(stored: CSINode, updated: CSINode, findings: Findings): void {
  updated.spec?.drivers?.forEach((driver, index) => {
    const old = stored.spec?.drivers?.find(({ name }) => name === driver.name);
    if (old && !semanticallyEqual({ ...old, allocatable: undefined }, { ...driver, allocatable: undefined }))
      findings.invalid(`spec.drivers[${index}]`, driver, "field is immutable");
  });
}

export function checkVolumeAttachment({ spec }: VolumeAttachment, findings: Findings): void {
  if (!spec?.attacher) findings.required("spec.attacher");
  else checkDriverName(spec.attacher, "spec.attacher", findings);
  if (!spec?.nodeName) findings.required("spec.nodeName");
  else findings.invalidFor("spec.nodeName", spec.nodeName, wrongWithDns1123Subdomain(spec.nodeName));
  const { persistentVolumeName: name, inlineVolumeSpec } = spec?.source ?? {};
  if (name === undefined && inlineVolumeSpec === undefined)
    findings.required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  if (name !== undefined && inlineVolumeSpec !== undefined)
    findings.forbidden("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
  if (name === "" && inlineVolumeSpec === undefined)
    findings.required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName");
}

export function checkCapacity(capacity: CSIStorageCapacity, findings: Findings): void {
  const { storageClassName: name } = capacity;
  findings.invalidFor("storageClassName", name ?? "", wrongWithDns1123Subdomain(name ?? ""));
  checkLabelSelector(capacity.nodeTopology, "nodeTopology", findings);
  checkNonNegativeQuantity(capacity.capacity, "capacity", findings);
  checkNonNegativeQuantity(capacity.maximumVolumeSize, "maximumVolumeSize", findings);
}

export function checkCapacityUpdate(stored: CSIStorageCapacity, updated: CSIStorageCapacity, findings: Findings): void {
  for (const field of ["nodeTopology", "storageClassName"] as const)
    if (!semanticallyEqual(stored[field], updated[field])) findings.invalid(field, updated[field] ?? null, "field is immutable");
}
