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

/** The scenarios in which the control plane itself is what breaks. The tests are in two files, because one would keep one of two processors waiting. */
export const ofControlPlane: ReadonlySet<string> = new Set([
  "api-server-loss",
  "control-plane-cut-off",
  "etcd-storm",
  "minority-leader",
  "slow-disk",
  "bad-network",
]);

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
