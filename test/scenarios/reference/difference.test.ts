import type { JsonObject, Stored } from "../../../protocol/kinds/object";
import { differences } from "../../../scenarios/reference/difference";
import { deployment, pod, replicaSet } from "../checks/told";

const both = (here: readonly JsonObject[], there: readonly JsonObject[]) =>
  differences(here as unknown as readonly Stored[], there as unknown as readonly Stored[]);
const owned = (name: string, options: Parameters<typeof pod>[1] = {}) => pod(name, { owner: "web-1", ...options });

describe("the difference from a run without faults (Sieve: end states)", () => {
  it("is none where only identities, names that are drawn, nodes and addresses differ", () => {
    const service = (clusterIP: string) => ({
      kind: "Service",
      metadata: { namespace: "shop", name: "web", uid: clusterIP },
      spec: { clusterIP },
    });
    const zoned = (object: JsonObject, zone: string): JsonObject => {
      const metadata = object.metadata as JsonObject;
      return { ...object, metadata: { ...metadata, labels: { ...(metadata.labels as JsonObject), "topology.kubernetes.io/zone": zone } } };
    };
    const here = [
      deployment(2, {}),
      replicaSet("web-1"),
      zoned(owned("web-1-a", { node: "node-0" }), "zone-a"),
      owned("web-1-b"),
      service("10.96.0.7"),
    ];
    const there = [
      deployment(2, {}),
      replicaSet("web-1"),
      zoned(owned("web-1-c", { node: "node-1", uid: "x" }), "zone-b"),
      owned("web-1-d"),
      service("10.96.0.9"),
    ];
    expect(both(here, there)).toEqual([]);
  });

  it("passes over events, Leases and pods that failed", () => {
    const failed = { ...owned("web-1-x"), status: { phase: "Failed" } };
    const lease = { kind: "Lease", metadata: { namespace: "kube-system", name: "x", uid: "l" } };
    expect(both([failed, lease], [])).toEqual([]);
  });

  it("tells of what is missing and of what is too many", () => {
    expect(both([owned("web-1-a")], [owned("web-1-b"), owned("web-1-c")])).toEqual(["1 Pod shop/web-1-* here and 2 without faults"]);
    expect(both([deployment(2, {})], [])).toEqual(["1 Deployment shop/web here and 0 without faults"]);
  });

  it("tells where a field differs", () => {
    expect(both([deployment(2, {})], [deployment(3, {})])).toEqual([
      "Deployment shop/web has 2 at spec.replicas here, and 3 without faults",
    ]);
    expect(both([owned("a", { labels: { app: "api" } })], [owned("b")])).toEqual([
      'Pod shop/web-1-* has "api" at labels.app here, and "web" without faults',
    ]);
  });

  it("counts ready endpoints, and reads a node's labels and taints but not its health", () => {
    const slice = (ready: number): JsonObject => ({
      kind: "EndpointSlice",
      metadata: { namespace: "shop", name: `web-${ready}`, uid: "s", labels: { "kubernetes.io/service-name": "web" } },
      endpoints: Array.from({ length: ready }, () => ({ conditions: { ready: true } })),
    });
    expect(both([slice(1)], [slice(2)])).toEqual(["EndpointSlice shop/web-* has 1 at ready here, and 2 without faults"]);
    const node = (heard: string, taints: readonly JsonObject[]): JsonObject => ({
      kind: "Node",
      metadata: { name: "node-0", uid: "n" },
      spec: { taints },
      status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: heard }] },
    });
    expect(both([node("1", [])], [node("2", [])])).toEqual([]);
    expect(both([node("1", [{ key: "a", effect: "NoSchedule" }])], [node("1", [])])).toHaveLength(1);
  });
});
