import { runScenario } from "../../scenarios/run";
import { tinyCluster, tinyInput } from "./tiny";

const raft = "expect: [raft-election-safety, raft-committed, store-agreement, acknowledged-writes]";

/** Runs a storm on etcd alone, and says what was taken when (in seconds); each must repeat exactly from its schedule. */
function taken(storm: string, seed = 1) {
  const text = `${tinyCluster}\nstorm:\n${storm}\n${raft}`;
  const result = runScenario(tinyInput(text, seed));
  const replayed = runScenario({ ...tinyInput(text, seed), schedule: result.schedule, stormUs: result.stormUs! });
  expect(replayed.traceHash).toBe(result.traceHash);
  expect(replayed.events).toBe(result.events);
  expect(replayed.checks).toEqual(result.checks);
  expect(replayed.schedule).toEqual(result.schedule);
  return { result, at: result.schedule.map(({ name, atUs }) => [name, atUs / 1e6] as const) };
}

const leader = "target: { role: etcd, is: leader }";
const follower = "target: { role: etcd, is: follower }";

describe("a storm composed of blocks", () => {
  it("takes the nodes of a serial block one after the other, those of a parallel block together", () => {
    const { at, result } = taken(`
  - at: 1s
    serial:
      - { fault: pause, ${follower}, for: 2s }
      - parallel:
          - { fault: slow-disk, ${leader}, factor: 5, for: 1s }
          - { at: 500ms, fault: slow-cpu, ${leader}, factor: 2, for: 2s }
      - { fault: clock-jump, ${follower}, by: 5s, for: 1s, after: 3s }`);
    expect(at).toEqual([
      ["pause", 1],
      ["slow-disk", 3],
      ["slow-cpu", 3.5],
      ["clock-jump", 8.5],
    ]);
    expect(result.verdict).toBe("held");
  });

  it("leaves out rounds while something holds, and those that would overlap", () => {
    const { at, result } = taken(`
  - { at: 1s, every: 1s, times: 4, unless: { host: etcd-0, is: down }, fault: slow-cpu, target: { hosts: [etcd-1] }, factor: 2, for: 100ms }
  - { at: 2500ms, fault: crash, target: { hosts: [etcd-0] }, for: 1s }
  - { at: 6s, every: 1s, times: 4, overlap: false, fault: pause, target: { hosts: [etcd-1] }, for: 1500ms }`);
    expect(at).toEqual([
      ["slow-cpu", 1],
      ["slow-cpu", 2],
      ["crash", 2.5],
      ["slow-cpu", 4],
      ["pause", 6],
      ["pause", 8],
    ]);
    expect(result.verdict).toBe("held");
  });

  it("follows a cron schedule, and ends a round for the next one where that replaces it", () => {
    const { at, result } = taken(`
  - { cron: "@every 2s", times: 3, concurrencyPolicy: Replace, fault: clock-jump, target: { hosts: [etcd-1] }, by: 5s }
  - { cron: "0-1 * * * *", times: 2, fault: pause, target: { hosts: [etcd-2] }, for: 1s }`);
    expect(at).toEqual([
      ["pause", 0],
      ["clock-jump", 2],
      ["clock-jump", 4.000002],
      ["clock-jump", 6.000002],
      ["pause", 60],
    ]);
    const jumps = result.schedule.filter(({ name }) => name === "clock-jump");
    expect(jumps.map(({ forUs }) => forUs)).toEqual([2_000_001, 1_999_999, null]);
    expect(result.verdict).toBe("held");
  });

  it("repeats, so many times or until a condition holds", () => {
    const { at, result } = taken(`
  - at: 1s
    repeat: [{ fault: pause, ${follower}, for: 500ms }]
    times: 3
    every: 2s
  - at: 8s
    repeat: [{ fault: crash, ${leader}, for: 1s }, { wait: etcd leader elected, within: 20s, mayMiss: true }]
    until: { timeline: etcd leader elected, times: 2 }`);
    expect(at.slice(0, 3)).toEqual([
      ["pause", 1],
      ["pause", 3],
      ["pause", 5],
    ]);
    expect(result.timeline.filter(({ text }) => text.includes("leads etcd"))).toHaveLength(3);
    expect(at.length).toBe(5);
    expect(result.schedule.map(({ step, occurrence }) => [step, occurrence])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
    ]);
  });

  it("branches on how things stand when it comes to it", () => {
    const branch = (condition: string) => `
  - { at: 1s, fault: crash, target: { hosts: [etcd-2] }, for: 5s }
  - at: 3s
    if: ${condition}
    then: [{ fault: slow-cpu, ${leader}, factor: 2, for: 1s }]
    else: [{ fault: clock-jump, ${leader}, by: 1m, for: 1s }]`;
    expect(taken(branch("{ host: etcd-2, is: down }")).at[1]).toEqual(["slow-cpu", 3]);
    expect(taken(branch("{ not: { host: etcd-2, is: down } }")).at[1]).toEqual(["clock-jump", 3]);
    expect(taken(branch("{ check: raft-committed, is: held }")).at[1]).toEqual(["slow-cpu", 3]);
  });
});

