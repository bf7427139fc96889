import type { Check } from "../check";
import { known } from "./told";

export const watchUnique: Check = {
  name: "watch-unique",
  claim: "A watch never tells of the same change twice, also not after it was resumed.",
  source: "etcd documentation, Watch API guarantees: Unique",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const told = new Map<string, Set<string>>();
    let events = 0;
    return {
      see(event) {
        const response = known(event, "watch.response");
        if (!response) return undefined;
        const seen = told.get(response.watch) ?? new Set();
        told.set(response.watch, seen);
        for (const { revision, key } of response.events) {
          const change = `${revision} ${key}`;
          if (seen.has(change)) return `${response.watch} was told twice of ${key} at revision ${revision}`;
          seen.add(change);
          events++;
        }
        return undefined;
      },
      end: () => ({ detail: `${events} events, each told once, on ${told.size} watches`, reached: events }),
    };
  },
};
