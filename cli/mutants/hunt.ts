import type { Mutant } from "../../scenarios/mutants/mutant";
import type { Loaded } from "../load";
import type { Hunter } from "./hunter";
import type { Planted } from "./planted";

/** One search for a mutant: seeds of its scenarios in turns, until a check is violated or the processor time is used up. */
export interface Attempt {
  /** The first check that was violated, and what it said; null where none was. */
  readonly caught: { readonly check: string; readonly detail: string; readonly also: readonly string[] } | null;
  /** What the same seed violates without the bug: then it is no proof. */
  readonly falseAlarm: string | null;
  readonly scenario: string;
  readonly seed: number;
  readonly runs: number;
  readonly cpuMs: number;
  readonly virtualMs: number;
}

export interface Hunted {
  readonly mutant: Mutant;
  readonly attempts: readonly Attempt[];
}

export interface HuntedScenario {
  readonly file: string;
  /** The same but for a bug that is in an operator of the scenario: its code belongs to the scenario, not to the process that runs it. */
  readonly loaded: Loaded;
  readonly healthy: Loaded;
}

export interface HuntOptions {
  readonly planted: Planted;
  readonly scenarios: readonly HuntedScenario[];
  /** How many times it is searched for, each time with other seeds. */
  readonly repeat: number;
  readonly firstSeed: number;
  /** When a search is given up. */
  readonly withinCpuMs: number;
  readonly onRun: (runs: number, cpuMs: number) => void;
  /** A process with the bug in it, and one without. */
  readonly hunter: Hunter;
  readonly healthy: Hunter;
}

/** Seeds of two repetitions never meet: so many lie between their first. */
const seedsApart = 100_000;

/** Searches for one mutant. Throws Interrupted. */
export async function hunt(options: HuntOptions): Promise<Hunted> {
  const { planted, repeat, firstSeed, hunter, scenarios } = options;
  await hunter.load(scenarios.map(({ loaded }) => loaded.bundle));
  const attempts: Attempt[] = [];
  for (let n = 0; n < repeat; n++) attempts.push(await search(firstSeed + n * seedsApart, options));
  return { mutant: planted.mutant, attempts };
}

async function search(firstSeed: number, { hunter, healthy, withinCpuMs, scenarios, onRun }: HuntOptions): Promise<Attempt> {
  let cpuMs = 0;
  let virtualMs = 0;
  for (let runs = 0; ; ) {
    const at = runs % scenarios.length;
    const seed = firstSeed + Math.floor(runs / scenarios.length);
    const ran = await hunter.run(at, seed);
    runs++;
    cpuMs += ran.cpuMs;
    virtualMs += ran.virtualMs;
    onRun(runs, cpuMs);
    const figures = { scenario: scenarios[at]!.file, seed, runs, cpuMs, virtualMs };
    const [first, ...others] = ran.violations;
    if (first) {
      await healthy.load([scenarios[at]!.healthy.bundle]);
      const { violations } = await healthy.run(0, seed);
      const falseAlarm = violations.map(({ check, detail }) => `${check}: ${detail}`).join("; ") || null;
      return { caught: { check: first.check, detail: first.detail, also: others.map(({ check }) => check) }, falseAlarm, ...figures };
    }
    if (cpuMs >= withinCpuMs) return { caught: null, falseAlarm: null, ...figures };
  }
}

/** What several searches come to: caught when the one in the middle was. */
export interface Verdict {
  readonly verdict: "caught" | "missed" | "false alarm";
  readonly medianCpuMs: number;
  readonly medianRuns: number;
  /** Every check that was the first to be violated, with how often it was. */
  readonly checks: ReadonlyMap<string, number>;
}

export function verdictOf({ attempts }: Pick<Hunted, "attempts">): Verdict {
  const checks = new Map<string, number>();
  for (const { caught } of attempts) if (caught) checks.set(caught.check, (checks.get(caught.check) ?? 0) + 1);
  // A search that found nothing has no figure: it lies behind all that have one.
  const missedMs = attempts.map(({ caught, cpuMs }) => (caught ? cpuMs : Number.POSITIVE_INFINITY));
  const middle = median(missedMs);
  const verdict = attempts.some(({ falseAlarm }) => falseAlarm) ? "false alarm" : Number.isFinite(middle) ? "caught" : "missed";
  return { verdict, medianCpuMs: median(attempts.map(({ cpuMs }) => cpuMs)), medianRuns: median(attempts.map(({ runs }) => runs)), checks };
}

/** The value in the middle; of an even number of values the lower of the two there, so that it is one that was seen. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}
