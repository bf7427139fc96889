import { mergeSwaggers, readSwagger } from "../../actors/api-server/openapi/swagger-of-others";
import { controllerManager } from "../../actors/controller-manager";
import { address } from "../../protocol/address";
import type { HttpChunk, HttpRequest, HttpResponse } from "../../protocol/web";
import type { AnyActor } from "../../runtime/actor";
import { install, widgetDefinition } from "./custom-resources/definitions";
import { type Orchard, orchardActor, orchardGroup } from "./orchard";
import { type Json, Tank } from "./server/tank";

const apiServices = "/apis/apiregistration.k8s.io/v1/apiservices";
const condition = (tank: Tank, name: string): string => {
  const found = tank.get(`${apiServices}/${name}`).body.status?.conditions?.[0];
  return found ? `${found.type}=${found.status} ${found.reason}: ${found.message}` : "none";
};

/** A server of the user's for metrics.example.com/v1, as an actor: it serves fruits, and tells what it was asked. */
function extension(seen: HttpRequest[], how: { silent: boolean }): AnyActor {
  const json = (code: number, body: unknown): HttpResponse => ({
    ...{ kind: "http.response", code, headers: [["content-type", "application/json"]] },
    body: Buffer.from(JSON.stringify(body)),
  });
  const resources = [
    {
      name: "fruits",
      singularName: "fruit",
      namespaced: true,
      kind: "Fruit",
      verbs: ["get", "list", "create", "watch"],
      shortNames: ["fr"],
    },
    { name: "fruits/status", singularName: "", namespaced: true, kind: "Fruit", verbs: ["get"] },
  ];
  return {
    role: "extension",
    start: () => null,
    receive: (_state, input, ctx) => {
      if (input.type === "opened") {
        seen.push(input.body as HttpRequest);
        const head: HttpResponse = { ...json(200, {}), body: new Uint8Array() };
        ctx.push(input.stream, head);
        for (const line of ["one\n", "two\n"]) {
          const chunk: HttpChunk = { kind: "http.chunk", bytes: Buffer.from(line) };
          ctx.push(input.stream, chunk);
        }
        ctx.close(input.stream);
      }
      if (input.type !== "request" || how.silent) return undefined;
      const request = input.body as HttpRequest;
      const { pathname } = new URL(request.url);
      if (pathname.startsWith("/openapi/")) ctx.reply(input.request, json(404, {}));
      else if (pathname === "/apis/metrics.example.com/v1")
        ctx.reply(
          input.request,
          json(200, { kind: "APIResourceList", apiVersion: "v1", groupVersion: "metrics.example.com/v1", resources }),
        );
      else {
        seen.push(request);
        ctx.reply(
          input.request,
          json(request.method === "POST" ? 201 : 200, { kind: "Fruit", apiVersion: "metrics.example.com/v1", metadata: { name: "apple" } }),
        );
      }
      return undefined;
    },
  };
}

const apiService = (service: Json = { namespace: "default", name: "fruits", port: 443 }): Json => ({
  apiVersion: "apiregistration.k8s.io/v1",
  kind: "APIService",
  metadata: { name: "v1.metrics.example.com" },
  spec: {
    group: "metrics.example.com",
    version: "v1",
    service,
    insecureSkipTLSVerify: true,
    groupPriorityMinimum: 2000,
    versionPriority: 10,
  },
});
const fruits = "/apis/metrics.example.com/v1/namespaces/default/fruits";

function tankWith(seen: HttpRequest[] = [], how = { silent: false }): Tank {
  const tank = new Tank({ servers: 2, actors: [extension(seen, how)], web: { "fruits.default.svc:443": address("extension", 0) } });
  tank.create(apiServices, apiService());
  tank.simulation.runFor(1_000);
  return tank;
}

