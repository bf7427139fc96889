import { type HostName, roleOf } from "../protocol/address";
import { aims, type Target } from "./aim";
import { exceedsBudget, lostOf } from "./budget";
import type { Fault, Ongoing } from "./faults/fault";
import type { Params } from "./language/steps";
import { formatPath } from "./source";
import { restoresPath } from "./swarm";
import { Impossible, type Tank } from "./tank";

/** A step as it came to be in one run: all that a replay needs to do the same at the same moment, whatever it would draw or decide itself. */
export interface ScheduledStep {
  /** "missed" is a wait that was for nothing. */
  readonly type: "fault" | "action" | "missed";
  /** The step's number in the scenario; -1 of what is missed. */
  readonly step: number;
  /** How many times the same step was taken before. */
  readonly occurrence: number;
  /** Since the storm began. */
  readonly atUs: number;
  /** The fault or the action; of what is missed, why. */
  readonly name: string;
  /** Where it stands in the scenario, "storm[2]". */
  readonly where: string;
  /** The hosts, actors or pods that its selector meant at that moment; empty for actions. */
  readonly targets: readonly string[];
  /** How long the fault lasted; null where the calm ended it. */
  readonly forUs: number | null;
  readonly params: Params;
  readonly mayMiss: boolean;
}

/** What became of a step. */
export interface StepResult {
  /** Its place in the schedule. */
  readonly step: number;
  readonly name: string;
  readonly where: string;
  /** A fault that was undone says what it did. */
  readonly effect: string;
  /** Why the step counts for nothing; "" where it does count. */
  readonly wrong: string;
}

/** A fault that is to begin. `targets` are given in a replay; otherwise the selector finds them. */
export interface PlannedFault extends Pick<ScheduledStep, "step" | "occurrence" | "where" | "params" | "mayMiss"> {
  readonly fault: Fault;
  readonly target: Target;
  readonly targets: readonly string[] | undefined;
}

interface Active {
  readonly planned: PlannedFault;
  readonly targets: readonly string[];
  readonly hosts: readonly HostName[];
  /** Hosts that count as lost because of it. */
  readonly lost: readonly HostName[];
  readonly ongoing: Ongoing;
}

