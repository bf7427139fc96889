import { allKinds, apiVersionOf, type Kind } from "../../protocol/kinds/registry";
import type { Draws } from "./draws";
import { graft } from "./grown";
import { least, names } from "./least";
import type { Document } from "./values";

const template = {
  metadata: { labels: { app: "a" } },
  spec: { containers: [{ name: "a", image: "b", ports: [{ containerPort: 80 }], env: [{ name: "A", value: "1" }] }] },
};
const cel = [
  "self > 1",
  "self.all(x, x > 1)",
  "self.matches('(a+)+$')",
  "((((((1))))))",
  "self.map(x, self.map(y, x + y))",
  "'",
  "1/0",
  "size(self) > oldSelf",
  "self.a.b.c",
  "\u0000",
  "has(self.x) ? self.x : 1",
  "[1,2].exists(",
  "duration('1h') > x",
  "9223372036854775807 + 1",
];

/** Where objects of the kinds with most to go wrong are made, and one of that kind that is well meant. */
export const kinds: readonly (readonly [path: string, make: (draws: Draws) => Document])[] = [
  [
    "/api/v1/namespaces/default/configmaps",
    () => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { labels: {} }, data: { a: "1" }, binaryData: { b: "AA==" } }),
  ],
  [
    "/api/v1/namespaces/default/pods",
    () => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { annotations: {} },
      spec: {
        ...template.spec,
        volumes: [{ name: "v", emptyDir: {} }],
        tolerations: [{ operator: "Exists" }],
        affinity: { nodeAffinity: {} },
      },
    }),
  ],
  [
    "/api/v1/namespaces/default/services",
    () => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: {},
      spec: { type: "NodePort", selector: { a: "b" }, ports: [{ port: 80, targetPort: "http" }] },
    }),
  ],
  [
    "/api/v1/namespaces/default/secrets",
    () => ({ apiVersion: "v1", kind: "Secret", metadata: {}, type: "Opaque", data: { a: "AA==" }, stringData: { b: "c" } }),
  ],
  ["/api/v1/namespaces", () => ({ apiVersion: "v1", kind: "Namespace", metadata: {}, spec: { finalizers: ["kubernetes"] } })],
  [
    "/api/v1/nodes",
    () => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: {},
      spec: { podCIDR: "10.1.0.0/24", taints: [{ key: "a", effect: "NoSchedule" }] },
      status: { capacity: { cpu: "1" } },
    }),
  ],
  [
    "/api/v1/namespaces/default/persistentvolumeclaims",
    () => ({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: {},
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    }),
  ],
  [
    "/api/v1/namespaces/default/resourcequotas",
    () => ({
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: {},
      spec: { hard: { secrets: "1000" }, scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "Exists" }] } },
    }),
  ],
  [
    "/api/v1/namespaces/default/limitranges",
    () => ({
      apiVersion: "v1",
      kind: "LimitRange",
      metadata: {},
      spec: { limits: [{ type: "Container", max: { cpu: "1" }, default: { cpu: "1" } }] },
    }),
  ],
  [
    "/api/v1/namespaces/default/events",
    () => ({
      apiVersion: "v1",
      kind: "Event",
      metadata: {},
      involvedObject: { kind: "Pod", name: "a", namespace: "default" },
      reason: "R",
      message: "m",
      type: "Normal",
    }),
  ],
  [
    "/apis/apps/v1/namespaces/default/deployments",
    () => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {},
      spec: { replicas: 1, selector: { matchLabels: { app: "a" }, matchExpressions: [] }, template },
    }),
  ],
  [
    "/apis/apps/v1/namespaces/default/statefulsets",
    () => ({
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: {},
      spec: {
        serviceName: "a",
        selector: { matchLabels: { app: "a" } },
        template,
        volumeClaimTemplates: [
          { metadata: { name: "d" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1" } } } },
        ],
      },
    }),
  ],
  [
    "/apis/batch/v1/namespaces/default/jobs",
    () => ({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {},
      spec: {
        template: { spec: { ...template.spec, restartPolicy: "Never" } },
        podFailurePolicy: { rules: [{ action: "Ignore", onExitCodes: { operator: "In", values: [1] } }] },
      },
    }),
  ],
  [
    "/apis/batch/v1/namespaces/default/cronjobs",
    (draws) => ({
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: {},
      spec: {
        schedule: draws.of(["* * * * *", "*/0 * * * *", "@every 1s", "1-99999999 * * * *", "0 0 31 2 *", "TZ=UTC * * * * *"]),
        jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: "Never" } } } },
      },
    }),
  ],
  [
    "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
    () => ({
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: {},
      spec: {
        podSelector: {},
        ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }], ports: [{ port: 80, endPort: 90 }] }],
      },
    }),
  ],
  [
    "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
    () => ({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: {},
      spec: {
        rules: [
          { host: "a.b", http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "a", port: { number: 80 } } } }] } },
        ],
      },
    }),
  ],
  [
    "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
    () => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: {},
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }],
    }),
  ],
  [
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    () => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: {},
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "a" }],
    }),
  ],
  [
    "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
    () => ({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: {},
      spec: { minAvailable: "50%", selector: { matchLabels: { a: "b" } } },
    }),
  ],
  [
    "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
    () => ({
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: {},
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { kind: "Deployment", name: "a" },
        metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }],
      },
    }),
  ],
  [
    "/apis/coordination.k8s.io/v1/namespaces/default/leases",
    () => ({
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {},
      spec: { holderIdentity: "a", renewTime: "2026-01-01T00:00:00.000000Z" },
    }),
  ],
  ["/apis/apiextensions.k8s.io/v1/customresourcedefinitions", (draws) => definition(draws)],
  [
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    (draws) => ({
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: {},
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: ["x.example.com"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["xs"] }],
        },
        validations: [{ expression: draws.of(cel) }],
        variables: [{ name: "a", expression: draws.of(cel) }],
      },
    }),
  ],
  [
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    () => ({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: {},
      spec: { user: "a", groups: ["b"], resourceAttributes: { verb: "get", resource: "pods" } },
    }),
  ],
  [
    "/apis/authentication.k8s.io/v1/tokenreviews",
    () => ({ apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: "a.b.c", audiences: ["x"] } }),
  ],
  [
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
    () => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {},
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.1.1.1"] }],
      ports: [{ name: "a", port: 80 }],
    }),
  ],
  [
    "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    () => ({
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: {},
      spec: { request: "AAAA", signerName: "example.com/x", usages: ["client auth"] },
    }),
  ],
  [
    "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
    () => ({
      apiVersion: "flowcontrol.apiserver.k8s.io/v1",
      kind: "FlowSchema",
      metadata: {},
      spec: {
        priorityLevelConfiguration: { name: "catch-all" },
        matchingPrecedence: 9999,
        rules: [
          {
            subjects: [{ kind: "User", user: { name: "nobody-at-all" } }],
            nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }],
          },
        ],
      },
    }),
  ],
  [
    "/apis/fuzz.example.com/v1/namespaces/default/boats",
    () => ({
      apiVersion: "fuzz.example.com/v1",
      kind: "Boat",
      metadata: {},
      spec: { length: 9, crew: ["a"], parts: [{ name: "a" }], any: { a: 1 } },
    }),
  ],
];

