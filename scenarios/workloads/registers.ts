import { type RegisterConfig, RegisterLoad } from "./register-load";
import { millisecondsOf, type Workload } from "./workload";

export const registers: Workload = {
  name: "registers",
  what: "Processes that put, read, delete and swap a few keys of etcd, asking its members directly; every call and every answer is recorded, unknown outcomes too.",
  params: {
    requestsPerSecond: {
      type: "number",
      exclusiveMinimum: 0,
      maximum: 10_000,
      description: "how many each second, as long as answers are quick",
    },
    keys: { type: "integer", minimum: 1, maximum: 1000, description: "how many keys; 5 where not given" },
    processes: { type: "integer", minimum: 1, maximum: 1000, description: "how many requests are under way at most; 4 where not given" },
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "registers/" where not given' },
    timeout: { type: "string", description: 'how long an answer may take, "2s" where not given' },
    compactEvery: { type: "string", description: "how often all but the newest 50 revisions are compacted; never where not given" },
  },
  required: ["requestsPerSecond"],
  looksInTheEnd: true,
  service: () => undefined,
  configure(params, { members }) {
    const config: RegisterConfig = {
      type: "registers",
      prefix: String(params.prefix ?? "registers/"),
      members,
      keys: (params.keys as number | undefined) ?? 5,
      processes: (params.processes as number | undefined) ?? 4,
      requestsPerSecond: params.requestsPerSecond as number,
      timeoutMs: millisecondsOf(params.timeout, "2s"),
      compactEveryMs: millisecondsOf(params.compactEvery, "0"),
    };
    return { ...config };
  },
  start: (config) => new RegisterLoad(config as unknown as RegisterConfig),
};
