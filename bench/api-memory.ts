import { encodeStored } from "../actors/api-server/storage/entry";
import { resourceNamed } from "../actors/api-server/storage/keys";
import { ResourceCache } from "../actors/api-server/storage/resource-cache";
import { decode, encode } from "../protocol/codec";
import type { ApiObject } from "../protocol/kinds/object";

/** What an API server's watch cache takes for each pod. */

type Say = (name: string, figure: string, method: string) => void;

export const podsOfMemory = 100_000;
const perEvent = 100;
const whole = (n: number) => Math.round(n).toLocaleString("en-US");

export const benchPod = (n: number): ApiObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    ...{ name: `web-5d7c9b7f6d-${n}`, namespace: `team-${n % 50}`, uid: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}` },
    ...{ creationTimestamp: "2026-01-01T00:00:00Z", labels: { app: "web", "pod-template-hash": "5d7c9b7f6d" } },
    ownerReferences: [
      { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d7c9b7f6d", uid: "11111111-0000-4000-8000-000000000000", controller: true },
    ],
  } as never,
  ...{
    spec: {
      containers: [
        {
          ...{ name: "main", image: "registry.example.com/shop/web:1.4.2", imagePullPolicy: "IfNotPresent" },
          env: Array.from({ length: 6 }, (_, i) => ({ name: `SETTING_${i}`, value: `value-${i}` })),
          resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
          ports: [{ containerPort: 8080, protocol: "TCP" }],
        },
      ],
      ...{ nodeName: `node-${n % 5000}`, restartPolicy: "Always", serviceAccountName: "default", schedulerName: "default-scheduler" },
    },
    status: {
      ...{ phase: "Running", podIP: `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`, startTime: "2026-01-01T00:00:02Z" },
      conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({
        ...{ type, status: "True", lastTransitionTime: "2026-01-01T00:00:03Z" },
      })),
    },
  },
});

export function memorySection(say: Say): void {
  const used = () => {
    (globalThis as { gc?: () => void }).gc?.();
    (globalThis as { gc?: () => void }).gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const resource = resourceNamed("", "v1", "pods");
  const cache = new ResourceCache(resource, 100);
  const before = used();
  let bytes = 0;
  for (let n = 0; n < podsOfMemory; n += perEvent) {
    const kvs = Array.from({ length: perEvent }, (_, i) => ({ n: n + i, value: encodeStored(benchPod(n + i)) }));
    // As the feed gets them: decoded from one message of etcd.
    const told = decode(encode({ kind: "etcd.watch.response", events: kvs } as never)) as unknown as { events: typeof kvs };
    for (const event of told.events) {
      bytes += event.value.length;
      cache.apply(`${resource.prefix}team-${event.n % 50}/web-5d7c9b7f6d-${event.n}`, event.n + 1, event.value);
    }
  }
  const kept = used() - before;
  const size = `${whole(bytes / podsOfMemory)} B of JSON each`;
  say("API memory, a pod in the cache", `${whole(kept / podsOfMemory)} B`, `${whole(podsOfMemory)} pods, ${size}`);
  for (const entry of cache.list(resource.prefix)) entry.served;
  say(
    "API memory, a pod that was listed",
    `${whole((used() - before) / podsOfMemory)} B`,
    "after a LIST of all has put in their resourceVersions",
  );
  let decoded = 0;
  for (const entry of cache.list(resource.prefix)) if (decoded++ < podsOfMemory / 10) entry.object;
  say(
    "API memory, a tenth decoded",
    `${whole((used() - before) / podsOfMemory)} B`,
    "after a tenth of them has been looked into (selectors, admission)",
  );
  // It has to be there until here: what nobody needs any more is no longer counted.
  if (cache.size !== podsOfMemory) throw new Error(`the cache holds ${cache.size} pods`);
}
