import { type WatchConfig, WatchLoad } from "./watch-load";
import { millisecondsOf, type Workload } from "./workload";

export const watches: Workload = {
  name: "watches",
  what: "Watchers of a prefix of etcd's keys, some from the first revision on, who go on at another member when a watch breaks; all they are told is recorded.",
  params: {
    watches: { type: "integer", minimum: 1, maximum: 100, description: "how many; 4 where not given" },
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "registers/" where not given' },
    anewEvery: {
      type: "string",
      description: "how often one of those from the first revision gives up, and another begins in its place; never where not given",
    },
    progressEvery: { type: "string", description: 'how often they ask how far they are, "1s" where not given' },
  },
  required: [],
  service: () => undefined,
  configure(params, { members }) {
    const config: WatchConfig = {
      type: "watches",
      prefix: String(params.prefix ?? "registers/"),
      members,
      watches: (params.watches as number | undefined) ?? 4,
      progressEveryMs: millisecondsOf(params.progressEvery, "1s"),
      anewEveryMs: millisecondsOf(params.anewEvery, "0"),
    };
    return { ...config };
  },
  start: (config) => new WatchLoad(config as unknown as WatchConfig),
};
