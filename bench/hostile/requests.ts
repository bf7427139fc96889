import type { Draws } from "./draws";
import { type Document, hostileValue, mutate, textOf, torn } from "./values";

/** One request as a client might send it. */
export interface HostileRequest {
  readonly method: string;
  readonly target: string;
  readonly accept: string;
  readonly contentType: string;
  readonly body: Uint8Array;
}

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

const kinds: readonly (readonly [path: string, make: (draws: Draws) => Document])[] = [
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

const names = [
  "a",
  "b",
  "c",
  "d",
  "kubernetes",
  "default",
  "A",
  "a.b",
  "-",
  "..",
  "%2e%2e",
  "%00",
  "%",
  "%zz",
  "a%2Fb",
  "é",
  "__proto__",
  "a".repeat(254),
  "",
];
const subresources = [
  "",
  "",
  "",
  "",
  "/status",
  "/scale",
  "/finalize",
  "/eviction",
  "/binding",
  "/token",
  "/log",
  "/ephemeralcontainers",
  "/resize",
  "/approval",
  "/nothing",
  "/proxy/x",
  "//",
  "/status/status",
];
const selectors = [
  "a=b",
  "a in (b",
  "!",
  "a==b,,",
  "(((",
  "a notin ()",
  "a>1",
  "a>x",
  ",",
  "=",
  "a=b=c",
  "x".repeat(5000),
  "metadata.name=a",
  "metadata.name!=a,spec.nodeName=",
  "a=\\",
  "status.phase in (x)",
  "\u0000",
];
const accepts = [
  "",
  "*/*",
  "application/json",
  "application/json;as=Table;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  "application/json;as=Table;v=v9;g=meta.k8s.io",
  "text/html",
  "application/vnd.kubernetes.protobuf",
  ";;,;q=",
  "application/json;q=nan",
  "*/*;".repeat(1000),
];
const types = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "text/plain",
  "",
  ";",
  "application/cbor",
  "application/json;charset=\u00e9",
];
const patches = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];
const numbers = ["0", "1", "-1", "500", "99999999999999999999", "1e3", "NaN", "", " ", "0x1", "1.5", "\u0660"];

function query(draws: Draws): string {
  const one = (): string => {
    switch (draws.below(12)) {
      case 0:
        return `labelSelector=${encodeURIComponent(draws.of(selectors))}`;
      case 1:
        return `fieldSelector=${encodeURIComponent(draws.of(selectors))}`;
      case 2:
        return `limit=${draws.of(numbers)}`;
      case 3:
        return `continue=${draws.of([
          "x",
          "",
          Buffer.from(textOf({ v: "meta.k8s.io/v1", rv: hostileValue(draws), start: hostileValue(draws) }))
            .toString("base64url")
            .slice(0, 5_000),
        ])}`;
      case 4:
        return `resourceVersion=${draws.of(numbers)}`;
      case 5:
        return `resourceVersionMatch=${draws.of(["Exact", "NotOlderThan", "x", ""])}`;
      case 6:
        return `dryRun=${draws.of(["All", "x", "All&dryRun=All", ""])}`;
      case 7:
        return `fieldValidation=${draws.of(["Strict", "Warn", "Ignore", "x"])}`;
      case 8:
        return `fieldManager=${draws.of(["m", "", "x".repeat(200), "%0a", "é"])}&force=${draws.of(["true", "false", "x", ""])}`;
      case 9:
        return `gracePeriodSeconds=${draws.of(numbers)}&propagationPolicy=${draws.of(["Foreground", "Orphan", "x", ""])}`;
      case 10:
        return draws.of([
          "%",
          "&&&",
          "=",
          "a=%zz",
          "pretty=true",
          "timeoutSeconds=-1",
          "includeObject=x",
          "x=".repeat(2000),
          "limit[]=1",
          "__proto__=1",
        ]);
      default:
        return "fieldManager=m";
    }
  };
  const many = draws.below(4);
  return many === 0 ? "" : `?${Array.from({ length: many }, one).join("&")}`;
}

