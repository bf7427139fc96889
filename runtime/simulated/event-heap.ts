import type { Cancel } from "../world";

class Event implements Cancel {
  constructor(
    private readonly heap: EventHeap,
    readonly atUs: number,
    readonly sequence: number,
    public run: (() => void) | null,
  ) {}

  cancel(): void {
    if (this.run === null) return;
    this.run = null;
    this.heap.gone();
  }
}

/** What is to happen, ordered by (time, sequence): two events at one time happen in the order in which they were scheduled. */
export class EventHeap {
  private readonly heap: Event[] = [];
  private sequence = 0;
  private cancelled = 0;
  nowUs = 0;
  /** Events that have happened. */
  count = 0;

  /** Schedules a callback at a time, which is not before now: whole microseconds. */
  at(atUs: number, run: () => void): Cancel {
    return this.add(atUs, this.sequence++, run);
  }

  /**
   * Schedules a callback before everything else that happens at that time, among its like in the order of these numbers (0 or more). It does not count as
   * an event, and whether it is there or not changes nothing in the order of the others.
   */
  first(atUs: number, order: number, run: () => void): Cancel {
    return this.add(atUs, order - Number.MAX_SAFE_INTEGER, run);
  }

  private add(atUs: number, sequence: number, run: () => void): Cancel {
    const event = new Event(this, Math.max(atUs, this.nowUs), sequence, run);
    this.heap.push(event);
    this.up(this.heap.length - 1);
    return event;
  }

  /** An event in the heap was cancelled. Time-outs mostly are: without this the heap would be full of them. */
  gone(): void {
    if (++this.cancelled > 1024 && this.cancelled > this.heap.length / 2) this.sweep();
  }

  after(delayUs: number, run: () => void): Cancel {
    return this.at(this.nowUs + delayUs, run);
  }

  /** When the next event is due, or undefined when nothing will ever happen again. */
  nextUs(): number | undefined {
    while (this.heap.length > 0 && this.heap[0]!.run === null) {
      this.pop();
      this.cancelled--;
    }
    return this.heap[0]?.atUs;
  }

  /** Lets the next event happen. False when there is none. */
  step(): boolean {
    if (this.nextUs() === undefined) return false;
    const event = this.pop();
    this.nowUs = event.atUs;
    if (event.sequence >= 0) this.count++;
    const run = event.run!;
    event.run = null;
    run();
    return true;
  }

  private sweep(): void {
    const alive = this.heap.filter((event) => event.run !== null);
    this.heap.length = 0;
    this.cancelled = 0;
    alive.sort((a, b) => a.atUs - b.atUs || a.sequence - b.sequence);
    for (const event of alive) this.heap.push(event);
  }

  private pop(): Event {
    const top = this.heap[0]!;
    const last = this.heap.pop()!;
    if (this.heap.length > 0) {
      this.heap[0] = last;
      this.down(0);
    }
    return top;
  }

  private before(a: Event, b: Event): boolean {
    return a.atUs < b.atUs || (a.atUs === b.atUs && a.sequence < b.sequence);
  }

  private up(index: number): void {
    const event = this.heap[index]!;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.heap[parent]!;
      if (!this.before(event, above)) break;
      this.heap[index] = above;
      index = parent;
    }
    this.heap[index] = event;
  }

  private down(index: number): void {
    const event = this.heap[index]!;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.heap.length) break;
      if (child + 1 < this.heap.length && this.before(this.heap[child + 1]!, this.heap[child]!)) child++;
      if (!this.before(this.heap[child]!, event)) break;
      this.heap[index] = this.heap[child]!;
      index = child;
    }
    this.heap[index] = event;
  }
}
