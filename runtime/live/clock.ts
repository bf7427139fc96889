import type { Cancel, Clock } from "../world";

/** Node's timers take no more than 2³¹−1 ms; longer delays are waited for in legs. */
const longestLegMs = 2 ** 31 - 1;

/** One host's clock: this machine's, unless a fault sets its wall time off. Its timers follow the monotonic time, which no fault touches. */
export class HostClock implements Clock {
  private offsetUs = 0;
  private driftPpm = 0;
  private sinceUs = 0;

  constructor(private readonly machine: Clock) {}

  /** How far the wall time is off now. */
  get offUs(): number {
    return Math.round(this.offsetUs + ((this.monotonicUs() - this.sinceUs) * this.driftPpm) / 1_000_000);
  }

  /** Sets the wall time off by so much, and lets it gain so many millionths from now on. */
  setOff(offsetUs: number, driftPpm: number): void {
    // A drift that is told again goes on where it is.
    if (offsetUs === this.offsetUs && driftPpm === this.driftPpm) return;
    this.offsetUs = offsetUs;
    this.driftPpm = driftPpm;
    this.sinceUs = this.monotonicUs();
  }

  wallUs(): number {
    return this.machine.wallUs() + this.offUs;
  }

  monotonicUs(): number {
    return this.machine.monotonicUs();
  }

  after(delayUs: number, callback: () => void): Cancel {
    return this.machine.after(delayUs, callback);
  }
}

/** This machine's clock: the system's wall time, and a monotonic time that begins where the process began. */
export class LiveClock implements Clock {
  private readonly armed = new Set<Cancel>();
  private closed = false;

  wallUs(): number {
    return Date.now() * 1000;
  }

  monotonicUs(): number {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
  }

  after(delayUs: number, callback: () => void): Cancel {
    if (delayUs <= 0) return this.soon(callback);
    const dueUs = this.monotonicUs() + delayUs;
    let timer: NodeJS.Timeout | undefined;
    const cancel = () => {
      clearTimeout(timer);
      this.armed.delete(armed);
    };
    const armed: Cancel = { cancel };
    const arm = () => {
      const leftMs = Math.max(0, Math.ceil((dueUs - this.monotonicUs()) / 1000));
      timer = setTimeout(fire, Math.min(leftMs, longestLegMs));
    };
    const fire = () => {
      // Node counts in whole milliseconds of its own loop time and may fire a fraction early; a time-out must not.
      if (this.monotonicUs() < dueUs) arm();
      else {
        this.armed.delete(armed);
        callback();
      }
    };
    if (this.closed) return armed;
    this.armed.add(armed);
    arm();
    return armed;
  }

  /** No delay at all: after what is under way, not a millisecond later, which is the shortest that a timer of Node takes. */
  private soon(callback: () => void): Cancel {
    let immediate: NodeJS.Immediate | undefined;
    const armed: Cancel = {
      cancel: () => {
        clearImmediate(immediate);
        this.armed.delete(armed);
      },
    };
    if (this.closed) return armed;
    this.armed.add(armed);
    immediate = setImmediate(() => {
      this.armed.delete(armed);
      callback();
    });
    return armed;
  }

  /** Nothing happens after this any more, and what was waited for keeps no process alive. */
  close(): void {
    this.closed = true;
    for (const { cancel } of [...this.armed]) cancel();
  }
}
