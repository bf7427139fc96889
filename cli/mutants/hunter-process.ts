import { isWrong } from "../../scenarios/checks/check";
import type { RunResult } from "../../scenarios/run";
import { type Bundle, type Loaded, prepare } from "../load";
import { simulate } from "../simulate";

// A process in which a bug is planted (or none, to compare): runs one seed after the other as it is told, each until a check is violated.

export type HunterAsks =
  | { readonly type: "load"; readonly bundles: readonly Bundle[] }
  | { readonly type: "run"; readonly scenario: number; readonly seed: number };

export interface Violation {
  readonly check: string;
  readonly detail: string;
  readonly atUs: number;
}

export type HunterSays =
  | { readonly type: "loaded" }
  /** `cpuMs` is the processor time of the whole process since it was last asked for something. */
  | { readonly type: "ran"; readonly violations: readonly Violation[]; readonly virtualMs: number; readonly cpuMs: number };

/** Many times what happens in the largest of the storms that mutants are hunted with: a bug can make actors go on for ever. */
const eventsMax = 1_000_000;

let scenarios: readonly Loaded[] = [];

process.on("message", async (asked: HunterAsks) => {
  const before = process.cpuUsage();
  if (asked.type === "load") {
    scenarios = asked.bundles.map(prepare);
    return say({ type: "loaded" });
  }
  const { result } = await simulate(scenarios[asked.scenario]!, { seed: asked.seed, keepTraceLines: 0, untilViolated: true, eventsMax });
  const { user, system } = process.cpuUsage(before);
  say({ type: "ran", violations: violationsIn(result), virtualMs: result.virtualMs, cpuMs: (user + system) / 1000 });
});

function say(said: HunterSays): void {
  process.send!(said);
}

/** What is wrong, the first first. A check for which nothing happened, or a step of the storm without an effect, says nothing of the bug. */
function violationsIn({ checks }: RunResult): readonly Violation[] {
  return checks
    .filter((check) => isWrong(check) && check.name !== "storm")
    .map(({ name, detail, atUs }) => ({ check: name, detail, atUs: atUs < 0 ? Number.POSITIVE_INFINITY : atUs }))
    .sort((a, b) => a.atUs - b.atUs);
}
