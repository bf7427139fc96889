import { deadInCalm } from "../../scenarios/core";
import { runScenario } from "../../scenarios/run";
import type { Role } from "../../scenarios/target";
import { idleEtcd, tinyCluster, tinyInput } from "./tiny";

const raft = "expect: [raft-election-safety, raft-log-matching, raft-committed, store-agreement, acknowledged-writes, convergence]";
const leaderLoss = `${tinyCluster}
storm:
  - { at: 2s, fault: crash, target: { role: etcd, is: leader }, for: 5s }
stormFor: 15s
${raft}`;

describe("a run in two acts", () => {
  it("loses etcd's leader, elects another, and holds", () => {
    const result = runScenario(tinyInput(leaderLoss));
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    expect(result.verdict).toBe("held");
    expect(result.probes.etcdElections).toBeGreaterThan(1);
    expect(result.schedule).toMatchObject([
      { step: 0, atUs: 2_000_000, forUs: 5_000_000, name: "crash", targets: [expect.stringMatching(/^etcd-\d$/)] },
    ]);
    expect(result.steps[0]!.effect).toMatch(/killed and started again/);
  });

  it("gives the same trace for the same seed, and another for another (promise 2)", () => {
    const hashes = [1, 1, 2].map((seed) => runScenario(tinyInput(leaderLoss, seed)).traceHash);
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it("repeats a recorded schedule, and leaves out what is not in it (promise 3)", () => {
    const result = runScenario(tinyInput(leaderLoss));
    expect(runScenario({ ...tinyInput(leaderLoss), schedule: result.schedule }).traceHash).toBe(result.traceHash);
    const calm = runScenario({ ...tinyInput(leaderLoss), schedule: [] });
    expect(calm.probes.faults).toBe(0);
    expect(calm.traceHash).not.toBe(result.traceHash);
  });

  it("may leave all but a core dead in the calm, and converges with that", () => {
    const text = leaderLoss.replace(/^calm: \{/m, "calm: { coreOnly: true,");
    const runs = [1, 2, 3, 4].map((seed) => runScenario(tinyInput(text, seed)));
    const dead = runs.map(({ timeline }) => timeline.map((line) => /leave (\S+) dead/.exec(line.text)?.[1]).find(Boolean));
    expect(new Set(dead).size).toBeGreaterThan(1);
    for (const [i, { checks, series }] of runs.entries()) {
      expect(checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
      const down = series.troubles.filter(({ toUs }) => toUs >= series.seconds * 1e6).map(({ row }) => row);
      expect(down).toEqual(dead[i] === undefined ? [] : [dead[i]]);
    }
  });

  it("keeps a quorum, an API server and a controller, and spares who is being put in order", () => {
    const hosts = ["etcd", "etcd", "etcd", "etcd", "etcd", "apiserver", "apiserver", "control", "node"].map((role, i) => ({
      ...{ name: `${role}-${i}`, role: role as Role, zone: "a", up: i !== 0, leads: false },
    }));
    const dead = (spared: readonly string[]) =>
      deadInCalm(
        hosts,
        (host) => spared.includes(host),
        () => 0.2,
      );
    expect(dead([])).toEqual(["etcd-1", "apiserver-5"]);
    expect(dead(["etcd-1", "etcd-2"])).toEqual(["etcd-3", "apiserver-5"]);
    expect(
      deadInCalm(
        hosts,
        () => false,
        () => 0.7,
      ),
    ).toEqual([]);
  });

  it("refuses to count a storm that took more than a quorum can bear", () => {
    const one = "fault: crash, target: { role: etcd }, for: 2s";
    const result = runScenario(tinyInput(`${tinyCluster}\nstorm: [{ at: 1s, ${one} }, { at: 2s, ${one} }]\nexpect: [raft-committed]`));
    expect(result.verdict).toBe("violated");
    expect(result.checks.at(-1)).toMatchObject({ name: "storm", detail: expect.stringContaining("it would silence 2 of 3 etcd members") });
    expect(result.probes.faults).toBe(1);
  });

  it("survives the loss of all members when it may be lost, for they keep their disks", () => {
    const all = "storm: [{ at: 1s, fault: crash, target: { role: etcd, mode: all }, for: 2s }]";
    const result = runScenario(tinyInput(`${tinyCluster}\nbeyondBudget: true\n${all}\nstormFor: 10s\n${raft}`));
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    expect(result.probes.faults).toBe(1);
  });

  it("does not let a fault that did nothing pass for a storm", () => {
    const nothing =
      "storm: [{ at: 1s, fault: duplicate, target: { role: etcd, mode: all }, messages: [no.such.message], rate: 100%, for: 2s }]";
    const result = runScenario(tinyInput(`${tinyCluster}\n${nothing}\nexpect: [raft-committed]`));
    expect(result.checks.at(-1)).toMatchObject({
      name: "storm",
      verdict: "violated",
      detail: expect.stringMatching(/it did nothing to etcd-0, .*what they say to each other.*`peers`/),
    });
  });

  it("fails, with the reason, when the cluster never comes up", () => {
    const result = runScenario(tinyInput(`${tinyCluster.replace("nodes: 0", "nodes: 1")}\nexpect: [convergence]`, 1, idleEtcd));
    expect(result.verdict).toBe("violated");
    expect(result.checks.at(-1)!.detail).toContain("Node node-0 has not registered");
  });

  it("stops at a given time, with what is known by then", () => {
    const result = runScenario({ ...tinyInput(leaderLoss), untilUs: 3_000_000 });
    expect(result).toMatchObject({ stopped: true, virtualMs: 3000 });
  });

  it("is given up, as violated, when more happens than can be right", () => {
    const result = runScenario({ ...tinyInput(leaderLoss), eventsMax: 100 });
    expect(result).toMatchObject({ stopped: true, verdict: "violated", events: 100 });
    expect(result.checks.at(-1)).toMatchObject({ name: "finite", detail: expect.stringContaining("100 events have happened") });
  });
});

describe("every fault", () => {
  const storms: Readonly<Record<string, string>> = {
    crash: "target: { role: etcd, is: follower }",
    "crash-actor": "target: { role: etcd, is: leader }",
    pause: "target: { role: etcd, is: leader }",
    "slow-cpu": "target: { role: etcd, is: leader }, factor: 50",
    isolate: "target: { role: etcd, is: leader }",
    split: "target: { role: etcd, mode: all }, shape: halves",
    loss: "target: { role: etcd, mode: all }, peers: [etcd-0, etcd-1, etcd-2], rate: 20%",
    delay: "target: { role: etcd, is: leader }, min: 10ms, max: 80ms",
    duplicate: "target: { role: etcd, is: leader }, rate: 50%",
    reorder: "target: { role: etcd, is: leader }, rate: 30%, max: 200ms",
    "clock-jump": "target: { role: etcd, is: leader }, by: 1h",
    "clock-drift": "target: { role: etcd, is: leader }, ppm: 100000",
    "slow-disk": "target: { role: etcd, is: leader }, factor: 50",
    "stalled-disk": "target: { role: etcd, is: leader }",
    "full-disk": "target: { role: etcd, is: leader }",
    "failing-disk": "target: { role: etcd, is: leader }, rate: 50%",
  };

  it.each(Object.entries(storms))("%s takes effect, is undone, and etcd survives it", (fault, rest) => {
    const beyond = fault === "split" ? "beyondBudget: true" : "";
    const text = `${tinyCluster}\n${beyond}\nstorm: [{ at: 2s, fault: ${fault}, ${rest}, for: 8s }]\nstormFor: 12s\n${raft}`;
    const result = runScenario(tinyInput(text));
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    expect(result.steps[0]!.effect).not.toBe("");
  });
});
