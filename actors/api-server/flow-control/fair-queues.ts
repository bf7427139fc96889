import { deal, hashOfFlow } from "./shuffle-shard";

/**
 * The queues of one priority level: a pure machine. Requests and time come in, out come the requests that may run and those that are turned away.
 * Fair queuing: queues are served as if each active one got its share of the seats at the same time, bit by bit; virtual time says how far that
 * imagined server has come, and the queue whose next request it would finish first is served first. Source: the KEP "API Priority and Fairness".
 */

/** How many seats a request takes, and how long it goes on to take some after its answer (a write whose watchers have to be told). */
export interface Width {
  readonly initialSeats: number;
  readonly finalSeats: number;
  readonly additionalUs: number;
}

export interface Arrival {
  readonly id: number;
  /** What tells flows of this level apart: a schema's name and the user or namespace. */
  readonly flow: string;
  readonly width: Width;
  /** When it gives up waiting. */
  readonly untilUs: number;
}

export type Verdict =
  | { readonly type: "execute" | "wait" /** Requests in its queue with it; 0 where nothing is queued. */; readonly queueLength: number }
  | { readonly type: "queue-full" | "concurrency-limit" };

export interface Queuing {
  /** 0: nothing waits; what finds no seat is turned away. */
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

interface Waiting extends Arrival {
  readonly arrivedUs: number;
  readonly arrivalR: number;
}

interface Executing {
  readonly queue: Queue | undefined;
  readonly width: Width;
  readonly startUs: number;
  /** Seats that are held; after the answer the final ones only. */
  seats: number;
  answeredUs: number | undefined;
}

/** One queue; `dump` shows it. */
export interface Queue {
  readonly waiting: Waiting[];
  executing: number;
  seatsInUse: number;
  /** The virtual time at which the next request would begin. */
  nextDispatchR: number;
}

/** What a request is thought to take until it is known. */
const estimatedServiceUs = 3_000;
const handsKept = 10_000;

/** The seats that a request takes at most at the same time. */
export function seatsOf({ initialSeats, finalSeats }: Width): number {
  return Math.max(initialSeats, finalSeats);
}

/** See the head of this file. Times are whole microseconds and never go back. */
export class FairQueues {
  readonly queues: Queue[] = [];
  readonly executing = new Map<number, Executing>();
  seatsInUse = 0;
  /** Requests that wait, and the seats that they will take. */
  waitingCount = 0;
  waitingSeats = 0;
  /** Virtual time, in microseconds of a seat for each active queue. */
  currentR = 0;
  /** Queues with requests that wait or run. */
  private active = 0;
  private lastUs: number;
  private robin = 0;
  private readonly hands = new Map<string, readonly number[]>();

  constructor(
    private settings: Queuing,
    private limit: number,
    nowUs: number,
  ) {
    this.lastUs = nowUs;
    this.grow();
  }

  get seatLimit(): number {
    return this.limit;
  }

  get queuing(): Queuing {
    return this.settings;
  }

  /** Other settings from now on. What waits in a queue that is no more goes on to wait there until it is served. */
  reconfigure(settings: Queuing): void {
    this.settings = settings;
    this.hands.clear();
    this.grow();
  }

  /** Another number of seats; answers with the ids of those that may run now. */
  setLimit(nowUs: number, seats: number): readonly number[] {
    this.advance(nowUs);
    this.limit = seats;
    return this.dispatch(nowUs);
  }

