import { readScenario } from "../../scenarios/scenario";
import { formatProblem } from "../../scenarios/source";

/** What is said of a file that begins well and goes on like this. */
function said(text: string): readonly string[] {
  const read = readScenario({ file: "s.yaml", text });
  return read.ok ? [] : read.problems.map(formatProblem);
}

const good = "name: good\nexpect: [convergence]\n";

describe("a scenario file that is wrong is told where, and what was expected", () => {
  it.each([
    ["an empty file", "# nothing\n", "s.yaml:1:1: $: the file is empty: expected a scenario"],
    ["broken YAML", "name: [a\nexpect: }\n", /^s\.yaml:2:1: \$: not valid YAML/],
    ["a missing field", "name: a\n", 's.yaml:1:1: $: the field "expect" is missing'],
    ["an unknown field", `${good}strom: []\n`, /^s\.yaml:3:1: \$\.strom: unknown field "strom".*did you mean "storm"\?/],
    ["a wrong type", `${good}storm: 5\n`, "s.yaml:3:8: $.storm: expected a list of steps, found 5"],
    [
      "an unknown fault",
      `${good}storm:\n  - { at: 1s, fault: crsh, target: { role: etcd } }\n`,
      /^s\.yaml:4:22: \$\.storm\[0\]\.fault: unknown fault "crsh".*"crash"\?/,
    ],
    [
      "a time without a unit",
      `${good}storm:\n  - at: 5\n    fault: crash\n    target: { role: etcd }\n`,
      /^s\.yaml:4:9: \$\.storm\[0\]\.at: expected a duration such as "30s"/,
    ],
    [
      "a check that cannot judge what the storm does to history",
      "name: a\nexpect: [convergence, linearizability]\nstorm:\n  - { at: 1s, fault: restore-backup, target: { role: etcd } }\n",
      "s.yaml:2:23: $.expect[1]: linearizability cannot judge what comes after restore-backup, which takes writes back",
    ],
    [
      "a check that cannot judge what the swarm may do to history",
      "name: a\nexpect: [linearizability]\nswarm: { restores: 0.1 }\n",
      "s.yaml:2:10: $.expect[0]: linearizability cannot judge what comes after restore-backup, which `swarm.restores` draws: it takes writes back",
    ],
    [
      "a steady state of what there is not",
      "name: a\nexpect: [{ check: steady-state, object: Deploymnt shop/web, field: status.replicas, atLeast: 1 }]\n",
      /^s\.yaml:2:\d+: \$\.expect\[0\](\.object)?: unknown kind "Deploymnt"/,
    ],
    ["a fault without a target", `${good}storm:\n  - { at: 1s, fault: crash }\n`, 's.yaml:4:5: $.storm[0]: the field "target" is missing'],
    [
      "a host that there is not",
      `${good}storm:\n  - { at: 1s, fault: crash, target: { hosts: [node-7] } }\n`,
      /^s\.yaml:4:47: \$\.storm\[0\]\.target\.hosts\[0\]: unknown host "node-7"/,
    ],
    [
      "a zone that there is not",
      `${good}storm:\n  - { at: 1s, fault: crash, target: { zone: zone-x } }\n`,
      /\$\.storm\[0\]\.target\.zone: unknown zone "zone-x"/,
    ],
    [
      "a leader of what has none",
      `${good}storm:\n  - { at: 1s, fault: crash, target: { role: node, is: leader } }\n`,
      /only the roles etcd, control and operator have leaders/,
    ],
    [
      "a mode without its value",
      `${good}storm:\n  - { at: 1s, fault: crash, target: { role: node, mode: fixed } }\n`,
      /\$\.storm\[0\]\.target\.mode: `value` belongs to/,
    ],
    [
      "more hosts than there are",
      `${good}storm:\n  - { at: 1s, fault: crash, target: { role: node, mode: fixed, value: 9 } }\n`,
      /\$\.storm\[0\]\.target\.value: only \d+ hosts match this selector/,
    ],
    [
      "more than all of them",
      `${good}storm:\n  - { at: 1s, fault: crash-actor, target: { role: control, mode: fixed-percent, value: 120 } }\n`,
      /\$\.storm\[0\]\.target\.value: expected a percentage/,
    ],
    [
      "neither fault nor action",
      `${good}storm:\n  - { at: 1s }\n`,
      /\$\.storm\[0\]: expected either the field "fault" or the field "action"/,
    ],
    [
      "an unknown check",
      "name: a\nexpect: [convergense]\n",
      /^s\.yaml:2:10: \$\.expect\[0\]: unknown check "convergense".*"convergence"\?/,
    ],
    [
      "a check without what it needs",
      "name: a\nexpect:\n  - check: service-availability\n    service: a/b\n",
      's.yaml:3:5: $.expect[0]: the field "atLeast" is missing',
    ],
    [
      "an even number of etcd members",
      `${good}cluster: { etcd: 4 }\n`,
      /^s\.yaml:3:18: \$\.cluster\.etcd: unknown value "4": expected one of 1, 3, 5, 7/,
    ],
    [
      "a count that is no number",
      `${good}cluster: { nodes: three }\n`,
      "s.yaml:3:19: $.cluster.nodes: expected a whole number (nodes), found three",
    ],
    ["a capacity that is none", `${good}cluster: { capacity: { cpu: lots } }\n`, /\$\.cluster\.capacity\.cpu: expected a quantity/],
    [
      "an unknown knob",
      `${good}cluster:\n  knobs:\n    etcd.election-timeot: 1s\n`,
      /^s\.yaml:5:5: \$\.cluster\.knobs\["etcd\.election-timeot"\]: unknown knob .*"etcd\.election-timeout"\?/,
    ],
    [
      "a knob of the wrong kind",
      `${good}cluster:\n  knobs: { etcd.election-timeout: fast }\n`,
      /expected a duration such as "30s", found fast/,
    ],
    [
      "an image's behaviour that is none",
      `${good}images:\n  - { image: x, latencyMs: fast }\n`,
      /^s\.yaml:4:28: \$\.images\[0\]\.latencyMs: expected milliseconds/,
    ],
    ["a workload without its rate", `${good}load:\n  - service: a/b\n`, 's.yaml:4:5: $.load[0]: the field "requestsPerSecond" is missing'],
    ["two documents", `${good}---\nname: b\n`, /expected one document/],
  ])("%s", (_name, text, expected) => {
    const problems = said(text);
    expect(problems).toEqual(expect.arrayContaining([typeof expected === "string" ? expected : expect.stringMatching(expected)]));
  });

  it("says everything that is wrong at once, in the order of the file", () => {
    const problems = said("name: a\ncluster: { zones: 0 }\nstorm: [{ at: 1, fault: x, target: {} }]\nexpect: [y]\n");
    expect(problems.map((text) => Number(text.split(":")[1]))).toEqual([2, 3, 4]);
  });
});

