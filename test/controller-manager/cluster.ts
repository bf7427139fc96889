import { pods } from "../../actors/client";
import { type ControllerManagerConfig, controllerManager } from "../../actors/controller-manager";
import { targetNode } from "../../actors/controller-manager/daemon-node";
import { address } from "../../protocol/address";
import type { ComponentGetResponse } from "../../protocol/cluster";
import type { Message } from "../../protocol/codec";
import type { Pod } from "../../protocol/kinds/generated";
import { keyOf, type Stored, timestamp } from "../../protocol/kinds/object";
import type { Simulation } from "../../runtime/simulated/simulation";
import type { FakeConfig, FakeStore, Kept } from "../client/fake-api-server";
import { tank, tester } from "../client/tank";

export interface ClusterOptions extends Partial<FakeConfig> {
  readonly seed?: number;
  readonly managers?: number;
  readonly controllers?: readonly string[];
  readonly knobs?: Readonly<Record<string, number>>;
  /** Whether pods become ready, and after how long. Undefined: never. */
  readonly readyAfterMs?: (pod: Stored<Pod>) => number | undefined;
}

/** Real controller managers over fake API servers, and one actor that stands for scheduler and kubelets: it binds pods, makes them ready and lets them go. */
export function cluster(options: ClusterOptions = {}) {
  const kubelets = tester("kubelets", (client, ctx) => {
    const informer = client.informer(pods, {});
    let binding = 0;
    informer.addHandler((change, later) => {
      const { object } = change;
      const { namespace = "", name } = object.metadata;
      if (change.type === "deleted") return undefined;
      if (object.metadata.deletionTimestamp) client.delete(later, pods, { namespace, name }, { gracePeriodSeconds: 0 }, () => undefined);
      else if (change.type === "added" && !object.spec?.nodeName) {
        const delay = options.readyAfterMs ? options.readyAfterMs(object) : 100;
        const number = ++binding;
        const stamp = timestamp(later.wallUs() / 1000);
        const bound = {
          spec: { nodeName: targetNode(object) ?? `node-${number % 3}` },
          status: { phase: "Pending", podIP: `10.0.${number >> 8}.${number & 255}` },
        };
        client.patch(later, pods, { namespace, name }, "merge", bound, () => undefined);
        if (delay === undefined) return undefined;
        const timer = client.timers.claim(`ready/${keyOf(object)}`, (now) => {
          const status = { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime: stamp }] };
          client.patch(now, pods, { namespace, name }, "merge", { status }, () => undefined);
          return undefined;
        });
        later.setTimer(timer, delay);
      }
      return undefined;
    });
    informer.start(ctx);
  });
  const config: ControllerManagerConfig = {
    apiServers: [address("apiserver", 0), address("apiserver", 1)],
    clusterCidr: "10.244.0.0/16",
    serviceCidr: "10.96.0.0/12",
    rootCa: "PEM",
    ...(options.controllers ? { controllers: options.controllers } : {}),
    ...(options.knobs ? { knobs: options.knobs } : {}),
  };
  const configs = new Map<string, unknown>([["kubelets/0", null]]);
  for (let index = 0; index < (options.managers ?? 1); index++) configs.set(`controller-manager/${index}`, config);
  return tank([kubelets, controllerManager], { ...options, configs });
}

export function objectsOf<T = Kept>(store: FakeStore, resource: string): T[] {
  return [...store.of(resource).values()] as T[];
}

type EventObject = Kept & { readonly type: string; readonly reason: string; readonly message: string; readonly count: number };

/** "Normal ScalingReplicaSet: message ×count" for each event of a namespace, in the order in which they were made. */
export function eventLines(store: FakeStore, namespace = "shop"): string[] {
  return objectsOf<EventObject>(store, "events")
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ type, reason, message, count }) => `${type} ${reason}: ${message}${count > 1 ? ` ×${count}` : ""}`);
}

/** As the API server would have it, with the defaults that the controllers rely on. */
export function deployment(name: string, replicas: number, image = "web:1", spec: Readonly<Record<string, unknown>> = {}): Kept {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace: "shop", name, uid: `uid-${name}`, generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "main", image }] } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
    status: {},
  };
}

/** The lines of a controller manager's /metrics, by what stands before the value. */
export function figuresOf(simulation: Simulation, manager = address("controller-manager", 0)): ReadonlyMap<string, number> {
  let text = "";
  simulation.ask<ComponentGetResponse>(manager, { kind: "component.get", path: "/metrics" } as Message, 5_000, (answer) => {
    if (answer.ok) text = Buffer.from(answer.body.bytes).toString();
  });
  simulation.runFor(100);
  return new Map(text.split("\n").map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}
