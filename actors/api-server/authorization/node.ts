import type { PersistentVolume, PersistentVolumeClaim, Pod, ResourceSlice, VolumeAttachment } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import type { User } from "../authentication/user";
import type { Attributes } from "./attributes";

/** What the Node authorizer looks up, by the server's caches. */
export interface NodeView {
  /** The pods that are bound to the node; of one namespace, or all where it is "". */
  podsOn(node: string, namespace: string): readonly Stored<Pod>[];
  claim(namespace: string, name: string): Stored<PersistentVolumeClaim> | undefined;
  volume(name: string): Stored<PersistentVolume> | undefined;
  attachment(name: string): Stored<VolumeAttachment> | undefined;
  slice(name: string): Stored<ResourceSlice> | undefined;
}

const prefix = "system:node:";

/** The node whose kubelet a user is; undefined for everybody else. */
export function nodeOf({ name, groups }: User): string | undefined {
  return groups.includes("system:nodes") && name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
}

export type NodeVerdict = "allowed" | "noOpinion" | { readonly refused: string };

/**
 * The Node authorizer: a kubelet reads the Secrets, ConfigMaps, claims and volumes that pods on its node use, and no others; its own Node,
 * Lease and CSINode; asks tokens for the accounts of its pods. What the role system:node grants beside that is "noOpinion" here.
 * Source: "Using Node Authorization".
 */
export function authorizeNode(node: string, wanted: Attributes, view: NodeView): NodeVerdict {
  const { group, resource, subresource, verb, namespace, name } = wanted;
  if (!wanted.isResource) return "noOpinion";
  const found = (isRelated: boolean): NodeVerdict =>
    isRelated ? "allowed" : { refused: `no relationship found between node '${node}' and this object` };
  switch (group === "" ? resource : `${resource}.${group}`) {
    case "secrets":
    case "configmaps": {
      const refusal = readOnlyByName(wanted);
      const kind = resource === "secrets" ? "secret" : "configmap";
      return refusal ?? found(view.podsOn(node, namespace).some((pod) => referencesOf(pod, view).has(`${kind}/${name}`)));
    }
    case "persistentvolumeclaims": {
      if (subresource === "status" && (verb === "update" || verb === "patch")) return found(usesClaim(node, namespace, name, view));
      return readOnlyByName(wanted) ?? found(usesClaim(node, namespace, name, view));
    }
    case "persistentvolumes": {
      const refusal = readOnlyByName(wanted);
      if (refusal) return refusal;
      const claim = view.volume(name)?.spec?.claimRef;
      return found(claim !== undefined && usesClaim(node, claim.namespace ?? "", claim.name ?? "", view));
    }
    case "volumeattachments.storage.k8s.io":
      return readOnlyByName(wanted) ?? found(view.attachment(name)?.spec?.nodeName === node);
    case "serviceaccounts":
      if (subresource === "token" ? verb !== "create" : subresource !== "" || verb !== "get") return "noOpinion";
      return found(view.podsOn(node, namespace).some(({ spec }) => (spec?.serviceAccountName ?? "default") === name));
    case "resourceclaims.resource.k8s.io": {
      if (subresource !== "" || verb !== "get") return { refused: "can only read resources of this type" };
      return found(view.podsOn(node, namespace).some((pod) => resourceClaimsOf(pod).includes(name)));
    }
    case "resourceslices.resource.k8s.io":
      if (subresource !== "") return { refused: "cannot authorize ResourceSlice subresources" };
      if (verb === "create") return "allowed";
      if (["get", "update", "patch", "delete"].includes(verb)) return found(view.slice(name)?.spec.nodeName === node);
      if (wanted.selectedNode === node) return "allowed";
      return { refused: "can only list/watch/deletecollection resourceslices with nodeName field selector" };
    case "leases.coordination.k8s.io":
      if (namespace !== "kube-node-lease") return { refused: `can only access leases in the "kube-node-lease" system namespace` };
      if (verb === "create" && name === "") return "allowed";
      if (name === node && ["get", "create", "update", "patch", "delete"].includes(verb)) return "allowed";
      return { refused: "can only access node lease with the same name as the requesting node" };
    case "csinodes.storage.k8s.io":
      if (verb === "create" && name === "") return "allowed";
      if (name === node && ["get", "create", "update", "patch", "delete"].includes(verb)) return "allowed";
      return { refused: "can only access CSINode with the same name as the requesting node" };
    case "nodes":
      if (verb === "create" || name === node) return "noOpinion";
      if (verb === "get" || verb === "list" || verb === "watch")
        return { refused: `node '${node}' cannot read '${name}', only its own Node object` };
      return "noOpinion";
    case "pods":
      if (subresource !== "" || (verb !== "list" && verb !== "watch" && verb !== "get")) return "noOpinion";
      if (verb === "get") return found(view.podsOn(node, namespace).some(({ metadata }) => metadata.name === name));
      return wanted.selectedNode === node ? "noOpinion" : { refused: "can only list/watch pods with spec.nodeName field selector" };
    default:
      return "noOpinion";
  }
}

