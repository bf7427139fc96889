import { lastTime, nextTime, parseCron } from "../../protocol/kinds/cron-schedule";
import type { CronJob, Job } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { localTimestamp, timeZone } from "../../protocol/kinds/time-zone";
import type { FakeStore, Kept } from "../client/fake-api-server";
import { cluster, eventLines, figuresOf, objectsOf } from "./cluster";

const at = (text: string) => Date.parse(text);
const iso = (ms: number | undefined) => (ms === undefined ? undefined : `${new Date(ms).toISOString().slice(0, 16)}Z`);
const schedule = (text: string) => {
  const parsed = parseCron(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.schedule;
};

test.each([
  ["*/15 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:15Z"],
  ["*/15 * * * *", "2026-01-01T00:14:59Z", "2026-01-01T00:15Z"],
  ["0 0 * * *", "2026-01-01T00:00:00Z", "2026-01-02T00:00Z"],
  ["30 4 1,15 * 5", "2026-01-02T04:30:00Z", "2026-01-09T04:30Z"],
  ["0 9-17/4 * * mon-fri", "2026-01-02T17:00:00Z", "2026-01-05T09:00Z"],
  ["0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00Z"],
  ["0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00Z"],
  ["0 0 * * 0", "2026-01-01T00:00:00Z", "2026-01-04T00:00Z"],
  ["5/20 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05Z"],
  ["@monthly", "2026-01-15T00:00:00Z", "2026-02-01T00:00Z"],
  ["0 0 30 2 *", "2026-01-01T00:00:00Z", undefined],
])("%s after %s is %s (CronJob: schedule syntax)", (text, after, expected) => {
  expect(iso(nextTime(schedule(text), at(after)))).toBe(expected);
});

test.each([
  ["America/New_York", "0 9 * * *", "2026-01-01T00:00:00Z", "2026-01-01T14:00Z"],
  ["Asia/Kathmandu", "0 0 1 * *", "2026-01-15T00:00:00Z", "2026-01-31T18:15Z"],
  ["Europe/Berlin", "0 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T01:00Z"],
  // The clock jumps from 2 to 3: there is no half past two on that day.
  ["Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T00:30Z"],
  // It is put back from 3 to 2: half past two comes twice.
  ["Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30Z"],
  ["Europe/Berlin", "30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30Z"],
  ["Europe/Berlin", "30 2 * * *", "2026-10-25T01:30:00Z", "2026-10-26T01:30Z"],
])("in %s %s after %s is %s", (place, text, after, expected) => {
  const zone = timeZone(place)!;
  const next = nextTime(schedule(text), at(after), zone)!;
  expect(iso(next)).toBe(expected);
  expect(lastTime(schedule(text), next + 30_000, at(after), zone)).toBe(next);
});

test("@every counts from the last time, and names of zones are those of the IANA database", () => {
  const cron = schedule("@every 90m");
  expect(iso(nextTime(cron, at("2026-01-01T00:10:00Z")))).toBe("2026-01-01T01:40Z");
  expect(iso(lastTime(cron, at("2026-01-01T05:00:00Z"), at("2026-01-01T00:10:00Z")))).toBe("2026-01-01T04:40Z");
  expect(lastTime(cron, at("2026-01-01T01:00:00Z"), at("2026-01-01T00:10:00Z"))).toBeUndefined();
  for (const wrong of ["Mars/Olympus", "+01:00", "", "Local time"]) expect(timeZone(wrong)).toBeUndefined();
  expect(localTimestamp(timeZone("Europe/Berlin")!, at("2026-07-01T10:00:00Z"))).toBe("2026-07-01T12:00:00+02:00");
});

test("the last time is the one that nextTime leads to", () => {
  for (const text of ["*/7 3-5 * * *", "0 12 1 * *", "15 10 * * 2"]) {
    const cron = schedule(text);
    const now = at("2026-03-10T11:00:00Z");
    const last = lastTime(cron, now, at("2025-01-01T00:00:00Z"))!;
    expect(nextTime(cron, last - 60_000)).toBe(last);
    expect(nextTime(cron, last)!).toBeGreaterThan(now);
    expect(lastTime(cron, now, last)).toBeUndefined();
  }
});

test.each([
  ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
  ["", "expected exactly 5 fields, found 0: []"],
  ["61 * * * *", "end of range (61) above maximum (59): 61"],
  ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
  ["* * * * 7", "end of range (7) above maximum (6): 7"],
  ["*/0 * * * *", "step of range should be a positive number: */0"],
  ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
  ["*-5 * * * *", 'failed to parse minute "*-5"'],
  ["* * * foo *", "failed to parse int from foo"],
  ["@fortnightly", "unrecognized descriptor: @fortnightly"],
  ["@every soon", "failed to parse duration @every soon"],
])("%j is refused", (text, reason) => {
  expect(parseCron(text)).toEqual({ ok: false, reason });
});

const controllers = ["cronjob"];
const cron = (spec: object = {}): Kept => ({
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { namespace: "shop", name: "report", uid: "uid-report", generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: {
    schedule: "* * * * *",
    concurrencyPolicy: "Allow",
    jobTemplate: { metadata: { labels: { app: "report" } }, spec: { template: { spec: { containers: [] } } } },
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    ...spec,
  },
});
const names = (store: FakeStore) => objectsOf(store, "jobs").map(({ metadata }) => metadata.name);
const status = (store: FakeStore) => (store.of("cronjobs").get("shop/report") as unknown as Stored<CronJob>).status;
function finish(store: FakeStore, name: string, type: "Complete" | "Failed", completionTime: string): void {
  const job = store.of("jobs").get(`shop/${name}`)!;
  store.put("jobs", "MODIFIED", {
    ...job,
    status: { startTime: completionTime, completionTime, conditions: [{ type, status: "True", lastTransitionTime: completionTime }] },
  });
}
/** Jobs are named after the minute. */
const jobAt = (text: string) => `report-${at(text) / 60_000}`;

test("each minute a Job is started, once, and named after it", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("cronjobs", "ADDED", cron());
  simulation.runFor(130_000);
  expect(names(store)).toEqual([jobAt("2026-01-01T00:01:00Z"), jobAt("2026-01-01T00:02:00Z")]);
  expect(objectsOf(store, "jobs")[0]!.metadata).toMatchObject({
    labels: { app: "report" },
    annotations: { "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T00:01:00Z" },
    ownerReferences: [{ kind: "CronJob", name: "report", controller: true }],
  });
  const late = figuresOf(simulation);
  expect(late.get("cronjob_controller_job_creation_skew_duration_seconds_count")).toBe(2);
  expect(late.get('cronjob_controller_job_creation_skew_duration_seconds_bucket{le="1"}')).toBe(2);
  expect(status(store)).toMatchObject({
    lastScheduleTime: "2026-01-01T00:02:00Z",
    active: [{ name: jobAt("2026-01-01T00:01:00Z") }, { name: jobAt("2026-01-01T00:02:00Z") }],
  });
  finish(store, jobAt("2026-01-01T00:01:00Z"), "Complete", "2026-01-01T00:02:10Z");
  simulation.runFor(5_000);
  expect(status(store)).toMatchObject({ lastSuccessfulTime: "2026-01-01T00:02:10Z", active: [{ name: jobAt("2026-01-01T00:02:00Z") }] });
});

test("Forbid starts none while one runs; Replace takes it away first", () => {
  const forbid = cluster({ controllers });
  forbid.store.put("cronjobs", "ADDED", cron({ concurrencyPolicy: "Forbid" }));
  forbid.simulation.runFor(130_000);
  expect(names(forbid.store)).toEqual([jobAt("2026-01-01T00:01:00Z")]);
  expect(eventLines(forbid.store).some((line) => line.startsWith("Normal JobAlreadyActive"))).toBe(true);

  const replace = cluster({ controllers });
  replace.store.put("cronjobs", "ADDED", cron({ concurrencyPolicy: "Replace" }));
  replace.simulation.runFor(130_000);
  expect(names(replace.store)).toEqual([jobAt("2026-01-01T00:02:00Z")]);
});

test("a suspended one starts nothing, and after startingDeadlineSeconds a missed time stays missed", () => {
  const { simulation, store } = cluster({ controllers });
  const made = store.put("cronjobs", "ADDED", cron({ schedule: "1 0 * * *", suspend: true, startingDeadlineSeconds: 30 }));
  simulation.runFor(100_000);
  expect(names(store)).toEqual([]);
  store.put("cronjobs", "MODIFIED", { ...made, spec: { ...(made.spec as object), suspend: false } });
  simulation.runFor(10_000);
  expect(names(store)).toEqual([]);
  expect(eventLines(store)).toEqual(["Warning MissSchedule: Missed scheduled time to start a job: 2026-01-01T00:01:00Z"]);
});

test("of ended Jobs as many stay as the history limits say", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("cronjobs", "ADDED", cron({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1 }));
  for (const [minute, type] of [
    ["01", "Complete"],
    ["02", "Failed"],
    ["03", "Complete"],
    ["04", "Failed"],
  ] as const) {
    simulation.runFor(60_500);
    finish(store, jobAt(`2026-01-01T00:${minute}:00Z`), type, `2026-01-01T00:${minute}:01Z`);
  }
  simulation.runFor(5_000);
  expect(names(store).sort()).toEqual([jobAt("2026-01-01T00:03:00Z"), jobAt("2026-01-01T00:04:00Z")]);
});

test("a time zone that does not exist is refused aloud; in one that does, the Job says the local time it is for", () => {
  const { simulation, store } = cluster({ controllers });
  store.put("cronjobs", "ADDED", cron({ timeZone: "Mars/Olympus" }));
  simulation.runFor(70_000);
  expect(names(store)).toEqual([]);
  expect(eventLines(store)).toContain('Warning UnknownTimeZone: invalid timeZone: "Mars/Olympus": unknown time zone Mars/Olympus');
  store.put("cronjobs", "MODIFIED", cron({ timeZone: "Europe/Berlin", schedule: "* 1 * * *" }));
  simulation.runFor(60_000);
  const [made] = objectsOf<Stored<Job>>(store, "jobs");
  expect(made!.metadata.annotations).toEqual({
    "batch.kubernetes.io/cronjob-scheduled-timestamp": expect.stringMatching(/^2026-01-01T01:0\d:00\+01:00$/),
  });
});
