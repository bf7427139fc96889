import fc from "fast-check";
import { commitOrderFigures } from "../../../../bench/linearizability";
import { type Answered, type Asked, CommitOrder } from "../../../../scenarios/checks/linearizability/commit-order";
import { after, type Operation, type Value } from "../../../../scenarios/checks/linearizability/operation";
import { drawn, historyOf } from "./histories";

const asked = (name: string, type: Asked["type"], value: Value = null, expected: Value = null, keys = ["k"]): Asked => ({
  name,
  type,
  keys,
  value,
  expected,
});
const done = (revision: number, value: Value = null, changed = true): Answered => ({ type: "done", revision, value, changed });
const holds = (value: Value, ...keys: readonly string[]) => new Map((keys.length > 0 ? keys : ["k"]).map((key) => [key, value]));

/** An order in which a was put at revision 2. */
function begun(): CommitOrder {
  const order = new CommitOrder();
  order.called(asked("put a", "put", "a"));
  expect(order.committed(2, holds("a"))).toBeUndefined();
  expect(order.returned("put a", done(2))).toBeUndefined();
  return order;
}

describe("the commit order as witness", () => {
  test("a linearizable read may not be older than what anybody had been shown before it began", () => {
    const order = begun();
    order.called(asked("put b", "put", "b"));
    order.called(asked("early", "get"));
    order.committed(3, holds("b"));
    order.returned("put b", done(3));
    order.called(asked("late", "get"));
    expect(order.returned("early", done(2, "a"))).toBeUndefined();
    expect(order.returned("late", done(2, "a"))).toContain("before it began somebody had been shown revision 3");
  });

  test("an answer must be right at its revision", () => {
    const order = begun();
    order.called(asked("read", "get"));
    expect(order.returned("read", done(2, null))).toBe("read read nothing in k at revision 2, where it held a");
    order.called(asked("delete", "delete"));
    expect(order.returned("delete", done(2, null, false))).toContain("found nothing in k at revision 2, where it held a");
    order.called(asked("swap", "swap", "c", "a"));
    expect(order.returned("swap", done(2, "a", false))).toContain("as it expected, and did not swap");
  });

  test("an acknowledged write must be committed, where it says, after it was asked for", () => {
    const order = begun();
    order.called(asked("put b", "put", "b"));
    expect(order.returned("put b", done(2))).toBe("put b was answered at revision 2, and nothing was committed");
    order.called(asked("put c", "put", "c"));
    expect(order.returned("put c", done(9))).toContain("the newest is 2");
    order.called(asked("delete", "delete"));
    expect(order.returned("delete", done(2))).toContain("which does not delete its key");
  });

  test("nothing is committed that was refused, never asked for, or asked for once and committed twice", () => {
    const refused = begun();
    refused.called(asked("put b", "put", "b"));
    refused.returned("put b", { type: "refused" });
    expect(refused.committed(3, holds("b"))).toContain("which nobody was writing");
    const lateRefusal = begun();
    lateRefusal.called(asked("put b", "put", "b"));
    lateRefusal.committed(3, holds("b"));
    expect(lateRefusal.returned("put b", { type: "refused" })).toBe("put b was refused, and it was committed at revision 3");
    const twice = begun();
    twice.called(asked("put b", "put", "b"));
    twice.returned("put b", { type: "unknown" });
    expect(twice.committed(3, holds("b"))).toBeUndefined();
    expect(twice.committed(4, holds("b"))).toContain("which nobody was writing");
    expect(begun().committed(3, holds(null))).toContain("nobody was deleting it");
    const lateTwins = begun();
    lateTwins.called(asked("twins", "put", "b", null, ["k", "l"]));
    lateTwins.returned("twins", { type: "unknown" });
    expect(lateTwins.committed(3, holds("b", "k", "l"))).toBeUndefined();
  });

  test("a transaction's writes are there together or not at all, and a swap only where it found what it expected", () => {
    const order = begun();
    order.called(asked("pair", "put", "b", null, ["k", "l"]));
    expect(order.committed(3, holds("b", "k"))).toContain("revision 3 is without l");
    const swap = begun();
    swap.called(asked("swap", "swap", "c", "b"));
    expect(swap.committed(3, holds("c"))).toContain("although k held a, not b");
  });

  test("accepts every history of a sequential execution, and refuses it with any read answered otherwise", () => {
    let refused = 0;
    fc.assert(
      fc.property(fc.array(drawn, { minLength: 1, maxLength: 60 }), fc.option(fc.nat()), (draws, which) => {
        const operations = historyOf(draws.map((one) => ({ ...one, neverHappened: false })));
        const reads = operations.filter(({ outcome }) => outcome.type === "got");
        const wrong = which === null ? undefined : reads[which % Math.max(1, reads.length)];
        const violation = replay(operations, wrong);
        if (wrong === undefined) expect(violation).toBeUndefined();
        else {
          refused++;
          expect(violation).toMatch(/read something else/);
        }
      }),
      { numRuns: 250, seed: 21 },
    );
    expect(refused).toBeGreaterThan(25);
  });

  test("judges a million operations and keeps no more than what is open and the newest versions", () => {
    const few = commitOrderFigures(20_000).keptMost;
    // Sixteen calls under way at most and a hundred keys, each with its last version and what open calls may still be answered with.
    expect(few).toBeGreaterThan(100);
    expect(few).toBeLessThanOrEqual(16 + 100 * 2 + 16 * 16);
    expect(commitOrderFigures(1_000_000).keptMost).toBeLessThanOrEqual(1.5 * few);
  });
});

/** Tells a generated history in time order, each operation committed at its moment; `wrong` is a read whose answer is replaced. */
function replay(operations: readonly Operation[], wrong: Operation | undefined): string | undefined {
  const order = new CommitOrder();
  const held = new Map<string, Value>();
  const answers = new Map<Operation, Answered>();
  let revision = 1;
  const events = operations.flatMap((operation, i) => [
    { at: operation.called, run: () => void order.called({ ...requestFields(operation), name: operation.name, keys: [operation.key] }) },
    { at: i * 10, run: () => take(operation) },
    ...(operation.outcome.type === "unknown"
      ? []
      : [{ at: operation.returned, run: () => order.returned(operation.name, answers.get(operation)!) }]),
  ]);
  const take = (operation: Operation): string | undefined => {
    const before = held.get(operation.key) ?? null;
    const now = after(before, { request: operation.request, outcome: { type: "unknown" } })!;
    held.set(operation.key, now);
    const written = operation.request.type !== "get" && (now !== before || operation.request.type === "put");
    if (written) revision++;
    const { outcome } = operation;
    const saw = outcome.type === "got" || outcome.type === "kept" ? outcome.value : null;
    answers.set(operation, done(revision, operation === wrong ? "something else" : saw, written));
    return written ? order.committed(revision, holds(now, operation.key)) : undefined;
  };
  for (const { run } of events.sort((a, b) => a.at - b.at)) {
    const violation = run();
    if (violation !== undefined) return violation;
  }
  return undefined;
}

function requestFields({ request }: Operation): Pick<Asked, "type" | "value" | "expected"> {
  const value = request.type === "put" || request.type === "swap" ? request.value : null;
  return { type: request.type, value, expected: request.type === "swap" ? request.expected : null };
}