describe("when a step begins and ends", () => {
  it("is drawn between two times by each seed", () => {
    const times = [1, 2, 3].map((seed) => taken(`  - { between: [1s, 9s], fault: pause, ${follower}, for: 1s }`, seed).at[0]![1]);
    expect(new Set(times).size).toBe(3);
    for (const time of times) expect(time > 1 && time < 9).toBe(true);
  });

  it("can wait for a moment, and end at another", () => {
    const { result } = taken(`
  - { at: 1s, fault: crash, ${leader}, until: { timeline: etcd leader elected }, for: 20s }
  - { when: { timeline: etcd leader elected }, fault: pause, ${follower}, for: 1s, after: 100ms, mayMiss: true }`);
    const [crash, pause] = result.schedule;
    const elected = result.timeline.filter(({ text }) => text.includes("leads etcd")).at(-1)!;
    expect(crash!.forUs).toBeLessThan(20e6);
    expect(result.timeline.find(({ text }) => text.includes("crash") && text.includes("ends"))!.atUs).toBe(elected.atUs + 2);
    expect(pause!.atUs).toBe(1e6 + crash!.forUs! - 1 + 100_000);
  });

  it("can wait for objects that are made and changed, with boolean expressions", () => {
    const { at } = taken(
      `
  - { when: { changed: "ConfigMap default/note-1", field: data.count, times: 3 }, fault: pause, ${follower}, for: 1s }
  - when: { all: [{ updated: "ConfigMap default/note-*", times: 30 }, { object: "ConfigMap default/note-0", field: data.count, atLeast: 20 }, { not: { host: etcd-0, is: down } }] }
    fault: slow-cpu
    ${leader}
    factor: 2
    for: 1s`,
    );
    expect(at.map(([name]) => name)).toEqual(["pause", "slow-cpu"]);
    expect(at[0]![1]).toBeLessThan(2);
    expect(at[1]![1]).toBeGreaterThan(2.5);
  });

  it("waits each time anew where it is to happen several times", () => {
    const { at } = taken(
      `  - { when: { updated: "ConfigMap default/note-0" }, times: 3, every: 2s, fault: pause, ${follower}, for: 300ms }`,
    );
    expect(at.length).toBe(3);
    for (const [n, [, time]] of at.entries()) expect(Math.floor(time / 2)).toBe(n);
  });
});

describe("a wait for what does not come", () => {
  it("fails the run, and so does its replay", () => {
    const { result } = taken(`
  - { when: { created: "ConfigMap default/never" }, within: 5s, fault: pause, ${follower}, for: 1s }
  - { at: 1s, fault: pause, ${follower}, for: 1s }`);
    expect(result.checks.at(-1)).toMatchObject({
      name: "storm",
      verdict: "violated",
      detail: "storm[0]: what it waits for did not come true within 5 s",
    });
    expect(result.stormUs).toBeGreaterThanOrEqual(5e6);
  });

  it("is fine where it may miss", () => {
    const { result } = taken(`
  - { when: { created: "ConfigMap default/never" }, within: 5s, fault: pause, ${follower}, for: 1s, mayMiss: true }
  - { at: 1s, fault: pause, ${follower}, for: 1s }`);
    expect(result.verdict).toBe("held");
  });
});
