import type { Cancel, Clock } from "../world";

/** Node's timers take no more than 2³¹−1 ms; longer delays are waited for in legs. */
const longestLegMs = 2 ** 31 - 1;

/** This machine's clock: the system's wall time, and a monotonic time that begins where the process began. */
export class LiveClock implements Clock {
  wallUs(): number {
    return Date.now() * 1000;
  }

  monotonicUs(): number {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
  }

  after(delayUs: number, callback: () => void): Cancel {
    const dueUs = this.monotonicUs() + delayUs;
    let timer: NodeJS.Timeout;
    const arm = () => {
      const leftMs = Math.max(0, Math.ceil((dueUs - this.monotonicUs()) / 1000));
      timer = setTimeout(fire, Math.min(leftMs, longestLegMs));
    };
    const fire = () => {
      // Node counts in whole milliseconds of its own loop time and may fire a fraction early; a time-out must not.
      if (this.monotonicUs() < dueUs) arm();
      else callback();
    };
    arm();
    return { cancel: () => clearTimeout(timer) };
  }
}
