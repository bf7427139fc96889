import { type ElectionConfig, ElectionLoad } from "./election-load";
import { processesConfig, processParams } from "./etcd-processes";
import { millisecondsOf, type Workload } from "./workload";

export const elections: Workload = {
  name: "elections",
  what: "Candidates that elect a leader on etcd, as its concurrency package does: each with a key under its own lease, the oldest key leads, in a term that is the revision of its key. Whoever leads proclaims in transactions that are fenced by its term; observers ask who leads.",
  params: {
    ...processParams,
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "elections/" where not given' },
    observers: { type: "integer", minimum: 0, maximum: 1000, description: "how many ask who leads; 2 where not given" },
    ttl: { type: "string", description: 'how long a lease lives without being renewed, in whole seconds, "5s" where not given' },
    term: { type: "string", description: 'how long a leader leads on average until it resigns, "5s" where not given' },
  },
  required: ["requestsPerSecond"],
  service: () => undefined,
  configure: (params, surroundings) => ({
    type: "elections",
    ...processesConfig(params, surroundings, "elections/"),
    observers: (params.observers as number | undefined) ?? 2,
    ttlSeconds: Math.max(1, Math.round(millisecondsOf(params.ttl, "5s") / 1000)),
    holdMs: millisecondsOf(params.term, "5s"),
  }),
  start: (config) => new ElectionLoad(config as unknown as ElectionConfig),
};
