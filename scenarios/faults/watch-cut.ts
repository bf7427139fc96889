import { count, type Fault } from "./fault";
import { endWatch, openWatches, watchParams } from "./watches";

export const watchCut: Fault = {
  name: "watch-cut",
  what: "Ends all watches at the API servers of the target, or those that are meant, as a server does that has kept them open for long enough: whoever watches has to open a new one from where it was.",
  params: watchParams,
  required: [],
  silences: false,
  swarm: { roles: ["apiserver"], mode: "all" },
  begin(tank, hosts, params) {
    let ended = 0;
    for (const host of hosts)
      tank
        .interpose(host, (gate) => {
          for (const watch of openWatches(tank, host, gate, params)) {
            endWatch(gate, watch, {});
            ended++;
          }
          return {};
        })
        .cancel();
    return { end: () => count(ended, "watch", "ended", "watches") };
  },
};
