import type { Cancel } from "../../runtime/world";
import type { Ongoing, Params } from "../../scenarios/faults/fault";
import { Storm } from "../../scenarios/storm";
import type { ClientFaultCluster } from "./client-faults";
import { type FaultRequest, Refused, readFaultRequest } from "./fault-request";

/** A fault that goes on, for `fault list`. */
export interface RunningFault {
  readonly id: string;
  readonly fault: string;
  /** Hosts, actors or pods; of a client's fault who the client is. */
  readonly targets: readonly string[];
  readonly params: Params;
  readonly sinceMs: number;
  /** Until it ends by itself; null where whoever began it keeps it up. */
  readonly leftMs: number | null;
}

/** What a fault that has ended did. */
export interface EndedFault {
  readonly id: string;
  readonly fault: string;
  readonly targets: readonly string[];
  /** As the world counted it; "" where nothing is known of any effect. */
  readonly effect: string;
  readonly why: string;
}

interface Active extends Omit<RunningFault, "sinceMs" | "leftMs"> {
  readonly beganMs: number;
  readonly endsMs: number | undefined;
  readonly leaseMs: number | undefined;
  timer: Cancel | undefined;
  ending: Cancel | undefined;
  end(): string;
  isOver(): boolean;
}

/** For so long whoever began a fault in the foreground may be silent before it is healed. */
export const leaseMs = 4_000;

export interface FaultServiceOptions extends ClientFaultCluster {
  /** Makes the tank know the cluster's objects as they are now. */
  readonly refresh: () => Promise<void>;
  readonly log: (text: string, fields: Readonly<Record<string, unknown>>) => void;
}

/**
 * Begins and ends faults in a running cluster. Each has an end: a time, or a lease that whoever began it keeps renewing; when the lease runs out, or the
 * cluster stops, the fault is healed.
 */
export class FaultService {
  private readonly active = new Map<string, Active>();
  private readonly ended: EndedFault[] = [];
  private readonly storm: Storm;
  private begun = 0;

  constructor(private readonly options: FaultServiceOptions) {
    const { tank } = options;
    this.storm = new Storm(tank, {
      beyondBudget: true,
      nowUs: () => tank.nowUs(),
      draw: (name, index) => tank.draw(name, "target", index),
      tell: ({ fault, phase, targets, effect }) => options.log(`fault ${phase}`, { fault, targets, effect }),
    });
  }

  /** Begins a fault as a request, JSON, describes it. Throws Refused with what is wrong with it. */
  async start(text: string): Promise<RunningFault> {
    const { tank, world } = this.options;
    const request = readFaultRequest(text, tank.planned());
    if (request.type === "world" && request.fault.aims === "pods") await this.options.refresh();
    const id = `f${++this.begun}`;
    const beganMs = performance.now();
    const { endsMs, leaseMs } = {
      endsMs: request.forMs === null ? undefined : beganMs + request.forMs,
      leaseMs: request.leased ? this.leaseMs : undefined,
    };
    const began = await this.begin(request, id);
    const active: Active = {
      id,
      fault: request.fault.name,
      params: request.params,
      beganMs,
      endsMs,
      leaseMs,
      timer: undefined,
      ending: undefined,
      ...began,
    };
    this.active.set(id, active);
    if (leaseMs !== undefined) this.renew(id);
    if (endsMs !== undefined)
      active.ending = world.clock.after(Math.max(0, endsMs - performance.now()) * 1000, () => this.stop(id, "its time is over"));
    return this.described(active);
  }

  /** Whoever began the fault is still there. False where it has ended. */
  renew(id: string): boolean {
    const active = this.active.get(id);
    if (active?.leaseMs === undefined) return active !== undefined;
    if (active.isOver()) {
      this.stop(id, "it is done");
      return false;
    }
    active.timer?.cancel();
    active.timer = this.options.world.clock.after(active.leaseMs * 1000, () => this.stop(id, "whoever began it is gone"));
    return true;
  }

  /** Ends a fault and heals what it did; undefined where there is none of that id. One that has ended by itself says what it did. */
  stop(id: string, why = "stopped"): EndedFault | undefined {
    const active = this.active.get(id);
    if (active === undefined) return this.ended.find((one) => one.id === id);
    this.active.delete(id);
    active.timer?.cancel();
    active.ending?.cancel();
    const { fault, targets } = active;
    const ended: EndedFault = { id, fault, targets, effect: active.end(), why };
    this.ended.push(ended);
    // Of those that ended by themselves a few are remembered, for whoever asks late.
    if (this.ended.length > 100) this.ended.shift();
    return ended;
  }

  list(): readonly RunningFault[] {
    return [...this.active.values()].map((one) => this.described(one));
  }

  /** Ends all, the latest first. */
  stopAll(why = "stopped"): readonly EndedFault[] {
    return [...this.active.keys()].reverse().flatMap((id) => this.stop(id, why) ?? []);
  }

  private readonly leaseMs = leaseMs;

  private async begin(request: FaultRequest, id: string): Promise<Pick<Active, "targets" | "end" | "isOver">> {
    const { params } = request;
    try {
      if (request.type === "client") {
        const ongoing: Ongoing = await request.fault.begin(this.options, params, id);
        const targets = Object.entries(params).flatMap(([name, value]) => (name === "lag" ? [] : [`${name} ${String(value)}`]));
        return { targets, end: () => ongoing.end(), isOver: () => false };
      }
      const { fault, target } = request;
      const planned = { fault, target, targets: undefined, step: this.begun, occurrence: 0, where: id, params, mayMiss: false };
      const { place, began } = this.storm.begin(planned);
      const { targets } = this.storm.schedule[place]!;
      if (!began && targets.length === 0)
        throw new Refused(422, "$.target: no host, actor or pod of the cluster matches this selector now");
      if (!began) throw new Refused(422, `it cannot be done to this cluster: ${this.storm.results.at(-1)?.wrong ?? ""}`);
      return { targets, end: () => this.end(place), isOver: () => this.storm.isOver(place) };
    } catch (error) {
      throw error instanceof Refused ? error : new Refused(500, `${request.fault.name}: ${(error as Error).message}`);
    }
  }

  private end(place: number): string {
    this.storm.end(place);
    return this.storm.results.findLast(({ step }) => step === place)?.effect ?? "";
  }

  private described({ id, fault, targets, params, beganMs, endsMs }: Active): RunningFault {
    const nowMs = performance.now();
    const leftMs = endsMs === undefined ? null : Math.max(0, Math.round(endsMs - nowMs));
    return { id, fault, targets, params, sinceMs: Math.round(nowMs - beganMs), leftMs };
  }
}
