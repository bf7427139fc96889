import type { JsonObject } from "../../protocol/kinds/object";

const condition = { type: "StatusPatched", status: "True", reason: "Tried", message: "written by a test" };
const stamped = { conditions: [{ ...condition, lastTransitionTime: "2026-01-01T00:00:00Z" }] };
const ingress = { loadBalancer: { ingress: [{ ip: "203.0.113.7" }] } };

/** A status that a controller might write, by resource. */
export const statuses: Readonly<Record<string, JsonObject>> = {
  "namespaces.": { conditions: [condition] },
  "nodes.": { addresses: [{ type: "Hostname", address: "a" }] },
  "persistentvolumes.": { reason: "Tried", message: "written by a test" },
  "persistentvolumeclaims.": { conditions: [condition] },
  "pods.": { conditions: [condition], message: "written by a test" },
  "replicationcontrollers.": { replicas: 2, readyReplicas: 1, conditions: [condition] },
  "resourcequotas.": { hard: { "count/widgets.conformance.test": "9" } },
  "services.": ingress,
  "validatingadmissionpolicies.admissionregistration.k8s.io": { observedGeneration: 1, ...stamped },
  "customresourcedefinitions.apiextensions.k8s.io": { conditions: [condition] },
  "apiservices.apiregistration.k8s.io": { conditions: [condition] },
  "daemonsets.apps": { conditions: [condition] },
  "deployments.apps": { conditions: [condition] },
  "replicasets.apps": { conditions: [condition] },
  "statefulsets.apps": { conditions: [condition] },
  "horizontalpodautoscalers.autoscaling": { currentReplicas: 1, desiredReplicas: 2 },
  "cronjobs.batch": { lastScheduleTime: "2026-01-01T00:00:00Z" },
  "jobs.batch": { ...stamped, startTime: "2026-01-01T00:00:00Z" },
  "certificatesigningrequests.certificates.k8s.io": { conditions: [condition] },
  "flowschemas.flowcontrol.apiserver.k8s.io": { conditions: [condition] },
  "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": { conditions: [condition] },
  "ingresses.networking.k8s.io": ingress,
  "servicecidrs.networking.k8s.io": stamped,
  "poddisruptionbudgets.policy": { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 },
  "resourceclaims.resource.k8s.io": {},
  "volumeattachments.storage.k8s.io": { attached: true },
};

/** Whose status is written without anything of the metadata. */
export const statusAlone: readonly string[] = [
  "customresourcedefinitions.apiextensions.k8s.io",
  "apiservices.apiregistration.k8s.io",
  "flowschemas.flowcontrol.apiserver.k8s.io",
  "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
  "resourceclaims.resource.k8s.io",
  "servicecidrs.networking.k8s.io",
  "validatingadmissionpolicies.admissionregistration.k8s.io",
  "volumeattachments.storage.k8s.io",
];
