import { allKinds, apiVersionOf } from "../../protocol/kinds/registry";
import { type ApiWatchConfig, ApiWatchLoad } from "./api-watch-load";
import { millisecondsOf, type Workload } from "./workload";

/** Every kind that can be watched, under its first group version. */
const watched = allKinds().filter(
  ({ kind, verbs }, i, all) => verbs.includes("watch") && all.findIndex((other) => other.kind === kind) === i,
);

export const apiWatches: Workload = {
  name: "api-watches",
  what: "Watchers of a kind of objects through the API servers: each lists, watches from there with bookmarks, goes on at another server when a watch breaks and lists again only when it has to; all they are told is recorded.",
  params: {
    kind: { enum: watched.map(({ kind }) => kind), description: 'the kind, "Pod" where not given' },
    namespace: { type: "string", description: "the namespace; all where not given" },
    watches: { type: "integer", minimum: 1, maximum: 100, description: "how many; 4 where not given" },
    reopenEvery: {
      type: "string",
      description: "how often one of them closes its watch and goes on at another server; never where not given",
    },
  },
  required: [],
  service: () => undefined,
  configure(params, { apiServers }) {
    const { kind, ...groupVersion } = watched.find((known) => known.kind === (params.kind ?? "Pod"))!;
    const config: ApiWatchConfig = {
      type: "api-watches",
      apiServers,
      apiVersion: apiVersionOf(groupVersion),
      kind,
      namespace: String(params.namespace ?? ""),
      watches: (params.watches as number | undefined) ?? 4,
      reopenEveryMs: millisecondsOf(params.reopenEvery, "0"),
    };
    return { ...config };
  },
  start: (config) => new ApiWatchLoad(config as unknown as ApiWatchConfig),
};
