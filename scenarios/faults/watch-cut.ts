import { count, type Fault } from "./fault";
import { endWatches, watchParams } from "./watches";

export const watchCut: Fault = {
  name: "watch-cut",
  what: "Ends all watches at the API servers of the target, or those that are meant, as a server does that has kept them open for long enough: whoever watches has to open a new one from where it was.",
  params: watchParams,
  required: [],
  silences: false,
  swarm: { roles: ["apiserver"], mode: "all" },
  begin(tank, hosts, params) {
    const ended = endWatches(tank, hosts, params, {});
    return { end: () => count(ended, "watch", "ended", "watches") };
  },
};
