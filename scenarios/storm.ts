import type { HostName } from "../protocol/address";
import { aims } from "./aim";
import type { Ongoing } from "./faults/fault";
import type { StormStep } from "./scenario";
import type { Tank } from "./tank";

type FaultStep = Extract<StormStep, { readonly type: "fault" }>;

/** A step as it came to be in one run: what a replay repeats, whatever it would draw itself. */
export interface ScheduledStep {
  readonly step: number;
  /** Since the storm began. */
  readonly atUs: number;
  readonly name: string;
  /** The hosts, actors or pods that its selector meant at that moment; empty for actions. */
  readonly targets: readonly string[];
}

/** What became of a step. */
export interface StepResult {
  readonly step: number;
  readonly name: string;
  /** A fault that was undone says what it did. */
  readonly effect: string;
  /** Why the step counts for nothing; "" where it does count. */
  readonly wrong: string;
}

interface Active {
  readonly step: FaultStep;
  readonly targets: readonly string[];
  /** On which those are. */
  readonly hosts: readonly HostName[];
  readonly ongoing: Ongoing;
}

export type StormEvent = {
  readonly step: number;
  readonly fault: string;
  readonly phase: "began" | "ended";
  readonly targets: readonly string[];
  readonly effect: string;
};

/** Begins and ends the faults of a storm in a tank, keeps to the budget, and remembers what each step did. */
export class Storm {
  readonly schedule: ScheduledStep[] = [];
  readonly results: StepResult[] = [];
  private readonly active = new Map<number, Active>();
  /** Faults that have ended and have damaged data that is not mended yet. */
  private mending: Active[] = [];

  constructor(
    private readonly tank: Tank,
    private readonly options: {
      readonly beyondBudget: boolean;
      /** For replays: the targets of each step that is repeated. */
      readonly replayed: ReadonlyMap<number, readonly string[]> | undefined;
      readonly draw: (step: number, index: number) => number;
      readonly tell: (event: StormEvent) => void;
    },
  ) {}

  begin(step: FaultStep): void {
    const { fault, index, params } = step;
    const aim = aims[fault.aims ?? "hosts"];
    const targets = this.options.replayed?.get(index) ?? aim.resolve(step.target, this.tank, (i) => this.options.draw(index, i));
    const hosts = aim.hostsOf(targets, this.tank);
    this.schedule.push({ step: index, atUs: step.atUs, name: fault.name, targets });
    if (targets.length === 0) {
      if (!step.mayMiss)
        this.results.push({
          step: index,
          name: fault.name,
          effect: "",
          wrong: "its selector matched nothing when its time came (allow that with `mayMiss: true`)",
        });
      return;
    }
    const beyond = costs(step) && !this.options.beyondBudget ? this.beyondBudget(hosts) : undefined;
    if (beyond !== undefined) {
      // Passed over, and so in every replay.
      if (step.mayMiss) this.schedule[this.schedule.length - 1] = { step: index, atUs: step.atUs, name: fault.name, targets: [] };
      else this.results.push({ step: index, name: fault.name, effect: "", wrong: beyond });
      return;
    }
    const ongoing = fault.begin(this.tank, targets, params, `step ${index}`);
    this.active.set(index, { step, targets, hosts, ongoing });
    this.options.tell({ step: index, fault: fault.name, phase: "began", targets, effect: "" });
  }

  end(step: number): void {
    const active = this.active.get(step);
    if (!active) return;
    this.active.delete(step);
    const effect = active.ongoing.end();
    if (active.step.fault.damages) this.mending.push(active);
    const { name } = active.step.fault;
    this.results.push({
      step,
      name,
      effect,
      wrong: effect === "" && !active.step.mayMiss ? `it did nothing to ${active.targets.join(", ")}` : "",
    });
    this.options.tell({ step, fault: name, phase: "ended", targets: active.targets, effect });
  }

  /** Undoes all that is still going on, the latest first. */
  calm(): void {
    for (const step of [...this.active.keys()].reverse()) this.end(step);
  }

  /** Why losing these hosts as well takes more than the cluster must survive: a quorum of etcd, which is also a copy of the data. */
  private beyondBudget(hit: readonly HostName[]): string | undefined {
    this.mending = this.mending.filter(({ ongoing }) => ongoing.isMended?.() === false);
    const lost = new Set(hit);
    for (const { step, hosts } of this.active.values()) if (costs(step)) for (const host of hosts) lost.add(host);
    for (const { hosts } of this.mending) for (const host of hosts) lost.add(host);
    const members = this.tank.hosts().filter(({ role }) => role === "etcd");
    const gone = members.filter(({ name, up }) => !up || lost.has(name)).length;
    const most = Math.floor((members.length - 1) / 2);
    if (gone > most)
      return `it would silence ${gone} of ${members.length} etcd members, and the cluster must only survive ${most} (allow that with \`beyondBudget: true\`)`;
    return undefined;
  }
}

/** Whether the hosts that suffer it count as lost. */
function costs({ fault }: FaultStep): boolean {
  return fault.silences || fault.damages === true;
}
