import type { ApiObject } from "../../protocol/kinds/object";

/** What metrics-server's own manifests install beside its Deployment, under their names: who it is, what it may, and where its API is found. */

const rbac = "rbac.authorization.k8s.io";
const who = { kind: "ServiceAccount", name: "metrics-server", namespace: "kube-system" };

const role = (name: string, labels: Readonly<Record<string, string>>, apiGroups: readonly string[], resources: readonly string[]) => ({
  apiVersion: `${rbac}/v1`,
  kind: "ClusterRole",
  metadata: { name, labels: { "k8s-app": "metrics-server", ...labels } },
  rules: [{ apiGroups, resources, verbs: ["get", "list", "watch"] }],
});

const binding = (name: string, roleName: string) => ({
  apiVersion: `${rbac}/v1`,
  kind: "ClusterRoleBinding",
  metadata: { name, labels: { "k8s-app": "metrics-server" } },
  roleRef: { apiGroup: rbac, kind: "ClusterRole", name: roleName },
  subjects: [who],
});

const aggregateTo = (...roles: readonly string[]) => Object.fromEntries(roles.map((name) => [`${rbac}/aggregate-to-${name}`, "true"]));

export const metricsServerObjects = [
  {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: who.name, namespace: who.namespace, labels: { "k8s-app": "metrics-server" } },
  },
  role("system:aggregated-metrics-reader", aggregateTo("view", "edit", "admin"), ["metrics.k8s.io"], ["pods", "nodes"]),
  role("system:metrics-server", {}, [""], ["nodes/metrics", "pods", "nodes"]),
  binding("metrics-server:system:auth-delegator", "system:auth-delegator"),
  binding("system:metrics-server", "system:metrics-server"),
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "metrics-server", namespace: "kube-system", labels: { "k8s-app": "metrics-server" } },
    // It has no selector: the metrics server is no pod of this cluster.
    spec: { type: "ClusterIP", ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: 443 }], sessionAffinity: "None" },
  },
  {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: "v1beta1.metrics.k8s.io", labels: { "k8s-app": "metrics-server" } },
    spec: {
      group: "metrics.k8s.io",
      version: "v1beta1",
      service: { name: "metrics-server", namespace: "kube-system", port: 443 },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  },
] as unknown as readonly ApiObject[];
