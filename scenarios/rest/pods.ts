import type { Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { isActive, isReady } from "../checks/pods";
import type { Objects } from "./reasons";

/** Why a pod does not run as it should, in the words of whoever knows: the scheduler, or the kubelet for its containers. */
export function podReasons(id: string, pod: Stored<Pod>, objects: Objects): readonly string[] {
  if (!isActive(pod)) return [];
  const node = pod.spec?.nodeName;
  if (!node) {
    const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
    return [`${id} is not scheduled${scheduled?.message ? `: ${scheduled.message}` : ""}`];
  }
  if (!objects.has(`Node ${node}`)) return [`${id} is bound to node ${node}, which is gone`];
  if (isReady(pod)) return [];
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  for (const { name, state, restartCount = 0 } of [...initContainerStatuses, ...containerStatuses]) {
    const { reason, message } = state?.waiting ?? {};
    // Every container begins so; it says nothing.
    if (!reason || reason === "ContainerCreating" || reason === "PodInitializing") continue;
    const restarts = restartCount > 0 ? ` after ${restartCount} restarts` : "";
    return [`${id} on ${node} is not ready: container ${name} is in ${reason}${restarts}${message ? `: ${message}` : ""}`];
  }
  return [`${id} on ${node} is not ready`];
}
