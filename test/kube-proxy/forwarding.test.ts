import { type Affinity, forward } from "../../actors/kube-proxy/forward";
import { type Portal, portalsOf } from "../../actors/kube-proxy/forwarding-table";
import { Routes } from "../../actors/network/routes";
import type { Endpoint, EndpointSlice, Service } from "../../protocol/kinds/generated";

const here = { name: "node-0", zone: "a" };

const service = (spec: Service["spec"] = {}): Service => ({
  metadata: { namespace: "shop", name: "web" },
  spec: { clusterIP: "10.96.0.10", clusterIPs: ["10.96.0.10"], type: "ClusterIP", ports: [{ port: 80, targetPort: 8080 }], ...spec },
});

const endpoint = (ip: string, nodeName: string, rest: Partial<Endpoint> = {}): Endpoint => ({
  addresses: [ip],
  nodeName,
  conditions: { ready: true },
  ...rest,
});

const slices = (...endpoints: readonly Endpoint[]): readonly EndpointSlice[] => [
  { addressType: "IPv4", ports: [{ port: 8080 }], endpoints } as EndpointSlice,
];

const ips = (portal: Portal | undefined) => portal?.endpoints.map(({ ip }) => ip);

describe("what a node forwards (Virtual IPs and Service Proxies)", () => {
  const local = endpoint("10.244.0.5", "node-0");
  const remote = endpoint("10.244.1.5", "node-1");

  test("a cluster IP leads to every ready endpoint", () => {
    const [portal] = portalsOf(service(), slices(local, remote, endpoint("10.244.1.6", "node-1", { conditions: { ready: false } })), here);
    expect(portal?.address).toBe("10.96.0.10:80/TCP");
    expect(ips(portal)).toEqual(["10.244.0.5", "10.244.1.5"]);
  });

  test("headless and ExternalName Services are not forwarded", () => {
    expect(portalsOf(service({ clusterIP: "None" }), slices(local), here)).toEqual([]);
    expect(portalsOf(service({ type: "ExternalName" }), slices(local), here)).toEqual([]);
  });

  test("a NodePort is open on every address of the node", () => {
    const portals = portalsOf(service({ type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] }), slices(local), here);
    expect(portals.map(({ address }) => address)).toEqual(["10.96.0.10:80/TCP", "*:30080/TCP"]);
  });

  test("a Service without endpoints refuses; one whose policy is Local and that has none here drops", () => {
    expect(portalsOf(service(), [], here)[0]?.whenEmpty).toBe("refuse");
    const [portal] = portalsOf(service({ internalTrafficPolicy: "Local" }), slices(remote), here);
    expect([ips(portal), portal?.whenEmpty]).toEqual([[], "drop"]);
  });

  test("when no endpoint is ready, those that serve while they terminate are used", () => {
    const leaving = endpoint("10.244.0.6", "node-0", { conditions: { ready: false, serving: true, terminating: true } });
    expect(ips(portalsOf(service(), slices(leaving), here)[0])).toEqual(["10.244.0.6"]);
    expect(ips(portalsOf(service(), slices(leaving, remote), here)[0])).toEqual(["10.244.1.5"]);
  });

  test("hints are followed when every ready endpoint has them and one is for this zone", () => {
    const forZone = (name: string) => ({ hints: { forZones: [{ name }] } });
    const a = endpoint("10.244.0.5", "node-0", forZone("a"));
    const b = endpoint("10.244.1.5", "node-1", forZone("b"));
    expect(ips(portalsOf(service(), slices(a, b), here)[0])).toEqual(["10.244.0.5"]);
    expect(ips(portalsOf(service(), slices(a, remote), here)[0])).toEqual(["10.244.0.5", "10.244.1.5"]);
    expect(ips(portalsOf(service(), slices(b), here)[0])).toEqual(["10.244.1.5"]);
  });

  test("an endpoint that stands in two slices counts once", () => {
    expect(ips(portalsOf(service(), [...slices(local), ...slices(local)], here)[0])).toEqual(["10.244.0.5"]);
  });
});

describe("where a connection goes", () => {
  const routes = new Routes();
  for (const [name, podCIDR, address] of [
    ["node-0", "10.244.0.0/24", "192.168.0.10"],
    ["node-1", "10.244.1.0/24", "192.168.0.11"],
  ] as const)
    routes.set({ metadata: { name }, spec: { podCIDR }, status: { addresses: [{ type: "InternalIP", address }] } });

  const go = (
    destinationIp: string,
    port: number,
    portals: readonly Portal[],
    options: { affinities?: ReadonlyMap<string, Affinity>; draw?: number; nowMs?: number } = {},
  ) =>
    forward(
      { sourceIp: "10.244.0.9", destinationIp, port, protocol: "TCP" },
      {
        node: "node-0",
        portals: new Map(portals.map((portal) => [portal.address, portal])),
        serviceIps: new Set(["10.96.0.10"]),
        routes,
        affinities: options.affinities ?? new Map(),
      },
      options.nowMs ?? 0,
      () => options.draw ?? 0,
    );

  const both = slices(endpoint("10.244.0.5", "node-0"), endpoint("10.244.1.5", "node-1"));

  test("through a Service to an endpoint that is drawn, with its address and port", () => {
    expect(go("10.96.0.10", 80, portalsOf(service(), both, here), { draw: 0.9 }).forward).toEqual({
      type: "pod",
      node: "node-1",
      ip: "10.244.1.5",
      port: 8080,
      service: "shop/web",
    });
  });

  test("a port that the Service does not have is refused, and so is a Service without endpoints", () => {
    expect(go("10.96.0.10", 81, []).forward.type).toBe("refuse");
    expect(go("10.96.0.10", 80, portalsOf(service(), [], here)).forward.type).toBe("refuse");
  });

  test("straight to a pod, to another node's proxy, or nowhere", () => {
    expect(go("10.244.1.7", 8080, []).forward).toMatchObject({ type: "pod", node: "node-1", ip: "10.244.1.7" });
    expect(go("192.168.0.11", 30080, []).forward).toEqual({ type: "node", node: "node-1" });
    expect(go("172.16.0.1", 80, []).forward.type).toBe("unreachable");
  });

  test("this node's own address leads through its NodePorts", () => {
    const portals = portalsOf(service({ type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] }), both, here);
    expect(go("192.168.0.10", 30080, portals).forward).toMatchObject({ type: "pod", ip: "10.244.0.5" });
  });

  test("with session affinity a client stays with its endpoint for 10800 s, and no longer than the endpoint is there", () => {
    const portals = portalsOf(service({ sessionAffinity: "ClientIP" }), both, here);
    const first = go("10.96.0.10", 80, portals, { draw: 0.9 });
    const affinities = new Map([[first.chosen!.key, first.chosen!.affinity]]);
    expect(first.chosen?.affinity.untilMs).toBe(10_800_000);
    expect(go("10.96.0.10", 80, portals, { affinities }).forward).toMatchObject({ ip: "10.244.1.5" });
    expect(go("10.96.0.10", 80, portals, { affinities, nowMs: 10_800_001 }).forward).toMatchObject({ ip: "10.244.0.5" });
    const fewer = portalsOf(service({ sessionAffinity: "ClientIP" }), slices(endpoint("10.244.0.5", "node-0")), here);
    expect(go("10.96.0.10", 80, fewer, { affinities }).forward).toMatchObject({ ip: "10.244.0.5" });
  });
});