describe("a scenario file that is right", () => {
  it("may call itself an empty List, so that kubectl passes over it", () => {
    expect(said(`apiVersion: v1\nkind: List\nitems: []\n${good}`)).toEqual([]);
    expect(said(`apiVersion: v1\nkind: List\nitems: [a]\n${good}`)).not.toEqual([]);
  });

  it("has its defaults filled in", () => {
    const read = readScenario({ file: "s.yaml", text: good });
    expect(read).toMatchObject({
      ok: true,
      scenario: { title: "good", shape: { etcd: 3, apiServers: 2 }, storm: [], calm: { withinUs: 120e6, stayUs: 20e6, coreOnly: false } },
    });
  });

  it("repeats a step with every and times", () => {
    const read = readScenario({
      file: "s.yaml",
      text: `${good}storm:\n  - { at: 1s, every: 10s, times: 3, fault: crash, target: { role: node }, for: 2s }\n`,
    });
    expect(read.ok && read.scenario.storm).toMatchObject([{ start: { atUs: 1e6, everyUs: 10e6, times: 3 } }]);
    expect(read.ok && read.scenario.stormUs).toBe(23e6);
  });

  it("hands knobs to the actors whose flags they are, without the component's name", () => {
    const read = readScenario({
      file: "s.yaml",
      text: `${good}cluster: { knobs: { etcd.election-timeout: 2s, etcd.snapshot-count: 50 } }\n`,
    });
    const etcd = read.ok ? read.scenario.plan.hosts[0]!.actors[0]! : undefined;
    expect(etcd).toMatchObject({ address: "etcd/0", config: { settings: { "election-timeout": 2000, "snapshot-count": 50 } } });
  });
});

