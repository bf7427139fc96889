import type { DownwardAPIVolumeFile, KeyToPath, PodSpec, Volume, VolumeProjection } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label } from "../../../../protocol/kinds/names";
import { checkRelativePath } from "./containers";
import { checkResourceField, checkVolumeFieldRef } from "./environment";
import type { Findings } from "./field-error";
import { checkNonNegativeQuantity } from "./numbers";

/** The volumes of a Pod: a name and exactly one source each. */

export function checkVolumes(spec: PodSpec, at: string, findings: Findings): void {
  const names = new Set<string>();
  spec.volumes?.forEach((volume, index) => {
    const here = `${at}.volumes[${index}]`;
    if (!volume.name) findings.required(`${here}.name`);
    else {
      findings.invalidFor(`${here}.name`, volume.name, wrongWithDns1123Label(volume.name));
      if (names.has(volume.name)) findings.duplicate(`${here}.name`, volume.name);
      names.add(volume.name);
    }
    const sources = Object.keys(volume).filter((field) => field !== "name");
    if (sources.length === 0) findings.required(here, "must specify a volume type");
    for (const extra of sources.slice(1)) findings.forbidden(`${here}.${extra}`, "may not specify more than 1 volume type");
    checkVolumeSource(volume, here, findings);
  });
}

function checkVolumeSource(volume: Volume, at: string, findings: Findings): void {
  const { hostPath, secret, configMap, persistentVolumeClaim, emptyDir, projected, downwardAPI, nfs, csi, ephemeral } = volume;
  if (emptyDir) checkNonNegativeQuantity(emptyDir.sizeLimit, `${at}.emptyDir.sizeLimit`, findings);
  if (hostPath) {
    if (!hostPath.path) findings.required(`${at}.hostPath.path`);
    else if (hostPath.path.split("/").includes("..")) findings.invalid(`${at}.hostPath.path`, hostPath.path, "must not contain '..'");
  }
  if (secret) {
    if (!secret.secretName) findings.required(`${at}.secret.secretName`);
    checkMode(secret.defaultMode, `${at}.secret.defaultMode`, findings);
    checkItems(secret.items, `${at}.secret.items`, findings);
  }
  if (configMap) {
    if (!configMap.name) findings.required(`${at}.configMap.name`);
    checkMode(configMap.defaultMode, `${at}.configMap.defaultMode`, findings);
    checkItems(configMap.items, `${at}.configMap.items`, findings);
  }
  if (persistentVolumeClaim && !persistentVolumeClaim.claimName) findings.required(`${at}.persistentVolumeClaim.claimName`);
  if (downwardAPI) {
    checkMode(downwardAPI.defaultMode, `${at}.downwardAPI.defaultMode`, findings);
    downwardAPI.items?.forEach((file, index) => {
      checkDownwardFile(file, `${at}.downwardAPI.items[${index}]`, findings);
    });
  }
  if (projected) {
    checkMode(projected.defaultMode, `${at}.projected.defaultMode`, findings);
    projected.sources?.forEach((source, index) => {
      checkProjection(source, `${at}.projected.sources[${index}]`, findings);
    });
  }
  if (nfs) {
    if (!nfs.server) findings.required(`${at}.nfs.server`);
    if (!nfs.path) findings.required(`${at}.nfs.path`);
    else if (!nfs.path.startsWith("/")) findings.invalid(`${at}.nfs.path`, nfs.path, "must be an absolute path");
  }
  if (csi && !csi.driver) findings.required(`${at}.csi.driver`);
  if (ephemeral && !ephemeral.volumeClaimTemplate) findings.required(`${at}.ephemeral.volumeClaimTemplate`);
}

function checkProjection(source: VolumeProjection, at: string, findings: Findings): void {
  const given = Object.keys(source);
  for (const extra of given.slice(1)) findings.forbidden(`${at}.${extra}`, "may not specify more than 1 volume type per source");
  if (given.length === 0) findings.required(at, "must specify a volume source");
  for (const kind of ["secret", "configMap"] as const) {
    const projection = source[kind];
    if (!projection) continue;
    if (!projection.name) findings.required(`${at}.${kind}.name`);
    checkItems(projection.items, `${at}.${kind}.items`, findings);
  }
  source.downwardAPI?.items?.forEach((file, index) => {
    checkDownwardFile(file, `${at}.downwardAPI.items[${index}]`, findings);
  });
  const token = source.serviceAccountToken;
  if (!token) return;
  const seconds = token.expirationSeconds ?? 3600;
  if (seconds < 600)
    findings.invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes");
  if (seconds >= 2 ** 32)
    findings.invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, "may not specify a duration larger than 2^32 seconds");
  if (!token.path) findings.required(`${at}.serviceAccountToken.path`);
}

function checkDownwardFile(file: DownwardAPIVolumeFile, at: string, findings: Findings): void {
  if (!file.path) findings.required(`${at}.path`);
  else checkRelativePath(file.path, `${at}.path`, findings);
  if (file.fieldRef) checkVolumeFieldRef(file.fieldRef, `${at}.fieldRef`, findings);
  if (file.resourceFieldRef) {
    if (!file.resourceFieldRef.containerName) findings.required(`${at}.resourceFieldRef.containerName`);
    checkResourceField(file.resourceFieldRef.resource, `${at}.resourceFieldRef`, findings);
  }
  if (file.fieldRef && file.resourceFieldRef)
    findings.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
  if (!file.fieldRef && !file.resourceFieldRef) findings.required(at, "one of fieldRef and resourceFieldRef is required");
  checkMode(file.mode, `${at}.mode`, findings);
}

function checkItems(items: readonly KeyToPath[] | undefined, at: string, findings: Findings): void {
  items?.forEach((item, index) => {
    const here = `${at}[${index}]`;
    if (!item.key) findings.required(`${here}.key`);
    if (!item.path) findings.required(`${here}.path`);
    else checkRelativePath(item.path, `${here}.path`, findings);
    checkMode(item.mode, `${here}.mode`, findings);
  });
}

function checkMode(mode: number | undefined, at: string, findings: Findings): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777))
    findings.invalid(at, mode, "must be a number between 0 and 0777 (octal), both inclusive");
}
