import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding } from "../../../protocol/kinds/generated";
import { everybodyAuthenticated, everybodyElse, masters } from "../authentication/user";
import { controllerBindings, controllerRoles } from "./controller-roles";
import {
  aggregatedClusterRole,
  bind,
  bindRole,
  clusterRole,
  group,
  read,
  readWrite,
  role,
  rule,
  serviceAccount,
  urls,
  user,
  write,
  writeEvents,
} from "./policy";

/**
 * The policy a new cluster begins with: Kubernetes' default roles and bindings, for people (cluster-admin, admin, edit, view), for
 * everybody (discovery), and for the cluster's own components and controllers. Source: "Using RBAC Authorization", default roles.
 */

const viewRules: readonly PolicyRule[] = [
  rule("core", "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers", read),
  rule("core", "replicationcontrollers/scale serviceaccounts services services/status", read),
  rule("core", "bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status", read),
  rule("core", "resourcequotas resourcequotas/status namespaces", read),
  rule("core events.k8s.io", "events", read),
  rule("discovery.k8s.io", "endpointslices", read),
  rule("apps", "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status", read),
  rule("apps", "replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status", read),
  rule("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", read),
  rule("batch", "cronjobs cronjobs/status jobs jobs/status", read),
  rule("extensions", "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status", read),
  rule("extensions", "networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale", read),
  rule("policy", "poddisruptionbudgets poddisruptionbudgets/status", read),
  rule("networking.k8s.io", "ingresses ingresses/status networkpolicies", read),
  rule("resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates", read),
];

const editRules: readonly PolicyRule[] = [
  rule("core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", read),
  rule("core", "serviceaccounts", "impersonate"),
  rule("core", "pods pods/attach pods/exec pods/portforward pods/proxy", write),
  rule("core", "pods/eviction serviceaccounts/token", "create"),
  rule("core", "configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets", write),
  rule("core", "serviceaccounts services services/proxy", write),
  rule("core events.k8s.io", "events", write),
  rule("apps", "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale", write),
  rule("apps", "statefulsets statefulsets/scale", write),
  rule("autoscaling", "horizontalpodautoscalers", write),
  rule("batch", "cronjobs jobs", write),
  rule("extensions", "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies", write),
  rule("extensions", "replicasets replicasets/scale replicationcontrollers/scale", write),
  rule("policy", "poddisruptionbudgets", write),
  rule("networking.k8s.io", "ingresses networkpolicies", write),
  rule("coordination.k8s.io", "leases", readWrite),
  rule("resource.k8s.io", "resourceclaims resourceclaimtemplates", write),
];

const adminRules: readonly PolicyRule[] = [
  rule("authorization.k8s.io", "localsubjectaccessreviews", "create"),
  rule("rbac.authorization.k8s.io", "rolebindings roles", readWrite),
];

const review = [rule("authentication.k8s.io", "tokenreviews", "create"), rule("authorization.k8s.io", "subjectaccessreviews", "create")];

/** To become the leader of its kind a component needs the Lease of its name. */
const leaderLease = (name: string) => [
  rule("coordination.k8s.io", "leases", "create"),
  rule("coordination.k8s.io", "leases", "get update", name),
];

