import { cidrOf } from "../../../actors/api-server/registry/cidr";
import { drawAddresses, drawPorts, staticBand } from "../../../actors/api-server/registry/service-ranges";
import { controlled } from "../certificates/controlled";
import type { Json } from "./tank";

const servicesPath = "/api/v1/namespaces/default/services";
const cidrsPath = "/apis/networking.k8s.io/v1/servicecidrs";
const addressesPath = "/apis/networking.k8s.io/v1/ipaddresses";
const service = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });

describe("what is drawn", () => {
  const chance = (bound: number) => Math.floor(bound / 2);

  // Source: "Service ClusterIP allocation" and "ServiceNodePortStaticSubrange": min(max(16, size/16), 256) and min(max(16, size/32), 128).
  it("leaves a band at the beginning to those who choose for themselves", () => {
    expect([8, 64, 256, 1024, 4096, 65536].map((size) => staticBand(size, 16, 16, 256))).toEqual([0, 16, 16, 64, 256, 256]);
    expect([10, 100, 2768, 10000].map((size) => staticBand(size, 16, 32, 128))).toEqual([0, 16, 86, 128]);
    const indices = drawAddresses(
      cidrOf("10.9.0.0/16"),
      () => false,
      (bound) => bound - 1,
    ).map((ip) => ip.split(".").slice(2).join("."));
    expect(indices[0]).toBe("255.254");
    expect(
      drawAddresses(
        cidrOf("10.9.0.0/16"),
        () => false,
        () => 0,
      )[0],
    ).toBe("10.9.1.0");
    expect(
      drawPorts(
        30000,
        32767,
        () => false,
        () => 0,
      )[0],
    ).toBe(30086);
  });

  it("comes from the band when nothing else is left, and never from the ends of a network", () => {
    const taken = new Set(Array.from({ length: 14 }, (_, i) => `10.9.0.${i + 16}`));
    expect(
      drawAddresses(cidrOf("10.9.0.0/27"), (ip) => taken.has(ip) || ip === "10.9.0.30", chance).every(
        (ip) => Number(ip.split(".")[3]) < 16,
      ),
    ).toBe(true);
    expect(drawAddresses(cidrOf("10.9.0.0/30"), () => false, chance).toSorted()).toEqual(["10.9.0.1", "10.9.0.2"]);
    expect(drawAddresses(cidrOf("10.9.0.0/30"), () => true, chance)).toEqual([]);
    expect(drawPorts(30000, 30031, (port) => port >= 30016, chance).toSorted()).toEqual(Array.from({ length: 16 }, (_, i) => 30000 + i));
  });
});

describe("ranges of Services", () => {
  const tank = controlled(["service-cidr"], { config: { serviceCidr: "10.96.0.0/29" } });
  const settle = (ms = 3_000) => tank.simulation.runFor(ms);
  const ready = (name: string) => tank.get(`${cidrsPath}/${name}`).body.status?.conditions?.find(({ type }: Json) => type === "Ready");

  it("begin with the cluster's own, which says that it is ready and is held by a finalizer", () => {
    settle();
    const { body } = tank.get(`${cidrsPath}/kubernetes`);
    expect([body.spec.cidrs, body.metadata.finalizers]).toEqual([["10.96.0.0/29"], ["networking.k8s.io/service-cidr-finalizer"]]);
    expect(ready("kubernetes")).toMatchObject({ status: "True", message: "Kubernetes Service CIDR is ready" });
  });

  it("run out, and grow by a ServiceCIDR that somebody adds", () => {
    for (let i = 0; i < 5; i++) expect(tank.create(servicesPath, service(`s${i}`)).code).toBe(201);
    settle();
    const full = tank.create(servicesPath, service("more"));
    expect([full.code, full.body.message]).toEqual([500, "Internal error occurred: failed to allocate a serviceIP: range is full"]);
    expect(tank.create(servicesPath, service("chosen", { clusterIP: "10.97.0.7" })).code).toBe(422);
    tank.create(cidrsPath, { metadata: { name: "second" }, spec: { cidrs: ["10.97.0.0/28"] } });
    settle();
    expect(ready("second")).toMatchObject({ status: "True" });
    const grown = tank.create(servicesPath, service("more"));
    expect(grown.body.spec.clusterIP).toMatch(/^10\.97\.0\./);
    expect(tank.get(`${addressesPath}/${grown.body.spec.clusterIP}`).body.spec.parentRef).toMatchObject({
      resource: "services",
      name: "more",
    });
    expect(tank.create(servicesPath, service("chosen", { clusterIP: "10.97.0.15" })).code).toBe(422);
    expect(tank.create(servicesPath, service("chosen", { clusterIP: "10.97.0.3" })).code).toBe(201);
  });

  it("that are deleted give no more addresses, and go with the last one that only they hold", () => {
    tank.delete(`${cidrsPath}/second`);
    settle(15_000);
    expect(ready("second")).toMatchObject({ status: "False", reason: "Terminating" });
    expect(tank.create(servicesPath, service("late")).code).toBe(500);
    tank.delete(`${servicesPath}/chosen`);
    settle();
    expect(tank.get(`${cidrsPath}/second`).code).toBe(200);
    tank.delete(`${servicesPath}/more`);
    settle(15_000);
    expect(tank.get(`${cidrsPath}/second`).code).toBe(404);
  });

  it("go at once where another range holds their addresses too", () => {
    tank.create(cidrsPath, { metadata: { name: "wide" }, spec: { cidrs: ["10.98.0.0/16"] } });
    tank.create(cidrsPath, { metadata: { name: "narrow" }, spec: { cidrs: ["10.98.0.0/24"] } });
    settle();
    expect(tank.create(servicesPath, service("both", { clusterIP: "10.98.0.9" })).code).toBe(201);
    tank.delete(`${cidrsPath}/narrow`);
    settle(15_000);
    expect([tank.get(`${cidrsPath}/narrow`).code, tank.get(`${cidrsPath}/wide`).code]).toEqual([404, 200]);
  });

  it("are repaired: an address that a Service holds gets its object back, one that nobody holds is freed", () => {
    const ip = tank.get(`${servicesPath}/s1`).body.spec.clusterIP;
    expect(tank.delete(`${addressesPath}/${ip}`).code).toBe(200);
    const labels = { "ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" };
    const parentRef = { resource: "services", namespace: "default", name: "ghost" };
    const made = tank.create(addressesPath, { metadata: { name: "10.98.0.77", labels }, spec: { parentRef } });
    expect(made.code).toBe(201);
    tank.create(addressesPath, { metadata: { name: "10.98.0.78" }, spec: { parentRef } });
    settle(420_000);
    expect(tank.get(`${addressesPath}/${ip}`).body.spec.parentRef).toMatchObject({ name: "s1" });
    // What the allocator does not manage is nobody's business.
    expect([tank.get(`${addressesPath}/10.98.0.77`).code, tank.get(`${addressesPath}/10.98.0.78`).code]).toEqual([404, 200]);
  });

  it("the kubernetes Service and its endpoints come back when somebody deletes them", () => {
    const { clusterIP } = tank.get(`${servicesPath}/kubernetes`).body.spec;
    tank.delete(`${servicesPath}/kubernetes`);
    tank.delete("/api/v1/namespaces/default/endpoints/kubernetes");
    tank.delete("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
    settle(15_000);
    expect(tank.get(`${servicesPath}/kubernetes`).body.spec.clusterIP).toBe(clusterIP);
    expect(tank.get("/api/v1/namespaces/default/endpoints/kubernetes").body.subsets).toHaveLength(1);
    expect(tank.get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes").body.endpoints).toHaveLength(1);
  });
});
