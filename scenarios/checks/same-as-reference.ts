import { differences } from "../reference/difference";
import type { Check } from "./check";

/** A storm leaves no trace in what the cluster comes to. */
export const sameAsReference: Check = {
  name: "same-as-reference",
  claim:
    "In the end the cluster has the same objects as after the same run without faults: names, what is asked for and how much of it there is; identities, times, addresses and placement aside.",
  source: "Sieve (OSDI 2022), differential oracles: end states; Acto: recovery equals a fresh deployment",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    return {
      see: () => undefined,
      end(final) {
        const reference = final.reference?.();
        if (!reference) return { detail: "there is no run without faults to compare with; only a simulation can have one", reached: 0 };
        if (!reference.converged) return { violation: "the run without faults did not converge itself", detail: "", reached: 0 };
        const found = differences(final.objects.values(), reference.objects.values());
        const detail = `${final.objects.size} objects, like the ${reference.objects.size} of the run without faults`;
        if (found.length === 0) return { detail, reached: final.objects.size };
        const more = found.length > 3 ? `; and ${found.length - 3} more` : "";
        return { violation: `${found.slice(0, 3).join("; ")}${more}`, detail, reached: final.objects.size };
      },
    };
  },
};