  /** A request comes. With "execute" it runs; with "wait" its id comes out of a later call; otherwise it is turned away. */
  arrive(nowUs: number, arrival: Arrival): Verdict {
    this.advance(nowUs);
    const seats = seatsOf(arrival.width);
    if (this.settings.queues === 0) {
      if (!this.accommodates(seats)) return { type: "concurrency-limit" };
      this.run(nowUs, arrival, undefined);
      return { type: "execute", queueLength: 0 };
    }
    const queue = this.chooseQueue(arrival.flow);
    if (queue.waiting.length >= this.settings.queueLengthLimit) return { type: "queue-full" };
    if (queue.waiting.length === 0 && queue.executing === 0) {
      queue.nextDispatchR = this.currentR;
      this.active++;
    }
    if (this.waitingCount === 0 && this.accommodates(seats)) {
      this.run(nowUs, arrival, queue);
      return { type: "execute", queueLength: 1 };
    }
    queue.waiting.push({ ...arrival, arrivedUs: nowUs, arrivalR: this.currentR });
    this.waitingCount++;
    this.waitingSeats += seats;
    return { type: "wait", queueLength: queue.waiting.length };
  }

  /** A request that nothing may hold up: it takes its seats whether there are any or not. */
  force(nowUs: number, arrival: Arrival): void {
    this.advance(nowUs);
    this.run(nowUs, arrival, undefined);
  }

  /** A request was answered. `later` says when to call `release` for the seats it goes on to hold; `next` may run now. */
  finish(nowUs: number, id: number): { readonly next: readonly number[]; readonly laterUs: number | undefined } {
    const request = this.executing.get(id);
    if (!request || request.answeredUs !== undefined) return { next: [], laterUs: undefined };
    this.advance(nowUs);
    request.answeredUs = nowUs;
    const { width } = request;
    if (width.additionalUs > 0 && width.finalSeats > 0) {
      this.give(request, request.seats - width.finalSeats);
      return { next: this.dispatch(nowUs), laterUs: nowUs + width.additionalUs };
    }
    return { next: this.end(nowUs, id, request), laterUs: undefined };
  }

  /** The time is over for which an answered request went on to hold seats. */
  release(nowUs: number, id: number): readonly number[] {
    const request = this.executing.get(id);
    if (!request) return [];
    this.advance(nowUs);
    return this.end(nowUs, id, request);
  }

  /** Takes those out that have waited for too long, and answers with their ids. */
  expire(nowUs: number): readonly number[] {
    return this.takeOut((waiting) => waiting.untilUs <= nowUs, nowUs);
  }

  /** Takes one out of its queue whose client has gone; false where it does not wait. */
  cancel(nowUs: number, id: number): boolean {
    return this.takeOut((waiting) => waiting.id === id, nowUs).length > 0;
  }

  /** When the first of those that wait gives up; undefined where nobody waits. */
  nextExpiryUs(): number | undefined {
    let first: number | undefined;
    for (const { waiting } of this.queues) for (const { untilUs } of waiting) if (first === undefined || untilUs < first) first = untilUs;
    return first;
  }

  private takeOut(gone: (waiting: Waiting) => boolean, nowUs: number): readonly number[] {
    if (this.waitingCount === 0) return [];
    this.advance(nowUs);
    const ids: number[] = [];
    for (const queue of this.queues) {
      if (!queue.waiting.some(gone)) continue;
      for (const waiting of queue.waiting.filter(gone)) {
        ids.push(waiting.id);
        this.waitingCount--;
        this.waitingSeats -= seatsOf(waiting.width);
      }
      const kept = queue.waiting.filter((waiting) => !gone(waiting));
      queue.waiting.splice(0, queue.waiting.length, ...kept);
      if (kept.length === 0 && queue.executing === 0) this.active--;
    }
    return ids;
  }

  private end(nowUs: number, id: number, request: Executing): readonly number[] {
    this.executing.delete(id);
    this.give(request, request.seats);
    const { queue, width } = request;
    if (queue) {
      queue.executing--;
      // What it was charged at its start was a guess.
      queue.nextDispatchR -= (estimatedServiceUs - (nowUs - request.startUs)) * seatsOf(width);
      const [oldest] = queue.waiting;
      // A queue does not gain by having been quiet before.
      if (oldest) queue.nextDispatchR = Math.max(queue.nextDispatchR, oldest.arrivalR);
      else if (queue.executing === 0) this.active--;
    }
    return this.dispatch(nowUs);
  }