describe("APIServices of what is served here", () => {
  it("are there for each group version, and available", () => {
    const tank = new Tank();
    const { items } = tank.get(apiServices).body;
    expect(items.map(({ metadata }: Json) => metadata.name)).toEqual(
      expect.arrayContaining(["v1.", "v1.apps", "v2.autoscaling", "v1.networking.k8s.io"]),
    );
    expect(condition(tank, "v1.apps")).toBe("Available=True Local: Local APIServices are always available");
    expect(tank.get(`${apiServices}/v1.`).body).toMatchObject({
      metadata: { labels: { "kube-aggregator.kubernetes.io/automanaged": "onstart" } },
      spec: { groupPriorityMinimum: 18000 },
    });
  });

  it("come and go with custom resources", () => {
    const tank = new Tank();
    install(tank, widgetDefinition());
    tank.simulation.runFor(1_000);
    expect(condition(tank, "v1.shop.example.com")).toContain("Available=True Local");
    tank.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com");
    tank.simulation.runFor(1_000);
    expect(tank.get(`${apiServices}/v1.shop.example.com`).code).toBe(404);
  });
});

describe("an APIService of a user's own server", () => {
  it("is found available, and discovery names what it serves beside the rest", () => {
    const tank = tankWith();
    expect(condition(tank, "v1.metrics.example.com")).toBe("Available=True Passed: all checks passed");
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    for (const server of [0, 1]) {
      const group = tank.get("/apis", { accept, server }).body.items.find(({ metadata }: Json) => metadata.name === "metrics.example.com");
      expect(group.versions[0].resources[0]).toMatchObject({
        resource: "fruits",
        singularResource: "fruit",
        shortNames: ["fr"],
        subresources: [{ subresource: "status" }],
      });
      expect(tank.get("/apis/metrics.example.com", { server }).body.preferredVersion).toEqual({
        groupVersion: "metrics.example.com/v1",
        version: "v1",
      });
    }
  });

  it("gets the requests of its group version, with the user that was authenticated here, and only if it may", () => {
    const seen: HttpRequest[] = [];
    const tank = tankWith(seen);
    const credential = { type: "certificate", commonName: "ann", organizations: ["devs"] } as const;
    expect(tank.get(fruits, { credential }).code).toBe(403);
    tank.create("/apis/rbac.authorization.k8s.io/v1/clusterroles", {
      metadata: { name: "fruits" },
      rules: [{ apiGroups: ["metrics.example.com"], resources: ["fruits"], verbs: ["*"] }],
    });
    tank.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      metadata: { name: "fruits" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "fruits" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "devs" }],
    });
    tank.simulation.runFor(1_000);
    expect(tank.get(`${fruits}/apple?pretty=true`, { credential }).body.metadata.name).toBe("apple");
    expect(tank.create(fruits, { metadata: { name: "pear" } }, { credential }).code).toBe(201);
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET https://fruits.default.svc:443${fruits}/apple?pretty=true`,
      `POST https://fruits.default.svc:443${fruits}`,
    ]);
    const headers = new Map(seen[0]!.headers);
    expect(headers.get("x-remote-user")).toBe("ann");
    expect(seen[0]!.headers.filter(([name]) => name === "x-remote-group").map(([, value]) => value)).toEqual([
      "devs",
      "system:authenticated",
    ]);
    expect([...headers.keys()]).not.toContain("authorization");
    expect(seen[0]).toMatchObject({ identity: "front-proxy", serverName: "fruits.default.svc" });
    expect(JSON.parse(Buffer.from(seen[1]!.body).toString())).toEqual({ metadata: { name: "pear" } });
  });

  it("may stream", () => {
    const tank = tankWith();
    const chunks: string[] = [];
    let closed = false;
    tank.simulation.portal().open<Json>(address("apiserver", 0), tank.message("GET", `${fruits}?watch=true`), (input) => {
      if (input.type === "closed") closed = true;
      else if (input.body.kind === "api.chunk") chunks.push(Buffer.from(input.body.bytes).toString());
    });
    tank.until(() => closed, "the watch did not end");
    expect(chunks.join("")).toBe("one\ntwo\n");
  });

  it("that does not answer is unavailable, says why, and comes back", () => {
    const how = { silent: false };
    const tank = tankWith([], how);
    how.silent = true;
    tank.simulation.runFor(20_000);
    expect(condition(tank, "v1.metrics.example.com")).toBe(
      "Available=False FailedDiscoveryCheck: failing or missing response from https://fruits.default.svc:443/apis/metrics.example.com/v1: " +
        'Get "https://fruits.default.svc:443/apis/metrics.example.com/v1": context deadline exceeded',
    );
    expect(tank.get(fruits)).toMatchObject({ code: 503, body: { message: "service unavailable" } });
    how.silent = false;
    tank.simulation.runFor(20_000);
    expect(condition(tank, "v1.metrics.example.com")).toContain("Available=True");
    expect(tank.get(`${fruits}/apple`).code).toBe(200);
  });

  it("whose Service is not there, or leads to pods, is unavailable and nobody dials its address", () => {
    const tank = new Tank();
    tank.create(apiServices, apiService());
    tank.simulation.runFor(1_000);
    expect(condition(tank, "v1.metrics.example.com")).toBe('Available=False ServiceNotFound: service "fruits" not found');
    tank.create("/api/v1/namespaces/default/services", { metadata: { name: "fruits" }, spec: { ports: [{ port: 443 }] } });
    tank.simulation.runFor(10_000);
    expect(condition(tank, "v1.metrics.example.com")).toBe('Available=False MissingEndpoints: no endpoints available for service "fruits"');
    const slice = { addressType: "IPv4", ports: [{ name: "", port: 443 }], endpoints: [{ addresses: ["10.244.0.9"] }] };
    tank.create("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", {
      metadata: { name: "f", labels: { "kubernetes.io/service-name": "fruits" } },
      ...slice,
    });
    tank.simulation.runFor(10_000);
    expect(condition(tank, "v1.metrics.example.com")).toContain("exist inside of this cluster only");
    tank.delete(`${apiServices}/v1.metrics.example.com`);
    tank.simulation.runFor(10_000);
    expect(tank.get(fruits).code).toBe(404);
  });

  it("cannot take over what is built in", () => {
    const tank = tankWith();
    const stolen = {
      ...apiService(),
      metadata: { name: "v1.networking.k8s.io" },
      spec: { ...apiService().spec, group: "networking.k8s.io" },
    };
    const { body } = tank.get(`${apiServices}/v1.networking.k8s.io`);
    tank.put(`${apiServices}/v1.networking.k8s.io`, { ...body, spec: stolen.spec });
    tank.simulation.runFor(1_000);
    expect(tank.get("/apis/networking.k8s.io/v1/ingresses").body.kind).toBe("IngressList");
  });
});

