import { FairQueues, seatsOf, type Width } from "../../../actors/api-server/flow-control/fair-queues";
import { deal, hashOfFlow, requiredEntropyBits } from "../../../actors/api-server/flow-control/shuffle-shard";

const one: Width = { initialSeats: 1, finalSeats: 0, additionalUs: 0 };
const queuing = { queues: 64, handSize: 6, queueLengthLimit: 50 };
const never = Number.MAX_SAFE_INTEGER;

/** A small generator, so that a failing case can be repeated by its seed. */
function generator(seed: number): (bound: number) => number {
  let state = seed * 2654435761 + 1;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** Requests of several flows, each as many at a time as it wants, on one level; how many of each were served in the time. */
class Bench {
  nowUs = 0;
  readonly served = new Map<string, number>();
  readonly waitedUs = new Map<string, number>();
  rejected = 0;
  private readonly ends: { readonly atUs: number; readonly id: number }[] = [];
  private readonly flows = new Map<number, { readonly flow: string; readonly tookUs: number; readonly arrivedUs: number }>();
  private id = 0;

  constructor(readonly queues: FairQueues) {}

  ask(flow: string, tookUs: number, width = one): string {
    const id = ++this.id;
    this.flows.set(id, { flow, tookUs, arrivedUs: this.nowUs });
    const verdict = this.queues.arrive(this.nowUs, { id, flow, width, untilUs: never });
    if (verdict.type === "execute") this.start(id);
    if (verdict.type === "queue-full" || verdict.type === "concurrency-limit") this.rejected++;
    return verdict.type;
  }

  /** Runs until then; `ended` hears of each request that was answered. */
  runUntil(untilUs: number, ended: (flow: string) => void = () => undefined): void {
    for (;;) {
      this.ends.sort((a, b) => a.atUs - b.atUs || a.id - b.id);
      const next = this.ends[0];
      if (!next || next.atUs > untilUs) break;
      this.ends.shift();
      this.nowUs = next.atUs;
      const { flow } = this.flows.get(next.id)!;
      for (const id of this.queues.finish(this.nowUs, next.id).next) this.start(id);
      ended(flow);
    }
    this.nowUs = untilUs;
  }

  private start(id: number): void {
    const { flow, tookUs, arrivedUs } = this.flows.get(id)!;
    this.served.set(flow, (this.served.get(flow) ?? 0) + 1);
    this.waitedUs.set(flow, Math.max(this.waitedUs.get(flow) ?? 0, this.nowUs - arrivedUs));
    this.ends.push({ atUs: this.nowUs + tookUs, id });
  }
}

describe("shuffle sharding", () => {
  it("deals hands of different cards, of which each is as likely as any other", () => {
    const counts = new Array<number>(16).fill(0);
    for (let flow = 0; flow < 4_000; flow++) {
      const hand = deal(hashOfFlow(`user-${flow}`), 16, 4);
      expect(new Set(hand).size).toBe(4);
      for (const card of hand) counts[card]!++;
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  it("says how much entropy a hand takes, by which too large ones are refused", () => {
    expect(requiredEntropyBits(64, 8)).toBe(48);
    expect(requiredEntropyBits(1024, 8)).toBe(80);
  });

  it("deals all cards where the hand is the deck", () => {
    expect([...deal(hashOfFlow("x"), 5, 9)].sort()).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("fair queues", () => {
  it.each([1, 2, 3, 4, 5])("serve a quiet flow as if the flood beside it were not there (seed %i)", (seed) => {
    const draw = generator(seed);
    const bench = new Bench(new FairQueues(queuing, 4, 0));
    // The flood always has a hundred requests waiting; the quiet flow asks ten times a second.
    for (let i = 0; i < 100; i++) bench.ask("flood", 10_000 + draw(10_000));
    for (let tick = 1; tick <= 100; tick++) {
      bench.runUntil(tick * 100_000, (flow) => flow === "flood" && bench.ask("flood", 10_000 + draw(10_000)));
      bench.ask("quiet", 10_000);
    }
    bench.runUntil(11_000_000);
    expect(bench.served.get("quiet")).toBe(100);
    expect(bench.served.get("flood")!).toBeGreaterThan(1_500);
    // It waits for a seat to come free, not for the flood's queues. A hash may put it into a queue with the flood at worst, so 6 queues ÷ 4 seats.
    expect(bench.waitedUs.get("quiet")!).toBeLessThan(60_000);
  });

  it.each([1, 2, 3])("give flows with as much to do as they want the same number of seats (seed %i)", (seed) => {
    const draw = generator(seed);
    const bench = new Bench(new FairQueues({ queues: 256, handSize: 1, queueLengthLimit: 1_000 }, 6, 0));
    const flows = ["a", "b", "c"];
    // Long and short requests, many and few at a time: what counts is the time that they take seats for.
    const took = { a: 5_000, b: 20_000, c: 80_000 };
    const usedUs = new Map<string, number>();
    const ask = (flow: string) => bench.ask(flow, took[flow as "a"] + draw(1_000));
    for (const flow of flows) for (let i = 0; i < 300; i++) ask(flow);
    bench.runUntil(20_000_000, (flow) => {
      usedUs.set(flow, (usedUs.get(flow) ?? 0) + took[flow as "a"]);
      ask(flow);
    });
    const shares = flows.map((flow) => usedUs.get(flow)! / 20e6);
    for (const share of shares) expect(Math.abs(share - 2)).toBeLessThan(0.35);
  });

  it("never let more seats be taken than there are, nor leave seats empty while somebody waits that fits", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const draw = generator(seed);
      const queues = new FairQueues({ queues: 8, handSize: 3, queueLengthLimit: 20 }, 10, 0);
      const running: number[] = [];
      const releases: number[] = [];
      let nowUs = 0;
      for (let id = 1; id <= 600; id++) {
        nowUs += draw(3_000);
        const width = { initialSeats: 1 + draw(4), finalSeats: draw(3) === 0 ? 1 + draw(6) : 0, additionalUs: 5_000 };
        if (queues.arrive(nowUs, { id, flow: `f${draw(12)}`, width, untilUs: nowUs + 200_000 }).type === "execute") running.push(id);
        for (let ends = draw(3); ends > 0 && running.length > 0; ends--) {
          const ended = running.splice(draw(running.length), 1)[0]!;
          const { next, laterUs } = queues.finish(nowUs, ended);
          running.push(...next);
          if (laterUs !== undefined) releases.push(ended);
        }
        for (let ends = draw(3); ends > 0 && releases.length > 0; ends--) running.push(...queues.release(nowUs, releases.shift()!));
        queues.expire(nowUs);
        // Plain comparisons: an expectation for each step would take most of the test's time.
        if (queues.seatsInUse > 10) throw new Error(`${queues.seatsInUse} of 10 seats are taken (seed ${seed})`);
        const heads = queues.queues.flatMap(({ waiting }) => waiting.slice(0, 1)).map(({ width }) => seatsOf(width));
        if (heads.length > 0 && queues.seatsInUse + Math.max(...heads) <= 10) throw new Error(`seats stay empty (seed ${seed})`);
        const counted = [...queues.executing.values()].reduce((sum, { seats }) => sum + seats, 0);
        if (counted !== queues.seatsInUse) throw new Error(`${counted} seats are held, ${queues.seatsInUse} are counted (seed ${seed})`);
      }
      while (running.length > 0 || releases.length > 0) {
        nowUs += 1_000;
        if (releases.length > 0) running.push(...queues.release(nowUs, releases.shift()!));
        if (running.length === 0) continue;
        const ended = running.shift()!;
        const { next, laterUs } = queues.finish(nowUs, ended);
        running.push(...next);
        if (laterUs !== undefined) releases.push(ended);
      }
      expect([queues.seatsInUse, queues.waitingCount, queues.waitingSeats, queues.executing.size]).toEqual([0, 0, 0, 0]);
    }
  });

  it("turn away what would make a queue too long, and where nothing queues what finds no seat", () => {
    const short = new Bench(new FairQueues({ queues: 1, handSize: 1, queueLengthLimit: 2 }, 1, 0));
    expect([1, 2, 3, 4].map(() => short.ask("a", 1_000))).toEqual(["execute", "wait", "wait", "queue-full"]);
    const none = new Bench(new FairQueues({ queues: 0, handSize: 0, queueLengthLimit: 0 }, 2, 0));
    expect([1, 2, 3].map(() => none.ask("a", 1_000))).toEqual(["execute", "execute", "concurrency-limit"]);
  });

  it("let a request wider than all seats run alone, and do not let narrow ones overtake it for ever", () => {
    const bench = new Bench(new FairQueues({ queues: 4, handSize: 4, queueLengthLimit: 50 }, 3, 0));
    bench.ask("narrow", 1_000);
    expect(bench.ask("wide", 1_000, { initialSeats: 8, finalSeats: 0, additionalUs: 0 })).toBe("wait");
    for (let i = 0; i < 20; i++) bench.ask("narrow", 1_000);
    bench.runUntil(20_000);
    expect(bench.served.get("wide")).toBe(1);
    bench.runUntil(40_000);
    expect(bench.served.get("narrow")).toBe(21);
  });

  it("give up on those that waited for too long, and on those whose client has gone", () => {
    const queues = new FairQueues({ queues: 1, handSize: 1, queueLengthLimit: 9 }, 1, 0);
    for (const id of [1, 2, 3, 4]) queues.arrive(0, { id, flow: "a", width: one, untilUs: id * 1_000 });
    expect(queues.nextExpiryUs()).toBe(2_000);
    expect(queues.expire(2_500)).toEqual([2]);
    expect(queues.cancel(2_600, 3)).toBe(true);
    expect(queues.finish(2_700, 1).next).toEqual([4]);
  });

  it("hold the seats of a write for as long as its watchers are told", () => {
    const queues = new FairQueues({ queues: 1, handSize: 1, queueLengthLimit: 9 }, 4, 0);
    queues.arrive(0, { id: 1, flow: "a", width: { initialSeats: 1, finalSeats: 4, additionalUs: 5_000 }, untilUs: never });
    expect(queues.arrive(0, { id: 2, flow: "b", width: one, untilUs: never }).type).toBe("wait");
    expect(queues.finish(1_000, 1)).toEqual({ next: [], laterUs: 6_000 });
    expect(queues.release(6_000, 1)).toEqual([2]);
  });
});
