import { loadScenario } from "../../cli/load";
import { checks } from "../../scenarios/checks";
import { holdAndRepeat, library, partOf } from "./library-twice";

describe("every scenario of the library", () => {
  it.each(library)("$name says what it teaches", ({ description }) => {
    expect(description.length).toBeGreaterThan(150);
  });

  it("together they use every check, those of raft-invariants with it", () => {
    const used = new Set(library.flatMap(({ file }) => loadScenario(file).scenario.expect.map(({ check }) => check)));
    expect(used.has(checks.find(({ name }) => name === "raft-invariants")!)).toBe(true);
    const parts = new Set(checks.filter(({ source }) => /^\w+Inv in etcd-io\/raft/.test(source)).map(({ name }) => name));
    expect(checks.filter((check) => !used.has(check) && !parts.has(check.name)).map(({ name }) => name)).toEqual([
      "no-panics",
      "raft-log-matching",
      // No controller of Kubernetes' own binds claims here: it belongs to examples/claims.
      "claims-in-use",
    ]);
  });
});

describe("scenarios in which nodes and networks break", () => {
  holdAndRepeat(partOf("others"));
});
