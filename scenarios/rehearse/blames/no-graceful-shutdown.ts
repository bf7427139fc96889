import { type Blame, countOf, type Found, failuresBy, placeOf, plural, podsBehind, servingContainer, workloadOfPod } from "./blame";

/** What SIGKILL leaves behind. */
const killed = 137;

export const noGracefulShutdown: Blame = {
  name: "no-graceful-shutdown",
  title: "no graceful shutdown",
  what: "Requests still went to pods that were on their way out: a process that stops at SIGTERM is gone before every node has heard of it.",
  find(evidence) {
    const { subject, service } = evidence;
    const late = failuresBy(service, "terminating");
    const pods = podsBehind(evidence);
    return subject.workloads.flatMap((workload): readonly Found[] => {
      const own = late.filter(({ subject: pod }) => {
        const record = pods.find((one) => one.pod === pod);
        return record ? workloadOfPod(evidence, record) === workload : workload === subject.workloads[0];
      });
      const failed = countOf(own);
      if (failed === 0) return [];
      const index = servingContainer(evidence, workload);
      const container = workload.podSpec.containers[index]!;
      const path = [...workload.podPath, "containers", index];
      const hook = container.lifecycle?.preStop;
      const grace = workload.podSpec.terminationGracePeriodSeconds ?? 30;
      const gracePath = [...workload.podPath, "terminationGracePeriodSeconds"];
      const cut = pods.filter(
        ({ pod, exits }) => own.some((one) => one.subject === pod) && exits.some(({ exitCode }) => exitCode === killed),
      );
      if (cut.length > 0)
        return [
          {
            failed,
            ...placeOf(workload.manifest, gracePath),
            setting: `terminationGracePeriodSeconds: ${grace}${workload.podSpec.terminationGracePeriodSeconds === undefined ? " (the default)" : ""}`,
            evidence: `${plural(cut.length, "pod")} had not finished when the grace was over and ${cut.length === 1 ? "was" : "were"} killed: ${plural(failed, "request")} failed.`,
            fix: "Give the process the time it needs, after the preStop hook.",
            changes: [{ type: "set", id: workload.id, path: gracePath, value: 2 * grace + 30 }],
          },
        ];
      if (hook) return [];
      return [
        {
          failed,
          ...placeOf(workload.manifest, path),
          setting: `container ${container.name} has no preStop hook`,
          evidence: `${plural(failed, "request")} went to ${own.length === 1 ? "a pod that had" : `${own.length} pods that had`} been told to end: ${own[0]!.detail}.`,
          fix: "Let the container go on serving for some seconds before SIGTERM, until every node has heard of it.",
          changes: [
            { type: "set", id: workload.id, path: [...path, "lifecycle", "preStop"], value: { sleep: { seconds: 5 } } },
            ...(grace < 15 ? [{ type: "set", id: workload.id, path: gracePath, value: 15 } as const] : []),
          ],
        },
      ];
    });
  },
};
