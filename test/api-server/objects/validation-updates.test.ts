import type { JsonObject } from "../../../protocol/kinds/object";
import { deploymentManifest, podManifest, wrongWithUpdate } from "./manifests";

describe("what an update may not change", () => {
  test("a Pod's spec, but for images, deadlines and more tolerations", () => {
    expect(wrongWithUpdate(podManifest(), podManifest({}, { image: "nginx:1.28" }))).toEqual([]);
    expect(
      wrongWithUpdate(podManifest(), podManifest({ tolerations: [{ key: "a", operator: "Exists" }], activeDeadlineSeconds: 5 })),
    ).toEqual([]);
    expect(wrongWithUpdate(podManifest(), podManifest({ nodeName: "n", hostNetwork: true }))[0]).toMatch(
      /^spec: Forbidden: pod updates may not change fields other than `spec.containers\[\*\].image`.*\nchanged: spec.hostNetwork, spec.nodeName$/,
    );
    expect(wrongWithUpdate(podManifest({ activeDeadlineSeconds: 5 }), podManifest({ activeDeadlineSeconds: 6 }))).toEqual([
      "spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value",
    ]);
    const tolerating = podManifest({ tolerations: [{ key: "a", operator: "Exists" }] });
    expect(wrongWithUpdate(tolerating, podManifest())).toEqual([
      "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
    ]);
    expect(wrongWithUpdate(podManifest(), podManifest({ containers: [] }))).toContain(
      "spec.containers: Forbidden: pod updates may not add or remove containers",
    );
  });

  test("a gated Pod's node selector may grow, and its gates only go", () => {
    const gated = podManifest({ schedulingGates: [{ name: "a" }] });
    expect(wrongWithUpdate(gated, podManifest({ schedulingGates: [{ name: "a" }], nodeSelector: { zone: "b" } }))).toEqual([]);
    expect(wrongWithUpdate(gated, podManifest())).toEqual([]);
    expect(wrongWithUpdate(podManifest(), gated)).toEqual([
      "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'a'",
    ]);
  });

  test("a Deployment's selector", () => {
    const other = deploymentManifest({
      selector: { matchLabels: { tier: "x" } },
      template: { metadata: { labels: { app: "web", tier: "x" } }, spec: { containers: [{ name: "web", image: "x" }] } },
    });
    expect(wrongWithUpdate(deploymentManifest(), other)).toEqual([
      'spec.selector: Invalid value: {"matchLabels":{"tier":"x"}}: field is immutable',
    ]);
  });

  test("a StatefulSet's service name", () => {
    const set = (serviceName: string) => ({ ...deploymentManifest({ serviceName }), kind: "StatefulSet" });
    expect(wrongWithUpdate(set("a"), set("b"))[0]).toMatch(
      /^spec: Forbidden: updates to statefulset spec for fields other than 'replicas'/,
    );
    expect(wrongWithUpdate(set("a"), { ...deploymentManifest({ serviceName: "a", replicas: 5 }), kind: "StatefulSet" })).toEqual([]);
  });

  test("a Job's template, once it has begun", () => {
    const job = (image: string, spec: JsonObject = {}): JsonObject => ({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "j", namespace: "shop" },
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "a", image }] } }, ...spec },
    });
    expect(wrongWithUpdate(job("a"), job("b"))[0]).toMatch(/^spec.template: Invalid value: .*: field is immutable$/);
    expect(wrongWithUpdate(job("a"), job("a", { parallelism: 3, completions: 1 }))).toEqual([]);
  });

  test("data of an immutable ConfigMap, the type of a Secret, the role of a binding, the address of a Service", () => {
    const map = (data: JsonObject, immutable?: boolean): JsonObject => ({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "c", namespace: "shop" },
      data,
      immutable,
    });
    expect(wrongWithUpdate(map({ a: "1" }, true), map({ a: "2" }, true))).toEqual([
      "data: Forbidden: field is immutable when `immutable` is set",
    ]);
    expect(wrongWithUpdate(map({ a: "1" }), map({ a: "2" }, true))).toEqual([]);
    const secret = (type: string): JsonObject => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "c", namespace: "shop" }, type });
    expect(wrongWithUpdate(secret("a/a"), secret("b/b"))).toEqual(['type: Invalid value: "b/b": field is immutable']);
    const binding = (name: string): JsonObject => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "b" },
      roleRef: { kind: "ClusterRole", name },
    });
    expect(wrongWithUpdate(binding("a"), binding("b"))[0]).toMatch(/^roleRef: Invalid value: .*: cannot change roleRef$/);
    const service = (clusterIP: string): JsonObject => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s", namespace: "shop" },
      spec: { clusterIP, ports: [{ port: 80 }] },
    });
    expect(wrongWithUpdate(service("10.96.0.5"), service("10.96.0.6"))).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.6"]: may not change once set',
    ]);
  });

  test("metadata that the server has set", () => {
    const renamed = { ...podManifest(), metadata: { name: "other", namespace: "shop" } };
    expect(wrongWithUpdate(podManifest(), renamed)).toEqual(['metadata.name: Invalid value: "other": field is immutable']);
  });
});