  private give(request: Executing, seats: number): void {
    request.seats -= seats;
    this.seatsInUse -= seats;
    if (request.queue) request.queue.seatsInUse -= seats;
  }

  /** Lets run what may, in the order in which fair sharing would finish it. */
  private dispatch(nowUs: number): readonly number[] {
    const ids: number[] = [];
    while (this.waitingCount > 0) {
      const queue = this.nextQueue();
      const next = queue?.waiting[0];
      // A wide request at the head is not overtaken by narrow ones for ever: it waits for seats, and they wait for it.
      if (!queue || !next || !this.accommodates(seatsOf(next.width))) break;
      queue.waiting.shift();
      this.waitingCount--;
      this.waitingSeats -= seatsOf(next.width);
      this.run(nowUs, next, queue);
      const [oldest] = queue.waiting;
      if (oldest) queue.nextDispatchR = Math.max(queue.nextDispatchR, oldest.arrivalR);
      ids.push(next.id);
    }
    return ids;
  }

  /** The queue whose oldest request would finish first; of equal ones the first after the one that was served last. */
  private nextQueue(): Queue | undefined {
    let best: number | undefined;
    let bestR = Number.POSITIVE_INFINITY;
    for (let step = 1; step <= this.queues.length; step++) {
      const index = (this.robin + step) % this.queues.length;
      const queue = this.queues[index]!;
      const [oldest] = queue.waiting;
      if (!oldest) continue;
      const finishR = queue.nextDispatchR + estimatedServiceUs * seatsOf(oldest.width);
      if (finishR < bestR) {
        bestR = finishR;
        best = index;
      }
    }
    if (best === undefined) return undefined;
    if (this.accommodates(seatsOf(this.queues[best]!.waiting[0]!.width))) this.robin = best;
    return this.queues[best];
  }

  private run(nowUs: number, { id, width }: Arrival, queue: Queue | undefined): void {
    const seats = seatsOf(width);
    this.seatsInUse += seats;
    if (queue) {
      queue.executing++;
      queue.seatsInUse += seats;
      queue.nextDispatchR += estimatedServiceUs * seats;
    }
    this.executing.set(id, { queue, width, startUs: nowUs, seats, answeredUs: undefined });
  }

  /** A request that is wider than all seats together runs alone. */
  private accommodates(seats: number): boolean {
    return seats > this.limit ? this.seatsInUse === 0 : this.seatsInUse + seats <= this.limit;
  }

  /** Of the queues dealt to the flow the one with the least to do. */
  private chooseQueue(flow: string): Queue {
    let hand = this.hands.get(flow);
    if (!hand) {
      hand = deal(hashOfFlow(flow), this.settings.queues, this.settings.handSize);
      if (this.hands.size >= handsKept) this.hands.clear();
      this.hands.set(flow, hand);
    }
    let best = this.queues[hand[0]!]!;
    let least = Number.POSITIVE_INFINITY;
    for (const card of hand) {
      const queue = this.queues[card]!;
      const work = queue.waiting.reduce((sum, { width }) => sum + seatsOf(width), queue.seatsInUse);
      if (work < least) {
        least = work;
        best = queue;
      }
    }
    return best;
  }

  private advance(nowUs: number): void {
    const elapsed = Math.max(0, nowUs - this.lastUs);
    this.lastUs = Math.max(this.lastUs, nowUs);
    if (elapsed === 0 || this.active === 0) return;
    this.currentR += (elapsed * Math.min(this.seatsInUse + this.waitingSeats, this.limit)) / this.active;
  }

  private grow(): void {
    while (this.queues.length < this.settings.queues) this.queues.push({ waiting: [], executing: 0, seatsInUse: 0, nextDispatchR: 0 });
  }
}
