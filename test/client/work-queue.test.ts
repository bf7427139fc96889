import * as fc from "fast-check";
import { ApiClient, WorkQueue } from "../../actors/client";
import { DueKeys } from "../../actors/client/due-keys";
import { address } from "../../protocol/address";
import type { Context } from "../../runtime/actor";

/** A context with nothing but a clock and timers. */
function bench(onReady?: (queue: WorkQueue<null>) => void) {
  let nowUs = 0;
  const timers = new Map<string, number>();
  const ctx = {
    monotonicUs: () => nowUs,
    setTimer: (name: string, delayMs: number) => void timers.set(name, nowUs + Math.round(delayMs * 1000)),
    cancelTimer: (name: string) => void timers.delete(name),
  } as unknown as Context<null>;
  const client = new ApiClient<null>({ apiServers: [address("apiserver", 0)], userAgent: "test" });
  const queue: WorkQueue<null> = new WorkQueue(client, {
    name: "q",
    onReady: () => {
      onReady?.(queue);
      return undefined;
    },
  });
  const runFor = (ms: number) => {
    const until = nowUs + ms * 1000;
    for (;;) {
      const [next] = [...timers].sort(([, a], [, b]) => a - b);
      if (!next || next[1] > until) break;
      timers.delete(next[0]);
      nowUs = next[1];
      client.onTimer(next[0], ctx);
    }
    nowUs = until;
  };
  return { queue, ctx, runFor };
}

test("a key that is added many times is worked on once", () => {
  const { queue, ctx } = bench();
  for (let i = 0; i < 5; i++) queue.add(ctx, "a");
  expect(queue.next(ctx)).toBe("a");
  expect(queue.next(ctx)).toBeUndefined();
});

test("a key added while it is being worked on is worked on once more, not at the same time", () => {
  const { queue, ctx } = bench();
  queue.add(ctx, "a");
  queue.next(ctx);
  queue.add(ctx, "a");
  queue.add(ctx, "a");
  expect(queue.next(ctx)).toBeUndefined();
  queue.done(ctx, "a");
  expect(queue.next(ctx)).toBe("a");
  queue.done(ctx, "a");
  expect(queue.next(ctx)).toBeUndefined();
});

test("keys come in the order in which they were added", () => {
  const { queue, ctx } = bench();
  for (const key of ["c", "a", "b"]) queue.add(ctx, key);
  expect([queue.next(ctx), queue.next(ctx), queue.next(ctx)]).toEqual(["c", "a", "b"]);
});

test("waits after failures double from 5 ms and start anew after forget (client-go: ItemExponentialFailureRateLimiter)", () => {
  const ready: number[] = [];
  let at = 0;
  const { queue, ctx, runFor } = bench((q) => {
    const key = q.next(ctx)!;
    ready.push(at);
    q.done(ctx, key);
  });
  const tries = (count: number) => {
    for (let i = 0; i < count; i++) {
      queue.addRateLimited(ctx, "a");
      const before = ready.length;
      at = 0;
      while (ready.length === before) {
        at += 1;
        runFor(1);
      }
    }
  };
  tries(5);
  expect(ready).toEqual([5, 10, 20, 40, 80]);
  queue.forget("a");
  tries(1);
  expect(ready.at(-1)).toBe(5);
});

test("of two delays for one key the earlier holds (client-go: delaying queue)", () => {
  let count = 0;
  const { queue, ctx, runFor } = bench((q) => {
    count += 1;
    q.done(ctx, q.next(ctx)!);
  });
  queue.addAfter(ctx, "a", 1000);
  queue.addAfter(ctx, "a", 10);
  queue.addAfter(ctx, "a", 500);
  runFor(11);
  expect(count).toBe(1);
  runFor(2000);
  expect(count).toBe(1);
});

test("whatever is added, taken and finished: no key is worked on twice at once, and none that was added is lost", () => {
  const step = fc.record({ what: fc.constantFrom("add", "next", "done", "later"), key: fc.constantFrom("a", "b", "c") });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { queue, ctx, runFor } = bench();
      const working = new Set<string>();
      const owed = new Set<string>();
      for (const { what, key } of steps) {
        if (what === "add") {
          queue.add(ctx, key);
          owed.add(key);
        } else if (what === "later") {
          queue.addAfter(ctx, key, 5);
          owed.add(key);
        } else if (what === "next") {
          const next = queue.next(ctx);
          if (next === undefined) continue;
          expect(working.has(next)).toBe(false);
          working.add(next);
          owed.delete(next);
        } else if (working.delete(key)) queue.done(ctx, key);
      }
      for (const key of working) queue.done(ctx, key);
      runFor(10);
      const left = new Set<string>();
      for (let next = queue.next(ctx); next !== undefined; next = queue.next(ctx)) left.add(next);
      for (const key of owed) expect(left.has(key)).toBe(true);
    }),
    { seed: 1 },
  );
});

test("keys fall due in the order of their earliest times, whatever order they were given in", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d", "e", "f"), fc.nat(20)), { maxLength: 60 }), (given) => {
      const due = new DueKeys();
      const earliest = new Map<string, number>();
      for (const [key, atMs] of given) {
        due.add(key, atMs);
        earliest.set(key, Math.min(atMs, earliest.get(key) ?? Number.POSITIVE_INFINITY));
      }
      const expected = [...earliest].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
      const taken: [string, number][] = [];
      for (let nowMs = 0; nowMs <= 20; nowMs++)
        for (let key = due.take(nowMs); key !== undefined; key = due.take(nowMs)) taken.push([key, nowMs]);
      expect(taken).toEqual(expected);
      expect(due.nextMs()).toBe(Number.POSITIVE_INFINITY);
    }),
    { seed: 1 },
  );
});
