import type { RuntimeEvent } from "../runtime/world";
import { actionNamed } from "./actions";
import type { Task } from "./actions/action";
import { faultNamed } from "./faults";
import { Director, type Stage, type Taken } from "./language/director";
import type { Observation, Standing } from "./language/expectation";
import type { Params, StormNode, StormStep } from "./language/steps";
import type { Manifest } from "./manifests";
import type { RunWorld } from "./run-world";
import { formatPath } from "./source";
import { type PlannedFault, type ScheduledStep, type StepResult, Storm } from "./storm";
import type { Tank } from "./tank";
import type { Witness } from "./witness";

export interface RunStormOptions {
  readonly world: RunWorld;
  readonly tank: Tank;
  readonly witness: Witness;
  readonly beyondBudget: boolean;
  readonly nodes: readonly StormNode[];
  /** A recorded schedule that is repeated instead of what the nodes say. */
  readonly schedule: readonly ScheduledStep[] | undefined;
  /** For each step that names files: the objects in them. */
  readonly objectsOfStep: ReadonlyMap<number, readonly Manifest[]>;
  readonly standing: Omit<Standing, "elapsedUs">;
  /** Lets the operator do something; hears how it went. */
  readonly perform: (tasks: readonly Task[], withinMs: number, then: (ok: boolean, detail: string) => void) => void;
}

const actionWithinMs = 120_000;
/** The number of steps that were taken by hand, beyond those of any file or plan. */
const injectedStep = 2_000_000;
/** Orders of what the storm does at one moment: first what ends, then what begins. */
const beginsFrom = 1e12;

/** A storm in the world of a run: what its nodes say, or what a recorded schedule repeats. */
export class RunStorm {
  private readonly storm: Storm;
  private readonly director: Director;
  private beganUs = 0;
  private begun = 0;
  private over = false;
  private injected = 0;
  /** Actions that the operator has not done yet, by their places in the schedule. */
  private readonly acting = new Map<number, string>();
  /** Of a replay: steps that have not had their turn. */
  private left = 0;

  constructor(private readonly options: RunStormOptions) {
    const { world, tank, witness, beyondBudget, nodes } = options;
    const { random } = world;
    this.storm = new Storm(tank, {
      beyondBudget,
      nowUs: () => this.nowUs(),
      draw: (name, index) => random.draw(`storm ${name}`, "target", index),
      tell: (event) => {
        world.note(`fault ${event.fault} ${event.phase} ${event.targets.join(",")}`);
        witness.tell({ type: "fault", atUs: world.now(), ...event });
      },
    });
    const stage: Stage = {
      standing: {
        get objects() {
          return options.standing.objects;
        },
        hosts: options.standing.hosts,
        isAtRest: options.standing.isAtRest,
        isViolated: options.standing.isViolated,
        elapsedUs: () => this.nowUs(),
      },
      nowUs: () => this.nowUs(),
      at: (atUs, run) => this.at(atUs, run),
      take: (step, occurrence, ended) => this.take(step, occurrence, ended),
      missed: ({ path }, why) => this.miss(formatPath(path).slice(2), why),
      draw: (purpose, index) => random.draw("storm", purpose, index),
    };
    this.director = new Director(nodes, stage);
  }

  begin(): void {
    const { world, schedule } = this.options;
    this.beganUs = world.now();
    if (!schedule) return this.director.begin();
    this.left = schedule.length;
    for (const scheduled of schedule)
      this.at(scheduled.atUs, () => {
        this.left--;
        this.repeat(scheduled);
      });
  }

  /** Whether there is nothing left to do; faults without an end may go on. */
  get done(): boolean {
    return this.options.schedule ? this.left === 0 : this.director.done;
  }

  get schedule(): readonly ScheduledStep[] {
    return this.storm.schedule;
  }

  get results(): readonly StepResult[] {
    return [...this.storm.results].sort((a, b) => a.step - b.step);
  }

  /** Takes a step that nobody planned, at once; false when the storm is over. A replay of the schedule takes it again. */
  inject(step: StormStep): boolean {
    if (this.over || this.beganUs === 0) return false;
    const occurrence = this.injected++;
    this.at(this.nowUs() + 1, () => this.take({ ...step, index: injectedStep, path: ["injected"] }, occurrence, () => undefined));
    return true;
  }

