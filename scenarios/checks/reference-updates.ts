import { UpdateSummary, unequalCounts } from "../reference/update-summary";
import type { Check } from "./check";

/** A storm makes nobody do anything twice. */
export const referenceUpdates: Check = {
  name: "reference-updates",
  claim:
    "Each object is created and deleted as often as in the same run without faults; pods, endpoints, nodes, Leases and Events aside, which the weather itself takes and brings.",
  source: "Sieve (OSDI 2022), differential oracles: state update summaries",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const summary = new UpdateSummary();
    return {
      see(event) {
        summary.see(event);
        return undefined;
      },
      end(final) {
        const reference = final.reference?.();
        if (!reference) return { detail: "there is no run without faults to compare with; only a simulation can have one", reached: 0 };
        const unequal = unequalCounts(summary.counts, reference.updates);
        const total = [...summary.counts.values()].reduce((sum, count) => sum + count, 0);
        const detail = `${total} creations and deletions, the same as without faults`;
        return { ...(unequal.length === 0 ? {} : { violation: unequal.slice(0, 3).join("; ") }), detail, reached: total };
      },
    };
  },
};