function readOnlyByName({ verb, name, subresource }: Attributes): NodeVerdict | undefined {
  if (subresource !== "") return { refused: "cannot get subresource" };
  if (verb !== "get" && verb !== "list" && verb !== "watch") return { refused: "can only read resources of this type" };
  return name === "" ? { refused: "No Object name found" } : undefined;
}

function usesClaim(node: string, namespace: string, name: string, view: NodeView): boolean {
  return view.podsOn(node, namespace).some((pod) => claimsOf(pod).includes(name));
}

/** The ResourceClaims of a pod: those it names, and those that were made for it. */
function resourceClaimsOf({ spec, status }: Stored<Pod>): readonly string[] {
  const named = (spec?.resourceClaims ?? []).map(({ resourceClaimName }) => resourceClaimName);
  const made = (status?.resourceClaimStatuses ?? []).map(({ resourceClaimName }) => resourceClaimName);
  return [...named, ...made, status?.extendedResourceClaimStatus?.resourceClaimName].filter((name) => name !== undefined);
}

function claimsOf({ spec, metadata }: Stored<Pod>): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [persistentVolumeClaim.claimName];
    return ephemeral ? [`${metadata.name}-${name}`] : [];
  });
}

/** The Secrets and ConfigMaps that a pod needs, by "secret/NAME" and "configmap/NAME". */
function referencesOf(pod: Stored<Pod>, view: NodeView): ReadonlySet<string> {
  const { spec, metadata } = pod;
  const found = new Set<string>();
  const secret = (name: string | undefined) => name && found.add(`secret/${name}`);
  const configMap = (name: string | undefined) => name && found.add(`configmap/${name}`);
  for (const { name } of spec?.imagePullSecrets ?? []) secret(name);
  for (const { env = [], envFrom = [] } of [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ]) {
    for (const { secretRef, configMapRef } of envFrom) {
      secret(secretRef?.name);
      configMap(configMapRef?.name);
    }
    for (const { valueFrom } of env) {
      secret(valueFrom?.secretKeyRef?.name);
      configMap(valueFrom?.configMapKeyRef?.name);
    }
  }
  for (const volume of spec?.volumes ?? []) {
    secret(volume.secret?.secretName);
    configMap(volume.configMap?.name);
    for (const source of volume.projected?.sources ?? []) {
      secret(source.secret?.name);
      configMap(source.configMap?.name);
    }
    for (const name of [volume.csi?.nodePublishSecretRef?.name, volume.flexVolume?.secretRef?.name, volume.cephfs?.secretRef?.name])
      secret(name);
    for (const name of [volume.rbd?.secretRef?.name, volume.iscsi?.secretRef?.name, volume.azureFile?.secretName]) secret(name);
  }
  for (const claim of claimsOf(pod)) {
    const volume = view.volume(view.claim(metadata.namespace ?? "", claim)?.spec?.volumeName ?? "");
    const { csi } = volume?.spec ?? {};
    for (const reference of [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef])
      if (reference?.namespace === metadata.namespace) secret(reference?.name);
  }
  return found;
}