/** A definition whose schema and rules are as bad as they come; its kind is of a group that nothing else uses. */
function definition(draws: Draws): Document {
  const names = { plural: "xs", singular: "x", kind: "X" };
  const spec = {
    type: "object",
    properties: {
      a: { type: "string", pattern: draws.of(["^a", "(a+)+$", "[", "(?=x)"]), default: "a" },
      b: { type: "array", items: { type: "integer" } },
    },
    "x-kubernetes-validations": [{ rule: draws.of(cel), message: "m" }],
  };
  const versions = [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object", properties: { spec } } } }];
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "xs.x.example.com" },
    spec: { group: "x.example.com", scope: "Namespaced", names, versions },
  };
}

/** The definition that every run begins with, and whose objects are then fought over. */
export const boats: Document = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "boats.fuzz.example.com" },
  spec: {
    group: "fuzz.example.com",
    scope: "Namespaced",
    names: { plural: "boats", singular: "boat", kind: "Boat" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: ".spec.length", statusReplicasPath: ".status.n" } },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                "x-kubernetes-validations": [{ rule: "!has(self.crew) || self.crew.all(c, c.matches('^[a-z]+$'))" }],
                properties: {
                  length: { type: "integer", minimum: 1 },
                  crew: { type: "array", maxItems: 20, items: { type: "string", maxLength: 50 } },
                  parts: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    items: { type: "object", required: ["name"], properties: { name: { type: "string" } } },
                  },
                  any: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                },
              },
              status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            },
          },
        },
      },
    ],
  },
};

/** Where objects of any built-in kind are made, and one of that kind with more fields than anybody writes. */
export const everyKind: readonly (readonly [path: string, make: (draws: Draws) => Document])[] = allKinds().flatMap((kind) => {
  const key = `${kind.plural}.${kind.group}`;
  const body = least[key];
  if (body === undefined) return [];
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  return [[`${root}/${kind.namespaced ? "namespaces/default/" : ""}${kind.plural}`, (draws: Draws) => overgrown(kind, body, draws)]];
});

function overgrown(kind: Kind, body: Document | ((n: number) => Document), draws: Draws): Document {
  const n = draws.below(3);
  const name = names[`${kind.plural}.${kind.group}`]?.(n);
  const object: Document = {
    ...{ apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: name === undefined ? {} : { name } },
    ...structuredClone(typeof body === "function" ? body(n) : body),
  };
  graft(object, kind, draws);
  return object;
}
