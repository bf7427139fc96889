import { actors } from "../../actors";
import { requestInfo } from "../../actors/api-server/request-info";
import { usageOf } from "../../actors/metrics-server/usage";
import { address } from "../../protocol/address";
import type { ApiRequest, ApiResponse } from "../../protocol/api";
import type { Answer } from "../../runtime/actor";
import { Simulation } from "../../runtime/simulated/simulation";
import { defaultShape, planCluster } from "../../scenarios/cluster";

// biome-ignore lint/suspicious/noExplicitAny: documents of the API, of which each test names a few fields
type Json = any;

const root = "/apis/metrics.k8s.io/v1beta1";

describe("metrics.k8s.io in a simulated cluster", () => {
  const simulation = new Simulation({ seed: 1, actors });
  const behaviours = [{ image: "example.com/web", milliCpu: 250, memoryBytes: 64 * 2 ** 20 }];
  const shape = { ...defaultShape, etcd: 1, apiServers: 1, controllers: 1, nodes: 2, zones: 1, metricsServer: true };

  function call(
    method: string,
    path: string,
    body?: object,
    { accept = "application/json", user = "" } = {},
  ): { code: number; text: string; body: Json } {
    const info = requestInfo(method, path);
    const request: ApiRequest = {
      ...{ kind: "api.request", ...info, accept, contentType: "application/json", userAgent: "test" },
      credential: { type: "certificate", commonName: user || "admin", organizations: user === "" ? ["system:masters"] : [] },
      impersonation: null,
      body: body === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(body)),
    } as ApiRequest;
    let answer: Answer<ApiResponse> | undefined;
    simulation.ask<ApiResponse>(address("apiserver", 0), request, 5_000, (given) => {
      answer = given;
    });
    for (let i = 0; i < 100 && !answer; i++) simulation.runFor(50);
    if (!answer?.ok) throw new Error(`no answer: ${JSON.stringify(answer)}`);
    const text = Buffer.from(answer.body.body).toString("utf8");
    return { code: answer.body.code, text, body: /^[{[]/.test(text) ? JSON.parse(text) : undefined };
  }

  beforeAll(() => {
    for (const host of planCluster(shape, { behaviours }).hosts) {
      simulation.addHost(host);
      for (const { address: actor, config } of host.actors) simulation.place(host.name, actor, config);
    }
    simulation.start();
    simulation.runFor(15_000);
    for (const [name, app, node] of [
      ["busy", "web", "node-0"],
      ["idle", "other", "node-1"],
    ])
      call("POST", "/api/v1/namespaces/default/pods", {
        ...{ apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app } } },
        spec: { nodeName: node, containers: [{ name: "main", image: app === "web" ? "example.com/web" : "example.com/other" }] },
      });
    simulation.runFor(60_000);
  });

  it("is an APIService that is there, and named in discovery", () => {
    const { status } = call("GET", "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io").body;
    expect(status.conditions).toMatchObject([{ type: "Available", status: "True", reason: "Passed" }]);
    expect(call("GET", root).body.resources).toMatchObject([
      { name: "nodes", kind: "NodeMetrics", namespaced: false, verbs: ["get", "list"] },
      { name: "pods", kind: "PodMetrics", namespaced: true },
    ]);
    expect(call("GET", "/apis").body.groups.map(({ name }: Json) => name)).toContain("metrics.k8s.io");
  });

  it("says what containers take, as their images' behaviour declares", () => {
    expect(call("GET", `${root}/namespaces/default/pods/busy`).body).toMatchObject({
      ...{
        kind: "PodMetrics",
        apiVersion: "metrics.k8s.io/v1beta1",
        metadata: { name: "busy", namespace: "default", labels: { app: "web" } },
      },
      window: expect.stringMatching(/^15(\.\d+)?s$/),
      containers: [{ name: "main", usage: { cpu: "250m", memory: "64Mi" } }],
    });
    const named = (query: string) => call("GET", `${root}/pods${query}`).body.items.map(({ metadata }: Json) => metadata.name);
    expect(named("")).toEqual(["busy", "idle"]);
    expect(named("?labelSelector=app%3Dweb")).toEqual(["busy"]);
    expect(named("?labelSelector=app%21%3Dweb")).toEqual(["idle"]);
    expect(named("?fieldSelector=metadata.name%3Didle")).toEqual(["idle"]);
    expect(call("GET", `${root}/pods?labelSelector=%28`)).toMatchObject({ code: 400, body: { reason: "BadRequest" } });
    const [busy, idle] = call("GET", `${root}/nodes`).body.items;
    expect([busy.metadata.name, busy.usage]).toEqual(["node-0", { cpu: "250m", memory: "64Mi" }]);
    expect(idle.usage).toEqual({ cpu: "1m", memory: "16Mi" });
    const table = call("GET", `${root}/nodes`, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" }).body;
    expect(table.columnDefinitions.map(({ name }: Json) => name)).toEqual(["Name", "cpu", "memory", "Window"]);
    expect(table.rows[0].cells.slice(0, 3)).toEqual(["node-0", "250m", "64Mi"]);
  });

  it("refuses what there is not, and whoever may not", () => {
    expect(call("GET", `${root}/namespaces/default/pods/none`)).toMatchObject({ code: 404, body: { message: 'pods "none" not found' } });
    expect(call("DELETE", `${root}/namespaces/default/pods/busy`).code).toBe(405);
    expect(call("GET", `${root}/namespaces/default/pods`, undefined, { user: "mallory" })).toMatchObject({
      code: 403,
      body: {
        message: expect.stringContaining('pods.metrics.k8s.io is forbidden: User "mallory" cannot list resource "pods" in API group'),
      },
    });
  });

  it("comes from the kubelets, which say the same under the real names", () => {
    const ofNode = (path: string) => call("GET", `/api/v1/nodes/node-0/proxy${path}`);
    const resource = ofNode("/metrics/resource").text;
    expect(resource).toMatch(/^container_cpu_usage_seconds_total\{container="main",pod="busy",namespace="default"\} 1\d\.\d+ \d{13}$/m);
    expect(resource).toMatch(/^node_memory_working_set_bytes 6\.7108864e\+07 \d{13}$/m);
    expect(resource).toMatch(/^resource_scrape_error 0$/m);
    expect(ofNode("/metrics/cadvisor").text).toMatch(
      /^container_memory_working_set_bytes\{container="main",id="\/kubepods\/pod[^"]+",image="example.com\/web",name="[^"]+",namespace="default",pod="busy"\} 6\.7108864e\+07 \d+$/m,
    );
    const { node, pods } = ofNode("/stats/summary").body;
    expect([node.nodeName, node.memory.workingSetBytes, node.memory.availableBytes]).toEqual(["node-0", 2 ** 26, 2 ** 33 - 2 ** 26]);
    expect(pods).toMatchObject([
      { podRef: { name: "busy", namespace: "default" }, cpu: { usageNanoCores: 250_000_000 }, containers: [{ name: "main" }] },
    ]);
  });

  it("knows nothing of what runs for less than two looks, and forgets what has gone", () => {
    call("DELETE", "/api/v1/namespaces/default/pods/busy?gracePeriodSeconds=0");
    simulation.runFor(20_000);
    expect(call("GET", `${root}/pods`).body.items.map(({ metadata }: Json) => metadata.name)).toEqual(["idle"]);
  });

  it("describes its types, which stand in the API server's own documents", () => {
    const name = "io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics";
    const { serverRelativeURL } = call("GET", "/openapi/v3").body.paths["apis/metrics.k8s.io/v1beta1"];
    expect(call("GET", serverRelativeURL).body.components.schemas[name].required).toEqual(["timestamp", "window", "containers"]);
    const { definitions, paths } = call("GET", "/openapi/v2").body;
    expect(paths[`${root}/nodes`].get["x-kubernetes-action"]).toBe("list");
    expect(definitions[name].properties.metadata.$ref).toBe("#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_v2");
  });
});

describe("what two looks say", () => {
  const point = (atMs: number, startedMs: number, cpuSeconds: number) => ({ atMs, startedMs, cpuSeconds, memoryBytes: 7 });

  it.each([
    ["over the time between them", point(30_000, 1_000, 5), point(15_000, 1_000, 2), { windowMs: 15_000, cpuNanos: 200_000_000 }],
    ["nothing after the first", point(30_000, 1_000, 5), undefined, undefined],
    ["nothing across a restart", point(40_000, 20_000, 1), point(15_000, 1_000, 0.5), undefined],
    ["since the start, of what is young", point(30_000, 18_000, 3), undefined, { windowMs: 12_000, cpuNanos: 250_000_000 }],
    ["nothing of what is too young for that", point(30_000, 25_000, 3), undefined, undefined],
    ["nothing where the clock went back", point(10_000, 1_000, 5), point(15_000, 1_000, 2), undefined],
  ])("%s", (_, last, before, expected) => {
    const usage = usageOf(last, before, 15_000);
    expect(usage && { windowMs: usage.windowMs, cpuNanos: usage.cpuNanos }).toEqual(expected);
  });
});
