import type { JsonObject } from "../../protocol/kinds/object";

const selector = { matchLabels: { app: "a" } };
const pod = { metadata: { labels: { app: "a" } }, spec: { containers: [{ name: "main", image: "app:1" }] } };
const once = { ...pod, spec: { ...pod.spec, restartPolicy: "Never" } };
const webhook = {
  name: "hook.conformance.test",
  clientConfig: { url: "https://127.0.0.1:1/" },
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
  failurePolicy: "Ignore",
};
const ofNothing = {
  resourceRules: [{ apiGroups: ["nothing.test"], apiVersions: ["v1"], resources: ["nothings"], operations: ["CREATE"] }],
};
// A request for CN=a, signed by a key that nobody kept.
const request = [
  "-----BEGIN CERTIFICATE REQUEST-----",
  "MIHHMG4CAQAwDDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA",
  "BKlt859ZBiytFwgb/OciHoFxocYyLkyfE4jYLaJs9FpBO/VDMz6diVQudACsrhsY",
  "zQ82/qNOLNoC5Os8NlYwLdagADAKBggqhkjOPQQDAgNJADBGAiEA+t679fbsI+8w",
  "8gQwYOWcC0xKliK1H5UAPgvUkLJizmECIQDI3aycoon3+q263NeHQM7hlTGzq/tR",
  "gtrlL+kLLxLijg==",
  "-----END CERTIFICATE REQUEST-----\n",
].join("\n");
const claim = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const devices = { requests: [{ name: "one", exactly: { deviceClassName: "any" } }] };

