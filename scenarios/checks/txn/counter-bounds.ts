import type { Check } from "../check";
import { Calls } from "./calls";

interface Counter {
  /** Increments that were acknowledged, and those that may have happened. */
  acknowledged: number;
  possible: number;
}

/** Each increment counts once. */
export const counterBounds: Check = {
  name: "counter-bounds",
  claim:
    "A counter is never read lower than what was acknowledged before the read began, nor higher than what had been asked for by its answer and was not refused; and its last value lies between the two.",
  source: "Jepsen, counter; etcd documentation, KV API guarantees (atomicity)",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const calls = new Calls("counters");
    const counters = new Map<string, Counter>();
    /** What was acknowledged when each open call began. */
    const floors = new Map<string, number>();
    const last = new Map<string, number>();
    let reads = 0;
    const counterOf = (key: string): Counter => {
      let counter = counters.get(key);
      if (!counter) counters.set(key, (counter = { acknowledged: 0, possible: 0 }));
      return counter;
    };
    return {
      see(event) {
        if (event.type === "store" && counters.has(event.key)) last.set(event.key, Number(event.value ?? 0));
        const begun = calls.begun(event);
        if (begun) {
          const counter = counterOf(begun.keys[0]!);
          if (begun.action === "increment") counter.possible++;
          floors.set(begun.call, counter.acknowledged);
        }
        const answered = calls.answered(event);
        if (!answered) return undefined;
        const { called, returned } = answered;
        const [key] = called.keys;
        const counter = counterOf(key!);
        const floor = floors.get(called.call) ?? 0;
        floors.delete(called.call);
        if (called.action === "increment" && returned.outcome === "refused") counter.possible--;
        if (returned.outcome !== "done") return undefined;
        if (called.action === "increment") counter.acknowledged++;
        reads++;
        const value = Number(returned.seen[0] ?? 0);
        // What it saw was before its own increment.
        const most = counter.possible - (called.action === "increment" ? 1 : 0);
        if (value < floor) return `${called.call} read ${value} from ${key}, and ${floor} increments had been acknowledged before`;
        if (value > most) return `${called.call} read ${value} from ${key}, and only ${most} increments can have happened`;
        return undefined;
      },
      end() {
        const detail = `${reads} values of ${counters.size} counters within their bounds`;
        for (const [key, { acknowledged, possible }] of counters) {
          const value = last.get(key) ?? 0;
          if (value >= acknowledged && value <= possible) continue;
          return {
            violation: `${key} ended at ${value}, and between ${acknowledged} and ${possible} increments happened`,
            detail,
            reached: reads,
          };
        }
        return { detail, reached: reads };
      },
    };
  },
};
