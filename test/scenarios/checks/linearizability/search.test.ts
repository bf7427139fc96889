import fc from "fast-check";
import { checkHistory } from "../../../../scenarios/checks/linearizability/history";
import type { Operation, Outcome, Request, Value } from "../../../../scenarios/checks/linearizability/operation";
import { search } from "../../../../scenarios/checks/linearizability/search";
import { drawn, hasOrder, historyOf } from "./histories";

type Line = readonly [called: number, returned: number, request: Request, outcome: Outcome];
const get = { type: "get" } as const;
const put = (value: string): Request => ({ type: "put", value });
const got = (value: Value): Outcome => ({ type: "got", value });
const done: Outcome = { type: "done" };
const lost = Number.POSITIVE_INFINITY;
const history = (...lines: readonly Line[]): Operation[] =>
  lines.map(([called, returned, request, outcome], i) => ({ name: `#${i}`, key: "k", called, returned, request, outcome }));

const states: fc.Arbitrary<Value> = fc.constantFrom(null, "a", "b");
const anyOperation = fc
  .record({
    request: fc.oneof(
      fc.constant(get),
      fc.constantFrom("a", "b").map(put),
      fc.constant({ type: "delete" } as const),
      fc.record({ type: fc.constant("swap" as const), expected: states, value: fc.constantFrom("a", "b") }),
    ),
    saw: states,
    yes: fc.boolean(),
    unknown: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    called: fc.nat(40),
    takes: fc.integer({ min: 1, max: 15 }),
  })
  .map(({ request, saw, yes, unknown, called, takes }): Omit<Operation, "name"> => {
    const outcome: Outcome = unknown
      ? { type: "unknown" }
      : request.type === "get"
        ? got(saw)
        : request.type === "put"
          ? done
          : request.type === "delete"
            ? { type: "deleted", existed: yes }
            : yes
              ? { type: "swapped" }
              : { type: "kept", value: saw };
    return { key: "k", called, returned: unknown ? lost : called + takes, request, outcome };
  });

