import type { Check } from "./check";
import { type RunningContainer, RunningContainers } from "./running-containers";

/** A container of a pod runs once. */
export const oneContainerInstance: Check = {
  name: "one-container-instance",
  claim:
    "At any time each container of a pod runs at most once: a kubelet starts it anew only when its instance before has ended, also when the kubelet itself was started anew.",
  source: "Kubernetes documentation, Pod Lifecycle, How Pods handle problems with containers; kubernetes/kubernetes#112814",
  params: {},
  required: [],
  begin() {
    const running = new RunningContainers();
    let starts = 0;
    return {
      see(event) {
        const before = startOf(event, running);
        if (running.see(event)) starts++;
        return before && `${before.node} starts container ${before.container} of pod ${before.pod}, and the instance before it still runs`;
      },
      end: () => ({ detail: `${starts} containers started, none while the one before it ran`, reached: starts }),
    };
  },
};

/** The instance that runs already of a container that the event starts. */
function startOf(event: Parameters<RunningContainers["see"]>[0], running: RunningContainers): RunningContainer | undefined {
  if (event.type !== "fact" || event.fact.kind !== "container.started") return undefined;
  const { pod, podUid, container, node } = event.fact as unknown as RunningContainer;
  return running.under(pod).find((other) => other.podUid === podUid && other.container === container && other.node === node);
}
