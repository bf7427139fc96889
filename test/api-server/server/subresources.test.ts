import { pod, Tank } from "./tank";

const pods = "/api/v1/namespaces/shop/pods";

describe("pods/binding", () => {
  const tank = new Tank();
  tank.namespace("shop");
  const binding = (node: string) => ({ apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: node } });

  test("gives a Pod its node once, with the PodScheduled condition; a second binding is 409", () => {
    tank.create(pods, pod("p"));
    expect(tank.create(`${pods}/p/binding`, binding("node-1"))).toMatchObject({ code: 201, body: { status: "Success" } });
    expect(tank.get(`${pods}/p`).body).toMatchObject({
      spec: { nodeName: "node-1" },
      status: { conditions: [{ type: "PodScheduled", status: "True" }] },
    });
    expect(tank.create(`${pods}/p/binding`, binding("node-2"))).toMatchObject({ code: 409, body: { reason: "Conflict" } });
    expect(tank.get(`${pods}/p`).body.spec.nodeName).toBe("node-1");
  });

  test("of two bindings at once one wins", () => {
    tank.create(pods, pod("q"));
    const codes: number[] = [];
    for (const node of ["node-1", "node-2"])
      tank.ask("POST", `${pods}/q/binding`, { body: { target: { kind: "Node", name: node } } }, (reply) => codes.push(reply.code));
    tank.until(() => codes.length === 2, "no answer");
    expect(codes.sort()).toEqual([201, 409]);
  });
});

describe("pods/eviction and PodDisruptionBudgets", () => {
  const tank = new Tank();
  tank.namespace("shop");
  const budgets = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets";
  const ready = (name: string) => {
    tank.create(pods, pod(name, {}, { labels: { app: "web" } }));
    tank.create(`${pods}/${name}/binding`, { target: { kind: "Node", name: "node-0" } });
    tank.patch(`${pods}/${name}/status`, "merge", { status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] } });
  };
  const evict = (name: string) =>
    tank.create(`${pods}/${name}/eviction`, { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: "shop" } });
  for (const name of ["a", "b", "c"]) ready(name);
  tank.create(budgets, { metadata: { name: "web" }, spec: { minAvailable: 2, selector: { matchLabels: { app: "web" } } } });

  test("a budget that its controller has not seen yet forbids: 429 with the cause DisruptionBudget", () => {
    expect(evict("a")).toMatchObject({
      code: 429,
      body: { reason: "TooManyRequests", details: { causes: [{ reason: "DisruptionBudget" }] } },
    });
  });

  test("an allowed disruption is counted down and named before the Pod is deleted; the next is 429", () => {
    tank.patch(`${budgets}/web/status`, "merge", {
      status: { observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 },
    });
    expect(evict("a")).toMatchObject({ code: 201, body: { status: "Success" } });
    expect(tank.get(`${budgets}/web`).body.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { a: expect.any(String) } });
    expect(tank.get(`${pods}/a`).body).toMatchObject({
      metadata: { deletionTimestamp: expect.any(String) },
      status: {
        conditions: expect.arrayContaining([expect.objectContaining({ type: "DisruptionTarget", reason: "EvictionByEvictionAPI" })]),
      },
    });
    expect(evict("b")).toMatchObject({
      code: 429,
      body: { details: { causes: [{ message: "The disruption budget web needs 2 healthy pods and has 3 currently" }] } },
    });
    expect(tank.get(`${pods}/b`).body.metadata.deletionTimestamp).toBeUndefined();
  });

  test("two evictions at once cannot both use the last disruption allowed", () => {
    tank.patch(`${budgets}/web/status`, "merge", { status: { disruptionsAllowed: 1, disruptedPods: null } });
    const codes: number[] = [];
    for (const name of ["b", "c"])
      tank.ask("POST", `${pods}/${name}/eviction`, { body: { metadata: { name } } }, (reply) => codes.push(reply.code));
    tank.until(() => codes.length === 2, "no answer");
    expect(codes.sort()).toEqual([201, 429]);
  });

  test("a Pod without a budget is simply deleted", () => {
    tank.create(pods, pod("alone"));
    expect(evict("alone").code).toBe(201);
    expect(tank.get(`${pods}/alone`).code).toBe(404);
  });
});