describe("the search for a linearization (Herlihy and Wing, 1990; Lowe, 2017)", () => {
  test("accepts a read of either value while a write is under way, and no going back after", () => {
    const writing: Line = [10, 20, put("b"), done];
    const before: Line = [0, 1, put("a"), done];
    expect(search(history(before, writing, [11, 12, get, got("a")], [13, 14, get, got("b")])).type).toBe("linearizable");
    expect(search(history(before, writing, [11, 12, get, got("b")], [13, 14, get, got("a")]))).toMatchObject({
      type: "refused",
      operation: { name: "#3" },
      possible: ["b"],
    });
  });

  test("refuses a stale read, and says what the key could hold", () => {
    const verdict = checkHistory(history([0, 1, put("a"), done], [2, 3, put("b"), done], [4, 5, get, got("a")]));
    expect(verdict.violation).toBe("#2: get k → a fits nowhere: when it was answered k could hold b");
  });

  test("lets a write without an answer happen late, once, or never", () => {
    const begin: Line[] = [
      [0, 1, put("a"), done],
      [2, lost, put("b"), { type: "unknown" }],
    ];
    expect(search(history(...begin, [50, 51, get, got("a")])).type).toBe("linearizable");
    expect(search(history(...begin, [50, 51, get, got("a")], [60, 61, get, got("b")])).type).toBe("linearizable");
    expect(search(history(...begin, [50, 51, get, got("b")], [60, 61, put("c"), done], [70, 71, get, got("b")]))).toMatchObject({
      type: "refused",
      operation: { name: "#4" },
    });
  });

  test("refuses two swaps that both found the same", () => {
    const swap = (value: string): Request => ({ type: "swap", expected: null, value });
    expect(search(history([0, 9, swap("a"), { type: "swapped" }], [1, 8, swap("b"), { type: "swapped" }])).type).toBe("refused");
    expect(search(history([0, 9, swap("a"), { type: "swapped" }], [1, 8, swap("b"), { type: "kept", value: "a" }])).type).toBe(
      "linearizable",
    );
  });

  test("agrees with the definition on any small history", () => {
    let linearizable = 0;
    fc.assert(
      fc.property(fc.array(anyOperation, { minLength: 1, maxLength: 7 }), (some) => {
        // Two events at one moment are told apart by the operation's number.
        const operations = some.map((one, i) => ({
          ...one,
          name: `#${i}`,
          called: one.called + i / 100,
          returned: one.returned + i / 100 + 0.001,
        }));
        const expected = hasOrder(operations);
        if (expected) linearizable++;
        expect(search(operations).type).toBe(expected ? "linearizable" : "refused");
      }),
      { numRuns: 1500, seed: 11 },
    );
    expect(linearizable).toBeGreaterThan(300);
  });

  test("agrees with it also when it remembers next to nothing", () => {
    fc.assert(
      fc.property(fc.array(anyOperation, { minLength: 1, maxLength: 6 }), (some) => {
        const operations = some.map((one, i) => ({
          ...one,
          name: `#${i}`,
          called: one.called + i / 100,
          returned: one.returned + i / 100 + 0.001,
        }));
        expect(search(operations, null, { rememberedMax: 2, attemptsMax: 1e6 }).type).toBe(
          hasOrder(operations) ? "linearizable" : "refused",
        );
      }),
      { numRuns: 500, seed: 12 },
    );
  });

  test("accepts every history that came from a sequential execution, whatever overlaps", () => {
    fc.assert(
      fc.property(fc.array(drawn, { minLength: 1, maxLength: 80 }), (draws) => {
        expect(checkHistory(historyOf(draws))).toMatchObject({ violation: undefined, undecided: [] });
      }),
      { numRuns: 500, seed: 13 },
    );
  });

  test("refuses it with one read changed to a value that was gone before the read began or came after it ended", () => {
    let changed = 0;
    fc.assert(
      fc.property(fc.array(drawn, { minLength: 4, maxLength: 60 }), fc.nat(), (draws, which) => {
        const operations = historyOf(draws);
        const reads = operations.filter(({ request, outcome }) => request.type === "get" && outcome.type === "got");
        const read = reads[which % Math.max(reads.length, 1)];
        if (!read) return;
        const wrong = neverPossible(operations, read);
        if (wrong === undefined) return;
        changed++;
        const verdict = checkHistory(operations.map((one) => (one === read ? { ...read, outcome: got(wrong) } : one)));
        expect(verdict.violation).toBeDefined();
      }),
      { numRuns: 800, seed: 14 },
    );
    expect(changed).toBeGreaterThan(50);
  });

  test("names the first operation without which the history had an order: all before it still has one", () => {
    fc.assert(
      fc.property(fc.array(anyOperation, { minLength: 2, maxLength: 7 }), (some) => {
        const operations = some.map((one, i) => ({
          ...one,
          name: `#${i}`,
          called: one.called + i / 100,
          returned: one.returned + i / 100 + 0.001,
        }));
        const verdict = search(operations);
        if (verdict.type !== "refused") return;
        const { returned } = verdict.operation;
        const until = (end: number) =>
          operations
            .filter(({ called }) => called <= end)
            .map((one): Operation => (one.returned <= end ? one : { ...one, returned: lost, outcome: { type: "unknown" } }));
        expect(hasOrder(until(returned - 0.0001))).toBe(true);
        expect(hasOrder(until(returned))).toBe(false);
      }),
      { numRuns: 800, seed: 15 },
    );
  });

  test("says so when it gives up", () => {
    const operations = historyOf(fc.sample(drawn, { numRuns: 50, seed: 1 }));
    expect(checkHistory(operations, { rememberedMax: 100, attemptsMax: 5 }).undecided.length).toBeGreaterThan(0);
  });
});

/** A value whose write was called only after the read had been answered, or that another write had surely replaced before the read was called. */
function neverPossible(operations: readonly Operation[], read: Operation): string | undefined {
  const same = operations.filter(({ key }) => key === read.key);
  for (const { request, outcome, called, returned } of same) {
    if (request.type !== "put" || outcome.type !== "done") continue;
    if (called > read.returned) return request.value;
    const replaced = same.some(
      (later) => later.request.type === "put" && later.outcome.type === "done" && later.called > returned && later.returned < read.called,
    );
    if (replaced) return request.value;
  }
  return undefined;
}