describe("a storm that cannot be is refused, with the place and what was expected", () => {
  const crash = "fault: crash, target: { role: etcd }";
  it.each([
    ["no time to speak of", `  - { ${crash} }`, 's.yaml:4:5: $.storm[0]: the field "at" is missing (or "between", or "when", or "cron")'],
    [
      "a time between two that are the wrong way round",
      `  - { between: [9s, 5s], ${crash} }`,
      /4:\d+: \$\.storm\[0\]\.between: nothing lies between 9s and 5s/,
    ],
    ["two ways to say when", `  - { at: 1s, between: [1s, 2s], ${crash} }`, /\$\.storm\[0\]\.between: expected either `at` or `between`/],
    ["a fault that lasts for no time", `  - { at: 1s, ${crash}, for: 0s }`, /\$\.storm\[0\]\.for: expected more than no time at all/],
    [
      "unless without every",
      `  - { at: 1s, ${crash}, unless: at rest }`,
      /\$\.storm\[0\]\.unless: expected `every` or `cron` beside `unless`, and no `when`/,
    ],
    [
      "a schedule that is none",
      `  - { cron: "61 * * * *", times: 2, ${crash} }`,
      /\$\.storm\[0\]\.cron: expected a schedule.*end of range \(61\)/,
    ],
    ["a day that never comes", `  - { cron: "0 0 30 2 *", times: 2, ${crash} }`, /\$\.storm\[0\]\.cron: such a day never comes/],
    ["a schedule without an end", `  - { cron: "@hourly", ${crash} }`, /\$\.storm\[0\]\.cron: expected `times` beside `cron`/],
    [
      "a schedule in a block",
      `  - { parallel: [{ cron: "@hourly", times: 2, ${crash} }] }`,
      /\[0\]\.cron: a schedule counts from when the storm begins/,
    ],
    [
      "an action that is to be replaced",
      "  - { at: 1s, every: 2s, concurrencyPolicy: Replace, action: cordon, node: node-0 }",
      /\$\.storm\[0\]\.concurrencyPolicy: only a fault can be ended/,
    ],
    ["times without every", `  - { at: 1s, ${crash}, times: 3 }`, /\$\.storm\[0\]\.times: expected `every` beside `times`/],
    ["within without when", `  - { at: 1s, ${crash}, within: 3s }`, /\$\.storm\[0\]\.within: expected `when` beside `within`/],
    [
      "a time in a serial block",
      `  - serial: [{ at: 1s, ${crash} }]`,
      /\$\.storm\[0\]\.serial\[0\]\.at: nodes of a serial block begin when/,
    ],
    ["a block that is two", `  - { serial: [{ ${crash} }], parallel: [{ ${crash} }] }`, /\$\.storm\[0\]: expected either/],
    ["a repetition without end", `  - { repeat: [{ ${crash} }] }`, /\$\.storm\[0\]: expected `times`, `until` or both beside `repeat`/],
    [
      "something wrong deep inside",
      `  - { at: 1s, if: at rest, then: [{ serial: [{ fault: crsh, target: { role: etcd } }] }] }`,
      /\$\.storm\[0\]\.then\[0\]\.serial\[0\]\.fault: unknown fault "crsh".*"crash"\?/,
    ],
    [
      "an unknown moment",
      `  - { when: etcd leader elcted, ${crash} }`,
      /\$\.storm\[0\]\.when: unknown condition "etcd leader elcted".*"etcd leader elected"\?/,
    ],
    [
      "an unknown form",
      `  - { when: { changd: Node node-0, field: a }, ${crash} }`,
      /\$\.storm\[0\]\.when\.changd: unknown condition "changd".*"changed"\?/,
    ],
    [
      "an unknown kind",
      `  - { when: { created: "Pood a/b" }, ${crash} }`,
      /\$\.storm\[0\]\.when\.created: unknown kind "Pood"; did you mean "Pod"\?/,
    ],
    [
      "a namespace too few",
      `  - { when: { created: Pod web }, ${crash} }`,
      /\$\.storm\[0\]\.when\.created: expected "Pod NAMESPACE\/NAME"/,
    ],
    [
      "a node that there is not",
      `  - { when: { updated: Node node-9 }, ${crash} }`,
      /\$\.storm\[0\]\.when\.updated: unknown node "node-9"/,
    ],
    [
      "an actor that there is not",
      `  - { when: { write: kubelet/node-9 }, ${crash} }`,
      /\$\.storm\[0\]\.when\.write: unknown actor "kubelet\/node-9"/,
    ],
    [
      "a check that is not expected",
      `  - { at: 1s, if: { check: no-orphans, is: violated }, then: [{ ${crash} }] }`,
      /\$\.storm\[0\]\.if\.check: unknown check "no-orphans": expected convergence \(those under `expect`\)/,
    ],
    [
      "a contradiction",
      `  - { when: { all: [{ host: etcd-0, is: up }, { not: { host: etcd-0, is: up } }] }, ${crash} }`,
      /\$\.storm\[0\]\.when: this can never hold: it asks for a condition and for its opposite/,
    ],
    [
      "two values at once",
      `  - { when: { all: [{ object: Deployment a/b, field: spec.replicas, is: 1 }, { object: Deployment a/b, field: spec.replicas, atLeast: 2 }] }, ${crash} }`,
      /this can never hold: it asks for two different values of spec\.replicas of Deployment a\/b/,
    ],
    [
      "a range of nothing",
      `  - { when: { count: "Pod a/*", atLeast: 3, atMost: 2 }, ${crash} }`,
      /this can never hold: nothing is at least 3 and at most 2/,
    ],
    [
      "a change to the same",
      `  - { when: { changed: Node node-0, field: a, from: x, to: x }, ${crash} }`,
      /this can never hold: it asks for a change from x to the same/,
    ],
    [
      "more nodes than there are",
      `  - { when: { count: "Node *", atLeast: 8 }, ${crash} }`,
      /this can never hold: the cluster has 3 nodes/,
    ],
    [
      "a moment of a load that there is not",
      `  - { when: request failed, ${crash} }`,
      /"request failed" can never happen: the scenario has no load/,
    ],
    [
      "a wait that ends before what it waits for",
      "  - { at: 1s, wait: { elapsed: 2m }, within: 1s }",
      /\$\.storm\[0\]\.wait: this can never hold: it is given only 1 s/,
    ],
  ])("%s", (_name, storm, expected) => {
    const problems = said(`${good}storm:\n${storm}\n`);
    expect(problems).toEqual(expect.arrayContaining([typeof expected === "string" ? expected : expect.stringMatching(expected)]));
  });

  it.each([
    ["writes of nobody", "plan: { cut: writes, of: nobody, fault: crash-actor }", /\$\.plan\.of: unknown actor "nobody"/],
    ["an unknown fault", "plan: { cut: writes, of: scheduler, fault: crsh }", /\$\.plan\.fault: unknown fault "crsh".*"crash"\?/],
    [
      "a verb of an event",
      "plan: { cut: watch-events, of: scheduler, verb: patch, fault: crash }",
      /\$\.plan\.verb: only writes have a verb/,
    ],
    [
      "a parameter that the fault has not",
      "plan: { cut: writes, of: scheduler, fault: crash, rate: 5% }",
      /\$\.plan\.rate: unknown field "rate"/,
    ],
  ])("a plan: %s", (_name, plan, expected) => {
    expect(said(`${good}${plan}\n`)).toEqual([expect.stringMatching(expected)]);
  });
});