describe("services", () => {
  const tank = new Tank({ servers: 2 });
  tank.namespace("shop");
  const services = "/api/v1/namespaces/shop/services";
  const service = (name: string, spec: object = {}) => ({
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec },
  });

  test("a Service gets an address of the network, and keeps it", () => {
    const made = tank.create(services, service("web"));
    expect(made.body.spec).toMatchObject({ clusterIP: expect.stringMatching(/^10\.96\./), ipFamilies: ["IPv4"] });
    const patched = tank.patch(`${services}/web`, "merge", { spec: { selector: { app: "other" } } });
    expect(patched.body.spec.clusterIP).toBe(made.body.spec.clusterIP);
    expect(tank.get(`/apis/networking.k8s.io/v1/ipaddresses/${made.body.spec.clusterIP}`).body.spec.parentRef).toMatchObject({
      name: "web",
      namespace: "shop",
    });
  });

  test("an address that is asked for is given once: of two Services that race for it through two servers one gets it", () => {
    const codes: number[] = [];
    for (const server of [0, 1])
      tank.ask("POST", services, { server, body: service(`race-${server}`, { clusterIP: "10.96.0.77" }) }, (reply) =>
        codes.push(reply.code),
      );
    tank.until(() => codes.length === 2, "no answer");
    expect(codes.sort()).toEqual([201, 422]);
  });

  test("node ports are unique, and a deleted Service gives address and port back", () => {
    const made = tank.create(services, service("np", { type: "NodePort" }));
    const { clusterIP, ports } = made.body.spec;
    expect(ports[0].nodePort).toBeGreaterThanOrEqual(30000);
    expect(tank.create(services, service("np2", { type: "NodePort", ports: [{ port: 80, nodePort: ports[0].nodePort }] })).code).toBe(422);
    tank.delete(`${services}/np`);
    expect(
      tank.create(services, service("np3", { type: "NodePort", clusterIP, ports: [{ port: 80, nodePort: ports[0].nodePort }] })).code,
    ).toBe(201);
  });

  test("headless and ExternalName Services take no address; one outside the network is refused", () => {
    expect(tank.create(services, service("headless", { clusterIP: "None" })).body.spec).toMatchObject({
      clusterIP: "None",
      clusterIPs: ["None"],
    });
    expect(
      tank.create(services, service("named", { type: "ExternalName", externalName: "example.com" })).body.spec.clusterIP,
    ).toBeUndefined();
    expect(tank.create(services, service("far", { clusterIP: "192.168.1.1" })).code).toBe(422);
  });

  test("the kubernetes Service leads to the API servers that live", () => {
    const addresses = () =>
      tank.get("/api/v1/namespaces/default/endpoints/kubernetes").body.subsets[0].addresses.map(({ ip }: { ip: string }) => ip);
    tank.simulation.runFor(12_000);
    expect(addresses()).toEqual(["172.18.0.10", "172.18.0.11"]);
    expect(tank.get("/api/v1/namespaces/default/services/kubernetes").body.spec.clusterIP).toBe("10.96.0.1");
    tank.simulation.crashHost("apiserver-1");
    tank.simulation.runFor(40_000);
    expect(addresses()).toEqual(["172.18.0.10"]);
    expect(tank.get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes").body.endpoints).toHaveLength(1);
  });
});

