import { processesConfig, processParams } from "./etcd-processes";
import { LeaseLoad, type LeaseLoadConfig } from "./lease-load";
import { millisecondsOf, type Workload } from "./workload";

export const leases: Workload = {
  name: "leases",
  what: "Processes that grant leases in etcd, put keys under them, renew some and let others run out, revoke, and ask how much time is left; every call and every answer is recorded.",
  params: {
    ...processParams,
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "leases/" where not given' },
    shortest: { type: "string", description: 'the shortest time to live, in whole seconds; "2s" where not given' },
    longest: { type: "string", description: 'the longest time to live; "20s" where not given' },
  },
  required: ["requestsPerSecond"],
  looksInTheEnd: true,
  service: () => undefined,
  configure(params, surroundings) {
    const shortest = Math.max(1, Math.round(millisecondsOf(params.shortest, "2s") / 1000));
    return {
      type: "leases",
      ...processesConfig(params, surroundings, "leases/"),
      ttlMinSeconds: shortest,
      ttlMaxSeconds: Math.max(shortest, Math.round(millisecondsOf(params.longest, "20s") / 1000)),
    };
  },
  start: (config) => new LeaseLoad(config as unknown as LeaseLoadConfig),
};
