import { bodyOf } from "../../../actors/api-server/objects/validation/field-error";
import { validateCreate } from "../../../actors/api-server/objects/validation/validate";
import type { JsonObject } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";
import { created } from "./manifests";

const wrongWith = (manifest: JsonObject) =>
  validateCreate(kindOf(manifest.apiVersion as string, manifest.kind as string)!, created(manifest)).map(
    (error) => `${error.field}: ${bodyOf(error)}`,
  );

const webhooks = (webhook: JsonObject): JsonObject => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: "w" },
  webhooks: [
    {
      name: "check.shop.example",
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      clientConfig: { url: "https://x" },
      rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
      ...webhook,
    },
  ],
});

const crd = (spec: JsonObject, name = "boats.sea.example"): JsonObject => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name },
  spec: {
    group: "sea.example",
    scope: "Namespaced",
    names: { plural: "boats", kind: "Boat" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    ...spec,
  },
});

const autoscaler = (spec: JsonObject): JsonObject => ({
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "h", namespace: "shop" },
  spec: { maxReplicas: 3, scaleTargetRef: { kind: "Deployment", name: "web" }, ...spec },
});

describe("validation of the cluster's kinds", () => {
  test("valid ones pass", () => {
    for (const manifest of [
      webhooks({}),
      crd({}),
      autoscaler({ behavior: { scaleDown: { stabilizationWindowSeconds: 300 } } }),
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "robot", namespace: "shop" } },
      {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: "l", namespace: "shop" },
        spec: { leaseDurationSeconds: 15, renewTime: "2026-01-01T00:00:00.000000Z" },
      },
      {
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name: "v1.x.example" },
        spec: { group: "x.example", version: "v1", groupPriorityMinimum: 100, versionPriority: 10 },
      },
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "IPAddress",
        metadata: { name: "10.96.0.1" },
        spec: { parentRef: { resource: "services", name: "kubernetes", namespace: "default" } },
      },
      { apiVersion: "networking.k8s.io/v1", kind: "ServiceCIDR", metadata: { name: "kubernetes" }, spec: { cidrs: ["10.96.0.0/16"] } },
      { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "fast" }, provisioner: "disk.example/csi" },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: "system:node" },
        rules: [{ verbs: ["get"], nonResourceURLs: ["/healthz"] }],
      },
      {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: "e", namespace: "shop" },
        involvedObject: { kind: "Pod", namespace: "shop", name: "web" },
        reason: "Started",
        type: "Normal",
      },
      { apiVersion: "apps/v1", kind: "ControllerRevision", metadata: { name: "r", namespace: "shop" }, data: { a: 1 }, revision: 1 },
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "s", namespace: "shop" },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.1.0.1"] }],
        ports: [{ port: 80 }],
      },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", namespace: "shop" } },
      {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "node-1" },
        spec: { podCIDRs: ["10.1.0.0/24"], taints: [{ key: "a/b", effect: "NoSchedule" }] },
      },
      {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes: { verb: "get", resource: "pods" } },
      },
    ])
      expect([manifest.kind, wrongWith(manifest)]).toEqual([manifest.kind, []]);
  });

  test.each<[JsonObject, string]>([
    [
      webhooks({ name: "check" }),
      'webhooks[0].name: Invalid value: "check": should be a domain with at least three segments separated by dots',
    ],
    [webhooks({ sideEffects: "Some" }), 'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
    [webhooks({ clientConfig: {} }), "webhooks[0].clientConfig: Required value: exactly one of url or service is required"],
    [
      webhooks({ clientConfig: { url: "http://x" } }),
      "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
    ],
    [webhooks({ timeoutSeconds: 31 }), "webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"],
    [crd({}, "boats"), 'metadata.name: Invalid value: "boats": must be spec.names.plural+"."+spec.group'],
    [
      crd({ versions: [{ name: "v1", served: true, storage: false, schema: { openAPIV3Schema: { type: "object" } } }] }),
      'spec.versions: Invalid value: [{"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]: must have exactly one version marked as storage version',
    ],
    [
      crd({ versions: [{ name: "v1", served: true, storage: true }] }),
      "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
    ],
    [crd({ scope: "Global" }), 'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'],
    [
      autoscaler({ metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization" } } }] }),
      "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization",
    ],
    [
      autoscaler({ metrics: [{ type: "Moon" }] }),
      'spec.metrics[0].type: Unsupported value: "Moon": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
    ],
    [
      autoscaler({ behavior: { scaleUp: { stabilizationWindowSeconds: 3601 } } }),
      "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
    ],
    [
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "IPAddress",
        metadata: { name: "10.96.0" },
        spec: { parentRef: { resource: "services", name: "a" } },
      },
      'metadata.name: Invalid value: "10.96.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      {
        apiVersion: "certificates.k8s.io/v1",
        kind: "CertificateSigningRequest",
        metadata: { name: "c" },
        spec: { request: "AAAA", signerName: "kubelet", usages: [] },
      },
      "spec.signerName: Invalid value: \"kubelet\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
    ],
    [
      {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: "e", namespace: "shop" },
        involvedObject: { kind: "Pod", namespace: "other", name: "web" },
      },
      'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ],
    [
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "s", namespace: "shop" },
        addressType: "IPv6",
        endpoints: [{ addresses: ["10.1.0.1"] }],
      },
      'endpoints[0].addresses[0]: Invalid value: "10.1.0.1": must be an IPv6 address',
    ],
    [
      { apiVersion: "v1", kind: "Node", metadata: { name: "n" }, spec: { taints: [{ key: "a", effect: "Sometimes" }] } },
      'spec.taints[0].effect: Unsupported value: "Sometimes": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
    [
      { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "q", namespace: "shop" }, spec: { hard: { pods: "-1" } } },
      'spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0',
    ],
    [
      {
        apiVersion: "v1",
        kind: "LimitRange",
        metadata: { name: "l", namespace: "shop" },
        spec: { limits: [{ type: "Container", max: { cpu: "1" }, min: { cpu: "2" } }] },
      },
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ],
    [
      {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { name: "p", namespace: "shop" },
        spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0" } }] }] },
      },
      'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  ])("%j", (manifest, message) => {
    expect(wrongWith(manifest)).toContain(message);
  });
});
