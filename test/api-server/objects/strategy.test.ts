import { prepareForCreate, prepareForUpdate } from "../../../actors/api-server/objects/strategy";
import type { JsonObject } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";
import { deepFreeze } from "./freeze";
import { birth, created, deploymentManifest, podManifest } from "./manifests";

// biome-ignore lint/suspicious/noExplicitAny: the tests look into many shapes
const make = (manifest: JsonObject) => created(manifest) as any;
const update = (stored: JsonObject, updated: JsonObject, subresource = "") => {
  const kind = kindOf(stored.apiVersion as string, stored.kind as string)!;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return prepareForUpdate(kind, deepFreeze(stored), deepFreeze(updated), subresource) as any;
};

describe("what is stored on creation", () => {
  test("identity and time come from the server, the status and what only the server sets are dropped", () => {
    const manifest = deploymentManifest();
    const given = {
      ...manifest,
      metadata: { ...(manifest.metadata as JsonObject), uid: "mine", generation: 7, deletionTimestamp: "2026-01-01T00:00:00Z" },
      status: { replicas: 5 },
    };
    expect(make(given)).toMatchObject({
      metadata: { name: "web", namespace: "shop", uid: birth.uid, creationTimestamp: "2026-01-01T00:00:00Z", generation: 1 },
      status: {},
    });
    expect(make(given).metadata.deletionTimestamp).toBeUndefined();
    expect(make(given).status.replicas).toBeUndefined();
  });

  test("counts that are always shown are zero (API reference: DaemonSetStatus)", () => {
    const set = make({ ...deploymentManifest(), kind: "DaemonSet", spec: { ...(deploymentManifest().spec as JsonObject) } });
    expect(set.status).toEqual({ currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 });
  });

  test("a Pod is pending and has its quality of service", () => {
    expect(make(podManifest()).status).toEqual({ phase: "Pending", qosClass: "BestEffort" });
    expect(make(podManifest({}, { resources: { requests: { cpu: "1" } } })).status.qosClass).toBe("Burstable");
    expect(make(podManifest({}, { resources: { limits: { cpu: "1", memory: "1Gi" } } })).status.qosClass).toBe("Guaranteed");
    expect(make(podManifest({ schedulingGates: [{ name: "a" }] })).status.conditions).toMatchObject([
      { type: "PodScheduled", status: "False", reason: "SchedulingGated" },
    ]);
  });

  test("a Node keeps the status that its kubelet registers it with", () => {
    const node = make({ apiVersion: "v1", kind: "Node", metadata: { name: "n" }, status: { capacity: { cpu: "4" } } });
    expect(node.status).toEqual({ capacity: { cpu: "4" }, allocatable: { cpu: "4" } });
  });

  test("a Job gets a selector that no other Job has (documentation: Jobs)", () => {
    const job = make({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name: "j", namespace: "shop" },
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "a" }] } } },
    });
    expect(job.spec.selector).toEqual({ matchLabels: { "batch.kubernetes.io/controller-uid": birth.uid } });
    expect(job.spec.template.metadata.labels).toMatchObject({
      "batch.kubernetes.io/controller-uid": birth.uid,
      "batch.kubernetes.io/job-name": "j",
      "job-name": "j",
    });
  });

  test("a Namespace is active, and finalized by Kubernetes", () => {
    expect(make({ apiVersion: "v1", kind: "Namespace", metadata: { name: "n" }, spec: { finalizers: ["x/y"] } })).toMatchObject({
      spec: { finalizers: ["x/y", "kubernetes"] },
      status: { phase: "Active" },
    });
  });

  test("the input is not changed", () => {
    const kind = kindOf("v1", "Pod")!;
    const pod = deepFreeze(podManifest());
    expect(() => prepareForCreate(kind, pod, birth)).not.toThrow();
  });
});

