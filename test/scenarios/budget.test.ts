import { runScenario } from "../../scenarios/run";
import { exceedsBudget } from "../../scenarios/storm";
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
  const run = (step: string, more = "") =>
    runScenario(
      tinyInput(
        `${tinyCluster}${more}storm: [{ at: 1s, fault: crash, target: { role: apiserver }, for: 2s${step} }]\nstormFor: 4s\nexpect: [raft-committed]`,
      ),
    );

  it("is refused, and its run violated", () => {
    const result = run("");
    expect(result.checks.find(({ name }) => name === "storm")).toMatchObject({
      verdict: "violated",
      detail: expect.stringMatching(/the only API server/),
    });
  });

  it("is passed over where it may miss, and taken where the scenario goes beyond the budget", () => {
    expect(run(", mayMiss: true")).toMatchObject({ verdict: "held", probes: { faults: 0 } });
    expect(run("", "beyondBudget: true\n")).toMatchObject({ verdict: "held", probes: { faults: 1 } });
  });
});
