import type { CertificateSigningRequest, Node, Pod, PodSpec, ResourceSlice } from "../../../protocol/kinds/generated";
import type { ApiObject } from "../../../protocol/kinds/object";
import { forbidden } from "../../../protocol/status";
import { readCertificateRequest } from "../../../protocol/x509";
import { semanticallyEqual } from "../objects/equality";
import type { Admission, Plugin } from "./admission";

/**
 * A kubelet may write to its own Node and Lease, and to Pods that are bound to it; nothing of another node's, and nothing of its own by which
 * it would draw work or trust to itself. Source: "Using Node Authorization" and the reference of NodeRestriction.
 */
export const nodeRestriction: Plugin = {
  name: "NodeRestriction",
  needs: ({ kind, subresource, namespace, name }) =>
    kind.group === "" && kind.plural === "pods" && subresource === "eviction"
      ? [{ group: "", version: "v1", plural: "pods", namespace, name }]
      : [],
  mutate(admission) {
    const why = refusal(admission);
    return why === undefined
      ? admission.object
      : forbidden({ group: admission.kind.group, resource: admission.kind.plural, name: admission.name }, why);
  },
};

const prefix = "system:node:";

function refusal(admission: Admission): string | undefined {
  const { user, kind, subresource, namespace, name } = admission;
  if (!user.groups.includes("system:nodes") || !user.name.startsWith(prefix)) return undefined;
  const node = user.name.slice(prefix.length);
  switch (kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`) {
    case "nodes":
      return name === node
        ? ofOwnNode(admission, node)
        : `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(name)}`;
    case "leases.coordination.k8s.io":
      if (namespace !== "kube-node-lease") return `can only access leases in the "kube-node-lease" system namespace`;
      return name === node ? undefined : `can only access node lease with the same name as the requesting node`;
    case "csinodes.storage.k8s.io":
      return name === node ? undefined : `can only access CSINode with the same name as the requesting node`;
    case "resourceslices.resource.k8s.io":
      return ofSlice(admission, node);
    case "pods":
      return ofPod(admission, node);
    case "persistentvolumeclaims":
      return subresource === "status" ? undefined : `unexpected subresource, may only update PVC status`;
    case "certificatesigningrequests.certificates.k8s.io":
      return ofCertificate(admission);
    default:
      return undefined;
  }
}

function ofOwnNode({ operation, subresource, object, old }: Admission, node: string): string | undefined {
  const [before, after] = [old, object] as readonly (Node | undefined)[];
  const who = `node ${JSON.stringify(node)}`;
  const labels = changedLabels(before?.metadata?.labels, after?.metadata?.labels);
  if (operation === "CREATE") {
    const wrong = labels.filter(isForbiddenLabel);
    return wrong.length > 0 ? `${who} is not allowed to set the following labels: ${wrong.join(", ")}` : undefined;
  }
  if (operation !== "UPDATE") return undefined;
  if (subresource === "" && !semanticallyEqual(before?.spec?.taints, after?.spec?.taints)) return `${who} is not allowed to modify taints`;
  if (!semanticallyEqual(before?.metadata?.ownerReferences, after?.metadata?.ownerReferences))
    return `${who} is not allowed to modify ownerReferences`;
  const wrong = labels.filter(isForbiddenLabel);
  return wrong.length > 0 ? `${who} is not allowed to modify labels: ${wrong.join(", ")}` : undefined;
}

/** What else may be done with a slice, the Node authorizer knows. */
function ofSlice({ operation, object, old }: Admission, node: string): string | undefined {
  if (operation !== "CREATE" && operation !== "DELETE") return undefined;
  const slice = (operation === "CREATE" ? object : old) as ResourceSlice | undefined;
  const verb = operation === "CREATE" ? "create" : "delete";
  return slice?.spec?.nodeName === node ? undefined : `can only ${verb} ResourceSlice with the same NodeName as the requesting node`;
}

type Labels = Readonly<Record<string, string>>;

function changedLabels(before: Labels = {}, after: Labels = {}): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key]).sort();
}

/** What a kubelet may say of its machine among the labels that are Kubernetes' own. */
const allowedLabels: ReadonlySet<string> = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/arch",
  "kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/instance-type",
  "node.kubernetes.io/instance-type",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
]);
const allowedDomains = ["kubelet.kubernetes.io", "node.kubernetes.io"];

function isForbiddenLabel(label: string): boolean {
  const [domain = "", ...rest] = label.split("/");
  const within = (parent: string) => rest.length > 0 && (domain === parent || domain.endsWith(`.${parent}`));
  if (within("node-restriction.kubernetes.io")) return true;
  if (allowedLabels.has(label) || allowedDomains.some(within)) return false;
  return within("kubernetes.io") || within("k8s.io");
}

function ofPod({ operation, subresource, object, old, cluster, namespace, name }: Admission, node: string): string | undefined {
  const who = `node ${JSON.stringify(node)}`;
  const pod = (old ?? object) as ApiObject & Pod;
  switch (subresource) {
    case "":
      if (operation === "CREATE") return ofMirrorPod(object as ApiObject & Pod, node);
      if (operation === "UPDATE") return `unexpected operation "UPDATE", ${who} can only create and delete mirror pods`;
      return pod.spec?.nodeName === node ? undefined : `${who} can only delete pods with spec.nodeName set to itself`;
    case "status":
      if (pod.spec?.nodeName !== node) return `${who} can only update pod status for pods with spec.nodeName set to itself`;
      return semanticallyEqual(old?.metadata.labels, object.metadata.labels) ? undefined : `${who} cannot update labels through pod status`;
    case "eviction": {
      const evicted = cluster.get("", "v1", "pods", namespace, name) as Pod | undefined;
      return evicted === undefined || evicted.spec?.nodeName === node
        ? undefined
        : `${who} can only evict pods with spec.nodeName set to itself`;
    }
    default:
      return `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`;
  }
}

/** The picture of a Pod that the kubelet runs from a file names nothing that the kubelet could then read. */
function ofMirrorPod({ metadata, spec }: ApiObject & Pod, node: string): string | undefined {
  const who = `node ${JSON.stringify(node)}`;
  if (metadata.annotations?.["kubernetes.io/config.mirror"] === undefined)
    return `pod does not have "kubernetes.io/config.mirror" annotation, ${who} can only create mirror pods`;
  if (spec?.nodeName !== node) return `${who} can only create pods with spec.nodeName set to itself`;
  const owners = metadata.ownerReferences ?? [];
  if (owners.length > 1) return `${who} can only create pods with a single owner reference set to itself`;
  if (owners.some(({ kind, name }) => kind !== "Node" || name !== node))
    return `${who} can only create pods with an owner reference set to itself`;
  if (spec.serviceAccountName) return `${who} can not create pods that reference a service account`;
  const referenced = referencedKind(spec);
  return referenced === undefined ? undefined : `${who} can not create pods that reference ${referenced}`;
}

function referencedKind({ imagePullSecrets = [], containers, initContainers = [], volumes = [] }: PodSpec): string | undefined {
  const sources = volumes.flatMap((volume) => [volume, ...(volume.projected?.sources ?? [])]);
  const all = [...containers, ...initContainers];
  const env = all.flatMap(({ env = [] }) => env.map(({ valueFrom }) => valueFrom));
  const from = all.flatMap(({ envFrom = [] }) => envFrom);
  if (
    imagePullSecrets.length > 0 ||
    sources.some(({ secret }) => secret) ||
    env.some((each) => each?.secretKeyRef) ||
    from.some((each) => each.secretRef)
  )
    return "secrets";
  if (sources.some(({ configMap }) => configMap) || env.some((each) => each?.configMapKeyRef) || from.some((each) => each.configMapRef))
    return "configmaps";
  if (sources.some((each) => "serviceAccountToken" in each && each.serviceAccountToken)) return "service account tokens";
  return volumes.some(({ persistentVolumeClaim, ephemeral }) => persistentVolumeClaim ?? ephemeral) ? "persistentvolumeclaims" : undefined;
}

/** A kubelet asks for certificates in its own name only. */
function ofCertificate({ operation, subresource, object, user }: Admission): string | undefined {
  if (operation !== "CREATE" || subresource !== "") return undefined;
  const { spec } = object as unknown as CertificateSigningRequest;
  if (spec?.signerName !== "kubernetes.io/kubelet-serving" && spec?.signerName !== "kubernetes.io/kube-apiserver-client-kubelet")
    return undefined;
  try {
    const { subject } = readCertificateRequest(Buffer.from(spec.request ?? "", "base64").toString("latin1"));
    return subject.commonName === user.name ? undefined : `can only create a node CSR with CN=${user.name}`;
  } catch (error) {
    return `unable to parse csr: ${(error as Error).message}`;
  }
}
