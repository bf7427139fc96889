import { exceedsBudget } from "../../scenarios/budget";
import { faultNamed } from "../../scenarios/faults";
import { runScenario } from "../../scenarios/run";
import { readScenario } from "../../scenarios/scenario";
import { formatProblem } from "../../scenarios/source";
import { tinyCluster, tinyInput } from "./tiny";

/** A cluster by its hosts: "etcd-0 etcd-1! apiserver-0", where ! stands behind those that are down. */
function hosts(text: string) {
  return text.split(" ").map((word) => {
    const name = word.replace("!", "");
    return { name, zone: "zone-a", role: name.split("-")[0] as "etcd" | "apiserver", up: !word.endsWith("!"), leads: false };
  });
}

const whole = "etcd-0 etcd-1 etcd-2 apiserver-0 apiserver-1 node-0";
/** What is said of hitting these, while those others are lost already. */
function said(cluster: string, hit: readonly string[], lost: readonly string[] = []): string | undefined {
  return exceedsBudget(hosts(cluster), new Set(hit), new Set([...hit, ...lost]));
}

describe("the budget of a storm", () => {
  it.each([
    ["one member of three", whole, ["etcd-0"], []],
    ["a member that is lost already", whole, ["etcd-0"], ["etcd-0"]],
    ["one API server of two, with a member", whole, ["etcd-0", "apiserver-1"], []],
    ["two members of five", "etcd-0 etcd-1 etcd-2 etcd-3 etcd-4 apiserver-0", ["etcd-0", "etcd-4"], []],
    ["nodes, whatever becomes of API servers", "etcd-0 apiserver-0! node-0", ["node-0"], []],
  ])("has room for %s", (_, cluster, hit, lost) => {
    expect(said(cluster, hit, lost)).toBeUndefined();
  });

  it.each([
    ["two members of three", whole, ["etcd-0", "etcd-1"], [], /silence 2 of 3 etcd members, and the cluster must only survive 1/],
    ["a second member while one is down", "etcd-0! etcd-1 etcd-2 apiserver-0", ["etcd-1"], [], /silence 2 of 3/],
    ["a second member while one is lost to another fault", whole, ["etcd-1"], ["etcd-2"], /silence 2 of 3/],
    ["the only member", "etcd-0 apiserver-0", ["etcd-0"], [], /silence 1 of 1/],
    ["both API servers", whole, ["apiserver-0", "apiserver-1"], [], /silence all 2 API servers, and one has to stay/],
    ["an API server while the other is down", "etcd-0 apiserver-0 apiserver-1!", ["apiserver-0"], [], /all 2 API servers/],
    ["an API server while the other is cut off", whole, ["apiserver-0"], ["apiserver-1"], /all 2 API servers/],
    ["the only API server", "etcd-0 apiserver-0", ["apiserver-0"], [], /the only API server/],
  ])("has none for %s", (_, cluster, hit, lost, message) => {
    expect(said(cluster, hit, lost)).toMatch(message);
  });
});

describe("a step that would take the only API server", () => {
  const beyond = "beyondBudget: true\n";
  const input = (step: string, more = "") =>
    tinyInput(
      `${tinyCluster}${more}storm: [{ at: 1s, fault: crash, target: { role: apiserver }, for: 2s${step} }]\nstormFor: 4s\nexpect: [raft-committed]`,
    );
  const run = (step: string, more = "") => runScenario(input(step, more));

  it("is refused where nobody has read its file, and its run violated", () => {
    const { scenario, ...rest } = input("", beyond);
    const result = runScenario({ ...rest, scenario: { ...scenario, beyondBudget: false } });
    expect(result.checks.find(({ name }) => name === "storm")).toMatchObject({
      verdict: "violated",
      detail: expect.stringMatching(/the only API server/),
    });
  });

  it("is passed over where it may miss, and taken where the scenario goes beyond the budget", () => {
    expect(run(", mayMiss: true")).toMatchObject({ verdict: "held", probes: { faults: 0 } });
    expect(run("", beyond)).toMatchObject({ verdict: "held", probes: { faults: 1 } });
  });
});

