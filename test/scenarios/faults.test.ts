import { epochUs } from "../../runtime/simulated/clock";
import { faults } from "../../scenarios/faults";
import { Run, type RunInput } from "../../scenarios/run";
import { healthyDisk } from "../../scenarios/tank";
import { tinyInput } from "./tiny";

/** What a step of the storm says beside `at`, and what must be said of it afterwards. */
type Case = readonly [step: string, effect: RegExp];

const all = "target: { role: etcd, mode: all }";
const leader = "target: { role: etcd, is: leader }";

/** Faults for which etcd members and who writes to them are enough. */
const ofEtcd: readonly Case[] = [
  [`fault: crash, ${leader}`, /^etcd-2 killed and started again/],
  [`fault: crash-actor, ${leader}`, /^etcd\/2 crashed$/],
  [`fault: pause, ${leader}`, /^etcd-2 frozen and resumed$/],
  [`fault: slow-cpu, ${leader}, factor: 40`, /^etcd-2 slowed 40 times$/],
  [`fault: clock-jump, ${leader}, by: 90s, back: true`, /^the clocks of etcd-2 were -90 s off$/],
  [`fault: clock-drift, ${leader}, ppm: 50000`, /^the clocks of etcd-2 drifted by 50000 ppm$/],
  [`fault: slow-disk, ${leader}, factor: 30`, /^\d+ syncs slowed$/],
  [`fault: stalled-disk, ${leader}`, /^no write was synced$/],
  [`fault: full-disk, ${leader}`, /^\d+ writes? failed$/],
  [`fault: failing-disk, ${leader}, rate: 30%`, /^\d+ writes? failed$/],
  [`fault: delay, ${all}, max: 20ms`, /^\d+ packets delayed$/],
  [`fault: delay, ${all}, min: 1ms, max: 2s, distribution: slow-tail`, /^\d+ packets delayed$/],
  [`fault: delay, ${all}, max: 80ms, distribution: exponential, messages: [etcd.put]`, /^\d+ packets delayed$/],
  [`fault: loss, ${leader}, rate: 20%`, /^\d+ packets lost$/],
  [`fault: duplicate, ${leader}, rate: 50%`, /^\d+ packets doubled$/],
  [`fault: reorder, ${leader}, rate: 50%, max: 300ms`, /^\d+ packets held back$/],
  [`fault: replay, ${leader}, rate: 30%, min: 200ms, max: 3s`, /^\d+ packets sent again when they were old$/],
  [`fault: corrupt, ${leader}, rate: 5%`, /^\d+ packets damaged, \d+ frames? refused$/],
  [`fault: bandwidth, ${leader}, bytesPerSecond: 4000, queueBytes: 800`, /^\d+ packets queued or dropped$/],
  [`fault: clog, ${leader}`, /^\d+ packets held until it ended$/],
  [`fault: clog, target: { hosts: [etcd-2] }, peers: [etcd-1]`, /^\d+ packets held until it ended$/],
  [`fault: swizzle, ${all}, period: 150ms`, /^\d+ packets held until it ended$/],
  [`fault: isolate, ${leader}, direction: out`, /^\d+ packets blocked$/],
  [`fault: split, ${all}, shape: leader-alone`, /^\d+ packets blocked$/],
  [`fault: split, ${all}, shape: leader-in-majority, oneWay: true`, /^\d+ packets blocked$/],
  [`fault: split, ${all}, shape: groups, groups: 2`, /^\d+ packets blocked$/],
];

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

function complete(input: RunInput): Run {
  const run = new Run(input);
  run.begin();
  while (run.advance(60_000));
  return run;
}

/** What a fault has left behind on the world. */
function leftovers({ simulation }: Run): readonly string[] {
  const left = simulation.installedRules().map(({ id }) => `rule ${id}`);
  for (const [name, { host, clock, disk, cpu }] of simulation.hosts) {
    if (!host.up) left.push(`${name} is down`);
    if (!host.isUnmeddled) left.push(`${name} is meddled with`);
    if (clock.wallUs() !== epochUs + simulation.now()) left.push(`the clock of ${name} is wrong`);
    if (cpu.slowdown !== 1 || cpu.paused) left.push(`the processor of ${name} is slow`);
    if (JSON.stringify(disk.faults) !== JSON.stringify(healthyDisk)) left.push(`the disk of ${name} is in trouble`);
    if (!simulation.wire.versions.agree(name, "nobody")) left.push(`${name} speaks another version`);
  }
  return left;
}

describe.each(ofEtcd)("{ %s }", (step, effect) => {
  it("takes effect, is undone, and replays from its record to the byte", () => {
    const input = tinyInput(scenarioWith(step), 3);
    const run = complete(input);
    const result = run.result();
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    expect(result.steps.map((one) => one.effect)).toEqual([expect.stringMatching(effect)]);
    expect(leftovers(run)).toEqual([]);
    expect(complete({ ...input, schedule: result.schedule }).result().traceHash).toBe(result.traceHash);
  });
});

it("every fault has its case here", () => {
  const named = new Set(ofEtcd.map(([step]) => /^fault: ([a-z-]+)/.exec(step)![1]));
  expect(faults.map(({ name }) => name).filter((name) => !named.has(name))).toEqual([]);
});
