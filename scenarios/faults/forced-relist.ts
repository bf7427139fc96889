import { count, type Fault } from "./fault";
import { endWatches, watchParams } from "./watches";

export const forcedRelist: Fault = {
  name: "forced-relist",
  what: "Tells whoever watches at the API servers of the target, or those that are meant, that what they want to follow is too old (410 Gone): they have to list again, all at once.",
  params: watchParams,
  required: [],
  silences: false,
  swarm: { roles: ["apiserver"], mode: "all" },
  begin(tank, hosts, params) {
    const told = endWatches(tank, hosts, params, { mustList: true });
    return { end: () => count(told, "watch", "told to list again", "watches") };
  },
};
