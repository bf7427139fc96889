import type { HostName } from "../protocol/address";
import type { Ongoing } from "./faults/fault";
import type { StormStep } from "./scenario";
import type { Tank } from "./tank";
import { resolve } from "./target";

type FaultStep = Extract<StormStep, { readonly type: "fault" }>;

/** A step as it came to be in one run: what a replay repeats, whatever it would draw itself. */
export interface ScheduledStep {
  readonly step: number;
  /** Since the storm began. */
  readonly atUs: number;
  readonly name: string;
  /** The hosts that its selector meant at that moment; empty for actions. */
  readonly targets: readonly HostName[];
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
  readonly targets: readonly HostName[];
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

  constructor(
    private readonly tank: Tank,
    private readonly options: {
      readonly beyondBudget: boolean;
      /** For replays: the targets of each step that is repeated. */
      readonly replayed: ReadonlyMap<number, readonly HostName[]> | undefined;
      readonly draw: (step: number, index: number) => number;
      readonly tell: (event: StormEvent) => void;
    },
  ) {}

  begin(step: FaultStep): void {
    const { fault, index, params } = step;
    const targets = this.options.replayed?.get(index) ?? resolve(step.target, this.tank.hosts(), (i) => this.options.draw(index, i));
    this.schedule.push({ step: index, atUs: step.atUs, name: fault.name, targets });
    if (targets.length === 0) {
      if (!step.mayMiss)
        this.results.push({
          step: index,
          name: fault.name,
          effect: "",
          wrong: "its selector matched no host when its time came (allow that with `mayMiss: true`)",
        });
      return;
    }
    const beyond = fault.silences && !this.options.beyondBudget ? this.beyondBudget(targets) : undefined;
    if (beyond !== undefined) {
      // Passed over, and so in every replay.
      if (step.mayMiss) this.schedule[this.schedule.length - 1] = { step: index, atUs: step.atUs, name: fault.name, targets: [] };
      else this.results.push({ step: index, name: fault.name, effect: "", wrong: beyond });
      return;
    }
    const ongoing = fault.begin(this.tank, targets, params, `step ${index}`);
    this.active.set(index, { step, targets, ongoing });
    this.options.tell({ step: index, fault: fault.name, phase: "began", targets, effect: "" });
  }

  end(step: number): void {
    const active = this.active.get(step);
    if (!active) return;
    this.active.delete(step);
    const effect = active.ongoing.end();
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

  /** Why silencing these hosts as well takes more than the cluster must survive: a quorum of etcd, or every API server. */
  private beyondBudget(targets: readonly HostName[]): string | undefined {
    const silent = new Set(targets);
    for (const { step, targets: others } of this.active.values()) if (step.fault.silences) for (const host of others) silent.add(host);
    const hosts = this.tank.hosts();
    const members = hosts.filter(({ role }) => role === "etcd");
    const lost = members.filter(({ name, up }) => !up || silent.has(name)).length;
    const most = Math.floor((members.length - 1) / 2);
    if (lost > most)
      return `it would silence ${lost} of ${members.length} etcd members, and the cluster must only survive ${most} (allow that with \`beyondBudget: true\`)`;
    return undefined;
  }
}
