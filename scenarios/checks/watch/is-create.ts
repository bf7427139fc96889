import type { Check } from "../check";
import { KeyValues } from "../key-values";
import { known, type WatchEventFact } from "./told";

/** By a key's creation revision and version clients tell an object that was made from one that was changed. */
export const watchIsCreate: Check = {
  name: "watch-is-create",
  claim:
    "An event says that its key was made exactly where there was nothing before; of one that was changed it says when it was made and how often it was written since.",
  source: "etcd documentation, API: KeyValue (create_revision, version); clientv3 Event.IsCreate, Event.IsModify",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const values = new KeyValues();
    let events = 0;
    let created = 0;
    const wrongWith = ({ type, key, revision, createRevision, version }: WatchEventFact): string | undefined => {
      const own = values.of(key);
      const at = own.findLastIndex((one) => one.revision === revision);
      // What was not committed is for others to judge.
      if (at < 0 || type === "delete") return undefined;
      const first = own.findLastIndex((one, i) => i < at && one.value === null) + 1;
      if (first === at) created++;
      const right = { createRevision: own[first]!.revision, version: at - first + 1 };
      if (createRevision === right.createRevision && version === right.version) return undefined;
      return `${key} at revision ${revision} comes as version ${version} of what was made at ${createRevision}, and is version ${right.version} of what was made at ${right.createRevision}`;
    };
    return {
      see(event) {
        values.see(event);
        const response = known(event, "watch.response");
        for (const told of response?.events ?? []) {
          events++;
          const wrong = wrongWith(told);
          if (wrong !== undefined) return `${response!.watch}: ${wrong}`;
        }
        return undefined;
      },
      end: () => ({ detail: `${events} events, ${created} of them of keys that were made`, reached: events }),
    };
  },
};
