import { epochUs } from "../../runtime/simulated/clock";
import { faultNamed } from "../../scenarios/faults";
import { Run, type RunInput } from "../../scenarios/run";
import { healthyDisk } from "../../scenarios/tank";

/** What a step of the storm says beside when it is, what must be said of it afterwards, and what an operator does meanwhile so that there is something to hit. */
export type Case = readonly [step: string, effect: RegExp, meanwhile?: "restart"];

export function nameOf([step]: Case): string {
  return /^fault: ([a-z-]+)/.exec(step)![1]!;
}

function complete(input: RunInput): Run {
  const run = new Run(input);
  run.begin();
  while (run.advance(60_000));
  return run;
}

/** What faults have left behind on the world. */
function leftovers({ simulation }: Run, dead: readonly string[]): readonly string[] {
  const left = simulation.installedRules().map(({ id }) => `rule ${id}`);
  for (const [name, { host, clock, disk, cpu }] of simulation.hosts) {
    if (!host.up && !dead.includes(name)) left.push(`${name} is down`);
    if (!host.isUnmeddled) left.push(`${name} is meddled with`);
    if (clock.wallUs() !== epochUs + simulation.now()) left.push(`the clock of ${name} is wrong`);
    if (cpu.slowdown !== 1 || cpu.paused) left.push(`the processor of ${name} is slow`);
    if (JSON.stringify(disk.faults) !== JSON.stringify(healthyDisk)) left.push(`the disk of ${name} is in trouble`);
    if (!simulation.wire.versions.agree(name, "nobody")) left.push(`${name} speaks another version`);
  }
  return left;
}

/** Runs it: nothing is violated, each step did what its case says, nothing is left, and it replays from its record to the byte. `dead` may stay down. */
export function holdsAndReplays(input: RunInput, cases: readonly Case[], dead: readonly string[] = []): void {
  const run = complete(input);
  const result = run.result();
  expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
  expect(result.steps.filter(({ name }) => faultNamed(name) !== undefined).map(({ effect }) => effect)).toEqual(
    cases.map(([, effect]) => expect.stringMatching(effect)),
  );
  expect(leftovers(run, dead)).toEqual([]);
  expect(complete({ ...input, schedule: result.schedule }).result().traceHash).toBe(result.traceHash);
}
