import { relative } from "node:path";
import { libraryScenarios } from "../../cli/library";
import { loadScenario } from "../../cli/load";
import { inputOf } from "../../cli/simulate";
import { runScenario } from "../../scenarios/run";

/** Every scenario of the library; its file as seen from the root. */
export const library = libraryScenarios().map(({ name, file, description }) => ({
  name,
  file: relative(process.cwd(), file),
  description,
}));

/** In which test file a scenario runs; those that are not named here are about nodes and networks. One file would keep all but one processor waiting. */
const controlPlane = [
  "api-server-loss",
  "bad-network",
  "control-plane-cut-off",
  "etcd-storm",
  "minority-leader",
  "one-way-leader",
  "slow-disk",
  "split-vote",
];
const recoveries = [
  "clock-skew",
  "compaction-pressure",
  "cut-off-control-plane",
  "flapping-network",
  "lost-quorum",
  "member-replaced",
  "relist-storm",
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
  "drain-deadlock",
  "elections",
  "namespace-churn",
  "locks",
  "memory-hog",
  "node-lost-for-ever",
  "stateful-partition",
  "transactions",
  "webhook-deadlock",
  "webhook-outage",
];
export const parts = { controlPlane, recoveries, workloads } as const;

/** The scenarios of a part, or those that are in none. */
export function partOf(part: keyof typeof parts | "others"): typeof library {
  const all: readonly string[] = Object.values(parts).flat();
  const names: readonly string[] = part === "others" ? [] : parts[part];
  return library.filter(({ name }) => (part === "others" ? !all.includes(name) : names.includes(name)));
}

/** Each of these scenarios holds, and run twice it leaves the same trace (promise 2). */
export function holdAndRepeat(scenarios: typeof library): void {
  it.each(scenarios)(
    "$name holds, and gives the same trace twice",
    ({ file }) => {
      const loaded = loadScenario(file);
      const [one, two] = [1, 2].map(() => runScenario(inputOf(loaded, { seed: 1, keepTraceLines: 0 })));
      expect(one!.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
      expect(two!.traceHash).toBe(one!.traceHash);
    },
    300_000,
  );
}
