import { formatDurationMs, humanDuration, parseDurationMs } from "../../protocol/kinds/duration";
import { percentOf, rollingUpdateBounds, scaledValue } from "../../protocol/kinds/int-or-string";
import {
  wrongWithDns1035Label,
  wrongWithDns1123Label,
  wrongWithDns1123Subdomain,
  wrongWithPortName,
  wrongWithQualifiedName,
} from "../../protocol/kinds/names";
import {
  controllerOf,
  controllerReference,
  isControlledBy,
  keyOf,
  microTimestamp,
  splitKey,
  timeMs,
  timestamp,
} from "../../protocol/kinds/object";

describe("int-or-string", () => {
  test("percentages round as told; texts that are none have no value", () => {
    expect(scaledValue("25%", 10, "up")).toBe(3);
    expect(scaledValue("25%", 10, "down")).toBe(2);
    expect(scaledValue(4, 10, "up")).toBe(4);
    expect(scaledValue("http", 10, "up")).toBeUndefined();
    expect(percentOf("-5%")).toBeUndefined();
  });

  test("maxSurge rounds up, maxUnavailable down, and both at nothing leaves one unavailable (Deployment documentation)", () => {
    expect(rollingUpdateBounds(undefined, 10)).toEqual({ maxSurge: 3, maxUnavailable: 2 });
    expect(rollingUpdateBounds({ maxSurge: 0, maxUnavailable: "25%" }, 3)).toEqual({ maxSurge: 0, maxUnavailable: 1 });
  });
});

describe("durations", () => {
  const s = 1000;
  const m = 60 * s;
  const h = 60 * m;
  test.each([
    [-5 * s, "<invalid>"],
    [0, "0s"],
    [119 * s, "119s"],
    [2 * m, "2m"],
    [2 * m + 5 * s, "2m5s"],
    [10 * m + 5 * s, "10m"],
    [179 * m, "179m"],
    [3 * h, "3h"],
    [3 * h + 7 * m, "3h7m"],
    [8 * h + 7 * m, "8h"],
    [50 * h, "2d2h"],
    [24 * 9 * h + 5 * h, "9d"],
    [24 * 365 * 2 * h + 24 * h, "2y1d"],
    [24 * 365 * 9 * h, "9y"],
  ])("%d ms is shown as kubectl does: %s", (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });

  test.each([
    ["1h30m", 90 * m],
    ["1.5s", 1500],
    ["300ms", 300],
    ["-5s", -5000],
    ["0", 0],
    ["5", undefined],
    ["1d", undefined],
  ])("%s is %p ms", (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  test("Go's notation round-trips", () => {
    for (const text of ["1h30m0s", "1m0s", "1.5s", "300ms", "0s"]) expect(formatDurationMs(parseDurationMs(text)!)).toBe(text);
  });
});

describe("names", () => {
  test("follow RFC 1123 and RFC 1035", () => {
    expect(wrongWithDns1123Subdomain("a.b-c.d")).toEqual([]);
    expect(wrongWithDns1123Subdomain("A")).toEqual([
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ]);
    expect(wrongWithDns1123Label("a.b")).toEqual(["must not contain dots"]);
    expect(wrongWithDns1123Label("a".repeat(64))).toEqual(["must be no more than 63 bytes"]);
    expect(wrongWithDns1035Label("1a")).toHaveLength(1);
    expect(wrongWithQualifiedName("example.com/a_b")).toEqual([]);
    expect(wrongWithQualifiedName("/a")).toEqual(["prefix part must be non-empty"]);
    expect(wrongWithPortName("a--b")).toEqual(["must not contain consecutive hyphens"]);
  });
});

describe("objects", () => {
  const owner = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "rs", namespace: "n", uid: "u1", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
  };
  test("the controller is the owner that says so, known by its uid", () => {
    const owned = {
      metadata: { ownerReferences: [{ ...controllerReference(owner), controller: false, uid: "u0" }, controllerReference(owner)] },
    };
    expect(controllerOf(owned)?.uid).toBe("u1");
    expect(isControlledBy(owned, owner)).toBe(true);
    expect(isControlledBy(owned, { metadata: { uid: "u0" } })).toBe(false);
  });

  test("keys and times round-trip", () => {
    expect(keyOf(owner)).toBe("n/rs");
    expect(splitKey("n/rs")).toEqual({ namespace: "n", name: "rs" });
    expect(splitKey("node-1")).toEqual({ namespace: "", name: "node-1" });
    expect(timestamp(1_767_225_600_999)).toBe("2026-01-01T00:00:00Z");
    expect(microTimestamp(1_767_225_600_000.25)).toBe("2026-01-01T00:00:00.000250Z");
    expect(timeMs(timestamp(1_767_225_600_000))).toBe(1_767_225_600_000);
  });

  test("times follow the calendar through leap years, centuries and the years before 1970", () => {
    const days = [0, 59, 60, 11_016, 11_017, 47_540, 47_541, 2_932_896, -1].map((day) => day * 86_400_000);
    for (let ms = 0; ms < 253_402_300_800_000; ms += 86_400_000 * 97 + 12_345_678) days.push(ms);
    for (const ms of days.flatMap((day) => [day, day + 86_399_999])) {
      expect(`${timestamp(ms)} ${microTimestamp(ms)}`).toBe(
        `${new Date(ms).toISOString().slice(0, -5)}Z ${new Date(ms).toISOString().slice(0, -1)}000Z`,
      );
    }
    expect(() => timestamp(Number.NaN)).toThrow(RangeError);
  });
});
