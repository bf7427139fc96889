import { formatIPv4, networkOf, parseCidr, parseIPv4 } from "../../actors/network/cidr";
import { resolveName } from "../../actors/network/dns";
import { nextPodAddress } from "../../actors/network/ipam";
import { Routes } from "../../actors/network/routes";
import type { EndpointSlice, Node, Service } from "../../protocol/kinds/generated";

describe("addresses", () => {
  test("IPv4 texts and numbers are the same thing", () => {
    expect(formatIPv4(parseIPv4("192.168.0.10")!)).toBe("192.168.0.10");
    expect(["10.0.0", "10.0.0.256", "10.0.0.01", "::1"].map(parseIPv4)).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("a network is its prefix, also at both ends of the scale", () => {
    expect(parseCidr("10.244.1.7/24")).toEqual({ network: parseIPv4("10.244.1.0"), bits: 24 });
    expect([networkOf(parseIPv4("200.1.2.3")!, 0), networkOf(parseIPv4("200.1.2.3")!, 32)]).toEqual([0, parseIPv4("200.1.2.3")]);
    expect(parseCidr("10.0.0.0/33")).toBeUndefined();
  });
});

describe("addresses for pods (CNI host-local)", () => {
  const cidr = parseCidr("10.244.1.0/29")!;
  const ip = (text: string) => parseIPv4(text)!;

  test("begin behind the gateway and end before the broadcast address", () => {
    const taken = new Set<number>();
    const given: string[] = [];
    for (let next = nextPodAddress(cidr, taken, undefined); next !== undefined; next = nextPodAddress(cidr, taken, next)) {
      taken.add(next);
      given.push(formatIPv4(next));
    }
    expect(given).toEqual(["10.244.1.2", "10.244.1.3", "10.244.1.4", "10.244.1.5", "10.244.1.6"]);
  });

  test("an address that became free is given again only after the others", () => {
    expect(formatIPv4(nextPodAddress(cidr, new Set([ip("10.244.1.3")]), ip("10.244.1.3"))!)).toBe("10.244.1.4");
    expect(formatIPv4(nextPodAddress(cidr, new Set(), ip("10.244.1.6"))!)).toBe("10.244.1.2");
  });
});

test("routes lead to a pod's node by its podCIDR, and to nodes by their own address; a deleted node takes its routes with it", () => {
  const node = (name: string, podCIDR: string, address: string): Node => ({
    metadata: { name },
    spec: { podCIDR },
    status: { addresses: [{ type: "InternalIP", address }] },
  });
  const routes = new Routes();
  routes.set(node("node-0", "10.244.0.0/24", "192.168.0.10"));
  routes.set(node("node-1", "10.244.1.0/24", "192.168.0.11"));
  expect(routes.find("10.244.1.9")).toEqual({ is: "pod", node: "node-1" });
  expect(routes.find("192.168.0.10")).toEqual({ is: "node", node: "node-0" });
  expect(routes.find("10.244.7.1")).toBeUndefined();
  routes.delete("node-1");
  expect(routes.find("10.244.1.9")).toBeUndefined();
});

describe("names (Kubernetes DNS specification)", () => {
  const services = new Map<string, Service>([
    ["shop/web", { spec: { clusterIP: "10.96.0.10", ports: [{ name: "http", port: 80 }] } }],
    ["shop/db", { spec: { clusterIP: "None", ports: [{ name: "sql", port: 5432 }] } }],
    ["shop/mail", { spec: { type: "ExternalName", externalName: "mail.example.org" } }],
  ]);
  const slice = {
    endpoints: [
      { addresses: ["10.244.0.5"], hostname: "db-0" },
      { addresses: ["10.244.1.5"], hostname: "db-1", conditions: { ready: false } },
    ],
  } as unknown as EndpointSlice;
  const resolve = (name: string, from = "shop") => resolveName(name, from, services, (key) => (key === "shop/db" ? [slice] : []));

  test.each(["web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local", "web.shop.svc.cluster.local."])(
    "%s is the Service's address",
    (name) => {
      expect(resolve(name)).toEqual({ found: true, name: "web.shop.svc.cluster.local", addresses: ["10.96.0.10"], service: "shop/web" });
    },
  );

  test("a short name means a Service of the pod's own namespace", () => {
    expect(resolve("web", "other")).toEqual({ found: false });
    expect(resolve("web.shop", "other").found).toBe(true);
  });

  test("a headless Service is its ready pods, also one by one", () => {
    const found = { found: true, addresses: ["10.244.0.5"], service: "shop/db" };
    expect(resolve("db")).toEqual({ ...found, name: "db.shop.svc.cluster.local" });
    expect(resolve("db-0.db")).toEqual({ ...found, name: "db-0.db.shop.svc.cluster.local" });
    expect(resolve("db-1.db")).toEqual({ found: false });
  });

  test("a named port is where its Service is, or each ready pod of a headless one", () => {
    const ports = (name: string) => {
      const answer = resolve(name);
      return "ports" in answer ? answer.ports : undefined;
    };
    expect(ports("_http._tcp.web")).toEqual([{ port: 80, target: "web.shop.svc.cluster.local" }]);
    expect(ports("_sql._tcp.db.shop.svc.cluster.local.")).toEqual([{ port: 5432, target: "db-0.db.shop.svc.cluster.local" }]);
    expect([ports("_http._udp.web"), ports("_nope._tcp.web")]).toEqual([undefined, undefined]);
  });

  test("ExternalName is an alias", () => {
    expect(resolve("mail")).toEqual({ found: true, name: "mail.shop.svc.cluster.local", cname: "mail.example.org" });
  });
});
