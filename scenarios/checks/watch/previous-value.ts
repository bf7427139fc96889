import type { Check } from "../check";
import { KeyValues } from "../key-values";
import { known, type WatchEventFact } from "./told";

export const watchPreviousValue: Check = {
  name: "watch-previous-value",
  claim:
    "An event's value is what was committed, and its previous value what the key held before, left out only where there was none or it is compacted.",
  source: "etcd documentation, Watch API: prev_kv",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const values = new KeyValues();
    let compacted = 0;
    let events = 0;
    const wrongWith = ({ key, revision, value, previousRevision, previousValue }: WatchEventFact): string | undefined => {
      const own = values.of(key);
      const at = own.findIndex((version) => version.revision === revision);
      if (at < 0) return `${key} did not change at revision ${revision}`;
      if (own[at]!.value !== value) return `${key} at revision ${revision} holds ${own[at]!.value}, not ${value}`;
      const before = own[at - 1];
      const told = `${previousValue} of revision ${previousRevision}`;
      if (previousRevision === 0) {
        const none = before === undefined || before.value === null || revision - 1 < compacted;
        return none ? undefined : `${key} at revision ${revision} comes without ${before.value} of revision ${before.revision}`;
      }
      if (before === undefined || before.value === null) return `${key} at revision ${revision} comes with ${told}, and there was nothing`;
      const right = before.revision === previousRevision && before.value === previousValue;
      return right
        ? undefined
        : `${key} at revision ${revision} comes with ${told}, and it held ${before.value} of revision ${before.revision}`;
    };
    return {
      see(event) {
        values.see(event);
        compacted = Math.max(compacted, known(event, "etcd.compacted")?.revision ?? 0);
        const response = known(event, "watch.response");
        for (const told of response?.events ?? []) {
          events++;
          const wrong = wrongWith(told);
          if (wrong !== undefined) return `${response!.watch}: ${wrong}`;
        }
        return undefined;
      },
      end: () => ({ detail: `${events} events with the right values`, reached: events }),
    };
  },
};
