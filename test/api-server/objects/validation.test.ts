import { invalidStatus } from "../../../actors/api-server/objects/validation/field-error";
import { validateCreate } from "../../../actors/api-server/objects/validation/validate";
import type { JsonObject } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";
import { created, deploymentManifest, podManifest, wrongWith } from "./manifests";

describe("validation words its findings as a real server does", () => {
  test("valid objects pass", () => {
    expect(wrongWith(podManifest())).toEqual([]);
    expect(wrongWith(deploymentManifest())).toEqual([]);
  });

  test.each<[JsonObject, JsonObject, string]>([
    [{ containers: [] }, {}, "spec.containers: Required value"],
    [{}, { image: undefined }, "spec.containers[0].image: Required value"],
    [{}, { name: "" }, "spec.containers[0].name: Required value"],
    [{}, { image: " nginx" }, 'spec.containers[0].image: Invalid value: " nginx": must not have leading or trailing whitespace'],
    [
      {
        containers: [
          { name: "a", image: "x" },
          { name: "a", image: "y" },
        ],
      },
      {},
      'spec.containers[1].name: Duplicate value: "a"',
    ],
    [{ initContainers: [{ name: "web", image: "x" }] }, {}, 'spec.initContainers[0].name: Duplicate value: "web"'],
    [
      {},
      { ports: [{ containerPort: 70000 }] },
      "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ],
    [
      {},
      { ports: [{ containerPort: 80, protocol: "HTTP" }] },
      'spec.containers[0].ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
    ],
    [
      {},
      { resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } },
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      {},
      { resources: { limits: { memory: "-1" } } },
      'spec.containers[0].resources.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
    ],
    [
      {},
      { resources: { limits: { gpu: "1" } } },
      'spec.containers[0].resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
    ],
    [{}, { volumeMounts: [{ name: "data", mountPath: "/data" }] }, 'spec.containers[0].volumeMounts[0].name: Not found: "data"'],
    [{}, { livenessProbe: {} }, "spec.containers[0].livenessProbe: Required value: must specify a handler type"],
    [
      {},
      { livenessProbe: { exec: { command: ["x"] }, successThreshold: 2 } },
      "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
    ],
    [{}, { env: [{ name: "" }] }, "spec.containers[0].env[0].name: Required value"],
    [
      {},
      { env: [{ name: "A", valueFrom: { fieldRef: { fieldPath: "spec.foo" } } }] },
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo',
    ],
    [
      { volumes: [{ name: "a", emptyDir: {}, hostPath: { path: "/" } }] },
      {},
      "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
    ],
    [
      { restartPolicy: "Sometimes" },
      {},
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ],
    [
      { tolerations: [{ key: "a", operator: "Exists", value: "b" }] },
      {},
      "spec.tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'",
    ],
    [
      { tolerations: [{ key: "a", tolerationSeconds: 5 }] },
      {},
      "spec.tolerations[0].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
    ],
    [
      { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }] },
      {},
      "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
    ],
    [
      { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "" }] } } },
      {},
      "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty",
    ],
    [{ ephemeralContainers: [{ name: "debug", image: "x" }] }, {}, "spec.ephemeralContainers: Forbidden: cannot be set on create"],
    [
      { resourceClaims: [{ name: "gpu" }] },
      {},
      'spec.resourceClaims[0]: Invalid value: {"name":"gpu"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
    ],
    [
      {},
      { resources: { claims: [{ name: "gpu" }] } },
      'spec.containers[0].resources.claims[0]: Not found: "gpu": must be one of the names in pod.spec.resourceClaims which is empty',
    ],
    [
      {},
      { securityContext: { seccompProfile: { type: "Localhost" } } },
      "spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
    ],
    [{ activeDeadlineSeconds: 0 }, {}, "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
  ])("a Pod with %j %j", (spec, container, message) => {
    expect(wrongWith(podManifest(spec, container))).toContain(message);
  });

  test.each<[JsonObject, JsonObject, string]>([
    [{ replicas: -1 }, {}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
    [
      { selector: { matchLabels: { app: "api" } } },
      {},
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [{ selector: {} }, {}, "spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
    [{ selector: undefined }, {}, "spec.selector: Required value"],
    [{}, { restartPolicy: "Never" }, 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    [
      { strategy: { type: "Recreate", rollingUpdate: {} } },
      {},
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
      {},
      "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
    ],
    [
      { strategy: { rollingUpdate: { maxUnavailable: "x" } } },
      {},
      "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
    [
      { progressDeadlineSeconds: 5, minReadySeconds: 5 },
      {},
      "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds",
    ],
  ])("a Deployment with %j %j", (spec, podSpec, message) => {
    expect(wrongWith(deploymentManifest(spec, podSpec))).toContain(message);
  });

  const service = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: "shop", ...metadata },
    spec: { ports: [{ port: 80 }], ...spec },
  });

  test.each<[JsonObject, string]>([
    [service({ ports: [] }), "spec.ports: Required value"],
    [service({ ports: [{ port: 0 }] }), "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"],
    [service({ ports: [{ port: 80 }, { port: 81 }] }), "spec.ports[0].name: Required value"],
    [service({ ports: [{ port: 80, nodePort: 30080 }] }), "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    [
      service({ type: "Balanced" }),
      'spec.type: Unsupported value: "Balanced": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [
      service({ clusterIP: "10.0.0.300", clusterIPs: ["10.0.0.300"] }),
      'spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", namespace: "shop" }, data: { "a/b": "x" } },
      "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
    [
      { apiVersion: "v1", kind: "Secret", metadata: { name: "c", namespace: "shop" }, type: "kubernetes.io/tls" },
      "data[tls.crt]: Required value",
    ],
    [
      {
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: "b", namespace: "shop" },
        spec: { minAvailable: 1, maxUnavailable: 1 },
      },
      'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
    ],
    [
      { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "b", namespace: "shop" }, spec: { minAvailable: "150%" } },
      'spec.minAvailable: Invalid value: "150%": must not be greater than 100%',
    ],
    [
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "Role",
        metadata: { name: "r", namespace: "shop" },
        rules: [{ verbs: ["get"], apiGroups: [""], resources: [] }],
      },
      "rules[0].resources: Required value: resource rules must supply at least one resource",
    ],
    [
      {
        apiVersion: "batch/v1",
        kind: "CronJob",
        metadata: { name: "c", namespace: "shop" },
        spec: {
          schedule: "61 * * * *",
          jobTemplate: { spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "a" }] } } } },
        },
      },
      'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61',
    ],
    [
      {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "j", namespace: "shop" },
        spec: { template: { spec: { containers: [{ name: "a", image: "a" }] } } },
      },
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "d", namespace: "shop" },
        spec: { accessModes: ["ReadWriteOnce"] },
      },
      "spec.resources[storage]: Required value",
    ],
    [
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name: "i", namespace: "shop" },
        spec: { rules: [{ http: { paths: [{ path: "/", backend: { service: { name: "web", port: { number: 80 } } } }] } }] },
      },
      "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified",
    ],
    [
      {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "h", namespace: "shop" },
        spec: { maxReplicas: 2, minReplicas: 3, scaleTargetRef: { kind: "Deployment", name: "web" } },
      },
      "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
    ],
    [
      { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "p" }, value: 2_000_000_000 },
      "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
    ],
  ])("%j", (manifest, message) => {
    expect(wrongWith(manifest)).toContain(message);
  });

  test("names, labels, owners and finalizers", () => {
    const pod = (metadata: JsonObject) => ({ ...podManifest(), metadata: { name: "web", namespace: "shop", ...metadata } });
    expect(wrongWith(pod({ name: "Web" }))[0]).toMatch(
      /^metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of/,
    );
    expect(wrongWith(pod({ name: undefined }))).toEqual(["metadata.name: Required value: name or generateName is required"]);
    expect(wrongWith(pod({ name: undefined, generateName: "web-" }))).toEqual([]);
    expect(wrongWith(pod({ namespace: undefined }))).toEqual(["metadata.namespace: Required value"]);
    expect(wrongWith(pod({ labels: { "a b": "c" } }))[0]).toMatch(/^metadata.labels: Invalid value: "a b": name part must consist of/);
    expect(wrongWith(pod({ labels: { a: "c d" } }))[0]).toMatch(
      /^metadata.labels: Invalid value: "c d": a valid label must be an empty string or/,
    );
    expect(wrongWith(pod({ finalizers: ["mine"] }))).toEqual([
      'metadata.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ]);
    expect(wrongWith(service({}, { name: "1web" }))[0]).toMatch(/^metadata.name: Invalid value: "1web": a DNS-1035 label must consist of/);
    const owner = { apiVersion: "v1", kind: "Node", name: "n", uid: "u", controller: true };
    expect(wrongWith(pod({ ownerReferences: [owner, { ...owner, uid: "v" }] }))[0]).toContain(
      "Only one reference can have Controller set to true",
    );
    expect(wrongWith({ apiVersion: "v1", kind: "Node", metadata: { name: "n", namespace: "shop" } })).toEqual([
      "metadata.namespace: Forbidden: not allowed on this type",
    ]);
  });

  test("the 422 carries the message and a cause for each error (API conventions: Status)", () => {
    const kind = kindOf("apps/v1", "Deployment")!;
    const errors = validateCreate(kind, created(deploymentManifest({ replicas: -1, minReadySeconds: -1 })));
    expect(invalidStatus(kind, "web", errors)).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      reason: "Invalid",
      code: 422,
      message:
        'Deployment.apps "web" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0]',
      details: {
        name: "web",
        group: "apps",
        kind: "Deployment",
        causes: [
          { reason: "FieldValueInvalid", message: "Invalid value: -1: must be greater than or equal to 0", field: "spec.replicas" },
          { reason: "FieldValueInvalid", message: "Invalid value: -1: must be greater than or equal to 0", field: "spec.minReadySeconds" },
        ],
      },
    });
  });
});
