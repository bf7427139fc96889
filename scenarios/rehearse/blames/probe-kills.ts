import type { Container } from "../../../protocol/kinds/generated";
import { type Blame, type Found, placeOf, plural, podsBehind } from "./blame";

export const probeKills: Blame = {
  name: "liveness-kills-slow-starters",
  title: "a probe that kills slow starters",
  what: "A liveness or startup probe had a container killed before it had ever been ready, again and again.",
  find(evidence) {
    const { subject, service } = evidence;
    return subject.workloads.flatMap((workload): readonly Found[] => {
      const pods = podsBehind(evidence).filter(({ owner }) => owner === workload.id);
      return workload.podSpec.containers.flatMap((container, index) => {
        const kills = pods.flatMap((pod) =>
          pod.probeKills.filter((kill) => kill.container === container.name && neverReady(pod, kill.atUs)),
        );
        const probe = kills[0]?.probe;
        if (probe === undefined) return [];
        const path = [...workload.podPath, "containers", index];
        const field = `${probe}Probe`;
        const { initialDelaySeconds = 0, periodSeconds = 10, failureThreshold = 3 } = container[field as "livenessProbe"] ?? {};
        const patience = initialDelaySeconds + periodSeconds * failureThreshold;
        return [
          {
            failed: service.failed,
            ...placeOf(workload.manifest, [...path, field]),
            setting: `${field} gives up after ${patience} s`,
            evidence: `It had container ${container.name} killed ${plural(kills.length, "time")} before it had been ready once: no start takes less than the probe allows.`,
            fix: "Give the start its time with a startup probe; the liveness probe waits until that has succeeded.",
            changes: [{ type: "set", id: workload.id, path: [...path, "startupProbe"], value: startupFor(container) }],
          },
        ];
      });
    });
  },
};

/** Whether the container that was killed had not come up since it started. */
function neverReady({ started, ready }: ReturnType<typeof podsBehind>[number], killedUs: number): boolean {
  const startedUs = started.findLast(({ atUs }) => atUs < killedUs)?.atUs ?? 0;
  return !ready.some(({ fromUs, untilUs }) => fromUs < killedUs && untilUs > startedUs);
}

function startupFor({ startupProbe, livenessProbe, readinessProbe }: Container): object {
  const { httpGet, tcpSocket, grpc, exec } = startupProbe ?? livenessProbe ?? readinessProbe ?? {};
  const handler = httpGet ? { httpGet } : tcpSocket ? { tcpSocket } : grpc ? { grpc } : { exec };
  return { ...handler, periodSeconds: 5, failureThreshold: 60 };
}
