import { existsSync, readFileSync } from "node:fs";
import { clientFaults } from "../../cli/live/client-faults";
import { actions } from "../../scenarios/actions";
import { checks } from "../../scenarios/checks";
import { faults } from "../../scenarios/faults";
import { conditionForms } from "../../scenarios/language/condition-schema";
import { blocks, endFields, startFields } from "../../scenarios/language/storm-schema";
import { workloads } from "../../scenarios/workloads";
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

describe("docs/fault-coverage.md", () => {
  const text = readFileSync("docs/fault-coverage.md", "utf8");
  const quoted = new Set([...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
  const named = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);
  const known = [...named(faults), ...named(clientFaults), ...named(checks), ...named(workloads)];

  it("names every fault, check and workload that there is", () => {
    expect(known.filter((name) => !quoted.has(name))).toEqual([]);
  });

  it("names none that there is not, nor a scenario or a file", () => {
    const fields = [...faults, ...checks, ...workloads].flatMap(({ params }) => Object.keys(params));
    const others = [...named(actions), ...blocks.keys(), ...conditionForms.keys(), ...Object.keys({ ...startFields, ...endFields })];
    const words = new Set([...known, ...fields, ...others, "watch-*", "previous", "next", "beyondBudget", "operator", "swarm", "plan"]);
    const names = [...quoted].filter((word) => /^[a-z]+(-[a-z*]+)*$/.test(word) && !words.has(word));
    expect(names).toEqual([]);
    const files = [...text.matchAll(/(?:examples|test|scenarios)\/[\w./-]*\w/g)].map(([file]) => file);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
    const rows = text.slice(text.indexOf("## Faults"), text.indexOf("## Checkers")).matchAll(/^\|.*\|([^|]*)\|$/gm);
    const shown = [...rows].slice(2).flatMap((row) => row[1]!.split(/[,;]/).map((word) => word.trim().replace(/`/g, "")));
    const isThere = (word: string) =>
      [word, `scenarios/library/${word}.yaml`, `examples/shop/${word}.yaml`].some((path) => existsSync(path));
    expect(shown.filter((word) => word !== "" && !/^swarm\b/.test(word) && !isThere(word))).toEqual([]);
  });
});
