import type { Container, Volume, VolumeMount } from "../../../../protocol/kinds/generated";
import type { Findings } from "./field-error";
import { checkRelativePath } from "./paths";

/** Where a container sees the Pod's volumes: as directories, or as devices. */

const propagations: readonly string[] = ["Bidirectional", "HostToContainer", "None"];

export function checkMounts(container: Container, volumes: ReadonlyMap<string, Volume>, at: string, findings: Findings): void {
  const devices = new Set(container.volumeDevices?.map(({ name }) => name));
  const devicePaths = new Set(container.volumeDevices?.map(({ devicePath }) => devicePath));
  const paths = new Set<string>();
  const list = `${at}.volumeMounts`;
  container.volumeMounts?.forEach((mount, index) => {
    const here = `${list}[${index}]`;
    if (!mount.name) findings.required(`${here}.name`);
    if (!volumes.has(mount.name)) findings.notFound(`${here}.name`, mount.name ?? "");
    if (!mount.mountPath) findings.required(`${here}.mountPath`);
    if (paths.has(mount.mountPath)) findings.invalid(`${here}.mountPath`, mount.mountPath, "must be unique");
    paths.add(mount.mountPath);
    if (devices.has(mount.name)) findings.invalid(`${here}.name`, mount.name, "must not already exist in volumeDevices");
    if (devicePaths.has(mount.mountPath))
      findings.invalid(`${here}.mountPath`, mount.mountPath, "must not already exist as a path in volumeDevices");
    // These are said of the list, as real servers do.
    if (mount.subPath) checkRelativePath(mount.subPath, `${list}.subPath`, findings);
    if (mount.subPathExpr) {
      if (mount.subPath) findings.invalid(`${here}.subPathExpr`, mount.subPathExpr, "subPathExpr and subPath are mutually exclusive");
      checkRelativePath(mount.subPathExpr, `${list}.subPathExpr`, findings);
    }
    checkPropagation(mount, container, list, findings);
    checkRecursiveReadOnly(mount, `${list}.recursiveReadOnly`, findings);
  });
}

function checkPropagation({ mountPropagation }: VolumeMount, { securityContext }: Container, list: string, findings: Findings): void {
  if (mountPropagation === undefined) return;
  if (!propagations.includes(mountPropagation)) findings.notSupported(`${list}.mountPropagation`, mountPropagation, propagations);
  if (mountPropagation === "Bidirectional" && securityContext?.privileged !== true)
    findings.forbidden(`${list}.mountPropagation`, "Bidirectional mount propagation is available only to privileged containers");
}

function checkRecursiveReadOnly(mount: VolumeMount, at: string, findings: Findings): void {
  const { recursiveReadOnly, readOnly, mountPropagation } = mount;
  if (recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") return;
  if (recursiveReadOnly !== "Enabled" && recursiveReadOnly !== "IfPossible")
    return findings.notSupported(at, recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"]);
  if (readOnly !== true) findings.forbidden(at, "may only be specified when readOnly is true");
  if (mountPropagation !== undefined && mountPropagation !== "None")
    findings.forbidden(at, "may only be specified when mountPropagation is None or not specified");
}

export function checkDevices(container: Container, volumes: ReadonlyMap<string, Volume>, at: string, findings: Findings): void {
  const mounts = new Set(container.volumeMounts?.map(({ name }) => name));
  const mountPaths = new Set(container.volumeMounts?.map(({ mountPath }) => mountPath));
  const names = new Set<string>();
  const paths = new Set<string>();
  container.volumeDevices?.forEach(({ name, devicePath }, index) => {
    const here = `${at}.volumeDevices[${index}]`;
    const volume = volumes.get(name);
    if (!name) findings.required(`${here}.name`);
    if (names.has(name)) findings.invalid(`${here}.name`, name, "must be unique");
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral)
      findings.invalid(`${here}.name`, name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    if (!volume) findings.notFound(`${here}.name`, name ?? "");
    if (!devicePath) findings.required(`${here}.devicePath`);
    if (paths.has(devicePath)) findings.invalid(`${here}.devicePath`, devicePath, "must be unique");
    if (devicePath?.split("/").includes("..")) findings.invalid(`${here}.devicePath`, devicePath, "can not contain backsteps ('..')");
    else paths.add(devicePath);
    if (mounts.has(name)) findings.invalid(`${here}.name`, name, "must not already exist in volumeMounts");
    if (mountPaths.has(devicePath)) findings.invalid(`${here}.devicePath`, devicePath, "must not already exist as a path in volumeMounts");
    if (name) names.add(name);
  });
}
