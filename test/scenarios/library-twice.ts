import { relative } from "node:path";
import { libraryScenarios } from "../../cli/library";
import { loadScenario } from "../../cli/load";
import { inputOf } from "../../cli/simulate";
import { Run } from "../../scenarios/run";

/** Every scenario of the library; its file as seen from the root. */
export const library = libraryScenarios().map(({ name, file, description }) => ({
  name,
  file: relative(process.cwd(), file),
  description,
}));

/** In which test file a scenario runs; those that are not named here are about nodes and networks. One file would keep all but one processor waiting. */
const controlPlane = [
  "answers-unsaid",
  "api-server-loss",
  "bad-network",
  "control-plane-cut-off",
  "etcd-storm",
  "minority-leader",
  "mixed-versions",
  "one-way-leader",
  "partial-partition",
  "slow-disk",
  "split-vote",
  "torn-writes",
];
const recoveries = [
  "clock-skew",
  "compaction-pressure",
  "cut-off-control-plane",
  "flapping-network",
  "lost-quorum",
  "member-replaced",
  "relist-storm",
  "restore-backup",
  "rolling-etcd-restart",
  "stale-api-server",
  "throttled-client",
  "thundering-herd",
];
const workloads = [
  "agents-everywhere",
  "bad-image",
  "batch-under-churn",
  "churn",
  "crash-loop",
  "crowded-nodes",
  "drain-deadlock",
  "elections",
  "namespace-churn",
  "healthy-store",
  "healthy-workloads",
  "locks",
  "leases",
  "memory-hog",
  "node-lost-for-ever",
  "stateful-partition",
  "transactions",
];
/** In webhooks.test.ts, which looks at them more closely. */
const outside = ["authorization-webhook", "key-service-outage", "webhook-deadlock", "webhook-outage"];
export const parts = { controlPlane, recoveries, workloads, outside } as const;

/** The scenarios of a part, or those that are in none. */
export function partOf(part: keyof typeof parts | "others"): typeof library {
  const all: readonly string[] = Object.values(parts).flat();
  const names: readonly string[] = part === "others" ? [] : parts[part];
  return library.filter(({ name }) => (part === "others" ? !all.includes(name) : names.includes(name)));
}

/** A run is begun again up to so long after its storm began: starting up and the first of the storm are where most of what happens happens. */
const repeatedStormUs = 15_000_000;
const sliceMs = 1_000;

/**
 * Each of these scenarios holds; and of every fourth one the run is begun again and leaves the same trace (promise 2) up to the first of its storm. More would cost as
 * much as the whole suite may: `npm run soak` repeats every one of them as a whole.
 */
export function holdAndRepeat(scenarios: typeof library): void {
  const repeated = scenarios.filter((_, i) => i % 4 === 0);
  it.each(repeated)("$name holds, and gives the same trace again", ({ file }) => hold(file, true), 300_000);
  it.each(scenarios.filter((one) => !repeated.includes(one)))("$name holds", ({ file }) => hold(file, false), 300_000);
}

function hold(file: string, again: boolean): void {
  const loaded = loadScenario(file);
  const begun = () => {
    const run = new Run(inputOf(loaded, { seed: 1, keepTraceLines: 0 }));
    run.begin();
    return run;
  };
  const seen = (run: Run) => `${run.nowUs} ${run.simulation.traceHash()}`;
  const one = begun();
  // A run that is over sooner is repeated as a whole.
  let repeatedUs = Number.POSITIVE_INFINITY;
  let seenThen = "";
  while (one.advance(sliceMs)) {
    if (repeatedUs === Number.POSITIVE_INFINITY && one.act === "storm") repeatedUs = one.nowUs + repeatedStormUs;
    if (seenThen === "" && one.nowUs >= repeatedUs) seenThen = seen(one);
  }
  if (seenThen === "") seenThen = seen(one);
  expect(one.result().checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
  if (!again) return;
  const two = begun();
  while (two.nowUs < repeatedUs && two.advance(sliceMs));
  expect(seen(two)).toBe(seenThen);
}
