import type { Cancel, Clock } from "../world";
import type { EventHeap } from "./event-heap";

/** 2026-01-01T00:00:00Z in microseconds: where every simulation begins. */
export const epochUs = 1_767_225_600_000_000;

/** One host's clock over the common virtual time. Its wall clock may be off and drift; timers follow monotonic time, which does neither. */
export class SimulatedClock implements Clock {
  private offsetUs = 0;
  private driftPpm = 0;
  private driftSinceUs = 0;

  constructor(private readonly heap: EventHeap) {}

  wallUs(): number {
    const drifted = Math.floor(((this.heap.nowUs - this.driftSinceUs) * this.driftPpm) / 1_000_000);
    return epochUs + this.heap.nowUs + this.offsetUs + drifted;
  }

  monotonicUs(): number {
    return this.heap.nowUs;
  }

  after(delayUs: number, callback: () => void): Cancel {
    return this.heap.after(delayUs, callback);
  }

  /** Lets the wall clock jump by that much. */
  jump(byUs: number): void {
    this.offsetUs += Math.round(byUs);
  }

  /** From now on the wall clock gains this many microseconds each second; 0 stops the drift and keeps what it made. */
  drift(ppm: number): void {
    const drifted = Math.floor(((this.heap.nowUs - this.driftSinceUs) * this.driftPpm) / 1_000_000);
    this.offsetUs += drifted;
    this.driftPpm = ppm;
    this.driftSinceUs = this.heap.nowUs;
  }

  /** Puts the wall clock right, as a time service does. */
  correct(): void {
    this.offsetUs = 0;
    this.driftPpm = 0;
  }
}
