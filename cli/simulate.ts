import { actors } from "../actors";
import { Run, type RunInput, type RunResult } from "../scenarios/run";
import type { ScheduledStep } from "../scenarios/storm";
import type { TimelineLine } from "../scenarios/timeline";
import type { Loaded } from "./load";

export interface SimulateOptions {
  readonly seed: number;
  readonly schedule?: readonly ScheduledStep[];
  /** With a schedule: how long the storm lasted. */
  readonly stormUs?: number;
  readonly untilUs?: number;
  readonly keepTraceLines?: number;
  readonly onTimeline?: (line: TimelineLine) => void;
  /** Told now and then how far virtual time has come. */
  readonly onProgress?: (nowUs: number) => void;
  /** Stops at the first violation of a check. */
  readonly untilViolated?: boolean;
  /** Answers true when the run is to be given up. */
  readonly interrupted?: () => boolean;
}

export interface Simulated {
  readonly result: RunResult;
  readonly wallMs: number;
}

/** The user gave up. */
export class Interrupted extends Error {}

const sliceMs = 500;
/** How often the event loop gets a turn, so that signals and the terminal work. */
const breathMs = 50;

export function inputOf(loaded: Loaded, options: Omit<SimulateOptions, "onProgress" | "interrupted" | "untilViolated">): RunInput {
  const { scenario, manifests, objectsOfStep } = loaded;
  return { scenario, manifests, objectsOfStep, actors, ...options };
}

/** Simulates one run, letting the process breathe in between. Throws Interrupted. */
export async function simulate(loaded: Loaded, options: SimulateOptions): Promise<Simulated> {
  const startedMs = performance.now();
  const run = new Run(inputOf(loaded, options));
  run.begin();
  await breathe(
    () => {
      if (options.untilViolated && run.isViolated) run.stop();
      return run.advance(sliceMs);
    },
    () => options.onProgress?.(run.nowUs),
    options.interrupted,
  );
  return { result: run.result(), wallMs: Math.round(performance.now() - startedMs) };
}

/** Does something step by step until `advance` answers false, and gives the event loop its turns. Throws Interrupted. */
export async function breathe(advance: () => boolean, onBreath?: () => void, interrupted?: () => boolean): Promise<void> {
  let breathedMs = performance.now();
  while (advance()) {
    if (performance.now() - breathedMs < breathMs) continue;
    onBreath?.();
    await new Promise((resolve) => setImmediate(resolve));
    breathedMs = performance.now();
    if (interrupted?.()) throw new Interrupted();
  }
}