const pointers = [
  "/spec",
  "/metadata/labels/x",
  "/spec/containers/0/image",
  "/spec/containers/-",
  "/spec/containers/99",
  "",
  "/",
  "x",
  "/~",
  "/~2",
  "/__proto__/polluted",
  "/constructor/prototype/polluted",
  "/metadata",
  "/metadata/name",
  "/data/a",
  "/spec/-1",
  "/metadata/managedFields",
  "/spec/template/spec/containers/0",
];

function jsonPatch(draws: Draws): unknown {
  const operation = () => ({
    op: draws.of(["add", "remove", "replace", "move", "copy", "test", "x"]),
    path: draws.of(pointers),
    from: draws.of(pointers),
    value: hostileValue(draws),
  });
  return draws.oneIn(20) ? hostileValue(draws) : Array.from({ length: 1 + draws.below(5) }, operation);
}

const targets = [
  "/",
  "/version",
  "/api",
  "/apis",
  "/apis/apps",
  "/openapi/v2",
  "/openapi/v3/apis/apps/v1",
  "/healthz",
  "/livez/x",
  "/readyz?exclude=x&verbose",
  "/metrics",
  "//",
  "/api/v1/..",
  "/apis/%2e%2e/v1",
  "/api/v1/namespaces/default",
  "/.well-known/openid-configuration",
  "/openid/v1/jwks",
  "/api/v1/componentstatuses",
  "/apis/x/y/z/a/b/c/d",
  "/debug/pprof",
  "/logs/",
];

/** The next request: of a well-meant one most is left, or little, or nothing. */
export function hostileRequest(draws: Draws): HostileRequest {
  const accept = draws.oneIn(3) ? draws.of(accepts) : "application/json";
  const [path, make] = draws.of(kinds);
  const method = draws.of([
    "POST",
    "POST",
    "POST",
    "PUT",
    "PUT",
    "PATCH",
    "PATCH",
    "PATCH",
    "GET",
    "GET",
    "DELETE",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "BREW",
  ]);
  if (draws.oneIn(40))
    return { method, target: `${draws.of(targets)}${query(draws)}`, accept, contentType: draws.of(types), body: new Uint8Array() };
  const object = structuredClone(make(draws));
  const name = draws.oneIn(4) ? draws.of(names) : draws.of(["a", "b", "c"]);
  const metadata = object.metadata as Document | undefined;
  if (metadata && metadata.name === undefined) metadata.name = name;
  mutate(object, draws);
  const collection = method === "POST" ? !draws.oneIn(10) : draws.oneIn(6);
  const target = `${path}${collection ? "" : `/${draws.oneIn(8) ? draws.of(names) : name}${draws.of(subresources)}`}${query(draws)}`;
  const isPatch = method === "PATCH";
  const contentType = draws.oneIn(12)
    ? draws.of([...types, ...patches])
    : isPatch
      ? draws.of(patches)
      : draws.oneIn(6)
        ? draws.of(types)
        : "application/json";
  const document = contentType.includes("json-patch") ? jsonPatch(draws) : draws.oneIn(40) ? hostileValue(draws) : object;
  const text = torn(textOf(document), draws);
  const body = contentType.includes("protobuf")
    ? protobufOf(text, draws)
    : method === "GET" || method === "HEAD"
      ? new Uint8Array()
      : Buffer.from(text.slice(0, 4_000_000));
  return { method, target, accept, contentType, body };
}

/** The magic number and, after it, something that has the look of a message. */
function protobufOf(text: string, draws: Draws): Uint8Array {
  const bytes = Buffer.concat([
    Buffer.from("k8s\0"),
    Buffer.from([0x0a, 0x10, 0x0a, 0x02]),
    Buffer.from("v1"),
    Buffer.from([0x12, 0x0a]),
    Buffer.from(draws.of(["ConfigMap ", "Deployment", "Pod"])),
    Buffer.from([0x12]),
    Buffer.from(text.slice(0, 200)),
  ]);
  for (let n = draws.below(10); n > 0; n--) bytes[draws.below(bytes.length)] = draws.below(256);
  return bytes.subarray(0, draws.oneIn(3) ? draws.below(bytes.length) : bytes.length);
}
