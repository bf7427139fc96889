import { actors } from "../actors";
import { address, roleOf } from "../protocol/address";
import type { ApiEvent, ApiRequest, ApiResponse, Verb } from "../protocol/api";
import type { NetResponse } from "../protocol/cluster";
import { decode, type Message } from "../protocol/codec";
import type { Envelope } from "../protocol/envelope";
import type { TxnRequest } from "../protocol/etcd";
import type { Answer } from "../runtime/actor";
import { Simulation } from "../runtime/simulated/simulation";
import { defaultShape, planCluster } from "../scenarios/cluster";

// The walk of one request through the whole cluster, hop by hop, as ARCHITECTURE.md tells it. Read it from top to bottom.

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "example.com/web:1", ports: [{ containerPort: 8080 }] }] },
    },
  },
};
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
};

/** A cluster of three etcd members, two API servers, one controller manager with a scheduler, and three nodes, that has come to rest. */
function cluster() {
  const simulation = new Simulation({ seed: 1, actors });
  for (const host of planCluster({ ...defaultShape, controllers: 1 }).hosts) {
    simulation.addHost(host);
    for (const { address: actor, config } of host.actors) simulation.place(host.name, actor, config);
  }
  simulation.start();
  simulation.runFor(15_000);
  return simulation;
}

/** What the gateway makes of `kubectl create` or `kubectl get`. */
function request(verb: Verb, more: Partial<ApiRequest>): ApiRequest {
  return {
    kind: "api.request",
    verb,
    path: "",
    isResource: true,
    group: "",
    version: "v1",
    resource: "",
    subresource: "",
    namespace: "default",
    name: "",
    query: {},
    accept: "application/json",
    contentType: "application/json",
    userAgent: "kubectl",
    credential: { type: "certificate", commonName: "kubernetes-admin", organizations: ["system:masters"] },
    impersonation: null,
    body: new Uint8Array(0),
    ...more,
  };
}

