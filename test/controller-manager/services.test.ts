import { controllers } from "../../actors/controller-manager";
import { distribute } from "../../actors/controller-manager/endpointslice";
import type { Endpoint, EndpointSlice, Pod, Service } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { plan } from "./bench";

const slices = controllers.find(({ name }) => name === "endpointslice")!;
const endpoints = controllers.find(({ name }) => name === "endpoints")!;

const service = (spec: object = {}) =>
  ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace: "shop", name: "web", uid: "svc", resourceVersion: "1", labels: { app: "web" } },
    spec: {
      selector: { app: "web" },
      clusterIP: "10.96.0.10",
      ipFamilies: ["IPv4"],
      ports: [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }],
      ...spec,
    },
  }) as unknown as Stored<Service>;
const pod = (
  name: string,
  ip: string,
  ready: boolean,
  more: { readonly metadata?: object; readonly spec?: object; readonly status?: object } = {},
) =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { namespace: "shop", name, uid: `uid-${name}`, resourceVersion: "1", labels: { app: "web" }, ...more.metadata },
    spec: { nodeName: "n1", containers: [{ name: "main", ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }] }], ...more.spec },
    status: {
      phase: "Running",
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      ...more.status,
    },
  }) as unknown as Stored<Pod>;
const node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "n1", uid: "n1", resourceVersion: "1", labels: { "topology.kubernetes.io/zone": "zone-a" } },
};
const leaving = { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } };
const decided = (pods: readonly Stored<Pod>[], spec: object = {}, more: Parameters<typeof plan>[2] = {}) =>
  plan(slices, "shop/web", { services: [service(spec)], pods, nodes: [node], ...more });

