import { EventRecorder } from "../../actors/client";
import { aggregate, newEventMemory } from "../../actors/client/event-aggregation";
import type { Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Kept } from "./fake-api-server";
import { type Tester, tank, tester } from "./tank";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace: "shop", name: "web-1", uid: "uid", resourceVersion: "9", creationTimestamp: "2026-01-01T00:00:00Z" },
} as Stored<Pod>;
type Written = Kept & { readonly count: number; readonly message: string; readonly firstTimestamp: string; readonly lastTimestamp: string };

function recording(messages: readonly (readonly [number, string])[], options: Parameters<typeof tank>[1] = {}) {
  const actor = tester("recorder", (client, ctx) => {
    const recorder = new EventRecorder<Tester>(client, { component: "kubelet", host: "node-1" });
    messages.forEach(([atMs, message], index) => {
      const timer = client.timers.claim(`say/${index}`, (later) => {
        recorder.event(later, pod, "Warning", "BackOff", message);
        return undefined;
      });
      ctx.setTimer(timer, atMs);
    });
  });
  const { simulation, store } = tank([actor], options);
  return { simulation, store, written: () => [...store.of("events").values()] as unknown as Written[] };
}

test("an event says what it is about, from whom, and when", () => {
  const { simulation, written } = recording([[1000, "restarting"]]);
  simulation.runFor(2000);
  expect(written()).toMatchObject([
    {
      metadata: { namespace: "shop", name: expect.stringMatching(/^web-1\.[0-9a-f]{16}$/) },
      involvedObject: { kind: "Pod", apiVersion: "v1", namespace: "shop", name: "web-1", uid: "uid", resourceVersion: "9" },
      type: "Warning",
      reason: "BackOff",
      message: "restarting",
      source: { component: "kubelet", host: "node-1" },
      reportingComponent: "kubelet",
      reportingInstance: "node-1",
      count: 1,
    },
  ]);
});

test("what repeats raises the count of one event", () => {
  const { simulation, written } = recording([1, 2, 3, 4, 5].map((second) => [second * 1000, "restarting"] as const));
  simulation.runFor(10_000);
  expect(written()).toHaveLength(1);
  expect(written()[0]).toMatchObject({
    count: 5,
    firstTimestamp: expect.stringContaining(":01Z"),
    lastTimestamp: expect.stringContaining(":05Z"),
  });
});

test("events that come faster than they are written lose no count", () => {
  const { simulation, written } = recording([1, 1, 1, 1].map((at) => [at, "restarting"] as const));
  simulation.runFor(10_000);
  expect(written().map(({ count }) => count)).toEqual([4]);
});

test("an event is written once the API is back", () => {
  let down = true;
  const { simulation, written } = recording([[1000, "restarting"]], {
    intercept: () =>
      down
        ? {
            kind: "Status",
            apiVersion: "v1",
            metadata: {},
            status: "Failure",
            reason: "ServiceUnavailable",
            code: 503,
            message: "no leader",
          }
        : undefined,
  });
  simulation.runFor(20_000);
  expect(written()).toHaveLength(0);
  down = false;
  simulation.runFor(20_000);
  expect(written()).toHaveLength(1);
});

describe("aggregation (client-go: EventCorrelator)", () => {
  const say = (memory: ReturnType<typeof newEventMemory>, message: string, nowMs: number, name = "web-1") =>
    aggregate(
      memory,
      { reference: { kind: "Pod", namespace: "shop", name }, type: "Warning", reason: "BackOff", message, source: "kubelet" },
      nowMs,
    );

  test("the tenth different message about the same matter within ten minutes is summed up", () => {
    const memory = newEventMemory();
    const messages = Array.from({ length: 10 }, (_, i) => say(memory, `try ${i}`, i * 1000)!.message);
    expect(messages.slice(0, 9)).toEqual(Array.from({ length: 9 }, (_, i) => `try ${i}`));
    expect(messages[9]).toBe("(combined from similar events): try 9");
  });

  test("one source says 25 things about an object at once, then one in five minutes", () => {
    const memory = newEventMemory();
    const said = Array.from({ length: 30 }, () => say(memory, "again", 0)).filter(Boolean);
    expect(said).toHaveLength(25);
    expect(say(memory, "again", 299_000)).toBeUndefined();
    expect(say(memory, "again", 300_000)).toBeDefined();
    expect(say(memory, "again", 0, "another")).toBeDefined();
  });
});