/** One delivered message as a line: who told whom what. Roles instead of names, because which of them it is does not matter to the walk. */
function hop({ from, to, operation, body }: Envelope): string {
  return `${roleOf(from)} → ${roleOf(to)}: ${operation} ${say(decode(body))}`;
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

function say(message: Message): string {
  switch (message.kind) {
    case "api.request": {
      const { verb, resource, subresource } = message as ApiRequest;
      return `${verb} ${resource}${subresource ? `/${subresource}` : ""}`;
    }
    case "api.response":
      return `${(message as ApiResponse).code}`;
    case "api.event": {
      const { type, object } = message as ApiEvent;
      return `${type} ${JSON.parse(text(object)).kind}`;
    }
    case "etcd.txn": {
      const puts = (message as TxnRequest).success.filter((operation) => operation.kind === "etcd.put");
      return `txn ${puts.map((put) => text(put.key).replace(/[^/]*$/, "…")).join(" ")}`;
    }
    default:
      return message.kind;
  }
}

/** Finds the expected hops in this order among all that happened, and says which one is missing and where the search stood. */
function expectWalk(hops: readonly string[], expected: readonly string[]): void {
  let at = 0;
  for (const step of expected) {
    const found = hops.indexOf(step, at);
    if (found < 0) throw new Error(`missing: ${step}\nafter:\n  ${hops.slice(Math.max(0, at - 3), at + 40).join("\n  ")}`);
    at = found + 1;
  }
}

describe("the walk of one request", () => {
  const simulation = cluster();
  const hops: string[] = [];
  simulation.addObserver((_now, _host, event) => {
    if (event.type === "deliver" && event.envelope.operation !== "credit" && event.envelope.operation !== "close")
      hops.push(hop(event.envelope));
  });
  const ask = (to: string, body: Message) => {
    const answers: Answer[] = [];
    simulation.ask(address(...(to.split("/") as [string, string])), body, 10_000, (answer) => answers.push(answer));
    simulation.runFor(15_000, () => answers.length > 0);
    const [answer] = answers;
    if (!answer?.ok) throw new Error(`no answer from ${to}: ${JSON.stringify(answer)}`);
    return answer.body;
  };
  const json = (response: Message) => JSON.parse(text((response as ApiResponse).body));

  const created = [
    ask("apiserver/0", request("create", { resource: "services", body: Buffer.from(JSON.stringify(service)) })),
    ask("apiserver/0", request("create", { group: "apps", resource: "deployments", body: Buffer.from(JSON.stringify(deployment)) })),
  ] as ApiResponse[];
  simulation.runFor(20_000);

  it("is answered with what was created, once a majority of etcd has it on disk", () => {
    expect(created.map(({ code }) => code)).toEqual([201, 201]);
    expectWalk(hops, [
      "gateway → apiserver: ask create deployments",
      "apiserver → etcd: ask txn /registry/deployments/default/…",
      "etcd → etcd: tell raft.append",
      "etcd → etcd: tell raft.append.response",
      "etcd → apiserver: answer etcd.txn.response",
      "apiserver → gateway: answer 201",
    ]);
  });

  it("goes on through the watch caches: Deployment, ReplicaSet, Pod", () => {
    expectWalk(hops, [
      "apiserver → etcd: ask txn /registry/deployments/default/…",
      "etcd → apiserver: item etcd.watch.response",
      "apiserver → controller-manager: item ADDED Deployment",
      "controller-manager → apiserver: ask create replicasets",
      "apiserver → etcd: ask txn /registry/replicasets/default/…",
      "apiserver → controller-manager: item ADDED ReplicaSet",
      "controller-manager → apiserver: ask create pods",
      "apiserver → etcd: ask txn /registry/pods/default/…",
      "apiserver → scheduler: item ADDED Pod",
    ]);
  });

  it("is bound to a node, and run there by the kubelet through the container runtime", () => {
    expectWalk(hops, [
      "apiserver → scheduler: item ADDED Pod",
      "scheduler → apiserver: ask create pods/binding",
      "apiserver → kubelet: item ADDED Pod",
      "kubelet → container-runtime: ask cri.runPodSandbox",
      "container-runtime → kubelet: answer cri.sandboxStarted",
      "kubelet → container-runtime: ask cri.pullImage",
      "kubelet → container-runtime: ask cri.createContainer",
      "kubelet → container-runtime: ask cri.startContainer",
      "kubelet → apiserver: ask patch pods/status",
    ]);
  });

  it("is listed as an endpoint, and every kube-proxy learns of it", () => {
    expectWalk(hops, [
      "kubelet → apiserver: ask patch pods/status",
      "apiserver → controller-manager: item MODIFIED Pod",
      "controller-manager → apiserver: ask update endpointslices",
      "apiserver → etcd: ask txn /registry/endpointslices/default/…",
      "apiserver → kube-proxy: item MODIFIED EndpointSlice",
      "apiserver → kube-proxy: item MODIFIED EndpointSlice",
      "apiserver → kube-proxy: item MODIFIED EndpointSlice",
    ]);
  });

  it("answers a request that is sent to the Service's address from any node", () => {
    const found = json(ask("apiserver/1", request("get", { resource: "services", name: "web" })));
    const [pod] = json(ask("apiserver/1", request("list", { resource: "pods" }))).items;
    for (const node of ["node-0", "node-1", "node-2"]) {
      const before = hops.length;
      const response = ask(`kube-proxy/${node}`, {
        kind: "net.request",
        sourceIp: "10.244.9.9",
        destinationIp: found.spec.clusterIP,
        port: 80,
        protocol: "TCP",
        method: "GET",
        path: "/",
        body: new Uint8Array(0),
        requestId: node,
      } as Message) as NetResponse;
      expect(response).toMatchObject({ outcome: "answered", code: 200, servedBy: `default/${pod.metadata.name}` });
      expectWalk(hops.slice(before), [
        "gateway → kube-proxy: ask net.request",
        "kube-proxy → container-runtime: ask net.request",
        "container-runtime → kube-proxy: answer net.response",
        "kube-proxy → gateway: answer net.response",
      ]);
    }
  });

  it("leaves the same objects at every API server", () => {
    const list = (server: string) =>
      json(ask(server, request("list", { resource: "pods" }))).items.map(
        (pod: { metadata: { resourceVersion: string } }) => pod.metadata.resourceVersion,
      );
    expect(list("apiserver/0")).toEqual(list("apiserver/1"));
    expect(list("apiserver/0")).toHaveLength(1);
  });
});

describe("nobody but API servers", () => {
  it("talks to etcd", () => {
    const simulation = new Simulation({ seed: 2, actors });
    const talkers = new Set<string>();
    simulation.addObserver((_now, _host, event) => {
      if (event.type === "deliver" && roleOf(event.envelope.to) === "etcd") talkers.add(roleOf(event.envelope.from));
    });
    for (const host of planCluster(defaultShape).hosts) {
      simulation.addHost(host);
      for (const { address: actor, config } of host.actors) simulation.place(host.name, actor, config);
    }
    simulation.start();
    simulation.runFor(10_000);
    expect([...talkers].sort()).toEqual(["apiserver", "etcd"]);
  });
});