describe("what an update keeps", () => {
  const stored = make(deploymentManifest());

  test("the main resource never changes the status, /status nothing but it", () => {
    const changed = { ...stored, spec: { ...stored.spec, replicas: 5 }, status: { replicas: 9 } };
    expect(update(stored, changed)).toMatchObject({ spec: { replicas: 5 }, status: {} });
    expect(update(stored, changed).status.replicas).toBeUndefined();
    expect(update(stored, changed, "status")).toMatchObject({ spec: { replicas: 1 }, status: { replicas: 9 } });
  });

  test("the generation counts changes of the spec, not of status or labels; a Deployment's annotations count", () => {
    const generation = (updated: JsonObject, subresource = "") => update(stored, updated, subresource).metadata.generation;
    const meta = (fields: JsonObject) => ({ ...stored, metadata: { ...stored.metadata, ...fields } });
    expect(generation(stored)).toBe(1);
    expect(generation({ ...stored, spec: { ...stored.spec, replicas: 5 } })).toBe(2);
    expect(generation(meta({ labels: { a: "b" } }))).toBe(1);
    expect(generation(meta({ annotations: { a: "b" } }))).toBe(2);
    expect(generation(meta({ generation: 77 }))).toBe(1);
    expect(generation({ ...stored, status: { replicas: 1 } }, "status")).toBe(1);
  });

  test("identity is taken over where the client left it out", () => {
    const { uid, creationTimestamp, ...metadata } = stored.metadata;
    expect(update(stored, { ...stored, metadata }).metadata).toMatchObject({ uid, creationTimestamp });
  });

  test("a status update may set metadata; a Deployment keeps its labels, a Pod its owners, an attachment all of it", () => {
    const owner = { apiVersion: "v1", kind: "Node", name: "n", uid: "u" };
    const meta = { labels: { a: "b" }, annotations: { c: "d" }, finalizers: ["e/f"], ownerReferences: [owner] };
    const changed = (object: JsonObject) => {
      const before = make(object);
      const { labels, annotations, finalizers, ownerReferences } = update(
        before,
        { ...before, metadata: { ...before.metadata, ...meta } },
        "status",
      ).metadata;
      return { labels, annotations, finalizers, ownerReferences };
    };
    expect(changed(deploymentManifest())).toEqual({ ...meta, labels: undefined });
    expect(changed(podManifest())).toEqual({ ...meta, ownerReferences: undefined });
    expect(changed({ ...deploymentManifest(), kind: "DaemonSet" })).toEqual(meta);
    const source = { persistentVolumeName: "v" };
    const attachment = { apiVersion: "storage.k8s.io/v1", kind: "VolumeAttachment", metadata: { name: "a" } };
    expect(changed({ ...attachment, spec: { attacher: "a", nodeName: "n", source } })).toEqual({});
  });

  test("a namespace's finalizers change through /finalize alone", () => {
    const namespace = make({ apiVersion: "v1", kind: "Namespace", metadata: { name: "n" } });
    expect(update(namespace, { ...namespace, spec: {} }).spec).toEqual({ finalizers: ["kubernetes"] });
    expect(update(namespace, { ...namespace, spec: {} }, "finalize").spec).toEqual({});
  });

  test("/resize changes the containers' resources alone, /ephemeralcontainers adds them", () => {
    const pod = make(podManifest());
    const [container] = pod.spec.containers;
    const spec = {
      ...pod.spec,
      nodeName: "x",
      containers: [{ ...container, image: "other", resources: { limits: { cpu: "2" } } }],
      ephemeralContainers: [{ name: "debug" }],
    };
    expect(update(pod, { ...pod, spec }, "resize").spec).toMatchObject({
      containers: [{ image: "nginx:1.27", resources: { limits: { cpu: "2" } } }],
    });
    expect(update(pod, { ...pod, spec }, "resize").spec.nodeName).toBeUndefined();
    const debugged = update(pod, { ...pod, spec }, "ephemeralcontainers").spec;
    expect(debugged).toMatchObject({ containers: [{ image: "nginx:1.27" }], ephemeralContainers: [{ name: "debug" }] });
  });

  describe("a Service", () => {
    const service = (spec: JsonObject) => ({ apiVersion: "v1", kind: "Service", metadata: { name: "s", namespace: "shop" }, spec });
    const before = make(
      service({
        type: "NodePort",
        clusterIP: "10.96.0.5",
        clusterIPs: ["10.96.0.5"],
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
        ports: [{ port: 80, nodePort: 30080 }],
      }),
    );

    test("keeps its addresses and node ports where the client leaves them out", () => {
      expect(update(before, make(service({ type: "NodePort", ports: [{ port: 80 }, { port: 81, name: "b" }] }))).spec).toMatchObject({
        clusterIP: "10.96.0.5",
        clusterIPs: ["10.96.0.5"],
        ipFamilies: ["IPv4"],
        ports: [{ port: 80, nodePort: 30080 }, { port: 81 }],
      });
    });

    test("takes a change of clusterIP alone for a change of its first address", () => {
      expect(update(before, { ...before, spec: { ...before.spec, clusterIP: "10.96.0.9" } }).spec.clusterIPs).toEqual(["10.96.0.9"]);
      const { clusterIPs, ...one } = before.spec;
      expect(update(before, { ...before, spec: one }).spec).toMatchObject({ clusterIP: "10.96.0.5", clusterIPs: ["10.96.0.5"] });
    });

    test("gives up what its new type has no use for", () => {
      const inner = update(before, { ...before, spec: { ...before.spec, type: "ClusterIP" } }).spec;
      expect(inner.ports).toEqual([{ port: 80, protocol: "TCP", targetPort: 80 }]);
      expect(inner.externalTrafficPolicy).toBeUndefined();
      const outside = update(before, { ...before, spec: { ...before.spec, type: "ExternalName", externalName: "a.example" } }).spec;
      expect(outside.clusterIP).toBeUndefined();
    });
  });
});
