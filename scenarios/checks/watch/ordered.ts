import type { Check } from "../check";
import { known } from "./told";

export const watchOrdered: Check = {
  name: "watch-ordered",
  claim: "A watch tells events in the order of their revisions, and never goes back.",
  source: "etcd documentation, Watch API guarantees: Ordered",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const last = new Map<string, number>();
    let events = 0;
    return {
      see(event) {
        const response = known(event, "watch.response");
        for (const { revision, key } of response?.events ?? []) {
          const before = last.get(response!.watch) ?? 0;
          events++;
          if (revision < before) return `${response!.watch} was told of ${key} at revision ${revision} after revision ${before}`;
          last.set(response!.watch, revision);
        }
        return undefined;
      },
      end: () => ({ detail: `${events} events in order on ${last.size} watches`, reached: events }),
    };
  },
};