describe("EndpointSlices", () => {
  test("an endpoint says where its pod is and is named by it; the slice is owned by the Service and found by its labels", () => {
    const { writes } = decided([pod("a", "10.0.0.1", true)]);
    expect(writes).toHaveLength(1);
    expect(writes[0].object).toMatchObject({
      metadata: {
        generateName: "web-",
        labels: {
          app: "web",
          "kubernetes.io/service-name": "web",
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
        ownerReferences: [{ kind: "Service", name: "web", uid: "svc", controller: true }],
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints: [
        {
          addresses: ["10.0.0.1"],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: "n1",
          zone: "zone-a",
          targetRef: { kind: "Pod", namespace: "shop", name: "a", uid: "uid-a" },
        },
      ],
    });
  });

  test.each([
    ["ready", true, {}, {}, { ready: true, serving: true, terminating: false }],
    ["not ready", false, {}, {}, { ready: false, serving: false, terminating: false }],
    ["terminating and still ready", true, leaving, {}, { ready: false, serving: true, terminating: true }],
    ["terminating and not ready", false, leaving, {}, { ready: false, serving: false, terminating: true }],
    ["not ready, but published", false, {}, { publishNotReadyAddresses: true }, { ready: true, serving: false, terminating: false }],
  ] as const)("a pod that is %s (EndpointSlices: conditions)", (_name, ready, more, spec, conditions) => {
    expect(decided([pod("a", "10.0.0.1", ready, more)], spec).writes[0].object.endpoints[0].conditions).toEqual(conditions);
  });

  test.each([
    ["without an address", pod("a", "", true, { status: { podIP: undefined, podIPs: undefined } })],
    ["that has succeeded", pod("a", "10.0.0.1", true, { status: { phase: "Succeeded" } })],
    ["that has failed", pod("a", "10.0.0.1", true, { status: { phase: "Failed" } })],
    ["of another app", pod("a", "10.0.0.1", true, { metadata: { labels: { app: "db" } } })],
    ["without the named port", pod("a", "10.0.0.1", true, { spec: { containers: [{ name: "main" }] } })],
  ])("a pod %s is no endpoint; the Service keeps one empty slice", (_name, other) => {
    const { writes } = decided([other]);
    expect(writes.map((write) => write.object.endpoints)).toEqual([[]]);
  });

  test("a Service without selector and an ExternalName are left alone", () => {
    expect(decided([], { selector: undefined }).writes).toEqual([]);
    expect(decided([], { type: "ExternalName" }).writes).toEqual([]);
  });

  test("pods with different numbers behind a named port are in different slices", () => {
    const other = { spec: { containers: [{ name: "main", ports: [{ name: "http", containerPort: 9090 }] }] } };
    const { writes } = decided([pod("a", "10.0.0.1", true), pod("b", "10.0.0.2", true, other)]);
    expect(writes.map((write) => [write.object.ports[0].port, write.object.endpoints.length])).toEqual([
      [8080, 1],
      [9090, 1],
    ]);
  });

  test("when nothing has changed nothing is written, whatever the order of the endpoints", () => {
    const made = decided([pod("a", "10.0.0.1", true), pod("b", "10.0.0.2", true)]).writes[0].object;
    const existing = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      ...made,
      endpoints: [...made.endpoints].reverse(),
      metadata: { ...made.metadata, namespace: "shop", name: "web-1", uid: "s", resourceVersion: "5" },
    };
    expect(decided([pod("a", "10.0.0.1", true), pod("b", "10.0.0.2", true)], {}, { endpointslices: [existing] }).writes).toEqual([]);
  });

  test("at most 100 endpoints are in a slice", () => {
    const many = Array.from({ length: 250 }, (_, i) => pod(`p${i}`, `10.0.${i >> 8}.${i & 255}`, true));
    expect(decided(many).writes.map((write) => write.object.endpoints.length)).toEqual([100, 100, 50]);
  });

  test("traffic distribution is told by hints", () => {
    expect(decided([pod("a", "10.0.0.1", true)], { trafficDistribution: "PreferSameZone" }).writes[0].object.endpoints[0].hints).toEqual({
      forZones: [{ name: "zone-a" }],
    });
  });
});

describe("which slice an endpoint goes to", () => {
  const endpoint = (id: string): Endpoint => ({ addresses: [id], targetRef: { uid: id } });
  const slice = (name: string, ids: readonly string[]) =>
    ({ metadata: { name }, endpoints: ids.map(endpoint) }) as unknown as Stored<EndpointSlice>;
  const shape = (filled: ReturnType<typeof distribute>) =>
    filled.map(({ slice: at, endpoints: list }) => `${at?.metadata.name ?? "new"}: ${list.map(({ addresses }) => addresses[0]).join("")}`);

  test.each([
    ["endpoints stay where they are", ["a", "b"], [["a"], ["b"]], ["s0: a", "s1: b"]],
    ["a slice that changes anyway takes the new ones", ["b", "c", "d"], [["a", "b"], ["c"]], ["s0: bd", "s1: c"]],
    ["else the fullest with room takes them", ["a", "b", "c", "d"], [["a"], ["b", "c"]], ["s0: a", "s1: bcd"]],
    ["else a new one", ["a", "b", "c", "d"], [["a", "b", "c"]], ["s0: abc", "new: d"]],
    ["a slice that empties is dropped", ["a"], [["a"], ["b"]], ["s0: a"]],
    ["the last one stays, empty", [], [["a"]], ["s0: "]],
  ] as const)("%s", (_name, wanted, existing, expected) => {
    expect(
      shape(
        distribute(
          wanted.map(endpoint),
          existing.map((ids, at) => slice(`s${at}`, ids)),
          3,
        ),
      ),
    ).toEqual(expected);
  });
});

describe("Endpoints", () => {
  const of = (pods: readonly Stored<Pod>[], spec: object = {}) =>
    plan(endpoints, "shop/web", { services: [service(spec)], pods }).writes[0]?.object.subsets;

  test("ready and unready addresses are apart, in order; pods on their way out are in neither", () => {
    const subsets = of([
      pod("b", "10.0.0.2", true),
      pod("a", "10.0.0.1", true),
      pod("c", "10.0.0.3", false),
      pod("d", "10.0.0.4", true, leaving),
    ]);
    expect(subsets).toMatchObject([
      {
        addresses: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }],
        notReadyAddresses: [{ ip: "10.0.0.3" }],
        ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      },
    ]);
  });

  test("publishNotReadyAddresses makes all of them ready", () => {
    const subsets = of([pod("a", "10.0.0.1", false), pod("d", "10.0.0.4", true, leaving)], { publishNotReadyAddresses: true });
    expect(subsets).toMatchObject([{ addresses: [{ ip: "10.0.0.1" }, { ip: "10.0.0.4" }] }]);
    expect(subsets[0].notReadyAddresses).toBeUndefined();
  });

  test("more than 1000 addresses are cut off, and the object says so", () => {
    const many = Array.from({ length: 1001 }, (_, i) => pod(`p${i}`, `10.0.${i >> 8}.${i & 255}`, true));
    const { object } = plan(endpoints, "shop/web", { services: [service()], pods: many }).writes[0];
    expect(object.subsets[0].addresses).toHaveLength(1000);
    expect(object.metadata.annotations).toEqual({ "endpoints.kubernetes.io/over-capacity": "truncated" });
  });

  test("they go with their Service", () => {
    const left = {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: {
        namespace: "shop",
        name: "web",
        uid: "e",
        resourceVersion: "2",
        labels: { "endpoints.kubernetes.io/managed-by": "endpoint-controller" },
      },
    };
    expect(plan(endpoints, "shop/web", { endpoints: [left] }).writes.map((write) => write.do)).toEqual(["delete"]);
  });
});
