import type { ApiObject } from "../../protocol/kinds/object";
import { builtInApiServices } from "./aggregation/local";
import { defaultClusterRoleBindings, defaultClusterRoles, defaultRoleBindings, defaultRoles } from "./authorization/default-roles";
import type { ApiServerConfig } from "./config";
import { standardFlowObjects } from "./flow-control/standard-objects";
import { metricsServerObjects } from "./metrics-server-objects";
import { addressAt, cidrOf } from "./registry/cidr";

/** What every cluster has before anybody has done anything; namespaces first, as the others lie in them. */
export function clusterObjects({
  serviceCidr,
  authorities,
  metricsServer = false,
}: Pick<ApiServerConfig, "serviceCidr" | "authorities" | "metricsServer">): readonly ApiObject[] {
  return [
    ...["default", "kube-system", "kube-public", "kube-node-lease"].map(namespace),
    ...defaultClusterRoles.map((role) => typed("rbac.authorization.k8s.io/v1", "ClusterRole", role)),
    ...defaultClusterRoleBindings.map((binding) => typed("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", binding)),
    ...defaultRoles.map((role) => typed("rbac.authorization.k8s.io/v1", "Role", role)),
    ...defaultRoleBindings.map((binding) => typed("rbac.authorization.k8s.io/v1", "RoleBinding", binding)),
    priorityClass(
      "system-cluster-critical",
      2_000_000_000,
      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    priorityClass("system-node-critical", 2_000_001_000, "Used for system critical pods that must not be moved from their current node."),
    ...standardFlowObjects,
    typed("networking.k8s.io/v1", "ServiceCIDR", { metadata: { name: "kubernetes" }, spec: { cidrs: [serviceCidr] } }),
    kubernetesService(serviceCidr),
    ...builtInApiServices(),
    ...(metricsServer ? metricsServerObjects : []),
    ...(authorities ? [requestHeaderAuthorities(authorities)] : []),
  ];
}

/** How aggregated servers learn whose word to take for who a user is. */
function requestHeaderAuthorities({ clientCa, proxyCa }: NonNullable<ApiServerConfig["authorities"]>): ApiObject {
  return typed("v1", "ConfigMap", {
    metadata: { name: "extension-apiserver-authentication", namespace: "kube-system" },
    data: {
      "client-ca-file": clientCa,
      "requestheader-allowed-names": JSON.stringify(["front-proxy-client"]),
      "requestheader-client-ca-file": proxyCa,
      "requestheader-extra-headers-prefix": JSON.stringify(["X-Remote-Extra-"]),
      "requestheader-group-headers": JSON.stringify(["X-Remote-Group"]),
      "requestheader-uid-headers": JSON.stringify(["X-Remote-Uid"]),
      "requestheader-username-headers": JSON.stringify(["X-Remote-User"]),
    },
  });
}

function typed(apiVersion: string, kind: string, object: object): ApiObject {
  return { ...object, apiVersion, kind } as unknown as ApiObject;
}

function namespace(name: string): ApiObject {
  return typed("v1", "Namespace", { metadata: { name, labels: { "kubernetes.io/metadata.name": name } } });
}

function priorityClass(name: string, value: number, description: string): ApiObject {
  return typed("scheduling.k8s.io/v1", "PriorityClass", { metadata: { name }, value, description });
}

/** The Service by which Pods reach the API servers: the first address of the Services' network. */
export function kubernetesService(serviceCidr: string): ApiObject {
  return typed("v1", "Service", {
    metadata: { name: "kubernetes", namespace: "default", labels: { component: "apiserver", provider: "kubernetes" } },
    spec: {
      type: "ClusterIP",
      clusterIP: addressAt(cidrOf(serviceCidr), 1),
      ports: [{ name: "https", protocol: "TCP", port: 443, targetPort: 6443 }],
      sessionAffinity: "None",
    },
  });
}