/** What of a kind a client writes at least: everything but apiVersion, kind and metadata; and then what a further one differs in where it must. */
export const least: Readonly<Record<string, JsonObject | ((n: number) => JsonObject)>> = {
  "configmaps.": { data: { a: "1" } },
  "endpoints.": { subsets: [{ addresses: [{ ip: "10.1.2.3" }], ports: [{ name: "a", port: 80 }] }] },
  "events.": { involvedObject: { kind: "Pod", namespace: "life", name: "a" }, reason: "Tried", message: "a", type: "Normal" },
  "limitranges.": { spec: { limits: [{ type: "Container", max: { cpu: "64" } }] } },
  "namespaces.": {},
  "nodes.": {},
  "persistentvolumes.": {
    spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/a" }, storageClassName: "none" },
  },
  "persistentvolumeclaims.": { spec: { ...claim, storageClassName: "none" } },
  "pods.": { spec: pod.spec },
  "podtemplates.": { template: pod },
  "replicationcontrollers.": { spec: { replicas: 0, selector: { app: "a" }, template: pod } },
  "resourcequotas.": { spec: { hard: { "count/widgets.conformance.test": "9" } } },
  "secrets.": { stringData: { a: "1" } },
  "services.": { spec: { type: "LoadBalancer", selector: { app: "a" }, ports: [{ port: 80 }] } },
  "serviceaccounts.": {},
  "mutatingadmissionpolicies.admissionregistration.k8s.io": {
    spec: {
      matchConstraints: ofNothing,
      reinvocationPolicy: "Never",
      mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: '[JSONPatch{op: "add", path: "/data", value: {}}]' } }],
    },
  },
  "mutatingadmissionpolicybindings.admissionregistration.k8s.io": { spec: { policyName: "nobody" } },
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": { webhooks: [webhook] },
  "validatingadmissionpolicies.admissionregistration.k8s.io": {
    spec: { matchConstraints: ofNothing, validations: [{ expression: "true" }] },
  },
  "validatingadmissionpolicybindings.admissionregistration.k8s.io": { spec: { policyName: "nobody", validationActions: ["Deny"] } },
  "validatingwebhookconfigurations.admissionregistration.k8s.io": { webhooks: [webhook] },
  "customresourcedefinitions.apiextensions.k8s.io": (n) => ({
    spec: {
      group: "conformance.test",
      scope: "Namespaced",
      names: { plural: `things${n}`, singular: `thing${n}`, kind: `Thing${n}`, listKind: `Thing${n}List` },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  }),
  "apiservices.apiregistration.k8s.io": (n) => ({
    spec: {
      group: `life${n}.test`,
      version: "v1",
      groupPriorityMinimum: 100,
      versionPriority: 10,
      insecureSkipTLSVerify: true,
      service: { namespace: "life", name: "nobody" },
    },
  }),
  "controllerrevisions.apps": { data: { a: "1" }, revision: 1 },
  "daemonsets.apps": { spec: { selector, template: pod } },
  "deployments.apps": { spec: { replicas: 0, selector, template: pod } },
  "replicasets.apps": { spec: { replicas: 0, selector, template: pod } },
  "statefulsets.apps": { spec: { replicas: 0, serviceName: "a", selector, template: pod } },
  "horizontalpodautoscalers.autoscaling": {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "a" } },
  },
  "cronjobs.batch": {
    spec: { schedule: "* */1 * * *", concurrencyPolicy: "Allow", suspend: true, jobTemplate: { spec: { template: once } } },
  },
  "jobs.batch": { spec: { suspend: true, template: once } },
  "certificatesigningrequests.certificates.k8s.io": {
    spec: { request: Buffer.from(request).toString("base64"), signerName: "conformance.test/any", usages: ["digital signature"] },
  },
  "leases.coordination.k8s.io": { spec: { holderIdentity: "a", leaseDurationSeconds: 30 } },
  "endpointslices.discovery.k8s.io": {
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.1.2.3"], conditions: { ready: true } }],
    ports: [{ name: "a", port: 80, protocol: "TCP" }],
  },
  "events.events.k8s.io": {
    eventTime: "2026-01-01T00:00:00.000001Z",
    reportingController: "conformance.test/a",
    reportingInstance: "a",
    action: "Try",
    reason: "Tried",
    type: "Normal",
    regarding: { kind: "Pod", namespace: "life", name: "a" },
  },
  "flowschemas.flowcontrol.apiserver.k8s.io": (n) => ({
    spec: { matchingPrecedence: 9000 + n, priorityLevelConfiguration: { name: "global-default" }, distinguisherMethod: { type: "ByUser" } },
  }),
  "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": {
    spec: { type: "Limited", limited: { nominalConcurrencyShares: 2, limitResponse: { type: "Reject" } } },
  },
  "ipaddresses.networking.k8s.io": { spec: { parentRef: { group: "", resource: "services", namespace: "life", name: "a" } } },
  "ingresses.networking.k8s.io": { spec: { defaultBackend: { service: { name: "a", port: { number: 80 } } } } },
  "ingressclasses.networking.k8s.io": { spec: { controller: "conformance.test/a" } },
  "networkpolicies.networking.k8s.io": { spec: { podSelector: {}, policyTypes: ["Ingress"] } },
  "servicecidrs.networking.k8s.io": (n) => ({ spec: { cidrs: [`10.20${n}.0.0/24`] } }),
  "runtimeclasses.node.k8s.io": { handler: "a" },
  "poddisruptionbudgets.policy": { spec: { minAvailable: 1, selector } },
  "clusterroles.rbac.authorization.k8s.io": { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] },
  "clusterrolebindings.rbac.authorization.k8s.io": {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "a" }],
  },
  "roles.rbac.authorization.k8s.io": { rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] },
  "rolebindings.rbac.authorization.k8s.io": {
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
    subjects: [{ kind: "ServiceAccount", namespace: "life", name: "a" }],
  },
  "deviceclasses.resource.k8s.io": { spec: { selectors: [{ cel: { expression: "true" } }] } },
  "resourceclaims.resource.k8s.io": { spec: { devices } },
  "resourceclaimtemplates.resource.k8s.io": { spec: { spec: { devices } } },
  "resourceslices.resource.k8s.io": (n) => ({
    spec: {
      driver: "conformance.test",
      nodeName: "a",
      pool: { name: `p${n}`, generation: 1, resourceSliceCount: 1 },
      devices: [{ name: "d" }],
    },
  }),
  "priorityclasses.scheduling.k8s.io": { value: 7 },
  "csidrivers.storage.k8s.io": { spec: { attachRequired: false } },
  "csinodes.storage.k8s.io": { spec: { drivers: [] } },
  "csistoragecapacities.storage.k8s.io": { storageClassName: "none", capacity: "1Gi" },
  "storageclasses.storage.k8s.io": { provisioner: "conformance.test/a" },
  "volumeattachments.storage.k8s.io": { spec: { attacher: "conformance.test", nodeName: "a", source: { persistentVolumeName: "a" } } },
  "volumeattributesclasses.storage.k8s.io": { driverName: "conformance.test", parameters: { a: "1" } },
};

/** Names where a kind does not let them be chosen freely. */
export const names: Readonly<Record<string, (n: number) => string>> = {
  "customresourcedefinitions.apiextensions.k8s.io": (n) => `things${n}.conformance.test`,
  "apiservices.apiregistration.k8s.io": (n) => `v1.life${n}.test`,
  "ipaddresses.networking.k8s.io": (n) => `10.99.0.${n + 1}`,
};
