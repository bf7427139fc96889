import type {
  ClusterTrustBundleProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  PersistentVolumeClaimTemplate,
  PodSpec,
  ProjectedVolumeSource,
  Volume,
  VolumeProjection,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import { parseQuantity } from "../../../../protocol/kinds/quantity";
import { checkDiskSource, checkDriverName } from "./disk-sources";
import { checkResourceField, checkVolumeFieldRef } from "./environment";
import type { Findings } from "./field-error";
import { checkTemplateMetadata } from "./metadata";
import { checkProjectedPath } from "./paths";
import { checkClaimSpec } from "./persistent-volumes";
import { checkLabelSelector } from "./selectors";

/** The volumes of a Pod: a name and exactly one source each. */

/** `podName` is the name of the Pod whose volumes they are, where they are no template's: claims are called after it. */
export function checkVolumes(spec: PodSpec, podName: string | undefined, at: string, findings: Findings): void {
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
    const [first = "", ...others] = sourceOrder.filter((source) => sources.includes(source));
    for (const extra of others) findings.forbidden(`${here}.${extra}`, "may not specify more than 1 volume type");
    checkVolumeSource(volume, first, here, findings);
    if (volume.ephemeral && first === "ephemeral" && podName && volume.name) {
      const claim = `${podName}-${volume.name}`;
      for (const wrong of wrongWithDns1123Subdomain(claim)) findings.invalid(`${here}.name`, volume.name, `PVC name "${claim}": ${wrong}`);
    }
  });
}

/** Of several sources the first in this order is the one that is looked into. */
const sourceOrder: readonly string[] = [
  ...["emptyDir", "hostPath", "gitRepo", "gcePersistentDisk", "awsElasticBlockStore", "secret", "nfs", "iscsi", "glusterfs", "flocker"],
  ...["persistentVolumeClaim", "rbd", "cinder", "cephfs", "quobyte", "downwardAPI", "fc", "flexVolume", "configMap", "azureFile"],
  ...["vsphereVolume", "photonPersistentDisk", "portworxVolume", "azureDisk", "storageos", "projected", "scaleIO", "csi", "ephemeral"],
  "image",
];

function checkVolumeSource(volume: Volume, source: string, at: string, findings: Findings): void {
  const { secret, configMap, emptyDir, projected, downwardAPI, csi, ephemeral, image } = volume;
  switch (source) {
    case "emptyDir":
      if (emptyDir?.sizeLimit !== undefined && parseQuantity(emptyDir.sizeLimit).nanos < 0n)
        findings.forbidden(`${at}.emptyDir.sizeLimit`, "SizeLimit field must be a valid resource quantity");
      return;
    case "secret":
      if (!secret?.secretName) findings.required(`${at}.secret.secretName`);
      checkMode(secret?.defaultMode, `${at}.secret.defaultMode`, findings);
      return checkItems(secret?.items, `${at}.secret.items`, findings);
    case "configMap":
      if (!configMap?.name) findings.required(`${at}.configMap.name`);
      checkMode(configMap?.defaultMode, `${at}.configMap.defaultMode`, findings);
      return checkItems(configMap?.items, `${at}.configMap.items`, findings);
    case "persistentVolumeClaim":
      if (!volume.persistentVolumeClaim?.claimName) findings.required(`${at}.persistentVolumeClaim.claimName`);
      return;
    case "downwardAPI":
      checkMode(downwardAPI?.defaultMode, `${at}.downwardAPI.defaultMode`, findings);
      // Real servers do not say which of the files it is.
      for (const file of downwardAPI?.items ?? []) checkDownwardFile(file, `${at}.downwardAPI`, findings);
      return;
    case "projected":
      return checkProjected(projected ?? {}, `${at}.projected`, findings);
    case "csi":
      checkDriverName(csi?.driver, `${at}.csi.driver`, findings);
      if (csi?.nodePublishSecretRef && !csi.nodePublishSecretRef.name) findings.required(`${at}.csi.nodePublishSecretRef.name`);
      return;
    case "ephemeral":
      return checkClaimTemplate(ephemeral?.volumeClaimTemplate, `${at}.ephemeral.volumeClaimTemplate`, findings);
    case "image":
      if (ofPod(at) && !image?.reference) findings.required(`${at}.image.reference`);
      return;
    default:
      checkDiskSource(volume, source, at, findings);
  }
}

/** A template may leave an image open; a Pod may not. */
const ofPod = (at: string) => at.startsWith("spec.volumes[");

