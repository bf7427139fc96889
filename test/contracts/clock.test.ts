import { LiveClock } from "../../runtime/live/clock";
import { SimulatedClock } from "../../runtime/simulated/clock";
import { EventHeap } from "../../runtime/simulated/event-heap";
import type { Clock } from "../../runtime/world";
import { eventually } from "./worlds";

interface Twin {
  readonly clock: Clock;
  until(condition: () => boolean): Promise<void>;
}

const twins: readonly (readonly [string, () => Twin])[] = [
  [
    "simulated",
    () => {
      const heap = new EventHeap();
      const until = async (condition: () => boolean) => {
        while (!condition() && heap.step());
      };
      return { clock: new SimulatedClock(heap), until };
    },
  ],
  ["live", () => ({ clock: new LiveClock(), until: eventually })],
];

describe.each(twins)("%s clock", (_name, make) => {
  test("times are whole microseconds, and wall time is of this century", () => {
    const { clock } = make();
    expect(Number.isSafeInteger(clock.wallUs()) && Number.isSafeInteger(clock.monotonicUs())).toBe(true);
    const year = new Date(clock.wallUs() / 1000).getUTCFullYear();
    expect(year).toBeGreaterThanOrEqual(2026);
    expect(year).toBeLessThan(2100);
  });

  test("monotonic time never goes back", () => {
    const { clock } = make();
    let last = clock.monotonicUs();
    for (let i = 0; i < 10_000; i++) {
      const now = clock.monotonicUs();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  test("a timer fires once, and never before its time", async () => {
    const { clock, until } = make();
    const startedUs = clock.monotonicUs();
    const early: number[] = [];
    let fired = 0;
    const delays = [0, 1, 999, 1_000, 1_500, 3_333, 7_001, 20_000];
    for (const delayUs of delays)
      clock.after(delayUs, () => {
        fired++;
        if (clock.monotonicUs() - startedUs < delayUs) early.push(delayUs);
      });
    await until(() => fired === delays.length);
    expect(early).toEqual([]);
  });

  test("timers fire in the order of their times", async () => {
    const { clock, until } = make();
    const fired: string[] = [];
    clock.after(60_000, () => fired.push("late"));
    clock.after(1_000, () => fired.push("soon"));
    await until(() => fired.length === 2);
    expect(fired).toEqual(["soon", "late"]);
  });

  test("a cancelled timer does not fire; cancelling one that has fired does nothing", async () => {
    const { clock, until } = make();
    const fired: string[] = [];
    clock.after(1_000, () => fired.push("cancelled")).cancel();
    const done = clock.after(5_000, () => fired.push("kept"));
    await until(() => fired.length > 0);
    done.cancel();
    expect(fired).toEqual(["kept"]);
  });

  test("nothing fires inside of the call that set it", () => {
    const { clock } = make();
    let fired = false;
    clock.after(0, () => {
      fired = true;
    });
    expect(fired).toBe(false);
  });
});

test("a live clock that is closed keeps nobody waiting: what was waited for does not come, nor does what is asked for then", async () => {
  const [clock, other] = [new LiveClock(), new LiveClock()];
  const fired: string[] = [];
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const before = timers();
  clock.after(600_000_000, () => fired.push("waited for"));
  clock.after(1_000, () => fired.push("soon"));
  expect(timers()).toBe(before + 2);
  clock.close();
  clock.after(0, () => fired.push("asked for then"));
  expect(timers()).toBe(before);
  other.after(5_000, () => fired.push("another's"));
  await eventually(() => fired.length > 0);
  expect(fired).toEqual(["another's"]);
});
