import { partAt } from "../workload";
import { type Blame, countOf, type Found, failuresBy, placeOf, plural, podsBehind, servingContainer } from "./blame";

export const noMinReady: Blame = {
  name: "no-min-ready-seconds",
  title: "a new version is trusted at once",
  what: "A rollout went on over pods that had been ready for a moment only, and crashed then.",
  find(evidence) {
    const { subject, service } = evidence;
    const failed = countOf(failuresBy(service, "no-endpoint", "crashed"));
    if (failed === 0) return [];
    return subject.workloads.flatMap((workload): readonly Found[] => {
      const given = Number(partAt(workload.manifest.object, ["spec", "minReadySeconds"]) ?? 0);
      const container = workload.podSpec.containers[servingContainer(evidence, workload)];
      // Without a readiness probe a pod is ready for no reason at all, which is another fault.
      if (workload.kind === "DaemonSet" || !(container?.readinessProbe || container?.startupProbe)) return [];
      const crashed = podsBehind(evidence).filter(
        (pod) =>
          pod.owner === workload.id && pod.exits.some(({ exitCode, atUs }) => exitCode !== 0 && pod.ready.some((one) => one.fromUs < atUs)),
      );
      const replaced = podsBehind(evidence).some(({ owner, ending }) => owner === workload.id && ending === "replaced");
      const lifetimes = crashed.map(({ exits, ready }) => (exits[0]!.atUs - ready[0]!.fromUs) / 1e6);
      if (crashed.length === 0 || !replaced || Math.max(...lifetimes) <= given) return [];
      const enough = Math.max(30, Math.ceil(2 * Math.max(...lifetimes)));
      return [
        {
          failed,
          ...placeOf(workload.manifest, ["spec", "minReadySeconds"]),
          setting: given === 0 ? "no minReadySeconds" : `minReadySeconds: ${given}`,
          evidence: `${plural(crashed.length, "pod")} of the new version crashed after having been ready for ${Math.round(Math.max(...lifetimes))} s at most; by then the rollout had taken old ones away.`,
          fix: "Let a new pod be ready for a while before the next old one goes.",
          changes: [{ type: "set", id: workload.id, path: ["spec", "minReadySeconds"], value: enough }],
        },
      ];
    });
  },
};