const componentRoles: readonly ClusterRole[] = [
  clusterRole("system:kube-controller-manager", [
    writeEvents,
    ...leaderLease("kube-controller-manager"),
    rule("core", "secrets serviceaccounts", "create update"),
    rule("core", "secrets", "delete"),
    rule("core", "configmaps namespaces secrets serviceaccounts", "get"),
    rule("core", "serviceaccounts/token", "create"),
    ...review,
    rule("*", "*", "list watch"),
  ]),
  clusterRole("system:kube-scheduler", [
    writeEvents,
    ...leaderLease("kube-scheduler"),
    rule("coordination.k8s.io", "leases", "list watch", "kube-scheduler"),
    rule("coordination.k8s.io", "leasecandidates", readWrite),
    rule("core", "namespaces nodes persistentvolumeclaims persistentvolumes replicationcontrollers services", read),
    rule("core", "pods", `delete ${read}`),
    rule("core", "bindings pods/binding", "create"),
    rule("core", "pods/status", "patch update"),
    rule("apps extensions", "replicasets", read),
    rule("apps", "statefulsets", read),
    rule("policy", "poddisruptionbudgets", read),
    rule("core", "pods/finalizers", "update"),
    rule("storage.k8s.io", "csidrivers csinodes csistoragecapacities volumeattachments", read),
    rule("resource.k8s.io", "deviceclasses resourceslices", read),
    rule("resource.k8s.io", "resourceclaims resourceclaims/status", `patch update ${read}`),
    rule("resource.k8s.io", "resourceclaims", "create delete"),
    rule("resource.k8s.io", "resourceclaims/binding", "patch update"),
    ...review,
  ]),
  clusterRole("system:volume-scheduler", [
    rule("core", "persistentvolumes persistentvolumeclaims", `${read} patch update`),
    rule("storage.k8s.io", "storageclasses", read),
  ]),
  clusterRole("system:node", [
    ...review,
    rule("authorization.k8s.io", "localsubjectaccessreviews", "create"),
    rule("core", "services", read),
    rule("core", "nodes", `create patch update ${read}`),
    rule("core", "nodes/status pods/status", "patch update"),
    writeEvents,
    rule("core", "pods", `create delete ${read}`),
    rule("core", "pods/eviction serviceaccounts/token", "create"),
    rule("core", "configmaps secrets", read),
    rule("core", "endpoints persistentvolumeclaims persistentvolumes serviceaccounts", "get"),
    rule("core", "persistentvolumeclaims/status", "get patch update"),
    rule("certificates.k8s.io", "certificatesigningrequests", `create ${read}`),
    rule("coordination.k8s.io", "leases", "create delete get patch update"),
    rule("storage.k8s.io", "volumeattachments", "get"),
    rule("storage.k8s.io", "csidrivers", read),
    rule("storage.k8s.io", "csinodes", "create delete get patch update"),
    rule("node.k8s.io", "runtimeclasses", read),
    rule("resource.k8s.io", "resourceclaims", "get"),
    // The Node authorizer adds the verbs for slices of the node itself.
    rule("resource.k8s.io", "resourceslices", "deletecollection"),
  ]),
  clusterRole("system:node-bootstrapper", [rule("certificates.k8s.io", "certificatesigningrequests", `create ${read}`)]),
  clusterRole("system:node-problem-detector", [rule("core", "nodes", "get"), rule("core", "nodes/status", "patch"), writeEvents]),
  clusterRole("system:node-proxier", [
    rule("core", "endpoints services", "list watch"),
    rule("core", "nodes", read),
    rule("discovery.k8s.io", "endpointslices", "list watch"),
    rule("networking.k8s.io", "servicecidrs", "list watch"),
    writeEvents,
  ]),
  // Of an addon that is no more; the role has stayed.
  clusterRole("system:heapster", [rule("core", "events namespaces nodes pods", read), rule("extensions", "deployments", read)]),
  clusterRole("system:kube-dns", [rule("core", "endpoints services", "list watch")]),
  clusterRole("system:kube-aggregator", [rule("core", "endpoints services", read)]),
  clusterRole("system:auth-delegator", review),
  clusterRole("system:kubelet-api-admin", [
    rule("core", "nodes", `proxy ${read}`),
    rule("core", "nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats", "*"),
  ]),
  clusterRole("system:persistent-volume-provisioner", [
    rule("core", "persistentvolumes", `create delete ${read}`),
    rule("core", "persistentvolumeclaims", `update ${read}`),
    rule("storage.k8s.io", "storageclasses", read),
    rule("core", "events", "watch"),
    writeEvents,
  ]),
  clusterRole("system:certificates.k8s.io:certificatesigningrequests:nodeclient", [
    rule("certificates.k8s.io", "certificatesigningrequests/nodeclient", "create"),
  ]),
  clusterRole("system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", [
    rule("certificates.k8s.io", "certificatesigningrequests/selfnodeclient", "create"),
  ]),
  ...(
    [
      ["kube-apiserver-client-approver", "kubernetes.io/kube-apiserver-client"],
      ["kube-apiserver-client-kubelet-approver", "kubernetes.io/kube-apiserver-client-kubelet"],
      ["kubelet-serving-approver", "kubernetes.io/kubelet-serving"],
      ["legacy-unknown-approver", "kubernetes.io/legacy-unknown"],
    ] as const
  ).map(([name, signer]) => clusterRole(`system:certificates.k8s.io:${name}`, [rule("certificates.k8s.io", "signers", "approve", signer)])),
];

