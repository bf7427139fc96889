import type { Check } from "./check";

/** After the storm the cluster reaches what was asked for, and stays there. */
export const convergence: Check = {
  name: "convergence",
  claim: "Once the storm is over the cluster reaches its desired state within the scenario's bound, and stays there.",
  source: "Anvil (OSDI 2024), eventually stable reconciliation; TigerBeetle's liveness mode",
  params: {},
  required: [],
  acrossRestore: "spans",
  begin() {
    let changes = 0;
    return {
      see(event) {
        if (event.type === "store") changes++;
        return undefined;
      },
      end({ convergence: { converged, afterUs, stayed, reasons } }) {
        const detail = `at rest ${(afterUs / 1e6).toFixed(1)} s after the storm`;
        if (!converged) return { violation: `not at rest when the time was up: ${reasons.join("; ")}`, detail, reached: changes };
        if (!stayed) return { violation: `${detail}, but it did not stay so: ${reasons.join("; ")}`, detail, reached: changes };
        return { detail: `${detail}, and it stayed so`, reached: changes };
      },
    };
  },
};
