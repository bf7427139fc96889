import { allAtOnce } from "./all-at-once";
import type { Blame, Evidence, Finding } from "./blame";
import { blockingBudget } from "./blocking-budget";
import { dependency } from "./dependency";
import { detectionGap } from "./detection-gap";
import { placementTooStrict, requestsTooLarge } from "./fits-nowhere";
import { noBudget } from "./no-budget";
import { noGracefulShutdown } from "./no-graceful-shutdown";
import { noMinReady } from "./no-min-ready";
import { noReadinessProbe } from "./no-readiness-probe";
import { noSpreading } from "./no-spreading";
import { oneReplica } from "./one-replica";
import { probeKills } from "./probe-kills";
import { localTraffic, selectorMatchesNothing, targetPortMissing } from "./selector";
import { stuckRollback } from "./stuck-rollback";

/** Every kind of blame, the gravest first. */
export const blames: readonly Blame[] = [
  selectorMatchesNothing,
  targetPortMissing,
  probeKills,
  oneReplica,
  noSpreading,
  requestsTooLarge,
  placementTooStrict,
  blockingBudget,
  noBudget,
  allAtOnce,
  noReadinessProbe,
  noMinReady,
  stuckRollback,
  noGracefulShutdown,
  localTraffic,
  dependency,
  detectionGap,
];

export function blameNamed(name: string): Blame | undefined {
  return blames.find((blame) => blame.name === name);
}

/** Everything that is to blame for what users saw of a Service in one run. */
export function findingsOf(evidence: Evidence): readonly Finding[] {
  const { subject, storm, case: one } = evidence;
  const findings = blames.flatMap((blame) =>
    blame.find(evidence).map((found) => ({ blame: blame.name, service: subject.service, storm, about: one.about, ...found })),
  );
  // Pods that were put together by a rule cannot go elsewhere by the same rule: one finding says it.
  const together = findings.some(({ blame }) => blame === noSpreading.name);
  return findings.filter(({ blame }) => !together || blame !== placementTooStrict.name);
}