describe("what an aggregated server says of its types", () => {
  const definition = "com.example.orchard.v1.Fruit";
  const v3 = `/openapi/v3/apis/${orchardGroup}/v1`;

  it("stands in our OpenAPI: version 3 is passed through, version 2 merged under names that are free", () => {
    const { tank } = orchardTank();
    for (const server of [0, 1]) {
      const { paths } = tank.get("/openapi/v3", { server }).body;
      expect(paths[`apis/${orchardGroup}/v1`]).toEqual({ serverRelativeURL: `${v3}?hash=ORCHARD` });
      expect(paths["api/v1"].serverRelativeURL).toMatch(/^\/openapi\/v3\/api\/v1\?hash=/);
      expect(tank.get(`${v3}?hash=ORCHARD`, { server }).body).toMatchObject({ "x-hash": "ORCHARD" });
    }
    const { definitions, paths, parameters } = tank.get("/openapi/v2").body;
    const theirs = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_v2";
    expect(definitions[definition].properties.metadata).toEqual({ $ref: `#/definitions/${theirs}` });
    expect(definitions[theirs]).toMatchObject({ description: "Of an older version." });
    expect(definitions["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"].properties).toHaveProperty("ownerReferences");
    expect(Object.keys(definitions)).not.toContain("com.example.orchard.Unused");
    expect(Object.keys(paths)).not.toContain("/apis/elsewhere.example.com/v1/things");
    expect(paths[`/apis/${orchardGroup}/v1/namespaces/{namespace}/fruits`].post.parameters[1]).toMatchObject({
      name: "pretty",
      in: "query",
    });
    expect(parameters).toHaveProperty("fieldManager");
    const protobuf = tank.get("/openapi/v2", { accept: "application/com.github.proto-openapi.spec.v2@v1.0+protobuf" });
    expect(protobuf.text).toContain(definition);
  });

  it("is translated where the server has no version 3, and goes with its APIService", () => {
    const { tank } = orchardTank({ openApi: "v2 alone" });
    const { serverRelativeURL } = tank.get("/openapi/v3").body.paths[`apis/${orchardGroup}/v1`];
    const { paths, components } = tank.get(serverRelativeURL).body;
    const post = paths[`/apis/${orchardGroup}/v1/namespaces/{namespace}/fruits`].post;
    expect(post.requestBody.content["application/json"].schema).toEqual({ $ref: `#/components/schemas/${definition}` });
    expect(components.schemas[definition].required).toEqual(["colour"]);
    tank.delete(`${apiServices}/v1.${orchardGroup}`);
    tank.simulation.runFor(10_000);
    expect(Object.keys(tank.get("/openapi/v3").body.paths)).not.toContain(`apis/${orchardGroup}/v1`);
    expect(Object.hasOwn(tank.get("/openapi/v2").body.definitions, definition)).toBe(false);
    expect(tank.get(v3).code).toBe(404);
  });

  it("may be nothing or nonsense", () => {
    const { tank, orchard } = orchardTank({ openApi: "none" });
    expect(Object.keys(tank.get("/openapi/v3").body.paths)).not.toContain(`apis/${orchardGroup}/v1`);
    expect(tank.get("/openapi/v2").code).toBe(200);
    orchard.openApi = "v3";
    tank.simulation.runFor(70_000);
    expect(Object.hasOwn(tank.get("/openapi/v2").body.definitions, definition)).toBe(true);
  });
});

