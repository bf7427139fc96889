import type { AnyActor } from "../runtime/actor";
import { Simulation } from "../runtime/simulated/simulation";
import type { CheckResult } from "./checks/check";
import type { ClusterShape } from "./cluster";
import { Course } from "./course";
import type { Act, Convergence, HistoryEvent } from "./history";
import type { Condition } from "./language/condition";
import type { Manifest } from "./manifests";
import type { Reference } from "./reference/reference";
import { UpdateSummary } from "./reference/update-summary";
import type { Focus } from "./report/focus";
import type { RunSeries } from "./report/recorder";
import { planOf, type Scenario } from "./scenario";
import { SimulatedTank } from "./simulated-tank";
import type { ScheduledStep, StepResult } from "./storm";
import { drawShape } from "./swarm-shape";
import type { TimelineLine } from "./timeline";
import { clientActor } from "./workloads/client";
import { clientHosts } from "./workloads/placement";

export interface RunInput {
  readonly scenario: Scenario;
  readonly manifests: readonly Manifest[];
  /** For each step that names files: the objects in them. */
  readonly objectsOfStep: ReadonlyMap<number, readonly Manifest[]>;
  readonly seed: number;
  /** Every actor of the cluster, by role; the clients are added. */
  readonly actors: readonly AnyActor[];
  /** A recorded schedule that is repeated instead of what the scenario's storm says, and how long the storm lasted. */
  readonly schedule?: readonly ScheduledStep[];
  readonly stormUs?: number;
  /** The recorded shape of the cluster, instead of what the scenario says or the seed draws. */
  readonly shape?: ClusterShape;
  /** Stops at this virtual time, whatever has been reached. */
  readonly untilUs?: number;
  /** Stops after this event of the trace. */
  readonly stopEvent?: number;
  /** Stops when so much has happened, which then counts as a violation: a run that goes on and on tells of nothing else. */
  readonly eventsMax?: number;
  /** Stops when this holds. */
  readonly breakpoint?: Condition;
  /** How many lines of the trace are kept; Infinity keeps all. */
  readonly keepTraceLines?: number;
  readonly onTimeline?: (line: TimelineLine) => void;
  /** Sees all that happens, as checks do; changes nothing. */
  readonly onEvent?: (event: HistoryEvent) => void;
}

export interface RunResult {
  readonly seed: number;
  readonly scenario: string;
  readonly verdict: "held" | "violated";
  readonly traceHash: string;
  readonly virtualMs: number;
  /** Events of the simulation. */
  readonly events: number;
  readonly checks: readonly CheckResult[];
  readonly probes: Readonly<Record<string, number>>;
  readonly convergence: Convergence;
  readonly schedule: readonly ScheduledStep[];
  /** The cluster as it was. */
  readonly shape: ClusterShape;
  /** How long the storm lasted; null where it did not end. */
  readonly stormUs: number | null;
  readonly steps: readonly StepResult[];
  readonly timeline: readonly TimelineLine[];
  readonly series: RunSeries;
  /** The moment at which a report looks closely. */
  readonly focus: Focus;
  /** Events in the trace. */
  readonly traceEvents: number;
  /** The event after which a breakpoint stopped it; null where none did. */
  readonly stopEvent: number | null;
  /** Whether it was stopped by `untilUs`, `stopEvent` or `breakpoint` before its end. */
  readonly stopped: boolean;
}

/** One run of a scenario in simulation. It advances in slices, so that whoever drives it can look, draw or stop in between. */
export class Run {
  readonly simulation: Simulation;
  readonly course: Course;

  constructor(private readonly input: RunInput) {
    const { seed, actors, keepTraceLines = 2000 } = input;
    const simulation = new Simulation({ seed, actors: [...actors, clientActor], trace: { keepLines: keepTraceLines } });
    const scenario = shaped(input.scenario, input.shape, (purpose) => simulation.random.draw("swarm", purpose, 0));
    const hosts = [...scenario.plan.hosts, ...clientHosts(scenario)];
    this.simulation = simulation;
    this.course = new Course({
      ...{ input: { ...input, scenario }, world: simulation, hosts },
      tankOf: (knowledge) => new SimulatedTank(simulation, { ...scenario.plan, hosts }, knowledge),
      traceHash: () => simulation.traceHash(),
      traceEvents: () => simulation.trace.count,
      events: () => simulation.heap.count,
      referenceOf: (actions, stormUs) => referenceOf({ ...input, scenario }, actions, stormUs),
    });
    for (const { name, zone, actors: placed } of hosts) {
      simulation.addHost({ name, zone });
      for (const actor of placed) simulation.place(name, actor.address, actor.config);
    }
  }

  /** Starts the cluster; call it once. */
  begin(): void {
    this.course.begin(() => this.simulation.start());
  }

  /** Lets that much virtual time pass, at most; false when the run is over. */
  advance(virtualMs: number): boolean {
    const { untilUs = Number.POSITIVE_INFINITY, stopEvent = Number.POSITIVE_INFINITY, eventsMax = Number.POSITIVE_INFINITY } = this.input;
    const { course, simulation } = this;
    const isStopped = () => simulation.trace.count >= stopEvent || course.reachedBreakpoint || simulation.heap.count >= eventsMax;
    simulation.runUntil(Math.min(simulation.now() + virtualMs * 1000, untilUs), () => course.result !== undefined || isStopped());
    if (simulation.heap.count >= eventsMax) course.giveUp();
    else if (isStopped()) course.stop(simulation.trace.count);
    else if (simulation.now() >= untilUs) course.stop();
    return course.result === undefined;
  }

  /** Ends the run now, with what has been seen so far. */
  stop(): void {
    this.course.stop();
  }

  /** Whether a check is violated already. */
  get isViolated(): boolean {
    return this.course.isViolated;
  }

  /** Whether the check of that label is violated already. */
  isViolatedBy(check: string): boolean {
    return this.course.witness.isViolated(check);
  }

  get act(): Act {
    return this.course.currentAct;
  }

  get nowUs(): number {
    return this.simulation.now();
  }

  /** The result once `advance` has answered false. */
  result(): RunResult {
    const { result } = this.course;
    if (!result) throw new Error("the run is not over");
    return result;
  }
}

/** The same run with nothing but the actions of its operator, and nobody who judges it. */
function referenceOf(input: RunInput, actions: readonly ScheduledStep[], stormUs: number): Reference {
  const { scenario, manifests, objectsOfStep, seed, actors } = input;
  const summary = new UpdateSummary();
  const plain = { scenario: { ...scenario, expect: [], drawnCluster: undefined }, manifests, objectsOfStep, seed, actors };
  const run = new Run({ ...plain, schedule: actions, stormUs, keepTraceLines: 0, onEvent: (event) => summary.see(event) });
  run.begin();
  while (run.advance(60_000));
  return { objects: run.course.witness.objects, updates: summary.counts, converged: run.result().convergence.converged };
}

/** The scenario with the cluster that was recorded, or that the seed draws. */
export function shaped(scenario: Scenario, recorded: ClusterShape | undefined, draw: (purpose: string) => number): Scenario {
  if (!recorded && !scenario.drawnCluster) return scenario;
  return withShape(scenario, recorded ?? drawShape(scenario.shape, scenario.drawnCluster!, draw));
}

export function withShape(scenario: Scenario, shape: ClusterShape): Scenario {
  return { ...scenario, shape, plan: planOf(shape, scenario) };
}

/** Runs a scenario from begin to end. */
export function runScenario(input: RunInput): RunResult {
  const run = new Run(input);
  run.begin();
  while (run.advance(60_000));
  return run.result();
}
