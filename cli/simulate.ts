import { actors } from "../actors";
import { operatorActor } from "../actors/operator/operator";
import type { AnyActor } from "../runtime/actor";
import type { ClusterShape } from "../scenarios/cluster";
import type { HistoryEvent } from "../scenarios/history";
import type { Condition } from "../scenarios/language/condition";
import { type Cut, Cuts, type Plan, withCut } from "../scenarios/language/plan";
import { Run, type RunInput, type RunResult } from "../scenarios/run";
import type { ScheduledStep } from "../scenarios/storm";
import type { TimelineLine } from "../scenarios/timeline";
import { tuneForSimulation } from "./engine";
import { Interrupted } from "./exit";
import type { Loaded } from "./load";

export interface SimulateOptions {
  readonly seed: number;
  readonly schedule?: readonly ScheduledStep[];
  readonly shape?: ClusterShape;
  /** With a schedule: how long the storm lasted. */
  readonly stormUs?: number;
  readonly untilUs?: number;
  /** Stops after this event of the trace. */
  readonly stopEvent?: number;
  /** Gives the run up, as violated, when so much has happened. */
  readonly eventsMax?: number;
  /** Stops when this holds. */
  readonly breakpoint?: Condition;
  readonly keepTraceLines?: number;
  readonly onTimeline?: (line: TimelineLine) => void;
  readonly onEvent?: (event: HistoryEvent) => void;
  /** Told now and then how far virtual time has come. */
  readonly onProgress?: (nowUs: number) => void;
  /** Stops at the first violation of a check. */
  readonly untilViolated?: boolean;
  /** Asked now and then: answers true when the run is to be stopped. */
  readonly stopWhen?: (run: Run) => boolean;
  /** Called before the result is taken of a run that was stopped in the middle. */
  readonly onStopped?: (run: Run) => void;
  /** Answers true when the run is to be given up. */
  readonly interrupted?: () => boolean;
}

export interface Simulated {
  readonly result: RunResult;
  readonly wallMs: number;
}

const sliceMs = 500;
/** How often the event loop gets a turn, so that signals and the terminal work. */
const breathMs = 50;

/** Every actor of a scenario: the cluster's, and the user's own operators. */
export function actorsOf({ programs }: Pick<Loaded, "programs">): readonly AnyActor[] {
  return programs.size === 0 ? actors : [...actors, operatorActor(programs)];
}

export function inputOf(loaded: Loaded, options: SimulateOptions): RunInput {
  const { scenario, manifests, objectsOfStep } = loaded;
  return { scenario, manifests, objectsOfStep, actors: actorsOf(loaded), ...options };
}

/** The same run with the fault of its plan at one place. */
export function cutAt(loaded: Loaded, cut: Cut | null): Loaded {
  const { scenario } = loaded;
  return cut && scenario.cuts ? { ...loaded, scenario: withCut(scenario, scenario.cuts, cut) } : loaded;
}

/** Every place at which the plan of a scenario can cut: found by running it once without. Throws Interrupted. */
export async function findCuts(
  loaded: Loaded,
  plan: Plan,
  options: SimulateOptions,
): Promise<{ readonly all: number; readonly chosen: readonly Cut[]; readonly reference: Simulated }> {
  const cuts = new Cuts(plan);
  let blows = false;
  tuneForSimulation();
  const startedMs = performance.now();
  const run = new Run(
    inputOf(loaded, {
      ...options,
      onEvent: (event) => {
        if (event.type === "act") blows = event.act === "storm";
      },
    }),
  );
  run.simulation.addObserver((_nowUs, _host, event) => {
    if (blows) cuts.see(event);
  });
  await advance(run, options);
  return {
    all: cuts.all.length,
    chosen: cuts.chosen(),
    reference: { result: run.result(), wallMs: Math.round(performance.now() - startedMs) },
  };
}

/** Simulates one run, letting the process breathe in between. Throws Interrupted. */
export async function simulate(loaded: Loaded, options: SimulateOptions): Promise<Simulated> {
  tuneForSimulation();
  const startedMs = performance.now();
  const run = new Run(inputOf(loaded, options));
  await advance(run, options);
  const result = run.result();
  if (result.stopped) options.onStopped?.(run);
  return { result, wallMs: Math.round(performance.now() - startedMs) };
}

async function advance(run: Run, { onProgress, untilViolated, stopWhen, interrupted }: SimulateOptions): Promise<void> {
  run.begin();
  await breathe(
    () => {
      if ((untilViolated && run.isViolated) || stopWhen?.(run)) run.stop();
      return run.advance(sliceMs);
    },
    () => onProgress?.(run.nowUs),
    interrupted,
  );
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
