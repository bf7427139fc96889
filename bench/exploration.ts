import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadScenario } from "../cli/load";
import { runSeeds, seedJobs } from "../cli/seeds";

const root = join(__dirname, "../..");
const clusters = join(root, "bench/clusters");

type Say = (name: string, figure: string, method: string) => void;

interface OneRun {
  readonly verdict: string;
  /** Whether it took more than the bound and was stopped. */
  readonly stopped: boolean;
  readonly virtualMs: number;
  readonly events: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakKilobytes: number;
}

/** Seconds of processor time after which a run is stopped, so that the bench ends on a slow machine too. */
const boundSeconds = 300;

const parts = ["storms", "workers", "shrink"] as const;

/** What it costs to explore: whole runs in a storm, their memory, how worker threads share them, and how long a failing run takes to shrink; or one of these parts. */
export async function explorationSection(say: Say, only?: string): Promise<void> {
  if (only !== undefined && !parts.some((part) => part === only))
    throw new Error(`exploration ${only}: expected nothing, for all of it, or ${parts.join(", ")}`);
  if (only === undefined || only === "storms") storms(say);
  if (only === undefined || only === "workers") await workers(say);
  if (only === undefined || only === "shrink") shrinking(say);
}

function storms(say: Say): void {
  for (const [name, file] of [
    ["3 etcd, 2 API servers, 10 nodes, 50 pods", "small-storm.yaml"],
    ["5 etcd, 3 API servers, 100 nodes, 1,000 pods", "large-storm.yaml"],
  ] as const) {
    const run = oneRun(file);
    const ratio = run.virtualMs / run.cpuMs;
    say(
      name,
      `${ratio.toFixed(1)} × real`,
      run.stopped
        ? `the first ${Math.round(run.virtualMs / 1000)} virtual s of a run in a storm, per second of processor time; stopped after ${boundSeconds} s of it`
        : `a whole run in a storm, start and calm included, per second of processor time; ${run.verdict}`,
    );
    say(
      "  schedules per minute and core",
      `${run.stopped ? "< " : ""}${(60_000 / run.cpuMs).toFixed(2)}`,
      `${Math.round(run.cpuMs / 1000)} s of processor time each${run.stopped ? ", or more: it was stopped" : ""}`,
    );
    say("  memory of a run", `${Math.round(run.peakKilobytes / 1024)} MB`, "the most that its process had, Node and code included");
  }
}

async function workers(say: Say): Promise<void> {
  const [one, two] = [await timesOf(1), await timesOf(2)];
  const seeds = (times: Times) => `six seeds of the small cluster's storm; ${times.cpuSeconds.toFixed(0)} s of processor time`;
  say("one worker thread", `${one.wallSeconds.toFixed(1)} s`, seeds(one));
  say("two worker threads", `${two.wallSeconds.toFixed(1)} s`, seeds(two));
  say("  together", `${(one.wallSeconds / two.wallSeconds).toFixed(2)} ×`, "as fast as one, where nothing else runs on the machine");
}

function shrinking(say: Say): void {
  const { before, after, tries, seconds } = shrinkFigures();
  say("time to shrink", `${seconds.toFixed(1)} s`, `${before} steps and workloads to ${after} in ${tries} tries`);
}

function oneRun(file: string): OneRun {
  const ran = spawnSync(process.execPath, [join(__dirname, "one-run.js"), join(clusters, file), "1", String(boundSeconds)], {
    encoding: "utf8",
  });
  if (ran.status !== 0) throw new Error(`${file}: ${ran.stderr}`);
  return JSON.parse(ran.stdout) as OneRun;
}

interface Times {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

async function timesOf(workers: number): Promise<Times> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await runSeeds({
    loaded: loadScenario(join(clusters, "small-storm.yaml")),
    jobs: seedJobs(1, 6),
    workers,
    untilUs: undefined,
    interrupted: () => false,
    onDone: () => true,
  });
  const { user, system } = process.cpuUsage(before);
  return { wallSeconds: (performance.now() - startedMs) / 1000, cpuSeconds: (user + system) / 1e6 };
}

function shrinkFigures(): { readonly before: number; readonly after: number; readonly tries: number; readonly seconds: number } {
  const folder = mkdtempSync(join(tmpdir(), "wavetank-shrink-"));
  try {
    const wavetank = (...args: readonly string[]) =>
      spawnSync(process.execPath, [join(root, "bin/wavetank.cjs"), ...args], { encoding: "utf8", cwd: root });
    wavetank("run", join(clusters, "shrink.yaml"), "--quiet", "--out", folder);
    const shrunk = wavetank("shrink", join(folder, "run.json"), "--json", "--out", join(folder, "shrunk"));
    if (shrunk.status !== 1) throw new Error(`shrink: ${shrunk.stderr}`);
    return JSON.parse(shrunk.stdout) as ReturnType<typeof shrinkFigures>;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
