import { spell } from "./blames/blame";
import type { Objective } from "./objectives";
import type { Observation, ServiceObservation } from "./observation";
import { quietUs } from "./service-ledger";
import type { StormCase } from "./storms/storm";
import type { Subject } from "./subject";

/** How one Service came through one run. Times are milliseconds. */
export interface RunReport {
  readonly service: string;
  readonly storm: string;
  readonly about: string;
  readonly requests: number;
  readonly failed: number;
  /** Percent of the requests that succeeded. */
  readonly availability: number;
  /** The longest time in which no request succeeded. */
  readonly longestOutageMs: number;
  /** The longest time in which some requests went on failing. */
  readonly recoveryMs: number;
  /** Whether the last requests of the run were answered. */
  readonly recovered: boolean;
  /** Until the cluster had noticed: lost pods were in no Service any more, or a lost leader had a successor; null where there was nothing to notice. */
  readonly detectionMs: number | null;
  /** Until as many pods were ready as before; null where it did not come to that while the storm lasted. */
  readonly restoredMs: number | null;
  readonly verdict: "held" | "violated";
  /** What of the objective did not hold. */
  readonly violations: readonly string[];
}

/** Holds what was seen of a Service against its objective. */
export function judge(
  storm: string,
  one: StormCase,
  observation: Observation,
  service: ServiceObservation,
  objective: Objective,
  drainsBlocked: boolean,
  subject: Subject,
): RunReport {
  const longest = (stretches: ServiceObservation["outages"]) =>
    Math.round(Math.max(0, ...stretches.map(({ fromUs, untilUs }) => untilUs - fromUs)) / 1000);
  const { requests, failed } = service;
  const availability = requests === 0 ? 0 : (100 * (requests - failed)) / requests;
  const [longestOutageMs, recoveryMs] = [longest(service.outages), longest(service.disturbances)];
  const open = service.disturbances.at(-1);
  const recovered = open === undefined || observation.endUs - open.untilUs >= quietUs;
  const silent = service.outages.at(-1);
  const isSilent = silent?.untilUs === observation.endUs && longest([silent]) === longestOutageMs;
  const violations: string[] = [];
  if (!observation.settled) violations.push(`it never came up: ${whyNot(observation.reasons, subject)}`);
  else if (requests === 0) violations.push("no request could be sent to it");
  else {
    if (availability < objective.availability)
      violations.push(`${percent(availability)} of its requests were answered (at least ${objective.availability} %)`);
    if (longestOutageMs > objective.longestOutageMs)
      violations.push(
        `nobody answered for ${spell(longestOutageMs / 1000)}${isSilent ? ", until the run's end" : ""} (at most ${spell(objective.longestOutageMs / 1000)})`,
      );
    if (recoveryMs > objective.recoveryMs) {
      const how = recovered || longest([open]) < recoveryMs ? "it recovered after" : "it had not recovered when the run ended, after";
      violations.push(`${how} ${spell(recoveryMs / 1000)} (at most ${spell(objective.recoveryMs / 1000)})`);
    }
    if (drainsBlocked && objective.drains) violations.push("its budget kept a node from being drained");
  }
  return {
    service: service.service,
    storm,
    about: one.about,
    requests,
    failed,
    availability,
    longestOutageMs,
    recoveryMs,
    recovered,
    detectionMs: detectionOf(one, observation, service),
    restoredMs: restoredOf(observation, service),
    verdict: violations.length > 0 ? "violated" : "held",
    violations,
  };
}

/** The reasons that concern the Service and what stands behind it; all of them where none does. */
function whyNot(reasons: readonly string[], { service, workloads }: Subject): string {
  const own = [
    `Service ${service}`,
    ...workloads.flatMap(({ id, namespace, name }) => [id, `Pod ${namespace}/${name}-`, `ReplicaSet ${namespace}/${name}-`]),
  ];
  const about = reasons.filter((reason) => own.some((what) => reason.startsWith(what)));
  return (about.length > 0 ? about : reasons).slice(0, 2).join("; ") || "the cluster did not settle";
}

function detectionOf({ lost }: StormCase, { beganUs, calmUs, pods, takeovers }: Observation, { ready }: ServiceObservation): number | null {
  const gone = new Set(pods.filter(({ node }) => lost.includes(node)).map(({ pod }) => pod));
  const listed = ready.findLast(({ atUs }) => atUs <= beganUs)?.pods ?? [];
  if (listed.some((pod) => gone.has(pod))) {
    const noticed = ready.find(({ atUs, pods: now }) => atUs > beganUs && atUs < calmUs && !now.some((pod) => gone.has(pod)));
    return noticed ? Math.round((noticed.atUs - beganUs) / 1000) : null;
  }
  const successor = takeovers.find(({ atUs }) => atUs > beganUs && atUs < calmUs);
  return successor ? Math.round((successor.atUs - beganUs) / 1000) : null;
}

function restoredOf({ beganUs, calmUs }: Observation, { ready }: ServiceObservation): number | null {
  const before = ready.findLast(({ atUs }) => atUs <= beganUs)?.pods.length ?? 0;
  const during = ready.filter(({ atUs }) => atUs > beganUs && atUs < calmUs);
  const lastShort = during.findLastIndex(({ pods }) => pods.length < before);
  if (lastShort < 0) return 0;
  const back = during[lastShort + 1];
  return back ? Math.round((back.atUs - beganUs) / 1000) : null;
}

/** Rounded down, so that 99.999 % never reads as 100 %. */
export function percent(value: number): string {
  return `${(Math.floor(value * 100) / 100).toFixed(value >= 100 ? 0 : 2)} %`;
}
