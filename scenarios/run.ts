import { keyOf } from "../protocol/kinds/object";
import type { AnyActor } from "../runtime/actor";
import { Simulation } from "../runtime/simulated/simulation";
import type { CheckResult } from "./checks/check";
import { type Act, type Convergence, type Final, type HistoryEvent, objectId } from "./history";
import { shortestUs, stepsOf } from "./language/steps";
import type { Manifest } from "./manifests";
import { type Focus, focusOf } from "./report/focus";
import type { RunSeries } from "./report/recorder";
import { reasonsNotAtRest } from "./rest";
import { restUs, type Scenario } from "./scenario";
import { SimulatedStorm } from "./simulated-storm";
import { SimulatedTank } from "./simulated-tank";
import type { ScheduledStep, StepResult } from "./storm";
import { drawStorm } from "./swarm";
import type { TimelineLine } from "./timeline";
import { Witness } from "./witness";
import { clientActor } from "./workloads/client";
import type { OperatorDone, OperatorPerform } from "./workloads/operator";
import { clientHosts, loadClients, operatorAddress } from "./workloads/placement";

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
  /** Stops at this virtual time, whatever has been reached. */
  readonly untilUs?: number;
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
  /** How long the storm lasted; null where it did not end. */
  readonly stormUs: number | null;
  readonly steps: readonly StepResult[];
  readonly timeline: readonly TimelineLine[];
  readonly series: RunSeries;
  /** The moment at which a report looks closely. */
  readonly focus: Focus;
  /** Whether it was stopped by `untilUs` before its end. */
  readonly stopped: boolean;
}

const secondUs = 1_000_000;
const restSeconds = restUs / secondUs;

/**
 * One run of a scenario in simulation: the cluster comes up and the manifests settle; the storm blows; in the calm all is healed and it must converge
 * and stay so. It advances in slices, so that whoever drives it can look, draw or stop in between.
 */
export class Run {
  readonly simulation: Simulation;
  private readonly witness: Witness;
  private readonly storm: SimulatedStorm;
  private readonly tank: SimulatedTank;
  private readonly wanted: readonly string[];
  /** How long the storm lasts at least. */
  private readonly stormUs: number;
  private stormLastedUs: number | null = null;
  private act: Act = "boot";
  private actSinceUs = 0;
  /** Why the manifests could not be applied, "" once they were. */
  private applied: string | undefined;
  private settled = false;
  private quietSeconds = 0;
  private convergence: Convergence = { converged: false, afterUs: 0, stayed: false, reasons: ["the storm never ended"] };
  private finished: RunResult | undefined;

  constructor(private readonly input: RunInput) {
    const { scenario, seed, actors, keepTraceLines = 2000 } = input;
    const hosts = [...scenario.plan.hosts, ...clientHosts(scenario)];
    this.wanted = input.manifests.map(({ object }) => objectId(object));
    this.simulation = new Simulation({ seed, actors: [...actors, clientActor], trace: { keepLines: keepTraceLines } });
    this.witness = new Witness(this.simulation, hosts, scenario, input);
    for (const { name, zone, actors: placed } of hosts) {
      this.simulation.addHost({ name, zone });
      for (const actor of placed) this.simulation.place(name, actor.address, actor.config);
    }
    this.tank = new SimulatedTank(
      this.simulation,
      { ...scenario.plan, hosts },
      {
        leads: (host) => this.witness.leads(host),
        objects: () => this.witness.objects,
      },
    );
    const { random } = this.simulation;
    const deployments = input.manifests.filter(({ kind }) => kind.kind === "Deployment").map(({ object }) => keyOf(object));
    const drawnSteps =
      scenario.swarm &&
      drawStorm(scenario.swarm, deployments, stepsOf(scenario.storm).length, (purpose, index) => random.draw("swarm", purpose, index));
    const nodes = [...scenario.storm, ...(drawnSteps ?? [])];
    this.stormUs = input.stormUs ?? Math.max(scenario.stormUs, shortestUs(drawnSteps ?? []));
    this.storm = new SimulatedStorm({
      simulation: this.simulation,
      tank: this.tank,
      witness: this.witness,
      beyondBudget: scenario.beyondBudget,
      nodes,
      schedule: input.schedule,
      objectsOfStep: input.objectsOfStep,
      standing: {
        objects: this.witness.objects,
        hosts: () => this.tank.hosts(),
        isAtRest: () => this.quietSeconds > 0,
        isViolated: (check) => this.witness.isViolated(check),
      },
      perform: (tasks, withinMs, then) => this.perform(tasks, withinMs, then),
    });
    this.witness.audience = (observation) => this.storm.see(observation);
    this.simulation.addObserver((_nowUs, _host, event) => this.storm.seeRuntime(event));
  }

