import { readFileSync } from "node:fs";
import { faults } from "../../scenarios/faults";
import { everyCase, ofEtcd } from "./fault-cases";
import { holdsAndReplays, nameOf } from "./fault-run";
import { tinyInput } from "./tiny";

const scenarioWith = (step: string) => `
name: one-fault
cluster: { etcd: 3, apiServers: 1, controllers: 1, nodes: 0 }
settle: 20s
storm:
  - { at: 200ms, for: 2500ms, ${step} }
beyondBudget: true
calm: { within: 20s, stay: 1s }
expect: [raft-election-safety, raft-committed, store-agreement, acknowledged-writes, convergence]
`;

describe.each(ofEtcd.map(([step, effect]) => [step, effect] as const))("{ %s }", (step, effect) => {
  it("takes effect, is undone, and replays from its record to the byte", () => {
    holdsAndReplays(tinyInput(scenarioWith(step), 3), [[step, effect]]);
  });
});

it("every fault has its case in one of these tests", () => {
  const named = new Set(everyCase.map(nameOf));
  expect(faults.map(({ name }) => name).filter((name) => !named.has(name))).toEqual([]);
});

it("every fault stands in the table of docs/scenarios.md", () => {
  const text = readFileSync("docs/scenarios.md", "utf8");
  expect(faults.map(({ name }) => name).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});
