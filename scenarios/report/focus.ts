import { type CheckResult, isWrong } from "../checks/check";
import { callsIn } from "./operations";
import type { RunSeries } from "./recorder";

/** The moment of a run at which to look closely, and why just there. */
export interface Focus {
  readonly atUs: number;
  readonly why: string;
  /** The operations that a violation names, the illegal one first. */
  readonly calls: readonly string[];
}

/**
 * Where something is wrong: there. Where all is well: where the cluster first reacted to a fault. `answeredUs` says when a client's call was answered,
 * for what is found only when the run has ended.
 */
export function focusOf(
  checks: readonly CheckResult[],
  series: Pick<RunSeries, "faults" | "reactions" | "acts" | "seconds">,
  nowUs: number,
  answeredUs: (call: string) => number | undefined,
): Focus {
  const violations = checks.filter(isWrong).map(({ name, detail, atUs }) => {
    const calls = callsIn(detail);
    const whenUs = atUs >= 0 ? atUs : (calls.map(answeredUs).find((us) => us !== undefined) ?? nowUs);
    return { atUs: whenUs, why: `${name} is violated`, calls };
  });
  const first = violations.sort((a, b) => a.atUs - b.atUs)[0];
  if (first) return first;
  const fault = [...series.faults].sort((a, b) => a.fromUs - b.fromUs)[0];
  if (!fault) return { atUs: series.acts.find(({ act }) => act === "storm")?.atUs ?? nowUs, why: "the storm begins", calls: [] };
  const reaction = series.reactions.find(({ atUs }) => atUs >= fault.fromUs);
  if (reaction) return { atUs: reaction.atUs, why: reaction.what, calls: [] };
  return { atUs: fault.fromUs, why: `${fault.label} of ${fault.row} begins`, calls: [] };
}
