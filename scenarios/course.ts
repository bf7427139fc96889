import { keyOf } from "../protocol/kinds/object";
import type { ObjectName } from "./actions/action";
import type { CheckResult } from "./checks/check";
import type { HostPlan } from "./cluster";
import { leaveCore } from "./core";
import { type Act, type Convergence, type Final, objectId } from "./history";
import type { Condition } from "./language/condition";
import { type StormStep, shortestUs, stepsOf } from "./language/steps";
import { StopCondition } from "./language/stop-condition";
import type { Reference } from "./reference/reference";
import { focusOf } from "./report/focus";
import { RestReasons } from "./rest/reasons";
import type { RunInput, RunResult } from "./run";
import { RunStorm } from "./run-storm";
import type { RunWorld } from "./run-world";
import { restUs } from "./scenario";
import type { ScheduledStep } from "./storm";
import { drawStorm } from "./swarm";
import type { Tank } from "./tank";
import type { TankKnowledge } from "./tank-knowledge";
import { Witness } from "./witness";
import type { OperatorDone, OperatorPerform } from "./workloads/operator";
import { loadClients, operatorAddress } from "./workloads/placement";

export interface CourseOptions {
  readonly input: RunInput;
  readonly world: RunWorld;
  /** The cluster's hosts, and those of its clients. */
  readonly hosts: readonly HostPlan[];
  readonly tankOf: (knowledge: TankKnowledge) => Tank;
  readonly traceHash: () => string;
  readonly traceEvents: () => number;
  /** How many events there have been. */
  readonly events: () => number;
  /** Runs the same without faults: only the actions of what happened. */
  readonly referenceOf?: (actions: readonly ScheduledStep[], stormUs: number) => Reference;
}

const secondUs = 1_000_000;
const restSeconds = restUs / secondUs;

/**
 * The course of one run, in simulation or live: the cluster comes up and the manifests settle; the storm blows; in the calm all is healed, or all of a core, and it must
 * converge and stay so.
 */
export class Course {
  readonly witness: Witness;
  private readonly storm: RunStorm;
  private readonly tank: Tank;
  /** Objects of the manifests that have to be there: all but those that were deleted on purpose. */
  private readonly wanted: Set<string>;
  /** How long the storm lasts at least. */
  private readonly stormUs: number;
  private stormLastedUs: number | null = null;
  private breakpoint: StopCondition | undefined;
  /** From now on waits for this condition instead, or for none. */
  readonly lookOutFor: (condition: Condition | undefined) => void;
  private act: Act = "boot";
  private actSinceUs = 0;
  /** Why the manifests could not be applied, "" once they were. */
  private applied: string | undefined;
  private settled = false;
  private readonly rest = new RestReasons();
  private quietSeconds = 0;
  private convergence: Convergence = { converged: false, afterUs: 0, stayed: false, reasons: ["the storm never ended"] };
  private finished: RunResult | undefined;
  private toldReasons = "";
  private gaveUp = false;
  /** How many clients are still looking at what there is in the end. */
  private looking = 0;

  constructor(private readonly options: CourseOptions) {
    const { input, world, hosts, tankOf } = options;
    const { scenario } = input;
    this.wanted = new Set(input.manifests.map(({ object }) => objectId(object)));
    this.witness = new Witness(world, hosts, scenario, input);
    this.tank = tankOf({
      leads: (host) => this.witness.leads(host),
      objects: () => this.witness.objects,
      backupSaved: (revision) => this.witness.backupSaved(revision),
      restored: (store, backupRevision) => this.witness.restored(store, backupRevision),
    });
    const { random } = world;
    const deployments = input.manifests.filter(({ kind }) => kind.kind === "Deployment").map(({ object }) => keyOf(object));
    const fileSteps = stepsOf(scenario.storm).filter(({ path }) => path[0] === "storm").length;
    const drawnSteps =
      scenario.swarm && drawStorm(scenario.swarm, deployments, fileSteps, (purpose, index) => random.draw("swarm", purpose, index));
    const nodes = [...scenario.storm, ...(drawnSteps ?? [])];
    this.stormUs = input.stormUs ?? Math.max(scenario.stormUs, shortestUs(drawnSteps ?? []));
    const standing = {
      objects: this.witness.objects,
      hosts: () => this.tank.hosts(),
      isAtRest: () => this.quietSeconds > 0,
      isViolated: (check: string) => this.witness.isViolated(check),
    };
    this.storm = new RunStorm({
      world,
      tank: this.tank,
      witness: this.witness,
      beyondBudget: scenario.beyondBudget,
      nodes,
      schedule: input.schedule,
      objectsOfStep: input.objectsOfStep,
      standing,
      perform: (tasks, withinMs, then) => this.perform(tasks, withinMs, then),
    });
    this.lookOutFor = (condition) => {
      this.breakpoint = condition && new StopCondition(condition, { ...standing, elapsedUs: () => world.now() });
    };
    this.lookOutFor(input.breakpoint);
    this.witness.audience = (observation) => {
      this.storm.see(observation);
      this.breakpoint?.see(observation);
    };
    world.addObserver((_nowUs, _host, event) => {
      this.storm.seeRuntime(event);
      this.breakpoint?.seeRuntime(event);
    });
  }