describe("a hostile OpenAPI document", () => {
  const prefix = "/apis/x.example.com/v1/";

  it("that refers to a great parameter again and again is not taken, instead of written out", () => {
    const properties = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`p${n}`, { type: "string" }]));
    const parameters = { great: { name: "body", in: "body", schema: { type: "object", properties } } };
    const get = { parameters: Array.from({ length: 20_000 }, () => ({ $ref: "#/parameters/great" })), responses: {} };
    expect(readSwagger({ parameters, paths: { [`${prefix}xs`]: { get } } }, prefix)).toBeUndefined();
    const once = { ...get, parameters: get.parameters.slice(0, 1), produces: Array.from({ length: 9_000 }, (_, n) => `a/b${n}`) };
    const taken = readSwagger({ parameters, paths: { [`${prefix}xs`]: { get: once } } }, prefix)!;
    expect(taken.paths[`${prefix}xs`]!.get!.parameters).toHaveLength(1);
    expect(taken.paths[`${prefix}xs`]!.get!.produces).toHaveLength(16);
  });

  it("whose definition already has the name that another would get loses neither", () => {
    const own = { swagger: "2.0", info: {}, paths: {}, definitions: { A: { type: "string" } }, parameters: {} };
    const theirs = { paths: {}, definitions: { A: { type: "integer" }, A_v2: { type: "boolean" } } };
    const { definitions } = mergeSwaggers(own as unknown as Parameters<typeof mergeSwaggers>[0], [theirs]);
    expect(definitions).toEqual({ A: { type: "string" }, A_v2: { type: "boolean" }, A_v3: { type: "integer" } });
  });
});

