import type { Check } from "../check";
import { OpenApiWatches } from "./told";

export const apiWatchOrdered: Check = {
  name: "api-watch-ordered",
  claim: "On one watch of the API resourceVersions only grow: no event is told twice, and none after a later one.",
  source: "Kubernetes API concepts, Efficient detection of changes",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const watches = new OpenApiWatches();
    let events = 0;
    return {
      see(event) {
        const seen = watches.see(event);
        if (!seen) return undefined;
        const { fact, watch } = seen;
        const { resourceVersion, type, object } = fact;
        events++;
        const before = watch.told;
        watch.told = Math.max(before, resourceVersion);
        // A bookmark may say again how far it is.
        if (type === "BOOKMARK" ? resourceVersion >= before : resourceVersion > before) return undefined;
        return `${fact.watch} was told ${type} ${object} at ${resourceVersion}, after ${before}`;
      },
      end: () => ({ detail: `${events} events in order`, reached: events }),
    };
  },
};
