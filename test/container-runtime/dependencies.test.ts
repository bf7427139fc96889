import type { ImageBehaviour } from "../../actors/container-runtime";
import { serviceKeyOf, targetOf } from "../../actors/container-runtime/dependencies";
import { wrongWithBehaviour } from "../../actors/container-runtime/image-behaviour";
import { NodesTank } from "../scheduler/nodes-tank";

const container = (image: string) => ({ containers: [{ name: "c", image, ports: [{ containerPort: 8080 }] }] });

/** A Service of one pod of the image `shop/NAME`, with the slice that a controller would keep; headless where `clusterIP` says so. */
function serve(t: NodesTank, name: string, node: string, spec: object = {}): string {
  t.run(name, { ...container(`shop/${name}:1`), nodeName: node });
  t.until(() => t.pod(name)?.status?.podIP !== undefined, `${name} did not start`);
  const service = t.create("/api/v1/namespaces/shop/services", { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } }).body;
  const headless = service.spec.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {};
  t.create("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices", {
    metadata: { name, labels: { "kubernetes.io/service-name": name, ...headless } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: service.spec.ports[0].protocol }],
    endpoints: [{ addresses: [t.pod(name)!.status!.podIP!], nodeName: node, conditions: { ready: true } }],
  });
  t.simulation.runFor(3_000);
  return service.spec.clusterIP;
}

function tank(...behaviours: readonly ImageBehaviour[]): NodesTank {
  return new NodesTank({ nodes: 2, behaviours: behaviours.map((one) => ({ latencyMs: 5, ...one })) });
}

describe("an image that depends on other Services", () => {
  it("asks them through its node's kube-proxy, and is only as available as they are", () => {
    const t = tank({ image: "shop/web", dependencies: ["api"] }, { image: "shop/api", dependencies: ["shop/db:80"] }, { image: "shop/db" });
    const web = serve(t, "web", "node-0");
    serve(t, "api", "node-1");
    serve(t, "udp", "node-0", { ports: [{ port: 53, protocol: "UDP" }] });
    expect(t.send("node-0", web, 80)).toMatchObject({
      outcome: "answered",
      code: 503,
      servedBy: "shop/web",
      detail: expect.stringMatching(
        /^depends on shop\/api: answered 503: depends on shop\/db: unreachable: lookup db.shop.*: no such host$/,
      ),
    });
    serve(t, "db", "node-0", { clusterIP: "None" });
    expect(t.send("node-0", web, 80)).toMatchObject({ outcome: "answered", code: 200 });
    // A process that asks by itself, from a pod's own shell: DNS, HTTP, a datagram, and nobody.
    const script =
      "{ until nslookup db >/dev/null; do sleep 1; done; nslookup db | tail -n 3; curl -s -o /dev/null -w '%{http_code} ' http://web; echo hi | nc -u -w 1 udp 53; nc -z api 81; wget -qO- nobody; } > /dev/termination-log 2>&1";
    t.run("curious", {
      containers: [{ name: "c", image: "busybox", command: ["sh", "-c", script] }],
      nodeName: "node-1",
      restartPolicy: "Never",
    });
    t.until(() => t.pod("curious")?.status?.phase === "Failed", "the script did not end");
    const { message } = t.pod("curious")!.status!.containerStatuses![0]!.state!.terminated!;
    expect(message).toMatch(
      /^Name:\tdb\.shop\.svc\.cluster\.local\nAddress: 10\.\d+\.\d+\.\d+\n\n200 oknc: api \(api:81\): Connection refused\nwget: bad address 'nobody'\n$/,
    );
    // From a node that has not asked for a headless Service's pods yet.
    t.simulation.crashHost("node-1");
    expect(t.send("node-0", web, 80)).toMatchObject({
      code: 503,
      detail: expect.stringMatching(/^depends on shop\/api: (timeout|unreach)/),
    });
  });

  it("gives a dependency its time and no more, and goes on without one that it does not need", () => {
    const t = tank(
      { image: "shop/web", dependencies: [{ service: "slow", timeoutMs: 100 }] },
      { image: "shop/lenient", dependencies: [{ service: "slow", timeoutMs: 100, required: false }] },
      { image: "shop/slow", latencyMs: 300 },
    );
    serve(t, "slow", "node-1");
    expect(t.send("node-0", serve(t, "web", "node-0"), 80)).toMatchObject({ code: 503, detail: "depends on shop/slow: timeout" });
    expect(t.send("node-0", serve(t, "lenient", "node-0"), 80)).toMatchObject({ code: 200 });
  });

  it("asks for probes only where its health checks look at what stands behind", () => {
    const t = tank(
      { image: "shop/shallow", dependencies: ["nobody"] },
      { image: "shop/deep", dependencies: [{ service: "nobody", inProbes: true }] },
    );
    const readinessProbe = { httpGet: { port: 8080 }, periodSeconds: 1 };
    for (const name of ["shallow", "deep"]) t.run(name, { containers: [{ ...container(`shop/${name}:1`).containers[0], readinessProbe }] });
    t.simulation.runFor(10_000);
    const isReady = (name: string) => t.pod(name)?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
    expect([isReady("shallow"), isReady("deep")]).toEqual(["True", "False"]);
  });

  it("ends calls that go round in circles", () => {
    const t = tank({ image: "shop/a", dependencies: ["b"] }, { image: "shop/b", dependencies: ["a"] });
    const a = serve(t, "a", "node-0");
    serve(t, "b", "node-1");
    expect(t.send("node-0", a, 80)).toMatchObject({ code: 503, detail: expect.stringContaining("they go round in circles") });
  });
});

describe("how a dependency is written", () => {
  test.each([
    ["api", "api", 0, "shop/api"],
    ["api:8080", "api", 8080, "shop/api"],
    ["pay/api", "api.pay.svc.cluster.local.", 0, "pay/api"],
    ["api.pay.svc:80", "api.pay.svc", 80, "pay/api"],
  ])("%s", (service, host, port, key) => {
    expect(targetOf({ service })).toEqual({ host, port });
    expect(serviceKeyOf({ service }, "shop")).toBe(key);
  });

  test("anything else is refused", () => {
    for (const dependencies of ["api", [{ service: "API" }], [{ name: "api" }], [{ service: "api", timeoutMs: 0 }], [""]])
      expect(wrongWithBehaviour({ image: "a", dependencies }, "images[0]")).toEqual([
        expect.stringMatching(/^images\[0\]\.dependencies: expected a list of Services/),
      ]);
    expect(wrongWithBehaviour({ image: "a", dependencies: ["api", { service: "b", required: false }] }, "")).toEqual([]);
  });
});