// Source: the Kubernetes documentation, "Resize CPU and Memory Resources assigned to Containers".
describe("a resize may not", () => {
  const sized = (cpu: string, memory = "1Gi", more: JsonObject = {}) => ({
    resources: { requests: { cpu, memory }, limits: { cpu: "4" } },
    ...more,
  });
  const pod = (container: JsonObject, spec: JsonObject = {}) => podManifest(spec, container);
  const wrong = (before: JsonObject, after: JsonObject) => wrongWithUpdate(before, after, "resize");

  test("change how a container is resized; amounts it may", () => {
    expect(
      wrong(pod(sized("1")), pod(sized("2", "2Gi", { resizePolicy: [{ resourceName: "cpu", restartPolicy: "NotRequired" }] }))),
    ).toEqual(["spec: Forbidden: only cpu and memory resources are mutable"]);
    expect(wrong(pod(sized("1")), pod(sized("2", "2Gi")))).toEqual([]);
  });

  test("take amounts away, or change the class of the Pod", () => {
    expect(wrong(pod(sized("1")), pod({ resources: { requests: { cpu: "1" }, limits: { cpu: "4" } } }))).toEqual([
      "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
    ]);
    expect(wrong(pod({}), pod(sized("1")))).toEqual([
      'spec: Invalid value: "BestEffort": Pod QOS Class may not change as a result of resizing',
    ]);
    const guaranteed = (cpu: string) => ({ resources: { limits: { cpu, memory: "1Gi" }, requests: { cpu: "1", memory: "1Gi" } } });
    expect(wrong(pod(guaranteed("1")), pod(guaranteed("2")))).toEqual([
      'spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing',
    ]);
  });

  test("change other resources, or an init container that is no sidecar", () => {
    const disk = (amount: string) => pod({ resources: { requests: { cpu: "1", "ephemeral-storage": amount } } });
    expect(wrong(disk("1Gi"), disk("2Gi"))).toEqual(["spec: Forbidden: only cpu and memory resources are mutable"]);
    const init = (cpu: string, more: JsonObject = {}) =>
      pod(sized("1"), { initContainers: [{ name: "init", image: "i", ...sized(cpu), ...more }] });
    expect(wrong(init("1"), init("2"))).toEqual(["spec: Forbidden: resources for non-sidecar init containers are immutable"]);
    expect(wrong(init("1", { restartPolicy: "Always" }), init("2", { restartPolicy: "Always" }))).toEqual([]);
  });
});

