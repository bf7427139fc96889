import { authenticated } from "../../../actors/api-server/authentication/user";
import type { Attributes } from "../../../actors/api-server/authorization/attributes";
import { authorizeNode, type NodeView, nodeOf } from "../../../actors/api-server/authorization/node";
import type { Pod } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "shop", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: {
    nodeName: "node-1",
    serviceAccountName: "web",
    resourceClaims: [{ name: "gpu", resourceClaimName: "gpu" }],
    imagePullSecrets: [{ name: "registry" }],
    containers: [
      {
        name: "c",
        envFrom: [{ secretRef: { name: "env" } }],
        env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "a" } } }],
      },
    ],
    volumes: [
      { name: "data", persistentVolumeClaim: { claimName: "data" } },
      { name: "kube-api-access", projected: { sources: [{ configMap: { name: "kube-root-ca.crt" } }] } },
    ],
  },
} as unknown as Stored<Pod>;
const view: NodeView = {
  podsOn: (node, namespace) => (node === "node-1" && (namespace === "" || namespace === "shop") ? [pod] : []),
  claim: (namespace, name) => (namespace === "shop" && name === "data" ? ({ spec: { volumeName: "pv-1" } } as never) : undefined),
  volume: (name) =>
    name === "pv-1"
      ? ({
          spec: { claimRef: { namespace: "shop", name: "data" }, csi: { nodeStageSecretRef: { namespace: "shop", name: "stage" } } },
        } as never)
      : undefined,
  attachment: (name) => (name === "attached" ? ({ spec: { nodeName: "node-1" } } as never) : undefined),
  slice: (name) =>
    name === "mine" || name === "theirs" ? ({ spec: { nodeName: name === "mine" ? "node-1" : "node-2" } } as never) : undefined,
};

function ask(verb: string, resource: string, name: string, more: Partial<Attributes> = {}) {
  const namespaced = ["secrets", "configmaps", "persistentvolumeclaims", "pods", "serviceaccounts", "leases", "resourceclaims"].includes(
    resource,
  );
  const wanted: Attributes = {
    verb,
    isResource: true,
    group: "",
    version: "v1",
    resource,
    subresource: "",
    namespace: namespaced ? "shop" : "",
    name,
    path: "",
    ...more,
  };
  const verdict = authorizeNode("node-1", wanted, view);
  return typeof verdict === "string" ? verdict : "refused";
}

// Source: "Using Node Authorization" in the Kubernetes documentation.
test("a kubelet is whoever is in system:nodes under a node's name", () => {
  expect(nodeOf(authenticated("system:node:a", ["system:nodes"]))).toBe("a");
  expect(nodeOf(authenticated("system:node:a", []))).toBeUndefined();
  expect(nodeOf(authenticated("jane", ["system:nodes"]))).toBeUndefined();
});

test.each<[string, string, string, Partial<Attributes>, string]>([
  ["get", "secrets", "env", {}, "allowed"],
  ["get", "secrets", "registry", {}, "allowed"],
  ["get", "secrets", "stage", {}, "allowed"],
  ["get", "secrets", "other", {}, "refused"],
  ["get", "secrets", "env", { namespace: "elsewhere" }, "refused"],
  ["list", "secrets", "", {}, "refused"],
  ["update", "secrets", "env", {}, "refused"],
  ["get", "configmaps", "settings", {}, "allowed"],
  ["watch", "configmaps", "kube-root-ca.crt", {}, "allowed"],
  ["get", "configmaps", "other", {}, "refused"],
  ["get", "persistentvolumeclaims", "data", {}, "allowed"],
  ["patch", "persistentvolumeclaims", "data", { subresource: "status" }, "allowed"],
  ["get", "persistentvolumeclaims", "other", {}, "refused"],
  ["get", "persistentvolumes", "pv-1", {}, "allowed"],
  ["get", "persistentvolumes", "pv-2", {}, "refused"],
  ["get", "volumeattachments", "attached", { group: "storage.k8s.io" }, "allowed"],
  ["get", "volumeattachments", "another", { group: "storage.k8s.io" }, "refused"],
  ["create", "serviceaccounts", "web", { subresource: "token" }, "allowed"],
  ["create", "serviceaccounts", "admin", { subresource: "token" }, "refused"],
  ["get", "serviceaccounts", "web", {}, "allowed"],
  ["get", "serviceaccounts", "admin", {}, "refused"],
  ["get", "resourceclaims", "gpu", { group: "resource.k8s.io" }, "allowed"],
  ["get", "resourceclaims", "other", { group: "resource.k8s.io" }, "refused"],
  ["create", "resourceslices", "", { group: "resource.k8s.io" }, "allowed"],
  ["update", "resourceslices", "mine", { group: "resource.k8s.io" }, "allowed"],
  ["delete", "resourceslices", "theirs", { group: "resource.k8s.io" }, "refused"],
  ["watch", "resourceslices", "", { group: "resource.k8s.io", selectedNode: "node-1" }, "allowed"],
  ["list", "resourceslices", "", { group: "resource.k8s.io" }, "refused"],
  ["update", "leases", "node-1", { group: "coordination.k8s.io", namespace: "kube-node-lease" }, "allowed"],
  ["update", "leases", "node-2", { group: "coordination.k8s.io", namespace: "kube-node-lease" }, "refused"],
  ["update", "leases", "node-1", { group: "coordination.k8s.io", namespace: "kube-system" }, "refused"],
  ["get", "nodes", "node-1", {}, "noOpinion"],
  ["get", "nodes", "node-2", {}, "refused"],
  ["list", "nodes", "", {}, "refused"],
  ["list", "pods", "", { namespace: "", selectedNode: "node-1" }, "noOpinion"],
  ["list", "pods", "", { namespace: "" }, "refused"],
  ["watch", "pods", "", { namespace: "", selectedNode: "node-2" }, "refused"],
  ["get", "pods", "web", {}, "allowed"],
  ["get", "pods", "other", {}, "refused"],
  ["create", "events", "", {}, "noOpinion"],
])("node-1 asks to %s %s %j %j: %s", (verb, resource, name, more, verdict) => {
  expect(ask(verb, resource, name, more)).toBe(verdict);
});
