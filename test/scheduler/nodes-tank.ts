import { containerRuntime, type ImageBehaviour } from "../../actors/container-runtime";
import { kubeProxy } from "../../actors/kube-proxy";
import { kubelet } from "../../actors/kubelet";
import { scheduler } from "../../actors/scheduler";
import { address } from "../../protocol/address";
import type { NetResponse } from "../../protocol/cluster";
import type { Node, Pod } from "../../protocol/kinds/generated";
import { type Json, Tank } from "../api-server/server/tank";

interface Shape {
  readonly nodes: number;
  readonly zones?: readonly string[];
  readonly schedulers?: number;
  readonly servers?: number;
  readonly seed?: number;
  readonly behaviours?: readonly ImageBehaviour[];
}

/** API server, etcd, scheduler and whole nodes. No controllers: a test makes pods, Services and EndpointSlices itself. */
export class NodesTank extends Tank {
  constructor({ nodes, zones = ["a", "b", "c"], schedulers = 1, servers = 1, seed = 1, behaviours = [] }: Shape) {
    super({ seed, servers, actors: [scheduler, kubelet, containerRuntime, kubeProxy] });
    const apiServers = Array.from({ length: servers }, (_, n) => address("apiserver", n));
    for (let n = 0; n < schedulers; n += 1) {
      this.simulation.addHost({ name: `control-${n}`, zone: "a" });
      this.simulation.place(`control-${n}`, address("scheduler", n), { apiServers });
    }
    for (let n = 0; n < nodes; n += 1) {
      const node = `node-${n}`;
      const zone = zones[n % zones.length]!;
      this.simulation.addHost({ name: node, zone });
      const capacity = { cpu: "4", memory: "8Gi", pods: 110 };
      this.simulation.place(node, address("kubelet", node), { node, zone, apiServers, capacity, internalIp: `192.168.0.${10 + n}` });
      this.simulation.place(node, address("container-runtime", node), { node, behaviours });
      this.simulation.place(node, address("kube-proxy", node), { node, apiServers });
    }
    this.simulation.start();
    this.until(() => this.nodes().length === nodes, "the nodes did not register");
    for (let n = 0; n < nodes; n += 1) {
      const podCIDR = `10.244.${n}.0/24`;
      this.patch(`/api/v1/nodes/node-${n}`, "merge", { spec: { podCIDR, podCIDRs: [podCIDR], taints: null } });
    }
    this.namespace("shop");
    this.simulation.runFor(5_000);
  }

  nodes(): readonly Node[] {
    return this.get("/api/v1/nodes").body.items;
  }

  pods(): readonly Pod[] {
    return this.get("/api/v1/namespaces/shop/pods").body.items;
  }

  run(name: string, spec: object = {}, metadata: object = {}): Json {
    const container = { name: "web", image: "shop/web:1", ports: [{ containerPort: 8080 }] };
    return this.create("/api/v1/namespaces/shop/pods", { metadata: { name, ...metadata }, spec: { containers: [container], ...spec } })
      .body;
  }

  pod(name: string): Pod | undefined {
    const reply = this.get(`/api/v1/namespaces/shop/pods/${name}`);
    return reply.code === 200 ? reply.body : undefined;
  }

  events(name: string): readonly string[] {
    const items: Json[] = this.get("/api/v1/namespaces/shop/events").body.items;
    return items.filter((event) => event.involvedObject.name === name).map((event) => `${event.reason}: ${event.message}`);
  }

  /** Sends a request from a node; undefined when nothing came back in time. */
  send(node: string, destinationIp: string, port: number, sourceIp = "10.244.0.200"): NetResponse | undefined {
    let response: NetResponse | undefined;
    let over = false;
    const request = {
      kind: "net.request",
      sourceIp,
      destinationIp,
      port,
      protocol: "TCP",
      method: "GET",
      path: "/",
      body: new Uint8Array(0),
      requestId: "r",
    };
    this.simulation.ask<NetResponse>(address("kube-proxy", node), request, 2_000, (answer) => {
      over = true;
      response = answer.ok ? answer.body : undefined;
    });
    this.until(() => over, "the request did not end");
    return response;
  }
}