  /** Lets the world begin, and the run with it; call it once. */
  begin(start: () => void): void {
    this.enter("boot");
    start();
    this.applyManifests();
    this.tickEverySecond();
  }

  /** Ends the run now, with what has been seen so far; `afterEvent` says which event of the trace was the last. */
  stop(afterEvent: number | null = null): void {
    if (!this.finished) this.finish(true, afterEvent);
  }

  /** Ends a run in which more has happened than can be right. */
  giveUp(): void {
    this.gaveUp = true;
    this.stop();
  }

  /** Takes a step by hand; false where there is no storm now. */
  inject(step: StormStep): boolean {
    return this.storm.inject(step);
  }

  get reachedBreakpoint(): boolean {
    return this.breakpoint?.reached === true;
  }

  /** Whether a check is violated already. */
  get isViolated(): boolean {
    return this.witness.checkRuns.some((check) => check.isViolated);
  }

  get currentAct(): Act {
    return this.act;
  }

  /** The result, once the run is over. */
  get result(): RunResult | undefined {
    return this.finished;
  }

  private applyManifests(): void {
    if (this.options.input.scenario.shape.apiServers === 0) {
      this.applied = "";
      return;
    }
    const task = { type: "apply" as const, objects: this.options.input.manifests.map(({ object }) => object as never) };
    this.perform([task], this.options.input.scenario.settleUs / 1000, (ok, detail) => {
      this.applied = ok ? "" : detail;
      const action = `apply ${this.wanted.size} objects`;
      this.witness.tell({ type: "action", atUs: this.options.world.now(), step: -1, action, ok, detail });
    });
  }

  // ——— the acts ———

  private tickEverySecond(): void {
    this.options.world.schedule(secondUs, () => {
      if (this.finished) return;
      this.tick();
      this.tickEverySecond();
    });
  }

