import type { Store } from "../actors/etcd/store/store";
import type { Address, HostName } from "../protocol/address";
import type { AnyActor } from "../runtime/actor";
import { Simulation } from "../runtime/simulated/simulation";
import type { RuntimeEvent } from "../runtime/world";
import { type CheckResult, CheckRun } from "./checks/check";
import { noPanics } from "./checks/no-panics";
import type { HostPlan } from "./cluster";
import { type Act, type Convergence, type Final, type HistoryEvent, objectId } from "./history";
import { Ledger } from "./ledger";
import type { Manifest } from "./manifests";
import { Probes } from "./probes";
import { Recorder, type RunSeries } from "./report/recorder";
import { reasonsNotAtRest } from "./rest";
import type { Scenario, StormStep } from "./scenario";
import { SimulatedTank } from "./simulated-tank";
import { type ScheduledStep, type StepResult, Storm } from "./storm";
import { type TimelineLine, timelineOf } from "./timeline";
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
  /** A recorded schedule that is repeated instead of resolving selectors anew; steps that are not in it are left out. */
  readonly schedule?: readonly ScheduledStep[];
  /** Stops at this virtual time, whatever has been reached. */
  readonly untilUs?: number;
  /** How many lines of the trace are kept; Infinity keeps all. */
  readonly keepTraceLines?: number;
  readonly onTimeline?: (line: TimelineLine) => void;
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
  readonly steps: readonly StepResult[];
  readonly timeline: readonly TimelineLine[];
  readonly series: RunSeries;
  /** Whether it was stopped by `untilUs` before its end. */
  readonly stopped: boolean;
}

const secondUs = 1_000_000;
/** For so many seconds in a row nothing may be amiss before the cluster counts as at rest. */
const restSeconds = 3;
const actionWithinMs = 120_000;

/**
 * One run of a scenario in simulation: the cluster comes up and the manifests settle; the storm blows; in the calm all is healed and it must converge
 * and stay so. It advances in slices, so that whoever drives it can look, draw or stop in between.
 */
