import type { JsonObject } from "../../../../protocol/kinds/object";
import { constants, fill, fillZero, listAt, objectAt, put, type RuleRow } from "./rule";

/**
 * The defaults of networking, discovery, storage, access control, admission, scheduling, flow control and extensions.
 * Source: the API reference of each group.
 */
export const clusterRules: readonly RuleRow[] = [
  ["networking.v1.NetworkPolicySpec", networkPolicy],
  ["networking.v1.NetworkPolicyPort", constants({ protocol: "TCP" })],
  ["networking.v1.IngressClassParametersReference", constants({ scope: "Cluster" })],
  ["discovery.v1.EndpointPort", constants({ name: "", protocol: "TCP" })],
  ["storage.v1.StorageClass", constants({ reclaimPolicy: "Delete", volumeBindingMode: "Immediate" })],
  ["storage.v1.CSIDriverSpec", csiDriver],
  ["rbac.v1.RoleRef", constants({ apiGroup: "rbac.authorization.k8s.io" })],
  [
    "rbac.v1.Subject",
    (subject) => (subject.kind === "User" || subject.kind === "Group" ? fill(subject, { apiGroup: "rbac.authorization.k8s.io" }) : subject),
  ],
  ["scheduling.v1.PriorityClass", constants({ preemptionPolicy: "PreemptLowerPriority" })],
  ["authentication.v1.TokenRequestSpec", constants({ expirationSeconds: 3600 })],
  [
    "admissionregistration.v1.ValidatingWebhook",
    constants({ failurePolicy: "Fail", matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {}, timeoutSeconds: 10 }),
  ],
  [
    "admissionregistration.v1.MutatingWebhook",
    constants({
      failurePolicy: "Fail",
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
      reinvocationPolicy: "Never",
    }),
  ],
  ["admissionregistration.v1.RuleWithOperations", constants({ scope: "*" })],
  ["admissionregistration.v1.NamedRuleWithOperations", constants({ scope: "*" })],
  ["admissionregistration.v1.ServiceReference", constants({ port: 443 })],
  ["admissionregistration.v1.ValidatingAdmissionPolicySpec", constants({ failurePolicy: "Fail" })],
  ["admissionregistration.v1.MutatingAdmissionPolicySpec", constants({ failurePolicy: "Fail" })],
  ["admissionregistration.v1.MatchResources", constants({ matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {} })],
  ["apiregistration.v1.ServiceReference", constants({ port: 443 })],
  ["apiextensions.v1.ServiceReference", constants({ port: 443 })],
  ["apiextensions.v1.CustomResourceDefinitionSpec", customResource],
  ["flowcontrol.v1.FlowSchemaSpec", (spec) => fillZero(spec, { matchingPrecedence: 1000 })],
  ["flowcontrol.v1.LimitedPriorityLevelConfiguration", constants({ nominalConcurrencyShares: 30, lendablePercent: 0 })],
  ["flowcontrol.v1.ExemptPriorityLevelConfiguration", constants({ nominalConcurrencyShares: 0, lendablePercent: 0 })],
  ["flowcontrol.v1.QueuingConfiguration", (queuing) => fillZero(queuing, { queues: 64, handSize: 8, queueLengthLimit: 50 })],
  ["resource.v1.ExactDeviceRequest", deviceRequest],
  ["resource.v1.DeviceSubRequest", deviceRequest],
];

function networkPolicy(spec: JsonObject): JsonObject {
  if (listAt(spec, "policyTypes").length > 0) return spec;
  return { ...spec, policyTypes: listAt(spec, "egress").length > 0 ? ["Ingress", "Egress"] : ["Ingress"] };
}

function csiDriver(spec: JsonObject): JsonObject {
  const modes = listAt(spec, "volumeLifecycleModes").length > 0 ? spec : { ...spec, volumeLifecycleModes: ["Persistent"] };
  return fill(modes, {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    requiresRepublish: false,
    seLinuxMount: false,
  });
}

function customResource(given: JsonObject): JsonObject {
  const names = objectAt(given, "names");
  const kind = typeof names.kind === "string" ? names.kind : "";
  const named = kind === "" ? names : fill(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
  return put(fill(given, { conversion: { strategy: "None" } }), { names: named });
}

function deviceRequest(given: JsonObject): JsonObject {
  const request = fill(given, { allocationMode: "ExactCount" });
  return request.allocationMode === "ExactCount" ? fillZero(request, { count: 1 }) : request;
}
