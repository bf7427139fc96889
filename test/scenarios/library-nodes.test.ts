import { loadScenario } from "../../cli/load";
import { checks } from "../../scenarios/checks";
import { holdAndRepeat, library, ofControlPlane } from "./library-twice";

describe("every scenario of the library", () => {
  it.each(library)("$name says what it teaches", ({ description }) => {
    expect(description.length).toBeGreaterThan(150);
  });

  it("together they use every check", () => {
    const used = new Set(library.flatMap(({ file }) => loadScenario(file).scenario.expect.map(({ check }) => check)));
    expect(checks.filter((check) => !used.has(check)).map(({ name }) => name)).toEqual(["no-panics"]);
  });
});

describe("scenarios in which nodes and networks break", () => {
  holdAndRepeat(library.filter(({ name }) => !ofControlPlane.has(name)));
});