export class Run {
  readonly simulation: Simulation;
  private readonly storm: Storm;
  private readonly tank: SimulatedTank;
  private readonly ledger = new Ledger();
  private readonly probes = new Probes();
  private readonly recorder: Recorder;
  private readonly checkRuns: readonly CheckRun[];
  private readonly timeline: TimelineLine[] = [];
  private readonly hosts: readonly HostPlan[];
  private readonly etcdTerms = new Map<HostName, number>();
  private readonly leaseHolders = new Map<string, HostName>();
  private readonly wanted: readonly string[];
  private readonly actionResults: StepResult[] = [];
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
    this.hosts = [...scenario.plan.hosts, ...clientHosts(scenario)];
    this.wanted = input.manifests.map(({ object }) => objectId(object));
    this.checkRuns = [
      ...(scenario.expect.some(({ check }) => check === noPanics) ? [] : [new CheckRun(noPanics.name, noPanics, {})]),
      ...scenario.expect.map(({ check, label, params }) => new CheckRun(label, check, params)),
    ];
    this.recorder = new Recorder(scenario);
    this.simulation = new Simulation({ seed, actors: [...actors, clientActor], trace: { keepLines: keepTraceLines } });
    this.simulation.addObserver((nowUs, host, event) => this.observe(nowUs, host, event));
    for (const { name, zone, actors: placed } of this.hosts) {
      this.simulation.addHost({ name, zone });
      for (const actor of placed) this.simulation.place(name, actor.address, actor.config);
    }
    this.tank = new SimulatedTank(this.simulation, { ...scenario.plan, hosts: this.hosts }, (host) => this.leads(host));
    const replayed = input.schedule && new Map(input.schedule.map(({ step, targets }) => [step, targets]));
    this.storm = new Storm(this.tank, {
      beyondBudget: scenario.beyondBudget,
      replayed,
      draw: (step, index) => this.simulation.random.draw(`storm ${step}`, "target", index),
      tell: (event) => {
        this.simulation.note(`fault ${event.fault} ${event.phase} ${event.targets.join(",")}`);
        this.tell({ type: "fault", atUs: this.simulation.now(), ...event });
      },
    });
  }

  /** Starts the cluster; call it once. */
  begin(): void {
    this.enter("boot");
    this.simulation.start();
    this.perform(
      [{ type: "apply", objects: this.input.manifests.map(({ object }) => object as never) }],
      this.input.scenario.settleUs / 1000,
      (ok, detail) => {
        this.applied = ok ? "" : detail;
        this.tell({ type: "action", atUs: this.simulation.now(), step: -1, action: `apply ${this.wanted.length} objects`, ok, detail });
      },
    );
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

  get nowUs(): number {
    return this.simulation.now();
  }

  /** The result once `advance` has answered false. */
  result(): RunResult {
    if (!this.finished) throw new Error("the run is not over");
    return this.finished;
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
    const reasons = reasonsNotAtRest(this.ledger.objects, this.tank.hosts(), this.wanted);
    this.recorder.sample(this.ledger.objects);
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
        if (inActUs >= scenario.stormUs) this.beginCalm();
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
    const only = this.input.schedule && new Set(this.input.schedule.map(({ step }) => step));
    for (const step of this.input.scenario.storm) {
      if (only && !only.has(step.index)) continue;
      this.simulation.schedule(step.atUs, () => this.take(step));
      if (step.type === "fault" && step.forUs !== undefined)
        this.simulation.schedule(step.atUs + step.forUs, () => this.storm.end(step.index));
    }
  }

  private take(step: StormStep): void {
    if (this.finished || this.act !== "storm") return;
    if (step.type === "fault") return this.storm.begin(step);
    const { action, params, index } = step;
    this.storm.schedule.push({ step: index, atUs: step.atUs, name: action.name, targets: [] });
    const objects = (this.input.objectsOfStep.get(index) ?? []).map(({ object }) => object as never);
    this.perform(action.tasks(params, objects, this.simulation.now()), actionWithinMs, (ok, detail) => {
      this.actionResults.push({ step: index, name: action.name, effect: ok ? "done" : "", wrong: ok ? "" : detail });
      this.tell({ type: "action", atUs: this.simulation.now(), step: index, action: describeAction(action.name, params), ok, detail });
    });
  }

  private beginCalm(): void {
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
      objects: this.ledger.objects,
      members: this.members(),
      convergence: this.convergence,
    };
    const checks = [...this.checkRuns.map((check) => check.end(final, stopped)), ...(stopped ? [] : this.ownVerdicts())];
    const violated = checks.some(({ verdict }) => verdict === "violated");
    this.finished = {
      seed: this.input.seed,
      scenario: this.input.scenario.name,
      verdict: violated ? "violated" : "held",
      traceHash: this.simulation.traceHash(),
      virtualMs: Math.round(this.simulation.now() / 1000),
      events: this.simulation.heap.count,
      checks,
      probes: this.probes.all(),
      convergence: this.convergence,
      schedule: this.storm.schedule,
      steps: this.steps(),
      timeline: this.timeline,
      series: this.recorder.series(this.simulation.now()),
      stopped,
    };
  }

  private steps(): readonly StepResult[] {
    return [...this.storm.results, ...this.actionResults].sort((a, b) => a.step - b.step);
  }

  /** Whether the run was one at all: it settled, and every step of the storm did something. */
  private ownVerdicts(): readonly CheckResult[] {
    const reached = this.steps().length;
    const wrong = this.steps().filter((step) => step.wrong !== "");
    const missing = this.input.scenario.storm.length - this.storm.schedule.length;
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
          detail: wrong.map(({ name, step, wrong: why }) => `step ${step} (${name}): ${why}`).join("; "),
          ...plain,
        },
      ];
    if (missing > 0 && this.input.schedule === undefined)
      return [{ name: "storm", verdict: "violated", detail: `${missing} steps were never taken`, ...plain }];
    return [{ name: "storm", verdict: "held", detail: `${reached} steps, and each did something`, ...plain }];
  }

  // ——— what is heard ———

  private observe(atUs: number, host: HostName, event: RuntimeEvent): void {
    switch (event.type) {
      case "fact": {
        const { actor, fact } = event;
        if (fact.kind === "raft.leader") this.etcdTerms.set(host, fact.term as number);
        if (fact.kind === "leader.elected") this.leaseHolders.set(String(fact.lease), host);
        this.tell({ type: "fact", atUs, actor, host, fact });
        if (fact.kind === "etcd.applied") {
          const store = this.storeOf(actor);
          if (store) for (const told of this.ledger.read(store, atUs)) this.tell(told);
        }
        return;
      }
      case "started":
        return this.tell({ type: "life", atUs, actor: event.actor, alive: true, error: "" });
      case "stopped":
        return this.tell({ type: "life", atUs, actor: event.actor, alive: false, error: "" });
      case "crashed":
        return this.tell({
          type: "life",
          atUs,
          actor: event.actor,
          alive: false,
          error: event.error instanceof Error ? event.error.message : String(event.error),
        });
      case "hostDown":
        this.etcdTerms.delete(host);
        for (const [lease, holder] of this.leaseHolders) if (holder === host) this.leaseHolders.delete(lease);
        this.tell({ type: "host", atUs, host, up: false });
        for (const actor of this.hosts.find(({ name }) => name === host)?.actors ?? [])
          this.tell({ type: "life", atUs, actor: actor.address, alive: false, error: "" });
        return;
      case "hostUp":
        return this.tell({ type: "host", atUs, host, up: true });
    }
  }

  private tell(event: HistoryEvent): void {
    this.probes.see(event);
    this.recorder.see(event);
    const line = timelineOf(event);
    if (line) this.show(line);
    for (const check of this.checkRuns) {
      const violation = check.see(event);
      if (violation !== undefined) this.show({ atUs: event.atUs, tone: "verdict", text: `violated: ${violation}` });
    }
  }

  private show(line: TimelineLine): void {
    this.timeline.push(line);
    this.input.onTimeline?.(line);
  }

  private enter(act: Act): void {
    this.act = act;
    this.actSinceUs = this.simulation.now();
    this.simulation.note(`act ${act}`);
    this.tell({ type: "act", atUs: this.actSinceUs, act });
  }

  // ——— looking in, and asking ———

  private leads(host: HostName): boolean {
    const term = this.etcdTerms.get(host);
    if (term !== undefined) return term === Math.max(...this.etcdTerms.values());
    return [...this.leaseHolders.values()].includes(host);
  }

  private storeOf(actor: Address): Store | undefined {
    return this.simulation.stateOf<{ readonly store?: Store }>(actor)?.store;
  }

  private members(): Final["members"] {
    return this.input.scenario.plan.hosts
      .filter(({ role }) => role === "etcd")
      .flatMap(({ actors }) => actors.map((actor) => ({ actor: actor.address, store: this.storeOf(actor.address) })))
      .flatMap(({ actor, store }) =>
        store
          ? [
              {
                actor,
                revision: store.revision,
                modRevisionOf: (key: string) => store.get(Buffer.from(key, "utf8").toString("latin1"))?.modRevision,
              },
            ]
          : [],
      );
  }

  private perform(tasks: OperatorPerform["tasks"], withinMs: number, then: (ok: boolean, detail: string) => void): void {
    const body: OperatorPerform = { kind: "operator.perform", tasks, withinMs };
    this.simulation.ask<OperatorDone>(operatorAddress, body, withinMs + 30_000, (answer) =>
      answer.ok ? then(answer.body.ok, answer.body.detail) : then(false, `${answer.error}: ${answer.detail}`),
    );
  }
}

function describeAction(name: string, params: Readonly<Record<string, unknown>>): string {
  const texts = Object.values(params).filter((value) => typeof value === "string" || typeof value === "number");
  return [name, ...texts].join(" ");
}

/** Runs a scenario from begin to end. */
export function runScenario(input: RunInput): RunResult {
  const run = new Run(input);
  run.begin();
  while (run.advance(60_000));
  return run.result();
}