function checkClaimTemplate(template: PersistentVolumeClaimTemplate | undefined, at: string, findings: Findings): void {
  if (!template) return findings.required(at);
  const { labels, annotations, ...others } = template.metadata ?? {};
  checkTemplateMetadata(template.metadata, `${at}.metadata`, findings);
  for (const field of Object.keys(others)) findings.forbidden(`${at}.metadata.${field}`, "cannot be set");
  checkClaimSpec(template.spec, `${at}.spec`, findings);
}

/** Sources in one directory: no file may come twice. */
function checkProjected({ sources = [], defaultMode }: ProjectedVolumeSource, at: string, findings: Findings): void {
  checkMode(defaultMode, `${at}.defaultMode`, findings);
  const paths = new Set<string>();
  sources.forEach((source, index) => {
    checkProjection(source, `${at}.sources[${index}]`, findings);
    const files = [
      ...(["secret", "configMap"] as const).flatMap((kind) =>
        (source[kind]?.items ?? []).map(({ path }) => [path, source[kind]?.name ?? ""] as const),
      ),
      ...(source.downwardAPI?.items ?? []).map(({ path }) => [path, path] as const),
      ...[source.serviceAccountToken?.path, source.clusterTrustBundle?.path].map((path) => [path, path] as const),
    ];
    for (const [path, named] of files) {
      if (!path) continue;
      if (paths.has(path)) findings.invalid(at, named, "conflicting duplicate paths");
      paths.add(path);
    }
  });
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
  for (const file of source.downwardAPI?.items ?? []) checkDownwardFile(file, `${at}.downwardAPI`, findings);
  if (source.clusterTrustBundle) checkTrustBundle(source.clusterTrustBundle, `${at}.clusterTrustBundle`, findings);
  const token = source.serviceAccountToken;
  if (!token) return;
  const seconds = token.expirationSeconds ?? 3600;
  if (seconds < 600)
    findings.invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes");
  if (seconds > 2 ** 32)
    findings.invalid(`${at}.serviceAccountToken.expirationSeconds`, seconds, "may not specify a duration larger than 2^32 seconds");
  // The path is called as if it were the volume's.
  const volume = at.replace(/\.sources\[\d+\]$/, "");
  if (!token.path) findings.required(`${volume}.path`);
  else checkProjectedPath(token.path, `${volume}.path`, findings);
}

function checkTrustBundle(bundle: ClusterTrustBundleProjection, at: string, findings: Findings): void {
  if (bundle.name !== undefined && bundle.signerName !== undefined)
    findings.invalid(at, bundle, "only one of name and signerName may be used");
  else if (bundle.name !== undefined) {
    if (bundle.name === "") findings.required(`${at}.name`, "must be a valid object name");
    if (bundle.labelSelector !== undefined)
      findings.invalid(`${at}.labelSelector`, bundle.labelSelector, "labelSelector must be unset if name is specified");
  } else if (bundle.signerName !== undefined) {
    if (bundle.signerName === "") findings.required(`${at}.signerName`, "must be a valid signer name");
    checkLabelSelector(bundle.labelSelector, `${at}.labelSelector`, findings);
  } else findings.required(at, "either name or signerName must be specified");
  if (!bundle.path) findings.required(`${at}.path`);
  checkProjectedPath(bundle.path ?? "", `${at}.path`, findings);
}

function checkDownwardFile(file: DownwardAPIVolumeFile, at: string, findings: Findings): void {
  if (!file.path) findings.required(`${at}.path`);
  checkProjectedPath(file.path ?? "", `${at}.path`, findings);
  if (file.fieldRef) {
    checkVolumeFieldRef(file.fieldRef, `${at}.fieldRef`, findings);
    if (file.resourceFieldRef) findings.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
  } else if (file.resourceFieldRef) checkResourceField(file.resourceFieldRef, `${at}.resourceFieldRef`, findings, true);
  else findings.required(at, "one of fieldRef and resourceFieldRef is required");
  checkMode(file.mode, `${at}.mode`, findings);
}

function checkItems(items: readonly KeyToPath[] | undefined, at: string, findings: Findings): void {
  items?.forEach((item, index) => {
    const here = `${at}[${index}]`;
    if (!item.key) findings.required(`${here}.key`);
    if (!item.path) findings.required(`${here}.path`);
    checkProjectedPath(item.path ?? "", `${here}.path`, findings);
    checkMode(item.mode, `${here}.mode`, findings);
  });
}

function checkMode(mode: number | undefined, at: string, findings: Findings): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777))
    findings.invalid(at, mode, "must be a number between 0 and 0777 (octal), both inclusive");
}