const everybodysRoles: readonly ClusterRole[] = [
  clusterRole("system:basic-user", [
    rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", "create"),
    rule("authentication.k8s.io", "selfsubjectreviews", "create"),
  ]),
  clusterRole("system:discovery", [urls("/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/")]),
  clusterRole("system:public-info-viewer", [urls("/healthz /livez /readyz /version /version/")]),
  clusterRole("system:monitoring", [
    urls("/flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz"),
    rule("core", "nodes/metrics", "get"),
  ]),
  clusterRole("system:service-account-issuer-discovery", [
    urls("/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/"),
  ]),
];

/** Every default ClusterRole. */
export const defaultClusterRoles: readonly ClusterRole[] = [
  clusterRole("cluster-admin", [rule("*", "*", "*"), urls("*", "*")]),
  aggregatedClusterRole("admin", [...adminRules, ...editRules, ...viewRules]),
  aggregatedClusterRole("edit", [...editRules, ...viewRules], "admin"),
  aggregatedClusterRole("view", viewRules, "edit"),
  clusterRole("system:aggregate-to-admin", adminRules, "admin"),
  clusterRole("system:aggregate-to-edit", editRules, "edit"),
  clusterRole("system:aggregate-to-view", viewRules, "view"),
  ...everybodysRoles,
  ...componentRoles,
  ...controllerRoles,
];

/** Every default ClusterRoleBinding. */
export const defaultClusterRoleBindings: readonly ClusterRoleBinding[] = [
  bind("cluster-admin", [group(masters)]),
  bind("system:basic-user", [group(everybodyAuthenticated)]),
  bind("system:discovery", [group(everybodyAuthenticated)]),
  bind("system:public-info-viewer", [group(everybodyAuthenticated), group(everybodyElse)]),
  bind("system:monitoring", [group("system:monitoring")]),
  bind("system:service-account-issuer-discovery", [group("system:serviceaccounts")]),
  bind("system:kube-controller-manager", [user("system:kube-controller-manager")]),
  bind("system:kube-scheduler", [user("system:kube-scheduler")]),
  bind("system:volume-scheduler", [user("system:kube-scheduler")]),
  bind("system:kube-dns", [serviceAccount("kube-system", "kube-dns")]),
  // Without subjects: the Node authorizer knows which objects a node needs, and grants the rest of this role's rules itself.
  bind("system:node", []),
  bind("system:node-proxier", [user("system:kube-proxy")]),
  ...controllerBindings,
];

const leaderLocking = (component: string) =>
  role("kube-system", `system::leader-locking-${component}`, [
    rule("core", "configmaps", "watch"),
    rule("core", "configmaps", "get update", component),
  ]);

/** Every default Role; their namespaces have to exist first. */
export const defaultRoles: readonly Role[] = [
  role("kube-system", "extension-apiserver-authentication-reader", [
    rule("core", "configmaps", read, "extension-apiserver-authentication"),
  ]),
  leaderLocking("kube-controller-manager"),
  leaderLocking("kube-scheduler"),
  role("kube-public", "system:controller:bootstrap-signer", [
    rule("core", "configmaps", read),
    rule("core", "configmaps", "update", "cluster-info"),
    writeEvents,
  ]),
  role("kube-system", "system:controller:bootstrap-signer", [rule("core", "secrets", read)]),
  role("kube-system", "system:controller:cloud-provider", [rule("core", "configmaps", `create ${read}`)]),
  role("kube-system", "system:controller:token-cleaner", [rule("core", "secrets", `delete ${read}`), writeEvents]),
];

/** Every default RoleBinding. */
export const defaultRoleBindings: readonly RoleBinding[] = [
  bindRole("kube-system", "system::extension-apiserver-authentication-reader", "extension-apiserver-authentication-reader", [
    user("system:kube-controller-manager"),
    user("system:kube-scheduler"),
  ]),
  ...["kube-controller-manager", "kube-scheduler"].map((component) => {
    const name = `system::leader-locking-${component}`;
    return bindRole("kube-system", name, name, [user(`system:${component}`), serviceAccount("kube-system", component)]);
  }),
  ...(
    [
      ["kube-public", "bootstrap-signer"],
      ["kube-system", "bootstrap-signer"],
      ["kube-system", "cloud-provider"],
      ["kube-system", "token-cleaner"],
    ] as const
  ).map(([namespace, controller]) => {
    const name = `system:controller:${controller}`;
    return bindRole(namespace, name, name, [serviceAccount("kube-system", controller)]);
  }),
];
