import { processesConfig, processParams } from "./etcd-processes";
import type { LeasedQueueConfig } from "./leased-queue";
import { LockLoad } from "./lock-load";
import { millisecondsOf, type Workload } from "./workload";

export const locks: Workload = {
  name: "locks",
  what: "Processes that take a lock of etcd in turn, as its concurrency package does: each with a key under its own lease, the oldest key holds. Whoever holds it writes what it guards in transactions that are fenced by the key's revision.",
  params: {
    ...processParams,
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "locks/" where not given' },
    ttl: { type: "string", description: 'how long a lease lives without being renewed, in whole seconds, "5s" where not given' },
    hold: { type: "string", description: 'how long a lock is held on average, "2s" where not given' },
  },
  required: ["requestsPerSecond"],
  looksInTheEnd: true,
  service: () => undefined,
  configure: (params, surroundings) => ({
    type: "locks",
    ...processesConfig(params, surroundings, "locks/"),
    ttlSeconds: Math.max(1, Math.round(millisecondsOf(params.ttl, "5s") / 1000)),
    holdMs: millisecondsOf(params.hold, "2s"),
  }),
  start: (config) => new LockLoad(config as unknown as LeasedQueueConfig),
};
