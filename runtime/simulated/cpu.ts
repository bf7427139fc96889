import type { Cell, Delivery } from "../cell";
import { laneOf } from "../cell";
import type { Dispatcher, Host } from "../host";
import type { EventHeap } from "./event-heap";

/** Modelled cost of handling a message: a turn, and its bytes. */
export interface CpuCosts {
  readonly turnUs: number;
  /** Bytes handled in one microsecond. */
  readonly bytesPerUs: number;
}

export const defaultCpuCosts: CpuCosts = { turnUs: 15, bytesPerUs: 200 };

/**
 * One host's processor as the simulated dispatcher: turns happen one after the other and take modelled time, so that a herd of requests means
 * something. What was begun goes before what is new, as in the live mailbox.
 */
export class SimulatedCpu implements Dispatcher {
  private busyUntilUs = 0;
  private readonly begun: { cell: Cell; delivery: Delivery }[] = [];
  private readonly fresh: { cell: Cell; delivery: Delivery }[] = [];
  private draining = false;
  private isPaused = false;
  /** Everything takes this many times as long. */
  slowdown = 1;

  constructor(
    private readonly heap: EventHeap,
    private readonly runTurn: (turn: () => void) => void,
    private readonly costs: CpuCosts = defaultCpuCosts,
  ) {}

  enqueue(host: Host, cell: Cell, delivery: Delivery): void {
    if (!this.isPaused && !this.draining && this.busyUntilUs <= this.heap.nowUs) return this.run(host, cell, delivery);
    (laneOf(delivery) === "begun" ? this.begun : this.fresh).push({ cell, delivery });
    this.scheduleDrain(host);
  }

  /** Freezes the host, as a paused virtual machine: messages and timers pile up. */
  pause(): void {
    this.isPaused = true;
  }

  resume(host: Host): void {
    this.isPaused = false;
    this.scheduleDrain(host);
  }

  get paused(): boolean {
    return this.isPaused;
  }

  /** When the turn that was given last ends, in virtual time. */
  get freeAtUs(): number {
    return this.busyUntilUs;
  }

  /** Forgets what waits; the host crashed. */
  clear(): void {
    this.begun.length = 0;
    this.fresh.length = 0;
    this.busyUntilUs = this.heap.nowUs;
  }

  private run(host: Host, cell: Cell, delivery: Delivery): void {
    const bytes = delivery.type === "envelope" ? delivery.envelope.body.length : 0;
    this.busyUntilUs = this.heap.nowUs + Math.ceil((this.costs.turnUs + bytes / this.costs.bytesPerUs) * this.slowdown);
    this.runTurn(() => host.turn(cell, delivery));
  }

  private scheduleDrain(host: Host): void {
    if (this.draining || this.isPaused || (this.begun.length === 0 && this.fresh.length === 0)) return;
    this.draining = true;
    this.heap.at(this.busyUntilUs, () => {
      this.draining = false;
      if (this.isPaused) return;
      const next = this.begun.shift() ?? this.fresh.shift();
      if (next !== undefined) this.run(host, next.cell, next.delivery);
      this.scheduleDrain(host);
    });
  }
}