  /** Starts the cluster; call it once. */
  begin(): void {
    this.enter("boot");
    this.simulation.start();
    this.applyManifests();
    this.tickEverySecond();
  }

  /** Lets that much virtual time pass, at most; false when the run is over. */
  advance(virtualMs: number): boolean {
    const { untilUs } = this.input;
    const until = this.simulation.now() + virtualMs * 1000;
    this.simulation.runUntil(untilUs === undefined ? until : Math.min(until, untilUs), () => this.finished !== undefined);
    if (this.finished === undefined && untilUs !== undefined && this.simulation.now() >= untilUs) this.finish(true);
    return this.finished === undefined;
  }

  /** Ends the run now, with what has been seen so far. */
  stop(): void {
    if (!this.finished) this.finish(true);
  }

  /** Whether a check is violated already. */
  get isViolated(): boolean {
    return this.witness.checkRuns.some((check) => check.isViolated);
  }

  get nowUs(): number {
    return this.simulation.now();
  }

  /** The result once `advance` has answered false. */
  result(): RunResult {
    if (!this.finished) throw new Error("the run is not over");
    return this.finished;
  }

  private applyManifests(): void {
    if (this.input.scenario.shape.apiServers === 0) {
      this.applied = "";
      return;
    }
    const task = { type: "apply" as const, objects: this.input.manifests.map(({ object }) => object as never) };
    this.perform([task], this.input.scenario.settleUs / 1000, (ok, detail) => {
      this.applied = ok ? "" : detail;
      const action = `apply ${this.wanted.length} objects`;
      this.witness.tell({ type: "action", atUs: this.simulation.now(), step: -1, action, ok, detail });
    });
  }

  // ——— the acts ———

  private tickEverySecond(): void {
    this.simulation.schedule(secondUs, () => {
      if (this.finished) return;
      this.tick();
      this.tickEverySecond();
    });
  }

  private tick(): void {
    const nowUs = this.simulation.now();
    const { scenario } = this.input;
    const reasons = reasonsNotAtRest(this.witness.objects, this.tank.hosts(), this.wanted);
    this.witness.sample();
    this.quietSeconds = reasons.length === 0 ? this.quietSeconds + 1 : 0;
    const inActUs = nowUs - this.actSinceUs;
    switch (this.act) {
      case "boot":
        if (this.applied === "" && this.quietSeconds >= restSeconds) this.beginStorm();
        else if (inActUs >= scenario.settleUs || (this.applied !== undefined && this.applied !== "")) {
          const why = this.applied === undefined ? "the manifests were not applied in time" : this.applied;
          this.convergence = { converged: false, afterUs: inActUs, stayed: false, reasons: why ? [why, ...reasons] : reasons };
          this.finish(false);
        }
        return;
      case "storm":
        this.storm.see({ type: "tick" });
        // A recorded storm ends when it ended.
        if (inActUs >= this.stormUs && (this.input.stormUs !== undefined || this.storm.done)) this.beginCalm(inActUs);
        return;
      case "calm":
        this.judgeCalm(inActUs, reasons);
        return;
    }
  }

  private beginStorm(): void {
    this.settled = true;
    this.enter("storm");
    for (const client of loadClients(this.input.scenario))
      this.simulation.ask(client.address, { kind: "load.begin" }, 1000, () => undefined);
    this.storm.begin();
  }