describe("what the budget refuses in every run", () => {
  /** What is said of a storm in a cluster, before anything runs. */
  const saidOf = (storm: string, cluster = "etcd: 5", more = "") => {
    const text = `name: a\ncluster: { ${cluster} }\n${more}expect: [convergence]\nstorm:\n  - { ${storm} }\n`;
    const read = readScenario({ file: "s.yaml", text });
    return read.ok ? [] : read.problems.map(formatProblem);
  };
  const all = "target: { role: etcd, mode: all }";

  it("is said with file, line and numbers", () => {
    expect(saidOf(`at: 1s, fault: crash, ${all}, for: 2s`)).toEqual([
      "s.yaml:5:37: $.storm[0].target: this can never be done: it would silence 5 of 5 etcd members, and the cluster must only survive 2 (allow that with `beyondBudget: true`)",
    ]);
  });

  it.each([
    ["a number that is too high whoever is chosen", "at: 1s, fault: isolate, target: { role: etcd, mode: fixed, value: 3 }", /3 of 5/],
    ["a percentage", "at: 1s, fault: pause, target: { role: etcd, mode: fixed-percent, value: 41 }", /3 of 5/],
    ["all that follow", "at: 1s, fault: crash, target: { role: etcd, is: follower, mode: all }", /4 of 5/],
    ["data of a quorum", `at: 1s, fault: corrupt-disk, ${all}, rate: 1%`, /5 of 5/],
    ["each zone for itself", `at: 1s, fault: split, ${all}, shape: zones`, /3 of 5/],
    ["a round of clogs, which has all of them at its height", `at: 1s, fault: swizzle, ${all}`, /5 of 5/],
    ["all API servers", "at: 1s, fault: crash, target: { role: apiserver, mode: all }", /all 2 API servers/],
    ["nearly everybody", "at: 1s, fault: crash, target: { mode: fixed-percent, value: 100 }", /5 of 5/],
    [
      "something deep inside",
      `at: 1s, if: at rest, then: [{ serial: [{ fault: crash, ${all} }] }]`,
      /then\[0\]\.serial\[0\]\.target: .*5 of 5/,
    ],
    [
      "what begins at one moment",
      "at: 1s, fault: crash, target: { hosts: [etcd-0, etcd-1] } }\n  - { at: 1s, fault: pause, target: { hosts: [etcd-2] }",
      /6:.*storm\[1\]\.target: .*together with storm\[0\], at the same moment, it would silence 3 of 5/,
    ],
  ])("%s", (_, storm, message) => {
    expect(saidOf(storm)).toEqual([expect.stringMatching(message)]);
  });

  it("is not said of a cluster in which a seed may draw more of them", () => {
    const three = "at: 1s, fault: crash, target: { role: etcd, mode: fixed, value: 3 }";
    const drawn = (numbers: string) => `swarm: { cluster: { etcd: [${numbers}], nodes: [1, 4] } }\n`;
    expect(saidOf(three, "etcd: 3", drawn("3, 5"))).toEqual([expect.stringMatching(/3 of 3 etcd members/)]);
    expect(saidOf(three, "etcd: 3", drawn("3, 7"))).toEqual([]);
  });

  it.each([
    ["the leader", "at: 1s, fault: crash, target: { role: etcd, is: leader }"],
    ["as many as can be borne", "at: 1s, fault: crash, target: { role: etcd, mode: fixed, value: 2 }"],
    ["a draw that may be low", "at: 1s, fault: crash, target: { role: etcd, mode: random-max-percent, value: 100 }"],
    ["so many of whatever there is", "at: 1s, fault: crash, target: { mode: fixed, value: 8 }"],
    ["what may miss", `at: 1s, fault: crash, ${all}, mayMiss: true`],
    ["what silences nobody", `at: 1s, fault: loss, ${all}, peers: [etcd-0, etcd-1], rate: 10%`],
    ["one after the other", `at: 1s, fault: upgrade, ${all}`],
    [
      "halves, a ring of five and a bridge, in which a quorum is in touch",
      `at: 1s, fault: split, ${all} }\n  - { at: 5s, fault: split, ${all}, shape: ring }\n  - { at: 9s, fault: split, ${all}, shape: bridge`,
    ],
    [
      "one more a moment later, when the others may be back",
      "at: 1s, fault: crash, target: { hosts: [etcd-0, etcd-1] }, for: 1s }\n  - { at: 1001ms, fault: pause, target: { hosts: [etcd-2] }",
    ],
  ])("and has nothing against %s", (_, storm) => {
    expect(saidOf(storm)).toEqual([]);
  });

  it("knows who can still make a quorum in shapes that are no groups", () => {
    const lost = (shape: string, count: number) => {
      const names = Array.from({ length: count }, (_, i) => `etcd-${i}`);
      return faultNamed("split")!.silenced!(hosts(names.join(" ")), names, { shape }).length;
    };
    expect([3, 5, 7].map((count) => lost("ring", count))).toEqual([0, 2, 4]);
    expect([3, 5, 7].map((count) => lost("bridge", count))).toEqual([1, 2, 3]);
  });
});