export type StormEvent = {
  /** Its place in the schedule, which no other has. */
  readonly step: number;
  readonly fault: string;
  readonly phase: "began" | "ended";
  readonly targets: readonly string[];
  /** The hosts on which these were when it began. */
  readonly hosts: readonly HostName[];
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
      /** Since the storm began. */
      readonly nowUs: () => number;
      /** In [0, 1), by step and occurrence. */
      readonly draw: (name: string, index: number) => number;
      readonly tell: (event: StormEvent) => void;
    },
  ) {}

  /** Notes a step in the schedule and answers with its place there. */
  note(step: Omit<ScheduledStep, "atUs">): number {
    return this.schedule.push({ ...step, atUs: this.options.nowUs() }) - 1;
  }

  /** Notes what became of the step at that place of the schedule. */
  judge(place: number, effect: string, wrong: string): void {
    const { name, where } = this.schedule[place]!;
    this.results.push({ step: place, name, where, effect, wrong });
  }

  /** Begins a fault; answers with its place in the schedule, and whether there is anything to end. */
  begin(planned: PlannedFault): { readonly place: number; readonly began: boolean } {
    const { fault, step, occurrence, where, params, mayMiss } = planned;
    const name = nameOf(step, occurrence);
    const aim = aims[fault.aims ?? "hosts"];
    const found = planned.targets ?? aim.resolve(planned.target, this.tank, (i) => this.options.draw(name, i));
    const lost = this.lostBy(planned, found);
    const beyond = lost.length > 0 && !this.options.beyondBudget ? this.beyondBudget(planned, lost) : undefined;
    // What may be passed over for the budget's sake is passed over in every replay.
    const targets = beyond !== undefined && mayMiss ? [] : found;
    const place = this.note({ type: "fault", step, occurrence, name: fault.name, where, targets, forUs: null, params, mayMiss });
    const wrong = targets.length === 0 ? "its selector matched nothing when its time came (allow that with `mayMiss: true`)" : beyond;
    if (wrong !== undefined) {
      if (!mayMiss) this.judge(place, "", wrong);
      return { place, began: false };
    }
    const hosts = aim.hostsOf(targets, this.tank);
    let ongoing: Ongoing;
    try {
      ongoing = this.tank.attempt(() => this.tank.begin?.(fault, targets, params, name) ?? fault.begin(this.tank, targets, params, name));
    } catch (error) {
      if (!(error instanceof Impossible)) throw error;
      this.judge(place, "", error.message);
      return { place, began: false };
    }
    this.active.set(place, { planned, targets, hosts, lost, ongoing });
    this.options.tell({ step: place, fault: fault.name, phase: "began", targets, hosts, effect: "" });
    return { place, began: true };
  }

  /** Ends the fault at that place of the schedule, if it goes on. */
  end(place: number): void {
    if (!this.active.has(place)) return;
    const scheduled = this.schedule[place]!;
    this.schedule[place] = { ...scheduled, forUs: this.options.nowUs() - scheduled.atUs };
    this.undo(place);
  }

  /** Whether the fault at that place of the schedule goes on and has nothing more to do. */
  isOver(place: number): boolean {
    return this.active.get(place)?.ongoing.isOver?.() ?? false;
  }

  private undo(place: number): void {
    const active = this.active.get(place)!;
    const { planned, targets, hosts, ongoing } = active;
    this.active.delete(place);
    const effect = ongoing.end();
    if (planned.fault.damages || planned.fault.doublesVotes) this.mending.push(active);
    this.judge(
      place,
      effect,
      effect === "" && !planned.mayMiss ? `it did nothing to ${targets.join(", ")}${hintOf(planned, targets)}` : "",
    );
    this.options.tell({ step: place, fault: planned.fault.name, phase: "ended", targets, hosts, effect });
  }

  /** Undoes all that is still going on, the latest first. */
  calm(): void {
    for (const place of [...this.active.keys()].reverse()) this.undo(place);
  }

  /** Whether the data and the votes of all members are in order again, after every fault that ended. */
  get isMended(): boolean {
    return this.mending.every(({ ongoing }) => ongoing.isMended?.() !== false);
  }

  /** Whether etcd is still to be made anew of a backup. */
  get isRestoring(): boolean {
    return this.mending.some(({ planned, ongoing }) => planned.fault.endsHistory && ongoing.isMended?.() === false);
  }

  /** Whether all hosts are up, and each of etcd has its one member. */
  private get isWhole(): boolean {
    const members = (host: HostName) => this.tank.residentsOf(host).filter((actor) => roleOf(actor) === "etcd").length;
    return this.tank.hosts().every(({ name, role, up }) => up && (role !== "etcd" || members(name) === 1));
  }

  /** Why losing these hosts as well takes more than the cluster must survive. */
  private beyondBudget({ fault, where }: PlannedFault, hit: readonly HostName[]): string | undefined {
    this.mending = this.mending.filter(({ ongoing }) => ongoing.isMended?.() === false);
    const others = [...this.active.values(), ...this.mending];
    // What is drawn to be restored may be lost, but nothing with it.
    if (where === restoresWhere && this.isWhole && others.every(({ lost }) => lost.length === 0)) return undefined;
    for (const { planned, lost } of others) {
      const twice = fault.doublesVotes || planned.fault.doublesVotes ? hit.find((host) => lost.includes(host)) : undefined;
      if (twice !== undefined)
        return `${twice} has two members of etcd for a while: losing it as well takes two votes; allow that with \`beyondBudget: true\``;
    }
    const damaged = others.filter(({ planned }) => planned.fault.damages).flatMap((one) => one.lost);
    const again = fault.damages ? hit.find((host) => damaged.includes(host)) : undefined;
    if (again !== undefined)
      return `the data of ${again} is damaged and not mended yet: its member would be replaced twice at once; allow that with \`beyondBudget: true\``;
    const lost = new Set([...hit, ...others.flatMap((one) => one.lost)]);
    return exceedsBudget(this.tank.hosts(), new Set(hit), lost);
  }

  /** The hosts that count as lost while it lasts. */
  private lostBy({ fault, params }: PlannedFault, targets: readonly string[]): readonly HostName[] {
    return aims[fault.aims ?? "hosts"].hostsOf(lostOf(fault, this.tank.hosts(), targets, params), this.tank);
  }
}

/** What is often meant by a fault of packets that met none. */
function hintOf({ fault, params }: PlannedFault, targets: readonly string[]): string {
  const isOfPackets = fault.params.peers !== undefined && fault.params.direction !== undefined;
  return isOfPackets && params.peers === undefined && targets.length > 1
    ? " (what they say to each other is not concerned: name them under `peers` as well)"
    : "";
}

const restoresWhere = formatPath(restoresPath).slice(2);

/** Names a step among all that a run takes: its draws and its rules. The same in every run, whatever else is taken. */
export function nameOf(step: number, occurrence: number): string {
  return occurrence === 0 ? `step ${step}` : `step ${step}.${occurrence}`;
}
