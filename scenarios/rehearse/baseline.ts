import type { RunReport } from "./judgement";
import { type Rehearsal, rehearsalVersion, titleOf } from "./rehearsal";

/** How much worse a run must be than in the baseline to count: chance and small changes of timing move figures a little. */
const margin = { availability: 1, outageMs: 2_000, recoveryMs: 10_000 };

/** Reads a rehearsal.json. Answers with what is wrong where it is none. */
export function readBaseline(
  text: string,
): { readonly ok: true; readonly baseline: Rehearsal } | { readonly ok: false; readonly message: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, message: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (typeof value !== "object" || value === null || !("rehearsalVersion" in value))
    return { ok: false, message: "$.rehearsalVersion: missing; expected the rehearsal.json that `wavetank rehearse --out` writes" };
  const baseline = value as Rehearsal;
  if (baseline.rehearsalVersion !== rehearsalVersion)
    return {
      ok: false,
      message: `$.rehearsalVersion: ${String(baseline.rehearsalVersion)} is of another version; expected ${rehearsalVersion}`,
    };
  if (!Array.isArray(baseline.runs)) return { ok: false, message: "$.runs: expected the runs of a rehearsal" };
  return { ok: true, baseline };
}

/** The violated runs that are new, held in the baseline, or are clearly worse than they were there. */
export function regressions(runs: readonly RunReport[], baseline: Pick<Rehearsal, "runs">): readonly RunReport[] {
  const before = new Map(baseline.runs.map((run) => [`${run.service} ${titleOf(run)}`, run]));
  return runs.filter((run) => {
    if (run.verdict === "held") return false;
    const old = before.get(`${run.service} ${titleOf(run)}`);
    if (!old || old.verdict === "held") return true;
    return (
      run.availability < old.availability - margin.availability ||
      run.longestOutageMs > old.longestOutageMs + margin.outageMs ||
      run.recoveryMs > old.recoveryMs + margin.recoveryMs ||
      run.violations.length > old.violations.length
    );
  });
}
