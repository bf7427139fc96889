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
  /** Ends of the list of timers that are armed: most are cancelled soon, since each ask has one, and a list forgets at less cost than a Set. */
  private readonly armed: Armed = new Armed();
  private closed = false;

  wallUs(): number {
    return Date.now() * 1000;
  }

  monotonicUs(): number {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000_000 + Math.floor(nanoseconds / 1000);
  }

  after(delayUs: number, callback: () => void): Cancel {
    const timer = delayUs <= 0 ? new Soon(callback) : new Later(callback, this, this.monotonicUs() + delayUs);
    if (this.closed) return timer;
    timer.insertAfter(this.armed);
    timer.arm(delayUs);
    return timer;
  }

  /** Nothing happens after this any more, and what was waited for keeps no process alive. */
  close(): void {
    this.closed = true;
    while (this.armed.next !== this.armed) this.armed.next.cancel();
  }
}

/** One place in the list of armed timers; by itself the list's head. */
class Armed implements Cancel {
  next: Armed = this;
  private before: Armed = this;

  insertAfter(head: Armed): void {
    this.before = head;
    this.next = head.next;
    head.next.before = this;
    head.next = this;
  }

  protected leave(): void {
    this.before.next = this.next;
    this.next.before = this.before;
    this.next = this;
    this.before = this;
  }

  cancel(): void {
    this.leave();
  }
}

class Later extends Armed {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly callback: () => void,
    private readonly clock: LiveClock,
    private readonly dueUs: number,
  ) {
    super();
  }

  arm(leftUs: number): void {
    this.timer = setTimeout(fire, Math.min(Math.ceil(leftUs / 1000), longestLegMs), this);
  }

  /** Node counts in whole milliseconds of its own loop time and may fire a fraction early; a time-out must not. */
  fire(): void {
    const leftUs = this.dueUs - this.clock.monotonicUs();
    if (leftUs > 0) return this.arm(leftUs);
    this.leave();
    this.callback();
  }

  override cancel(): void {
    clearTimeout(this.timer);
    this.leave();
  }
}

/** No delay at all: after what is under way, not a millisecond later, which is the shortest that a timer of Node takes. */
class Soon extends Armed {
  private immediate: NodeJS.Immediate | undefined;

  constructor(private readonly callback: () => void) {
    super();
  }

  arm(): void {
    this.immediate = setImmediate(fire, this);
  }

  fire(): void {
    this.leave();
    this.callback();
  }

  override cancel(): void {
    clearImmediate(this.immediate);
    this.leave();
  }
}

function fire(timer: Later | Soon): void {
  timer.fire();
}