  /** Shows what happened to whoever waits for it. Changes nothing at once. */
  see(observation: Observation): void {
    if (!this.over) this.director.see(observation);
  }

  /** The same with what the runtime did, where somebody waits for a message. */
  seeRuntime(event: RuntimeEvent): void {
    if (event.type === "deliver" && this.director.readsMessages) this.see({ type: "delivery", envelope: event.envelope });
  }

  /** Ends the storm and undoes all that is still going on. */
  calm(): void {
    this.over = true;
    this.storm.calm();
  }

  /** Whether no member of etcd is being replaced, taken away or filled anew for what a fault has done. */
  get isMended(): boolean {
    return this.storm.isMended;
  }

  /** What the operator is still about, which will move what has come to rest. */
  get unfinished(): readonly string[] {
    return [...this.acting.values(), ...(this.storm.isRestoring ? ["make etcd anew of its backup"] : [])];
  }

  private nowUs(): number {
    return this.options.world.now() - this.beganUs;
  }

  private at(atUs: number, run: () => void): void {
    this.options.world.scheduleFirst(this.beganUs + atUs, beginsFrom + this.begun++, () => {
      if (!this.over) run();
    });
  }

  private take(step: StormStep, occurrence: number, ended: () => void): Taken {
    const { index, path, params } = step;
    const where = formatPath(path).slice(2);
    if (step.type === "action") return this.act({ step: index, occurrence, where, params, name: step.action.name }, ended);
    const { fault, target, mayMiss, forUs } = step;
    return this.beginFault({ step: index, occurrence, where, params, mayMiss, fault, target, targets: undefined }, forUs ?? null, ended);
  }

  private repeat(scheduled: ScheduledStep): void {
    const { type, name, targets, forUs } = scheduled;
    const none = () => undefined;
    if (type === "missed") this.miss(scheduled.where, name);
    else if (type === "action") this.act(scheduled, none);
    else this.beginFault({ ...scheduled, fault: faultNamed(name)!, target: {}, targets }, forUs, none);
  }

  private beginFault(planned: PlannedFault, forUs: number | null, ended: () => void): Taken {
    const { place, began } = this.storm.begin(planned);
    let over = false;
    const end = () => {
      if (over || this.over) return;
      over = true;
      this.storm.end(place);
      ended();
    };
    /** What ends does so before what begins, and in the order of the schedule: a replay, which knows all ends beforehand, does the same. */
    const endAt = (atUs: number) => void this.options.world.scheduleFirst(this.beganUs + atUs, place, end);
    if (!began || forUs === null) ended();
    else endAt(this.nowUs() + forUs);
    return { lasts: began && forUs !== null, end: () => endAt(this.nowUs() + 1) };
  }

  private act(action: Pick<ScheduledStep, "step" | "occurrence" | "where" | "params" | "name">, ended: () => void): Taken {
    const { world, witness, objectsOfStep, perform } = this.options;
    const { step, occurrence, where, params, name } = action;
    const place = this.storm.note({ type: "action", step, occurrence, name, where, params, targets: [], forUs: null, mayMiss: false });
    const objects = (objectsOfStep.get(step) ?? []).map(({ object }) => object as never);
    const known = actionNamed(name)!;
    this.acting.set(place, describeAction(name, params));
    perform(known.tasks(params, objects, world.now()), known.withinMs?.(params) ?? actionWithinMs, (ok, detail) => {
      this.acting.delete(place);
      this.storm.judge(place, ok ? "done" : "", ok ? "" : detail);
      witness.tell({ type: "action", atUs: world.now(), step: place, action: describeAction(name, params), ok, detail });
      ended();
    });
    return { lasts: false, end: () => undefined };
  }

  private miss(where: string, why: string): void {
    const place = this.storm.note({
      type: "missed",
      step: -1,
      occurrence: 0,
      name: why,
      where,
      targets: [],
      forUs: null,
      params: {},
      mayMiss: false,
    });
    this.storm.judge(place, "", why);
  }
}

function describeAction(name: string, params: Params): string {
  const texts = Object.values(params).filter((value) => typeof value === "string" || typeof value === "number");
  return [name, ...texts].join(" ");
}
