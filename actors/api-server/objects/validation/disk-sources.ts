import type { PersistentVolumeSpec, Volume } from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import type { Findings } from "./field-error";
import { checkNoBacksteps, checkRelativePath } from "./paths";

/** Volumes that are a directory of the node, or a disk or share of some storage system: in a Pod, or as a persistent volume. */

const hostPathTypes: readonly string[] = [
  ...["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"],
];
const partitionRange = "must be between 0 and 255, inclusive";

/** Fields that have to be there, by source. */
const demanded: Readonly<Record<string, readonly string[]>> = {
  glusterfs: ["endpoints", "path"],
  rbd: ["monitors", "image"],
  cinder: ["volumeID"],
  cephfs: ["monitors"],
  quobyte: ["registry", "volume"],
  flexVolume: ["driver"],
  azureFile: ["secretName", "shareName"],
  vsphereVolume: ["volumePath"],
  photonPersistentDisk: ["pdID"],
  portworxVolume: ["volumeID"],
  azureDisk: ["diskName", "diskURI"],
  storageos: ["volumeName"],
  scaleIO: ["gateway", "system", "volumeName"],
  gcePersistentDisk: ["pdName"],
  awsElasticBlockStore: ["volumeID"],
  gitRepo: ["repository"],
};

export function checkDiskSource(holder: Volume | PersistentVolumeSpec, source: string, at: string, findings: Findings): void {
  const content = (holder as Readonly<Record<string, unknown>>)[source] as Readonly<Record<string, unknown>> | undefined;
  const here = `${at}.${source}`;
  const isEmpty = (value: unknown) => value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
  for (const field of demanded[source] ?? []) if (isEmpty(content?.[field])) findings.required(`${here}.${field}`);
  switch (source) {
    case "hostPath":
      return checkHostPath(holder.hostPath?.path, holder.hostPath?.type, here, findings);
    case "nfs":
      return checkNfs(holder.nfs?.server, holder.nfs?.path, here, findings);
    case "iscsi":
      return checkIscsi(holder.iscsi, here, findings);
    case "fc":
      return checkFibreChannel(holder.fc, here, findings);
    case "gitRepo":
      return checkRelativePath(String(content?.directory ?? ""), `${here}.directory`, findings);
    case "gcePersistentDisk":
    case "awsElasticBlockStore": {
      const partition = Number(content?.partition ?? 0);
      if (partition < 0 || partition > 255) findings.invalid(`${here}.partition`, partition, partitionRange);
    }
  }
}

function checkHostPath(path: string | undefined, type: string | undefined, at: string, findings: Findings): void {
  if (!path) return findings.required(`${at}.path`);
  checkNoBacksteps(path, `${at}.path`, findings);
  if (type !== undefined && !hostPathTypes.includes(type)) findings.notSupported(`${at}.type`, type, hostPathTypes);
}

function checkNfs(server: string | undefined, path: string | undefined, at: string, findings: Findings): void {
  if (!server) findings.required(`${at}.server`);
  if (!path) findings.required(`${at}.path`);
  if (!path?.startsWith("/")) findings.invalid(`${at}.path`, path ?? "", "must be an absolute path");
}

function checkIscsi(iscsi: Volume["iscsi"] | PersistentVolumeSpec["iscsi"], at: string, findings: Findings): void {
  if (!iscsi?.targetPortal) findings.required(`${at}.targetPortal`);
  if (!iscsi?.iqn) findings.required(`${at}.iqn`);
  else if (!/^(iqn|eui|naa)/.test(iscsi.iqn))
    findings.invalid(`${at}.iqn`, iscsi.iqn, "must be valid format starting with iqn, eui, or naa");
  else if (
    !/^(iqn\.\d{4}-\d{2}\.([A-Za-z0-9-]+\.)*[A-Za-z0-9-]+(:.+)?|eui\.[A-Fa-f0-9]{16}|naa\.[A-Fa-f0-9]{16}([A-Fa-f0-9]{16})?)$/.test(
      iscsi.iqn,
    )
  )
    findings.invalid(`${at}.iqn`, iscsi.iqn, "must be valid format");
  const lun = iscsi?.lun ?? 0;
  if (lun < 0 || lun > 255) findings.invalid(`${at}.lun`, lun, partitionRange);
  if ((iscsi?.chapAuthDiscovery || iscsi?.chapAuthSession) && !iscsi.secretRef) findings.required(`${at}.secretRef`);
}

function checkFibreChannel(fc: Volume["fc"], at: string, findings: Findings): void {
  const names = fc?.targetWWNs ?? [];
  const ids = fc?.wwids ?? [];
  if (names.length === 0 && ids.length === 0)
    findings.required(`${at}.targetWWNs`, "must specify either targetWWNs or wwids, but not both");
  if (names.length > 0 && ids.length > 0)
    findings.invalid(`${at}.targetWWNs`, names, "targetWWNs and wwids can not be specified simultaneously");
  if (names.length === 0) return;
  if (fc?.lun === undefined) findings.required(`${at}.lun`, "lun is required if targetWWNs is specified");
  else if (fc.lun < 0 || fc.lun > 255) findings.invalid(`${at}.lun`, fc.lun, partitionRange);
}

/** The name of a CSI driver: at most 63 long, like a domain in any case of its letters. */
export function checkDriverName(name: string | undefined, at: string, findings: Findings): void {
  if (!name) findings.required(at);
  if ((name ?? "").length > 63) findings.tooLong(at, 63);
  findings.invalidFor(at, name ?? "", wrongWithDns1123Subdomain((name ?? "").toLowerCase()));
}
