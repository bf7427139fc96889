import { containerRuntime, type ImageBehaviour } from "../../actors/container-runtime";
import { kubelet } from "../../actors/kubelet";
import { address } from "../../protocol/address";
import type { KubeletLogResponse } from "../../protocol/cluster";
import type { Pod } from "../../protocol/kinds/generated";
import type { Fact } from "../../runtime/actor";
import { Simulation } from "../../runtime/simulated/simulation";
import { type FakeConfig, FakeStore, fakeApiServer, type Kept } from "../client/fake-api-server";

export const apiServers = [address("apiserver", 0)];

/** One node with its kubelet and runtime, and an API server that knows no rules: a test puts pods into its store and reads their status. */
export function oneNode(
  options: { readonly behaviours?: readonly ImageBehaviour[]; readonly seed?: number; readonly fake?: Partial<FakeConfig> } = {},
) {
  const store = options.fake?.store ?? new FakeStore();
  const facts: Fact[] = [];
  const simulation = new Simulation({
    seed: options.seed ?? 1,
    actors: [fakeApiServer, kubelet, containerRuntime],
    observers: [
      (_now, _host, event) => {
        if (event.type === "fact") facts.push(event.fact);
        if (event.type === "crashed" && !String(event.error).includes("on purpose")) throw event.error;
      },
    ],
  });
  simulation.addHost({ name: "apiserver-0", zone: "a" });
  simulation.place("apiserver-0", address("apiserver", 0), { store, ...options.fake });
  simulation.addHost({ name: "node-0", zone: "a" });
  simulation.place("node-0", address("kubelet", "node-0"), {
    node: "node-0",
    zone: "a",
    apiServers,
    capacity: { cpu: "4", memory: "8Gi", pods: 110 },
    internalIp: "192.168.0.10",
  });
  simulation.place("node-0", address("container-runtime", "node-0"), { node: "node-0", behaviours: options.behaviours ?? [] });
  simulation.start();
  simulation.runFor(1_000);
  const node = store.of("nodes").get("node-0")!;
  store.put("nodes", "MODIFIED", { ...node, spec: { podCIDR: "10.244.0.0/24", podCIDRs: ["10.244.0.0/24"] } });
  simulation.runFor(1_000);

  let uids = 0;
  return {
    simulation,
    store,
    facts,
    run(name: string, spec: Partial<NonNullable<Pod["spec"]>>): void {
      uids += 1;
      const metadata = { name, namespace: "shop", uid: `uid-${uids}`, generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" };
      store.put("pods", "ADDED", {
        apiVersion: "v1",
        kind: "Pod",
        metadata,
        spec: { nodeName: "node-0", restartPolicy: "Always", containers: [], ...spec },
        status: { phase: "Pending" },
      } as Kept);
    },
    pod: (name: string) => store.of("pods").get(`shop/${name}`) as Pod | undefined,
    remove(name: string, graceSeconds: number): void {
      const pod = store.of("pods").get(`shop/${name}`)!;
      const metadata = { ...pod.metadata, deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: graceSeconds };
      store.put("pods", "MODIFIED", { ...pod, metadata });
    },
    events: () => [...store.of("events").values()].map((event) => `${event.reason}: ${event.message}`),
    condition: (name: string, type: string) =>
      (store.of("pods").get(`shop/${name}`) as Pod | undefined)?.status?.conditions?.find((one) => one.type === type)?.status,
  };
}

/** The log of container "web" of pod "web", unless `rest` names others; or the code and message of why there is none. */
export function logOf({ simulation }: { readonly simulation: Simulation }, rest: object = {}): string {
  const named = { kind: "kubelet.log", namespace: "shop", pod: "web", container: "web" };
  const request = { ...named, follow: false, previous: false, timestamps: false, tailLines: -1, limitBytes: -1, sinceUs: 0, ...rest };
  let answered = "";
  simulation.ask<KubeletLogResponse>(address("kubelet", "node-0"), request, 5_000, (answer) => {
    if (!answer.ok) throw new Error(answer.detail);
    const { code, message, bytes } = answer.body;
    answered = code === 200 ? new TextDecoder().decode(bytes) : `${code} ${message}`;
  });
  simulation.runFor(1_000);
  return answered;
}
