import { relative } from "node:path";
import { libraryScenarios } from "../../cli/library";
import { loadScenario } from "../../cli/load";
import { inputOf } from "../../cli/simulate";
import { checks } from "../../scenarios/checks";
import { runScenario } from "../../scenarios/run";

const library = libraryScenarios().map(({ name, file, description }) => ({ name, file: relative(process.cwd(), file), description }));

describe("every scenario of the library", () => {
  it.each(library)("$name says what it teaches", ({ description }) => {
    expect(description.length).toBeGreaterThan(150);
  });

  it.each(library)(
    "$name holds, and gives the same trace twice",
    ({ file }) => {
      const loaded = loadScenario(file);
      const [one, two] = [1, 2].map(() => runScenario(inputOf(loaded, { seed: 1, keepTraceLines: 0 })));
      expect(one!.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
      expect(two!.traceHash).toBe(one!.traceHash);
    },
    300_000,
  );

  it("together they use every check", () => {
    const used = new Set(library.flatMap(({ file }) => loadScenario(file).scenario.expect.map(({ check }) => check)));
    expect(checks.filter((check) => !used.has(check)).map(({ name }) => name)).toEqual(["no-panics"]);
  });
});
