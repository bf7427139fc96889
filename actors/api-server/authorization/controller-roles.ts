import type { ClusterRole, ClusterRoleBinding, PolicyRule } from "../../../protocol/kinds/generated";
import { bind, clusterRole, read, rule, serviceAccount, user, writeEvents } from "./policy";

/** What each controller may do: system:controller:NAME, bound to the service account of that name in kube-system. */

const all = `create delete patch update ${read}`;

const rules: readonly (readonly [controller: string, rules: readonly PolicyRule[]])[] = [
  [
    "attachdetach-controller",
    [
      rule("core", "persistentvolumeclaims persistentvolumes pods", "list watch"),
      rule("core", "nodes", read),
      rule("core", "nodes/status", "patch update"),
      rule("storage.k8s.io", "volumeattachments", `create delete ${read}`),
      rule("storage.k8s.io", "csidrivers csinodes", read),
      writeEvents,
    ],
  ],
  [
    "certificate-controller",
    [
      rule("certificates.k8s.io", "certificatesigningrequests", `delete ${read}`),
      rule("certificates.k8s.io", "certificatesigningrequests/approval certificatesigningrequests/status", "update"),
      rule("certificates.k8s.io", "signers", "approve", "kubernetes.io/kube-apiserver-client-kubelet"),
      rule("certificates.k8s.io", "signers", "sign", "kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet"),
      rule("certificates.k8s.io", "signers", "sign", "kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown"),
      rule("authorization.k8s.io", "subjectaccessreviews", "create"),
      writeEvents,
    ],
  ],
  ["clusterrole-aggregation-controller", [rule("rbac.authorization.k8s.io", "clusterroles", `escalate patch update ${read}`)]],
  [
    "cronjob-controller",
    [
      rule("batch", "cronjobs", `update ${read}`),
      rule("batch", "jobs", all),
      rule("batch", "cronjobs/status cronjobs/finalizers", "update"),
      rule("core", "pods", "delete list watch"),
      writeEvents,
    ],
  ],
  [
    "daemon-set-controller",
    [
      rule("apps extensions", "daemonsets", read),
      rule("apps extensions", "daemonsets/status daemonsets/finalizers", "update"),
      rule("core", "nodes", "list watch"),
      rule("core", "pods", "create delete list patch watch"),
      rule("core", "pods/binding", "create"),
      rule("apps", "controllerrevisions", all),
      writeEvents,
    ],
  ],
  [
    "deployment-controller",
    [
      rule("apps extensions", "deployments", `update ${read}`),
      rule("apps extensions", "deployments/status deployments/finalizers", "update"),
      rule("apps extensions", "replicasets", all),
      rule("core", "pods", `update ${read}`),
      writeEvents,
    ],
  ],
  [
    "device-taint-eviction-controller",
    [
      rule("core", "pods", `delete ${read}`),
      rule("core", "pods/status", "patch update"),
      rule("resource.k8s.io", "deviceclasses resourceclaims resourceslices", read),
      writeEvents,
    ],
  ],
  [
    "disruption-controller",
    [
      rule("apps extensions", "deployments replicasets", read),
      rule("apps", "statefulsets", read),
      rule("core", "replicationcontrollers", read),
      rule("policy", "poddisruptionbudgets", read),
      rule("policy", "poddisruptionbudgets/status", "update"),
      rule("core", "pods/status", "patch update"),
      rule("*", "*/scale", "get"),
      writeEvents,
    ],
  ],
  [
    "endpoint-controller",
    [
      rule("core", "pods services", read),
      rule("core", "endpoints", `create delete update ${read}`),
      rule("core", "endpoints/restricted", "create"),
      writeEvents,
    ],
  ],
  [
    "endpointslice-controller",
    [
      rule("core", "nodes pods services", read),
      rule("core", "services/finalizers", "update"),
      rule("discovery.k8s.io", "endpointslices", `create delete update ${read}`),
      writeEvents,
    ],
  ],
  [
    "endpointslicemirroring-controller",
    [
      rule("core", "endpoints services", read),
      rule("core", "endpoints/finalizers services/finalizers", "update"),
      rule("discovery.k8s.io", "endpointslices", `create delete update ${read}`),
      writeEvents,
    ],
  ],
  [
    "ephemeral-volume-controller",
    [
      rule("core", "pods", read),
      rule("core", "pods/finalizers", "update"),
      rule("core", "persistentvolumeclaims", `create ${read}`),
      writeEvents,
    ],
  ],
  [
    "expand-controller",
    [
      rule("core", "persistentvolumes", `patch update ${read}`),
      rule("core", "persistentvolumeclaims/status", "patch update"),
      rule("core", "persistentvolumeclaims", read),
      writeEvents,
    ],
  ],
  ["generic-garbage-collector", [rule("*", "*", `delete patch update ${read}`), writeEvents]],
  [
    "horizontal-pod-autoscaler",
    [
      rule("autoscaling", "horizontalpodautoscalers", read),
      rule("autoscaling", "horizontalpodautoscalers/status", "update"),
      rule("*", "*/scale", "get update"),
      rule("core metrics.k8s.io", "pods", "list watch"),
      rule("custom.metrics.k8s.io external.metrics.k8s.io", "*", read),
      writeEvents,
    ],
  ],
  [
    "job-controller",
    [
      rule("batch", "jobs", `patch update ${read}`),
      rule("batch", "jobs/status jobs/finalizers", "update"),
      rule("core", "pods", "create delete list patch watch"),
      writeEvents,
    ],
  ],
  [
    "legacy-service-account-token-cleaner",
    [rule("core", "configmaps", "get", "kube-apiserver-legacy-service-account-token-tracking"), rule("core", "secrets", "delete patch")],
  ],
  [
    "namespace-controller",
    [
      rule("core", "namespaces", `delete ${read}`),
      rule("core", "namespaces/finalize namespaces/status", "update"),
      rule("*", "*", `delete deletecollection ${read}`),
    ],
  ],
  [
    "node-controller",
    [
      rule("core", "nodes", `delete patch update ${read}`),
      rule("core", "nodes/status pods/status", "patch update"),
      rule("core", "pods", `delete ${read}`),
      rule("coordination.k8s.io", "leases", read),
      writeEvents,
    ],
  ],
  [
    "persistent-volume-binder",
    [
      rule("core", "persistentvolumes", `create delete update ${read}`),
      rule("core", "persistentvolumeclaims", `update ${read}`),
      rule("core", "persistentvolumes/status persistentvolumeclaims/status", "update"),
      rule("core", "pods", `create delete ${read}`),
      rule("storage.k8s.io", "storageclasses", read),
      rule("core", "nodes", "list watch"),
      rule("core", "events", "watch"),
      writeEvents,
    ],
  ],
  ["pod-garbage-collector", [rule("core", "pods", "delete list watch"), rule("core", "nodes", read), rule("core", "pods/status", "patch")]],
  ["pv-protection-controller", [rule("core", "persistentvolumes", `update ${read}`), writeEvents]],
  [
    "pvc-protection-controller",
    [
      rule("core", "persistentvolumeclaims", `update ${read}`),
      rule("core", "persistentvolumeclaims/status", "update"),
      rule("core", "pods", read),
      writeEvents,
    ],
  ],
  [
    "replicaset-controller",
    [
      rule("apps extensions", "replicasets", `update ${read}`),
      rule("apps extensions", "replicasets/status replicasets/finalizers", "update"),
      rule("core", "pods", "create delete list patch watch"),
      writeEvents,
    ],
  ],
  [
    "replication-controller",
    [
      rule("core", "replicationcontrollers", `update ${read}`),
      rule("core", "replicationcontrollers/status replicationcontrollers/finalizers", "update"),
      rule("core", "pods", "create delete list patch watch"),
      writeEvents,
    ],
  ],
  [
    "resource-claim-controller",
    [
      rule("core", "pods", read),
      rule("core", "pods/finalizers", "update"),
      rule("core", "pods/status", "patch update"),
      rule("resource.k8s.io", "resourceclaims", `create delete ${read}`),
      rule("resource.k8s.io", "resourceclaims resourceclaims/binding resourceclaims/status", "patch update"),
      writeEvents,
    ],
  ],
  ["resourcequota-controller", [rule("*", "*", "list watch"), rule("core", "resourcequotas/status", "update"), writeEvents]],
  ["root-ca-cert-publisher", [rule("core", "configmaps", "create update"), writeEvents]],
  ["route-controller", [rule("core", "nodes", "list watch"), rule("core", "nodes/status", "patch"), writeEvents]],
  [
    "selinux-warning-controller",
    [rule("core", "persistentvolumeclaims persistentvolumes pods", read), rule("storage.k8s.io", "csidrivers", read), writeEvents],
  ],
  ["service-account-controller", [rule("core", "serviceaccounts", "create"), writeEvents]],
  [
    "service-cidrs-controller",
    [
      rule("networking.k8s.io", "servicecidrs", `patch update ${read}`),
      rule("networking.k8s.io", "servicecidrs/finalizers servicecidrs/status", "patch update"),
      rule("networking.k8s.io", "ipaddresses", read),
      writeEvents,
    ],
  ],
  [
    "service-controller",
    [rule("core", "services", read), rule("core", "services/status", "patch update"), rule("core", "nodes", "list watch"), writeEvents],
  ],
  [
    "statefulset-controller",
    [
      rule("core", "pods", `create delete patch update ${read}`),
      rule("core", "pods/finalizers", "update"),
      rule("apps", "statefulsets", read),
      rule("apps", "statefulsets/status statefulsets/finalizers", "update"),
      rule("apps", "controllerrevisions", all),
      rule("core", "persistentvolumeclaims", `create delete update ${read}`),
      writeEvents,
    ],
  ],
  ["ttl-after-finished-controller", [rule("batch", "jobs", `delete ${read}`), writeEvents]],
  ["ttl-controller", [rule("core", "nodes", "list patch update watch"), writeEvents]],
  [
    "validatingadmissionpolicy-status-controller",
    [
      rule("admissionregistration.k8s.io", "validatingadmissionpolicies", read),
      rule("admissionregistration.k8s.io", "validatingadmissionpolicies/status", "get patch update"),
      writeEvents,
    ],
  ],
  [
    "volumeattributesclass-protection-controller",
    [
      rule("core", "persistentvolumeclaims persistentvolumes", read),
      rule("storage.k8s.io", "volumeattributesclasses", `update ${read}`),
      writeEvents,
    ],
  ],
];

const prefix = "system:controller:";

export const controllerRoles: readonly ClusterRole[] = rules.map(([name, list]) => clusterRole(`${prefix}${name}`, list));

/**
 * Bound to the controller's service account, and to the controller manager itself: its controllers act under its own name, as
 * kube-controller-manager's do without --use-service-account-credentials, and then it needs the roles of them all.
 */
export const controllerBindings: readonly ClusterRoleBinding[] = rules.map(([name]) =>
  bind(`${prefix}${name}`, [serviceAccount("kube-system", name), user("system:kube-controller-manager")]),
);
