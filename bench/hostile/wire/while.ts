import { liveDoor } from "./live-door";
import { besiegeDoor } from "./siege";

/** By so much the cluster's memory may grow while it is besieged, in MiB: what comes and goes is less, and what is leaked soon more. */
const mostGrowthMiB = 600;
const attacksPerSeed = 300;

/** Besieges one live cluster with seed after seed until the time is over. What was found comes with the seed that found it. */
export async function besiegeForAWhile(firstSeed: number, endMs: number) {
  const total = { attacks: 0, answered: 0, written: 0, violations: [] as string[], nextSeed: firstSeed };
  const { door, residentMiB, stop } = await liveDoor();
  const beforeMiB = residentMiB();
  try {
    while (performance.now() < endMs) {
      const { attacks, answered, written, violations } = await besiegeDoor(door, total.nextSeed, attacksPerSeed, endMs);
      total.attacks += attacks;
      total.answered += answered;
      total.written += written;
      total.violations.push(...violations);
      const grownMiB = residentMiB() - beforeMiB;
      if (grownMiB > mostGrowthMiB)
        total.violations.push(`after seed ${total.nextSeed} the cluster holds ${Math.round(grownMiB)} MiB more`);
      total.nextSeed++;
    }
  } catch (error) {
    // The cluster that did not answer any more has most probably ended.
    total.violations.push(`seed ${total.nextSeed}: ${String(error)}`);
    total.nextSeed++;
  } finally {
    await stop();
  }
  return total;
}
