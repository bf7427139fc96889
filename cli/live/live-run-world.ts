import type { Address, HostName } from "../../protocol/address";
import type { Message } from "../../protocol/codec";
import type { Answer } from "../../runtime/actor";
import type { LiveWorld } from "../../runtime/live/world";
import { SimulatedRandom } from "../../runtime/simulated/random";
import type { Cancel, Random, RuntimeEvent } from "../../runtime/world";
import type { RunWorld } from "../../scenarios/run-world";

/** A live cluster as the world of a run: real time, and a seed that decides what the storm draws, though not what comes of it. */
export class LiveRunWorld implements RunWorld {
  readonly random: Random;
  private readonly beganUs: number;
  /** What the runtime did so far. */
  events = 0;

  constructor(
    private readonly world: LiveWorld,
    seed: number,
  ) {
    this.random = new SimulatedRandom(seed);
    this.beganUs = world.clock.monotonicUs();
    world.events.subscribe(() => this.events++);
  }

  now(): number {
    return this.world.clock.monotonicUs() - this.beganUs;
  }

  schedule(delayUs: number, callback: () => void): Cancel {
    return this.world.clock.after(delayUs, callback);
  }

  /** What is due at one moment happens in the order in which it was scheduled: timers of one time fire so. */
  scheduleFirst(atUs: number, _order: number, callback: () => void): Cancel {
    return this.world.clock.after(Math.max(0, atUs - this.now()), callback);
  }

  ask<M extends Message>(to: Address, body: Message, deadlineMs: number, then: (answer: Answer<M>) => void): void {
    // The answer comes within a turn of the portal.
    this.world.outsidePortal().ask<M>(to, body, deadlineMs, (answer) => void setImmediate(() => then(answer)));
  }

  note(): void {
    // There is no trace.
  }

  addObserver(observer: (nowUs: number, host: HostName, event: RuntimeEvent) => void): void {
    this.world.events.subscribe(({ host, event }) => observer(this.now(), host, event));
  }

  stateOf<State>(actor: Address): State | undefined {
    const host = this.world.directory.hostOf(actor);
    const cell = host === undefined ? undefined : this.world.hosts.get(host)?.cell(actor);
    return cell?.phase === "running" ? (cell.state as State) : undefined;
  }

  clockOffsetsUs(): ReadonlyMap<HostName, number> {
    return new Map([...this.world.hosts.keys()].map((host) => [host, this.world.clockOffUs(host)]));
  }
}
