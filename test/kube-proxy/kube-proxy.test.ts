import { address } from "../../protocol/address";
import type { Pod } from "../../protocol/kinds/generated";
import { NodesTank } from "../scheduler/nodes-tank";

/** A Service named web, and the slice that a controller would keep for these pods. */
function serve(t: NodesTank, pods: readonly Pod[], spec: object = {}): string {
  const metadata = { name: "web", namespace: "shop" };
  const service = t.create("/api/v1/namespaces/shop/services", {
    metadata,
    spec: { ports: [{ port: 80, targetPort: 8080 }], ...spec },
  }).body;
  t.create("/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices", {
    metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints: pods.map(({ spec: podSpec, status }) => ({
      addresses: [status!.podIP!],
      nodeName: podSpec!.nodeName,
      conditions: { ready: true, serving: true, terminating: false },
    })),
  });
  t.simulation.runFor(2_000);
  return service.spec.clusterIP;
}

describe("a kube-proxy on each node", () => {
  test("carries requests for a Service to its pods on all nodes", () => {
    const t = new NodesTank({ nodes: 3 });
    for (let n = 0; n < 3; n += 1) t.run(`web-${n}`);
    t.simulation.runFor(10_000);
    const clusterIp = serve(t, t.pods());
    const answered = Array.from({ length: 40 }, (_, n) => t.send(`node-${n % 3}`, clusterIp, 80)?.servedBy);
    expect(new Set(answered)).toEqual(new Set(["shop/web-0", "shop/web-1", "shop/web-2"]));
    expect(t.send("node-0", clusterIp, 81)?.outcome).toBe("refused");
  });

  test("reaches a NodePort through any node, also from a pod elsewhere", () => {
    const t = new NodesTank({ nodes: 2 });
    t.run("web", { nodeName: "node-1" });
    t.simulation.runFor(10_000);
    serve(t, t.pods(), { type: "NodePort", ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }] });
    expect(t.send("node-0", "192.168.0.10", 30080)?.servedBy).toBe("shop/web");
    expect(t.send("node-1", "192.168.0.10", 30080)?.servedBy).toBe("shop/web");
    expect(t.send("node-0", "192.168.0.11", 31000)?.outcome).toBe("refused");
  });

  test("passes on what becomes of a request: refused where nobody listens, unreachable where no pod is, nothing where the node is gone", () => {
    const t = new NodesTank({ nodes: 2, behaviours: [{ image: "shop/web", readyAfterMs: 3_600_000 }] });
    t.run("web", { nodeName: "node-1" });
    t.simulation.runFor(10_000);
    const clusterIp = serve(t, t.pods());
    expect(t.send("node-0", clusterIp, 80)?.outcome).toBe("refused");
    expect(t.send("node-0", "10.244.1.77", 80)?.outcome).toBe("unreachable");
    expect(t.send("node-0", "172.16.0.1", 80)?.outcome).toBe("unreachable");
    t.simulation.crashHost("node-1");
    expect(["timeout", "unreachable", undefined]).toContain(t.send("node-0", clusterIp, 80)?.outcome);
  });

  test("with session affinity one client meets one pod", () => {
    const t = new NodesTank({ nodes: 3 });
    for (let n = 0; n < 3; n += 1) t.run(`web-${n}`);
    t.simulation.runFor(10_000);
    const clusterIp = serve(t, t.pods(), { sessionAffinity: "ClientIP" });
    const met = (sourceIp: string) => new Set(Array.from({ length: 10 }, () => t.send("node-0", clusterIp, 80, sourceIp)?.servedBy));
    expect(met("10.244.0.200").size).toBe(1);
    const clients = Array.from({ length: 20 }, (_, n) => [...met(`10.244.0.${100 + n}`)][0]);
    expect(new Set(clients).size).toBe(3);
  });

  test("keeps forwarding while the API is away, and after its own crash once it has its table again", () => {
    const t = new NodesTank({ nodes: 2 });
    t.run("web", { nodeName: "node-1" });
    t.simulation.runFor(10_000);
    const clusterIp = serve(t, t.pods());
    t.simulation.crashHost("apiserver-0");
    t.simulation.runFor(5_000);
    expect(t.send("node-0", clusterIp, 80)?.outcome).toBe("answered");
    t.simulation.startHost("apiserver-0");
    t.until(() => t.state()?.bootstrap.done === true, "the API server did not come back");
    t.simulation.crashHost("node-0");
    t.simulation.startHost("node-0");
    t.simulation.runFor(1_900);
    expect(t.send("node-0", clusterIp, 80)?.outcome).toBe("answered");
  });
});

describe("logs through the API (kubectl logs)", () => {
  test("are the container's lines, cut as asked", () => {
    const t = new NodesTank({ nodes: 1, behaviours: [{ image: "shop/web", logLines: ["one", "two", "three"] }] });
    t.run("web");
    t.simulation.runFor(10_000);
    const log = (query = "") => t.get(`/api/v1/namespaces/shop/pods/web/log${query}`);
    expect(log().text).toBe("one\ntwo\nthree\n");
    expect(log("?tailLines=1").text).toBe("three\n");
    expect(log("?container=other").code).toBe(400);
    expect(log("?previous=true").code).toBe(400);
  });

  test("can be followed until the container ends", () => {
    const t = new NodesTank({ nodes: 1, behaviours: [{ image: "shop/web", logLines: ["up"], logsRequests: true }] });
    t.run("web");
    t.simulation.runFor(10_000);
    const chunks: string[] = [];
    let closed = false;
    const request = {
      kind: "kubelet.log",
      namespace: "shop",
      pod: "web",
      container: "web",
      follow: true,
      previous: false,
      timestamps: false,
      tailLines: -1,
      limitBytes: -1,
      sinceUs: 0,
    };
    t.simulation.portal().open(address("kubelet", "node-0"), request, (input) => {
      if (input.type === "closed") closed = true;
      else if (input.body.kind === "api.chunk")
        chunks.push(new TextDecoder().decode((input.body as unknown as { bytes: Uint8Array }).bytes));
    });
    t.simulation.runFor(100);
    t.send("node-0", t.pod("web")!.status!.podIP!, 8080);
    expect(chunks.join("")).toBe("up\nGET / 200\n");
    t.delete("/api/v1/namespaces/shop/pods/web");
    t.simulation.runFor(5_000);
    expect(closed).toBe(true);
  });
});