  private beginCalm(inActUs: number): void {
    this.stormLastedUs = inActUs;
    this.storm.calm();
    this.enter("calm");
    this.quietSeconds = 0;
  }

  private judgeCalm(inActUs: number, reasons: readonly string[]): void {
    const { withinUs, stayUs } = this.input.scenario.calm;
    const { converged, afterUs } = this.convergence;
    if (converged) {
      if (reasons.length > 0) this.convergence = { ...this.convergence, stayed: false, reasons };
      if (reasons.length > 0 || inActUs >= afterUs + stayUs) this.finish(false);
    } else if (this.quietSeconds >= restSeconds)
      this.convergence = { converged: true, afterUs: inActUs - (restSeconds - 1) * secondUs, stayed: true, reasons: [] };
    else {
      this.convergence = { converged: false, afterUs: inActUs, stayed: false, reasons };
      if (inActUs >= withinUs) this.finish(false);
    }
  }

  private finish(stopped: boolean): void {
    this.enter("end");
    const final: Final = {
      atUs: this.simulation.now(),
      objects: this.witness.objects,
      members: this.witness.members(),
      convergence: this.convergence,
    };
    const checks = [...this.witness.checkRuns.map((check) => check.end(final, stopped)), ...(stopped ? [] : this.ownVerdicts())];
    const violated = checks.some(({ verdict }) => verdict === "violated");
    const { recorder } = this.witness;
    const series = recorder.series(this.simulation.now());
    this.finished = {
      seed: this.input.seed,
      scenario: this.input.scenario.name,
      verdict: violated ? "violated" : "held",
      traceHash: this.simulation.traceHash(),
      virtualMs: Math.round(this.simulation.now() / 1000),
      events: this.simulation.heap.count,
      checks,
      probes: this.witness.probes.all(),
      convergence: this.convergence,
      schedule: this.storm.schedule,
      stormUs: this.stormLastedUs,
      steps: this.storm.results,
      timeline: this.witness.timeline,
      series,
      focus: focusOf(checks, series, this.simulation.now(), (call) => recorder.operations.returnedUs(call)),
      stopped,
    };
  }

  /** Whether the run was one at all: it settled, and every step of the storm did something. */
  private ownVerdicts(): readonly CheckResult[] {
    const { results } = this.storm;
    const reached = results.length;
    const wrong = results.filter((step) => step.wrong !== "");
    const plain = { atUs: -1, reached };
    if (!this.settled)
      return [
        {
          name: "storm",
          verdict: "violated",
          detail: `the cluster did not settle: ${this.convergence.reasons.slice(0, 5).join("; ")}`,
          ...plain,
        },
      ];
    if (wrong.length > 0)
      return [
        {
          name: "storm",
          verdict: "violated",
          detail: wrong.map(({ name, where, wrong: why }) => (name === why ? `${where}: ${why}` : `${where} (${name}): ${why}`)).join("; "),
          ...plain,
        },
      ];
    return [{ name: "storm", verdict: "held", detail: `${reached} steps, and each did something`, ...plain }];
  }

  private enter(act: Act): void {
    this.act = act;
    this.actSinceUs = this.simulation.now();
    this.simulation.note(`act ${act}`);
    this.witness.tell({ type: "act", atUs: this.actSinceUs, act });
  }

  private perform(tasks: OperatorPerform["tasks"], withinMs: number, then: (ok: boolean, detail: string) => void): void {
    const body: OperatorPerform = { kind: "operator.perform", tasks, withinMs };
    this.simulation.ask<OperatorDone>(operatorAddress, body, withinMs + 30_000, (answer) =>
      answer.ok ? then(answer.body.ok, answer.body.detail) : then(false, `${answer.error}: ${answer.detail}`),
    );
  }
}

/** Runs a scenario from begin to end. */
export function runScenario(input: RunInput): RunResult {
  const run = new Run(input);
  run.begin();
  while (run.advance(60_000));
  return run.result();
}