  private tick(): void {
    const nowUs = this.options.world.now();
    const { scenario } = this.options.input;
    const { objects } = this.witness;
    const unfinished = this.act === "calm" ? this.storm.unfinished.map((action) => `the operator has not done yet: ${action}`) : [];
    const standing = {
      objects,
      hosts: this.tank.hosts(),
      wanted: [...this.wanted],
      members: this.witness.members((host) => this.tank.actorsOn(host)),
    };
    const reasons = [...unfinished, ...this.rest.now(standing, this.witness.objectsVersion)];
    this.tellOfRest(reasons, nowUs);
    this.witness.sample();
    this.quietSeconds = reasons.length === 0 ? this.quietSeconds + 1 : 0;
    this.witness.audience?.({ type: "tick" });
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
        // A recorded storm ends when it ended.
        if (inActUs >= this.stormUs && (this.options.input.stormUs !== undefined || this.storm.done)) this.beginCalm(inActUs);
        return;
      case "calm":
        this.judgeCalm(inActUs, reasons);
        return;
    }
  }

  /** Says why the cluster is not at rest, when that is something else than the last time. */
  private tellOfRest(reasons: readonly string[], atUs: number): void {
    const text = reasons.join("\n");
    if (text === this.toldReasons) return;
    this.toldReasons = text;
    this.witness.tell({ type: "rest", atUs, reasons });
  }

  private beginStorm(): void {
    this.settled = true;
    this.enter("storm");
    this.beginLoad();
    this.storm.begin();
  }

  private beginLoad(): void {
    const { world, input } = this.options;
    for (const [i, { address }] of loadClients(input.scenario).entries()) {
      const { fromUs = 0, toUs = null } = input.scenario.load[i]!;
      const tell = (kind: "load.begin" | "load.end") => world.ask(address, { kind }, 1000, () => undefined);
      if (fromUs === 0) tell("load.begin");
      else world.schedule(fromUs, () => tell("load.begin"));
      if (toUs !== null) world.schedule(toUs, () => tell("load.end"));
    }
  }

  /** However long the outage was: who can sees now what has come of what was written, and the run waits for it, as long at most as for the cluster. */
  private lookOnceMore(): void {
    const { world, input } = this.options;
    const lookers = loadClients(input.scenario).filter((_, i) => input.scenario.load[i]!.workload.looksInTheEnd);
    this.looking = lookers.length;
    for (const { address } of lookers) world.ask(address, { kind: "load.look" }, input.scenario.calm.withinUs / 1000, () => this.looking--);
  }

  private beginCalm(inActUs: number): void {
    this.stormLastedUs = inActUs;
    this.storm.calm();
    this.enter("calm");
    if (this.options.input.scenario.calm.coreOnly) this.loseAllButCore();
    this.quietSeconds = 0;
  }

  private loseAllButCore(): void {
    const { random } = this.options.world;
    const dead = leaveCore(this.tank, this.storm.isMended, (host, purpose) => random.draw(`calm ${host}`, purpose, 0));
    const action = `leave ${dead.join(", ")} dead: the rest is enough`;
    if (dead.length > 0) this.witness.tell({ type: "action", atUs: this.options.world.now(), step: -1, action, ok: true, detail: "" });
  }

  private judgeCalm(inActUs: number, reasons: readonly string[]): void {
    const { withinUs, stayUs } = this.options.input.scenario.calm;
    const { converged, afterUs } = this.convergence;
    if (converged) {
      if (reasons.length > 0) this.convergence = { ...this.convergence, stayed: false, reasons };
      if (reasons.length > 0 || (inActUs >= afterUs + stayUs && this.looking === 0)) this.finish(false);
    } else if (this.quietSeconds >= restSeconds) {
      this.convergence = { converged: true, afterUs: inActUs - (restSeconds - 1) * secondUs, stayed: true, reasons: [] };
      this.lookOnceMore();
    } else {
      this.convergence = { converged: false, afterUs: inActUs, stayed: false, reasons };
      if (inActUs >= withinUs) this.finish(false);
    }
  }

  private finish(stopped: boolean, stopEvent: number | null = null): void {
    const traceEvents = this.options.traceEvents();
    this.enter("end");
    const final: Final = {
      atUs: this.options.world.now(),
      objects: this.witness.objects,
      members: this.witness.members((host) => this.tank.actorsOn(host)),
      convergence: this.convergence,
      ...this.reference(),
    };
    const checks = [
      ...this.witness.checkRuns.map((check) => check.end(final, stopped)),
      ...(stopped ? this.endless() : this.ownVerdicts()),
    ];
    const violated = checks.some(({ verdict }) => verdict === "violated");
    const { recorder } = this.witness;
    const series = recorder.series(this.options.world.now());
    this.finished = {
      seed: this.options.input.seed,
      scenario: this.options.input.scenario.name,
      verdict: violated ? "violated" : "held",
      traceHash: this.options.traceHash(),
      traceEvents,
      stopEvent,
      virtualMs: Math.round(this.options.world.now() / 1000),
      events: this.options.events(),
      checks,
      probes: this.witness.probes.all(),
      convergence: this.convergence,
      shape: this.options.input.scenario.shape,
      schedule: this.storm.schedule,
      stormUs: this.stormLastedUs,
      steps: this.storm.results,
      timeline: this.witness.timeline,
      series,
      focus: focusOf(checks, series, this.options.world.now(), (call) => recorder.operations.returnedUs(call)),
      stopped,
    };
  }

  /** The run without faults, made at most once, and only if a check asks for it. */
  private reference(): Pick<Final, "reference"> {
    const { referenceOf } = this.options;
    const stormUs = this.stormLastedUs;
    if (!referenceOf || stormUs === null) return {};
    let made: Reference | undefined;
    return {
      reference: () =>
        (made ??= referenceOf(
          this.storm.schedule.filter(({ type }) => type === "action"),
          stormUs,
        )),
    };
  }

  /** Of a run that was given up: that it had no end. */
  private endless(): readonly CheckResult[] {
    if (!this.gaveUp) return [];
    const [reached, atUs] = [this.options.events(), this.options.world.now()];
    const detail = `${reached} events have happened in ${(atUs / 1e6).toFixed(1)} s of virtual time: something goes on and on, and the run was given up`;
    return [{ name: "finite", verdict: "violated", detail, atUs, reached }];
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
    const detail = reached === 1 ? "1 step, and it did something" : `${reached} steps, and each did something`;
    return [{ name: "storm", verdict: "held", detail, ...plain }];
  }

  private enter(act: Act): void {
    this.act = act;
    this.actSinceUs = this.options.world.now();
    this.options.world.note(`act ${act}`);
    this.witness.tell({ type: "act", atUs: this.actSinceUs, act });
  }

  private perform(tasks: OperatorPerform["tasks"], withinMs: number, then: (ok: boolean, detail: string) => void): void {
    const body: OperatorPerform = { kind: "operator.perform", tasks, withinMs };
    for (const task of tasks) if (task.type === "delete") this.wantNoMore(task.object);
    this.options.world.ask<OperatorDone>(operatorAddress, body, withinMs + 30_000, (answer) =>
      answer.ok ? then(answer.body.ok, answer.body.detail) : then(false, `${answer.error}: ${answer.detail}`),
    );
  }

  /** What the storm deletes does not have to be there in the end, nor what lies in a namespace that goes. */
  private wantNoMore({ kind, namespace, name }: ObjectName): void {
    this.wanted.delete(namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`);
    if (kind !== "Namespace") return;
    for (const id of this.wanted) if (id.slice(id.indexOf(" ") + 1).startsWith(`${name}/`)) this.wanted.delete(id);
  }
}
