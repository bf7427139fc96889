import type { Container } from "../../../protocol/kinds/generated";
import { type Blame, countOf, type Found, failuresBy, placeOf, plural, podsBehind, servingContainer, workloadOfPod } from "./blame";

export const noReadinessProbe: Blame = {
  name: "no-readiness-probe",
  title: "no readiness probe",
  what: "Requests went to pods whose process did not listen yet, or never would: without a readiness probe a pod counts as ready once its containers run.",
  find(evidence) {
    const { subject, service } = evidence;
    const early = failuresBy(service, "not-listening-yet");
    const pods = podsBehind(evidence);
    return subject.workloads.flatMap((workload): readonly Found[] => {
      const index = servingContainer(evidence, workload);
      const container = workload.podSpec.containers[index];
      if (!container || container.readinessProbe || container.startupProbe) return [];
      const own = early.filter(({ subject: pod }) => pods.some((one) => one.pod === pod && workloadOfPod(evidence, one) === workload));
      // Pods that never listened, but were ready by Kubernetes' account while their process ran: a rollout goes on over them.
      const hollow = pods.filter(
        (pod) => pod.owner === workload.id && pod.ready.length > 0 && pod.waiting.includes("CrashLoopBackOff") && pod.exits.length > 0,
      );
      const others = hollow.length > 0 ? failuresBy(service, "no-endpoint", "crashed") : [];
      const failed = countOf(own) + countOf(others);
      if (failed === 0) return [];
      const path = [...workload.podPath, "containers", index];
      return [
        {
          failed,
          ...placeOf(workload.manifest, path),
          setting: `container ${container.name} has no readinessProbe`,
          evidence:
            hollow.length > 0
              ? `${plural(hollow.length, "pod")} of the new version counted as ready between crashes, so the rollout took the old ones away: ${plural(failed, "request")} failed.`
              : `${plural(countOf(own), "request")} went to ${plural(own.length, "pod")} that counted as ready before ${own.length === 1 ? "its" : "their"} process listened.`,
          fix: "Add a readiness probe on the port that is served.",
          changes: [{ type: "set", id: workload.id, path: [...path, "readinessProbe"], value: probeFor(container) }],
        },
      ];
    });
  },
};

function probeFor({ ports = [], livenessProbe }: Container): object {
  const { httpGet, tcpSocket, grpc } = livenessProbe ?? {};
  const known = httpGet ? { httpGet } : tcpSocket ? { tcpSocket } : grpc ? { grpc } : undefined;
  return { ...(known ?? { tcpSocket: { port: ports[0]?.name ?? ports[0]?.containerPort ?? 80 } }), periodSeconds: 2 };
}