describe("what is asked and answered", () => {
  const tank = new Tank();
  tank.namespace("shop");
  const node = { type: "certificate", commonName: "system:node:node-0", organizations: ["system:nodes"] } as const;

  test("a service account's token stands for the account until the account is gone", () => {
    const made = tank.create("/api/v1/namespaces/shop/serviceaccounts/default/token", { spec: { expirationSeconds: 600 } });
    expect(made).toMatchObject({
      code: 201,
      body: { kind: "TokenRequest", status: { token: expect.any(String), expirationTimestamp: expect.any(String) } },
    });
    const credential = { type: "bearer", token: made.body.status.token } as const;
    const whoami = tank.create(
      "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
      { credential },
    );
    expect(whoami.body.status.userInfo.username).toBe("system:serviceaccount:shop:default");
    expect(tank.get("/api/v1/namespaces/shop/secrets", { credential })).toMatchObject({ code: 403, body: { reason: "Forbidden" } });
    const review = tank.create("/apis/authentication.k8s.io/v1/tokenreviews", { spec: { token: made.body.status.token } });
    expect(review.body.status).toMatchObject({ authenticated: true, user: { username: "system:serviceaccount:shop:default" } });
    tank.delete("/api/v1/namespaces/shop/serviceaccounts/default");
    expect(tank.get("/api/v1/namespaces/shop/secrets", { credential }).code).toBe(401);
    tank.create("/api/v1/namespaces/shop/serviceaccounts", { metadata: { name: "default" } });
    expect(tank.get("/api/v1/namespaces/shop/secrets", { credential }).code).toBe(401);
  });

  test("auth can-i: access reviews answer by the roles", () => {
    const ask = (resourceAttributes: object, credential?: typeof node) =>
      tank.create(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        { spec: { resourceAttributes } },
        credential ? { credential } : {},
      ).body.status.allowed;
    expect(ask({ verb: "delete", resource: "nodes" })).toBe(true);
    expect(ask({ verb: "get", resource: "nodes", name: "node-0" }, node)).toBe(true);
    expect(ask({ verb: "delete", resource: "clusterroles", group: "rbac.authorization.k8s.io" }, node)).toBe(false);
  });

  test("a kubelet writes to its own Node and not to another's (NodeRestriction)", () => {
    const nodes = "/api/v1/nodes";
    expect(tank.create(nodes, { metadata: { name: "node-0" } }, { credential: node }).body.spec.taints).toEqual([
      { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" },
    ]);
    expect(tank.create(nodes, { metadata: { name: "node-1" } }, { credential: node }).code).toBe(403);
  });

  test("impersonation needs to be allowed, and then counts", () => {
    const impersonation = { user: "jane", uid: "", groups: [], extra: {} };
    expect(tank.get("/api/v1/nodes", { impersonation })).toMatchObject({
      code: 403,
      body: { message: expect.stringContaining('User "jane" cannot list resource "nodes"') },
    });
    expect(tank.get("/api/v1/nodes", { impersonation, credential: node }).body.message).toContain("impersonate");
  });

  test.each([
    ["GET", "/apis/apps/v1/namespaces/shop/sprockets", 404],
    ["GET", "/apis/sprockets.example.com/v1/things", 404],
    ["GET", "/nowhere", 404],
    ["DELETE", "/api/v1/namespaces", 405],
    ["POST", "/api/v1/pods", 405],
    ["GET", "/api/v1/namespaces/shop/nodes", 404],
    ["GET", "/api/v1/namespaces/shop/pods/p/exec", 400],
    ["GET", "/api/v1/namespaces/shop/pods/none/log", 404],
  ])("%s %s is %d as a Status", (method, target, code) => {
    expect(tank.request(method, target)).toMatchObject({ code, body: { kind: "Status", status: "Failure", code } });
  });

  test("a body in protobuf is 415", () => {
    const reply = tank.create(
      "/api/v1/namespaces/shop/configmaps",
      { metadata: { name: "x" } },
      { contentType: "application/vnd.kubernetes.protobuf" },
    );
    expect(reply.code).toBe(415);
  });

  test("health, version, discovery, OpenAPI and metrics are answered", () => {
    expect(tank.get("/readyz").text).toBe("ok");
    expect(tank.get("/readyz?verbose").text).toContain("[+]etcd ok");
    expect(tank.get("/livez/ping", { credential: { type: "anonymous" } }).code).toBe(200);
    expect(tank.get("/version").body.major).toBe("1");
    expect(tank.get("/apis").body.kind).toBe("APIGroupList");
    expect(tank.get("/api/v1").body.kind).toBe("APIResourceList");
    expect(tank.get("/openapi/v3").body.paths).toHaveProperty("apis/apps/v1");
    expect(tank.get("/metrics").text).toContain('apiserver_storage_objects{resource="nodes"} 1');
  });
});