describe("objects of an aggregated server", () => {
  const planted = (tank: Tank, namespace: string, metadata: Json) =>
    expect(tank.create(`/apis/${orchardGroup}/v1/namespaces/${namespace}/fruits`, { metadata, colour: "red" }).code).toBe(201);

  it("go with their owners, wherever these are", () => {
    const { tank, orchard } = orchardTank({}, ["garbage-collector"]);
    const { uid } = tank.create("/api/v1/namespaces/default/configmaps", { metadata: { name: "tree" } }).body.metadata;
    planted(tank, "default", { name: "apple", ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "tree", uid }] });
    planted(tank, "default", { name: "pear" });
    const owner = { apiVersion: `${orchardGroup}/v1`, kind: "Fruit", name: "pear", uid: "uid-pear" };
    tank.create("/api/v1/namespaces/default/configmaps", { metadata: { name: "seed", ownerReferences: [owner] } });
    tank.simulation.runFor(20_000);
    expect([...orchard.fruits.keys()]).toEqual(["default/apple", "default/pear"]);
    expect(tank.get("/api/v1/namespaces/default/configmaps/seed").code).toBe(200);
    tank.delete("/api/v1/namespaces/default/configmaps/tree");
    tank.delete(`/apis/${orchardGroup}/v1/namespaces/default/fruits/pear`);
    tank.simulation.runFor(20_000);
    expect([...orchard.fruits.keys()]).toEqual([]);
    expect(tank.get("/api/v1/namespaces/default/configmaps/seed").code).toBe(404);
  });

  it("go with their namespace, which waits for a server that does not say what it has", () => {
    const { tank, orchard } = orchardTank({}, ["namespace"]);
    for (const name of ["shop", "other"]) tank.create("/api/v1/namespaces", { metadata: { name } });
    planted(tank, "shop", { name: "apple" });
    planted(tank, "other", { name: "pear" });
    orchard.isSilent = true;
    tank.simulation.runFor(20_000);
    tank.create("/api/v1/namespaces/shop/configmaps", { metadata: { name: "settings" } });
    tank.delete("/api/v1/namespaces/shop");
    tank.simulation.runFor(20_000);
    const { conditions } = tank.get("/api/v1/namespaces/shop").body.status;
    expect(conditions[0]).toMatchObject({
      ...{ type: "NamespaceDeletionDiscoveryFailure", status: "True", reason: "DiscoveryFailed" },
      message:
        "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: " +
        "orchard.example.com/v1: stale GroupVersion discovery: orchard.example.com/v1",
    });
    // What can be deleted is.
    expect(tank.get("/api/v1/namespaces/shop/configmaps").body.items).toEqual([]);
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const group = tank.get("/apis", { accept }).body.items.find(({ metadata }: Json) => metadata.name === orchardGroup);
    expect(group.versions[0]).toMatchObject({ version: "v1", freshness: "Stale", resources: [{ resource: "fruits" }] });
    orchard.isSilent = false;
    tank.simulation.runFor(60_000);
    expect(tank.get("/api/v1/namespaces/shop").code).toBe(404);
    expect([...orchard.fruits.keys()]).toEqual(["other/pear"]);
    expect(orchard.asked).toContain(`DELETE /apis/${orchardGroup}/v1/namespaces/shop/fruits/apple`);
  });
});

function orchardTank(how: Partial<Orchard> = {}, controllers: readonly string[] = []): { tank: Tank; orchard: Orchard } {
  const orchard: Orchard = { fruits: new Map(), asked: [], isSilent: false, openApi: "v3", ...how };
  const web = { "orchard.default.svc:443": address("orchard", 0) };
  const tank = new Tank({ servers: controllers.length > 0 ? 1 : 2, actors: [orchardActor(orchard), controllerManager], web });
  const spec = { ...apiService().spec, group: orchardGroup, service: { namespace: "default", name: "orchard", port: 443 } };
  tank.create(apiServices, { ...apiService(), metadata: { name: `v1.${orchardGroup}` }, spec });
  if (controllers.length > 0) {
    tank.simulation.addHost({ name: "controllers", zone: "z0" });
    const config = { apiServers: [address("apiserver", 0)], clusterCidr: "10.244.0.0/16", serviceCidr: "10.96.0.0/16", rootCa: "PEM" };
    tank.simulation.place("controllers", address("controller-manager", 0), { ...config, controllers });
    tank.simulation.startHost("controllers");
  }
  tank.simulation.runFor(1_000);
  return { tank, orchard };
}
