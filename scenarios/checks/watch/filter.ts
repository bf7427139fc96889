import type { Check } from "../check";
import { OpenWatches } from "./told";

export const watchFilter: Check = {
  name: "watch-filter",
  claim: "A watch tells only of the keys that it was opened for, and of nothing before the revision at which it begins.",
  source: "etcd documentation, Watch API: key, range_end, start_revision",
  params: {},
  required: [],
  begin() {
    const watches = new OpenWatches();
    let events = 0;
    return {
      see(event) {
        const seen = watches.see(event);
        if (!seen) return undefined;
        const { response, watch } = seen;
        for (const { key, revision } of response.events) {
          events++;
          if (!key.startsWith(watch.prefix)) return `${response.watch} watches ${watch.prefix} and was told of ${key}`;
          if (revision < watch.firstRevision)
            return `${response.watch} begins at revision ${watch.firstRevision} and was told of ${key} at ${revision}`;
        }
        return undefined;
      },
      end: () => ({ detail: `${events} events, all asked for`, reached: events }),
    };
  },
};
