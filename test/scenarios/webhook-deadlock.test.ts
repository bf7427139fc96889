import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadScenario } from "../../cli/load";
import { inputOf } from "../../cli/simulate";
import { type RunResult, runScenario } from "../../scenarios/run";

const file = "scenarios/library/webhook-deadlock.yaml";

/** The library's scenario with some of its text replaced. */
function run(...replacements: readonly (readonly [string, string])[]): RunResult {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-deadlock-"));
  try {
    symlinkSync(resolve("scenarios/library/manifests"), join(directory, "manifests"));
    let text = readFileSync(file, "utf8");
    for (const [find, replace] of replacements) {
      if (!text.includes(find)) throw new Error(`${find} is not in ${file}`);
      text = text.replace(find, replace);
    }
    writeFileSync(join(directory, "run.yaml"), text);
    return runScenario(inputOf(loadScenario(join(directory, "run.yaml")), { seed: 3, keepTraceLines: 0 }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** When, in seconds since the run began, so many Pods of a Deployment were available after a web Pod was killed. */
function recoveredAt({ timeline }: RunResult, text: string): number {
  const killed = timeline.find((each) => each.text.startsWith("pod-kill"))!.atUs;
  return (timeline.find((each) => each.atUs > killed && each.text.startsWith(text))?.atUs ?? Number.POSITIVE_INFINITY) / 1e6;
}

const patchedAt = ({ timeline }: RunResult) => timeline.find(({ text }) => text.startsWith("patch "))!.atUs / 1e6;

test("a webhook that guards its own pods keeps them from coming back until somebody exempts them", () => {
  const result = run();
  expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
  expect(recoveredAt(result, "Deployment guard/guard: 2/2 available")).toBeGreaterThan(patchedAt(result));
  expect(recoveredAt(result, "Deployment app/web: 3/3 available")).toBeGreaterThan(patchedAt(result));
});

test("while one of the webhook's pods lives it lets all others be made", () => {
  const result = run(["deployment: guard/guard, replicas: 0", "deployment: guard/guard, replicas: 1"]);
  expect(recoveredAt(result, "Deployment app/web: 3/3 available")).toBeLessThan(patchedAt(result));
});

test("one whose image denies lets nothing come back", () => {
  const result = run(["admission: allow", 'admission: { deny: "not today" }'], ["guard, replicas: 0", "guard, replicas: 1"]);
  expect(recoveredAt(result, "Deployment app/web: 3/3 available")).toBe(Number.POSITIVE_INFINITY);
});
