import { withDefaults } from "../../../actors/api-server/objects/defaulting";
import type { JsonObject } from "../../../protocol/kinds/object";
import { allKinds, kindOf } from "../../../protocol/kinds/registry";
import { deepFreeze } from "./freeze";

const completed = (object: JsonObject) => {
  const kind = kindOf(object.apiVersion as string, object.kind as string)!;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into many shapes
  return withDefaults(kind, deepFreeze(object)) as any;
};

describe("defaults (API reference of each kind)", () => {
  test("a Pod", () => {
    const { spec } = completed({
      apiVersion: "v1",
      kind: "Pod",
      spec: {
        serviceAccountName: "robot",
        containers: [
          {
            name: "a",
            image: "nginx:1.27",
            ports: [{ containerPort: 80 }],
            readinessProbe: { httpGet: { port: 80 }, timeoutSeconds: 0 },
            resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } },
            env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
          },
        ],
        volumes: [{ name: "v" }, { name: "c", configMap: { name: "x" } }, { name: "h", hostPath: { path: "/" } }],
      },
    });
    expect(spec).toMatchObject({
      dnsPolicy: "ClusterFirst",
      restartPolicy: "Always",
      securityContext: {},
      terminationGracePeriodSeconds: 30,
      schedulerName: "default-scheduler",
      enableServiceLinks: true,
      serviceAccount: "robot",
    });
    expect(spec.containers[0]).toMatchObject({
      imagePullPolicy: "IfNotPresent",
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      ports: [{ containerPort: 80, protocol: "TCP" }],
      readinessProbe: {
        httpGet: { path: "/", port: 80, scheme: "HTTP" },
        timeoutSeconds: 1,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 3,
      },
      resources: { requests: { cpu: "500m", memory: "1Gi" } },
      env: [{ valueFrom: { fieldRef: { apiVersion: "v1" } } }],
    });
    expect(spec.volumes).toEqual([
      { name: "v", emptyDir: {} },
      { name: "c", configMap: { name: "x", defaultMode: 420 } },
      { name: "h", hostPath: { path: "/", type: "" } },
    ]);
  });

  test.each([
    ["nginx", "Always"],
    ["nginx:latest", "Always"],
    ["registry:5000/nginx", "Always"],
    ["registry:5000/nginx:1", "IfNotPresent"],
    ["nginx@sha256:0123", "IfNotPresent"],
  ])("image %s is pulled %s (documentation: Images)", (image, policy) => {
    const pod = completed({ apiVersion: "v1", kind: "Pod", spec: { containers: [{ name: "a", image }] } });
    expect(pod.spec.containers[0].imagePullPolicy).toBe(policy);
  });

  test("on the host's network a container's ports are the host's", () => {
    const pod = completed({
      apiVersion: "v1",
      kind: "Pod",
      spec: { hostNetwork: true, containers: [{ name: "a", ports: [{ containerPort: 80 }] }] },
    });
    expect(pod.spec.containers[0].ports[0].hostPort).toBe(80);
  });

  test("a Deployment, and its template without what only Pods get", () => {
    const { spec } = completed({
      apiVersion: "apps/v1",
      kind: "Deployment",
      spec: { selector: {}, template: { spec: { containers: [{ name: "a", image: "a:1", resources: { limits: { cpu: "1" } } }] } } },
    });
    expect(spec).toMatchObject({
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
    });
    expect(spec.template.spec.restartPolicy).toBe("Always");
    expect(spec.template.spec.enableServiceLinks).toBeUndefined();
    expect(spec.template.spec.containers[0].resources.requests).toBeUndefined();
  });

  test("zero replicas stay zero", () => {
    expect(completed({ apiVersion: "apps/v1", kind: "Deployment", spec: { replicas: 0 } }).spec.replicas).toBe(0);
  });

  test.each<[string, JsonObject, JsonObject]>([
    [
      "StatefulSet",
      { apiVersion: "apps/v1", kind: "StatefulSet", spec: {} },
      {
        podManagementPolicy: "OrderedReady",
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      },
    ],
    [
      "DaemonSet",
      { apiVersion: "apps/v1", kind: "DaemonSet", spec: {} },
      { updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }, revisionHistoryLimit: 10 },
    ],
    [
      "Job",
      { apiVersion: "batch/v1", kind: "Job", spec: {} },
      { completions: 1, parallelism: 1, backoffLimit: 6, completionMode: "NonIndexed", suspend: false },
    ],
    [
      "CronJob",
      { apiVersion: "batch/v1", kind: "CronJob", spec: {} },
      { concurrencyPolicy: "Allow", successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
    ],
    [
      "HorizontalPodAutoscaler",
      { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", spec: {} },
      {
        minReplicas: 1,
        metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
      },
    ],
    [
      "NetworkPolicy",
      { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", spec: { egress: [{}] } },
      { policyTypes: ["Ingress", "Egress"] },
    ],
    [
      "Service",
      { apiVersion: "v1", kind: "Service", spec: { type: "NodePort", ports: [{ port: 80 }] } },
      {
        sessionAffinity: "None",
        externalTrafficPolicy: "Cluster",
        internalTrafficPolicy: "Cluster",
        ports: [{ port: 80, targetPort: 80, protocol: "TCP" }],
      },
    ],
    [
      "Service with affinity",
      { apiVersion: "v1", kind: "Service", spec: { sessionAffinity: "ClientIP" } },
      { type: "ClusterIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } },
    ],
    ["PersistentVolumeClaim", { apiVersion: "v1", kind: "PersistentVolumeClaim", spec: {} }, { volumeMode: "Filesystem" }],
  ])("a %s", (_name, object, spec) => {
    expect(completed(object).spec).toMatchObject(spec);
  });

  test("a Job with a number of completions keeps it and runs one at a time", () => {
    expect(completed({ apiVersion: "batch/v1", kind: "Job", spec: { completions: 5 } }).spec).toMatchObject({
      completions: 5,
      parallelism: 1,
    });
    expect(completed({ apiVersion: "batch/v1", kind: "Job", spec: { parallelism: 2 } }).spec.completions).toBeUndefined();
  });

  test("a Namespace carries its name as a label and is finalized by Kubernetes", () => {
    expect(completed({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } })).toEqual({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "shop", labels: { "kubernetes.io/metadata.name": "shop" } },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    });
  });

  test("a Secret's stringData goes into its data, as UTF-8 in base64", () => {
    const secret = completed({ apiVersion: "v1", kind: "Secret", data: { a: "AAAA", b: "AAAA" }, stringData: { b: "é" } });
    expect(secret).toEqual({ apiVersion: "v1", kind: "Secret", type: "Opaque", data: { a: "AAAA", b: "w6k=" } });
  });

  test("a RoleBinding's references name their group", () => {
    const binding = completed({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      roleRef: { kind: "Role", name: "r" },
      subjects: [
        { kind: "User", name: "u" },
        { kind: "ServiceAccount", name: "s", namespace: "n" },
      ],
    });
    expect(binding.roleRef.apiGroup).toBe("rbac.authorization.k8s.io");
    expect(binding.subjects.map((subject: JsonObject) => subject.apiGroup)).toEqual(["rbac.authorization.k8s.io", undefined]);
  });

  test("defaults that definitions.json states are put in deep inside", () => {
    const endpoints = completed({
      apiVersion: "v1",
      kind: "Pod",
      spec: { containers: [{ name: "a", livenessProbe: { grpc: { port: 1 } } }] },
    });
    expect(endpoints.spec.containers[0].livenessProbe.grpc.service).toBe("");
  });

  test("what is complete is returned as it is, for every kind", () => {
    for (const kind of allKinds()) {
      const spec = {
        template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "a", image: "x" }], volumes: [{ name: "v" }] } },
      };
      const once = withDefaults(kind, deepFreeze({ metadata: { name: "a" }, spec }));
      expect(withDefaults(kind, deepFreeze(once))).toBe(once);
    }
  });
});