describe("what a status may not say", () => {
  const status = (before: JsonObject, after: JsonObject, manifest: JsonObject = podManifest({ restartPolicy: "Never" })) =>
    wrongWithUpdate({ ...manifest, status: before }, { ...manifest, status: after }, "status");
  const ended = { name: "web", state: { terminated: { exitCode: 0 } } };

  test("a Pod's: that what has ended for good runs, another class, two addresses of a family", () => {
    expect(status({ containerStatuses: [ended] }, { containerStatuses: [{ name: "web", state: { running: {} } }] })).toEqual([
      "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state",
    ]);
    expect(status({ qosClass: "BestEffort" }, { qosClass: "Guaranteed" })).toEqual([
      'status.qosClass: Invalid value: "Guaranteed": field is immutable',
    ]);
    expect(status({}, { podIPs: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }] })[0]).toContain(
      "may specify no more than one IP for each IP family",
    );
  });

  test("a set's: parts that are greater than the whole; a Job's: that it is not over any more", () => {
    expect(status({}, { replicas: 1, readyReplicas: 2 }, deploymentManifest())).toEqual([
      "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
    ]);
    const job: JsonObject = {
      ...{ apiVersion: "batch/v1", kind: "Job", metadata: { name: "j", namespace: "shop" } },
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "a" }] } } },
    };
    expect(status({ conditions: [{ type: "Failed", status: "True" }] }, {}, job)).toEqual([
      "status.conditions: Invalid value: null: cannot disable the terminal Failed=True condition",
    ]);
  });
});

describe("what an update may leave as invalid as it was", () => {
  const object = (apiVersion: string, kind: string, spec: object): JsonObject => ({
    ...{ apiVersion, kind, metadata: { name: "a", namespace: "shop" }, spec },
  });
  const budget = (value: string, more: object = {}) =>
    object("policy/v1", "PodDisruptionBudget", {
      ...{ minAvailable: 1, selector: { matchExpressions: [{ key: "app", operator: "In", values: [value] }] } },
      ...more,
    });
  const ingress = (host: string, secretName: string, ingressClassName = "a") =>
    object("networking.k8s.io/v1", "Ingress", {
      ...{ ingressClassName, defaultBackend: { service: { name: "web", port: { number: 80 } } } },
      ...{ rules: [{ host }], tls: [{ secretName }] },
    });
  const policy = (cidr: string, ...more: string[]) =>
    object("networking.k8s.io/v1", "NetworkPolicy", {
      podSelector: {},
      ingress: [{ from: [cidr, ...more].map((each) => ({ ipBlock: { cidr: each } })) }],
    });

  test("values in label selectors, secrets' names and wildcards of an Ingress: where there was such a thing before, there may be", () => {
    expect(wrongWithUpdate(budget("a b"), budget("a b", { minAvailable: 2 }))).toEqual([]);
    expect(wrongWithUpdate(budget("a b"), budget("c d"))).toEqual([]);
    expect(wrongWithUpdate(budget("ab"), budget("a b"))[0]).toContain("spec.selector.matchExpressions[0].values[0]: Invalid value: ");
    expect(wrongWithUpdate(budget("a b"), budget("a b", { minAvailable: -1 }))).toEqual([
      "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0",
    ]);
    expect(wrongWithUpdate(ingress("*.*.com", "Secret!"), ingress("*.*.com", "Secret!", "b"))).toEqual([]);
    expect(wrongWithUpdate(ingress("a.com", "secret"), ingress("*.*.com", "Secret!"))).toHaveLength(2);
    expect(wrongWithUpdate(ingress("*.*.com", "secret"), ingress("A_", "secret"))[0]).toContain("spec.rules[0].host: Invalid value: ");
  });

  test("addresses: only those that were there", () => {
    expect(wrongWithUpdate(policy("10.0.0.0/33"), policy("10.0.0.0/8", "10.0.0.0/33"))).toEqual([]);
    expect(wrongWithUpdate(policy("10.0.0.0/33"), policy("10.0.0.0/34"))).toHaveLength(1);
  });
});
