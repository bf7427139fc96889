import type { Check } from "../check";
import { Calls } from "./calls";

/** What was added stays, and is seen by whoever looks afterwards. */
export const setFull: Check = {
  name: "set-full",
  claim:
    "Every element that was acknowledged is in every read that begins later, none vanishes again once it was read, and none is there that nobody added.",
  source: "Jepsen, set-full; etcd documentation, KV API guarantees (durability, linearizability)",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const calls = new Calls("sets");
    const tried = new Set<string>();
    /** Elements that every later read must show, with where they became so. */
    const due = new Map<string, number>();
    let moment = 0;
    let reads = 0;
    return {
      see(event) {
        const begun = calls.begun(event);
        if (begun) {
          moment++;
          if (begun.action === "add") tried.add(begun.value);
        }
        const answered = calls.answered(event);
        if (!answered) return undefined;
        moment++;
        const { called, returned, calledAt } = answered;
        if (returned.outcome !== "done") return undefined;
        if (called.action === "add") {
          if (!due.has(called.value)) due.set(called.value, moment);
          return undefined;
        }
        reads++;
        const seen = new Set(returned.seen);
        for (const element of seen) if (!tried.has(element!)) return `${called.call} read ${element}, which nobody had added`;
        for (const [element, at] of due)
          if (at < calledAt && !seen.has(element))
            return `${called.call} did not read ${element}, which had been acknowledged or read before it began`;
        for (const element of seen) if (!due.has(element!)) due.set(element!, moment);
        return undefined;
      },
      end: () => ({
        detail: `${due.size} elements acknowledged or read, found in each of ${reads} reads after that`,
        reached: reads === 0 ? 0 : due.size,
      }),
    };
  },
};
