import type { Job } from "../../protocol/kinds/generated";
import { isBeingDeleted, keyOf, timeMs } from "../../protocol/kinds/object";
import { type Controller, get, jobs, nothingToDo, remove, watch } from "../client";
import { isFinished } from "./job";

/** Deletes Jobs that ended ttlSecondsAfterFinished ago, with their pods. */
export const ttlAfterFinishedController: Controller = {
  name: "ttl-after-finished",
  watches: [watch(jobs, (job) => (job.spec?.ttlSecondsAfterFinished === undefined ? [] : [keyOf(job)]))],
  reconcile(key, view, { nowMs }) {
    const job = view.of(jobs).get(key);
    if (!job || isBeingDeleted(job)) return nothingToDo;
    const expiresMs = expiryMs(job);
    if (expiresMs === undefined) return nothingToDo;
    if (expiresMs > nowMs) return { steps: [], requeueAfterMs: expiresMs - nowMs };
    const { namespace = "", name, uid } = job.metadata;
    // The time to live may have been raised since the cache heard of the Job.
    return {
      steps: [
        get(jobs, namespace, name, (result) => {
          if (!result.ok || result.object.metadata.uid !== uid) return [];
          const stillMs = expiryMs(result.object);
          if (stillMs === undefined || stillMs > nowMs) return [];
          const { resourceVersion } = result.object.metadata;
          return [remove(jobs, result.object, { propagationPolicy: "Foreground", preconditions: { uid, resourceVersion } })];
        }),
      ],
    };
  },
};

function expiryMs(job: Job): number | undefined {
  const ttl = job.spec?.ttlSecondsAfterFinished;
  if (ttl === undefined || !isFinished(job)) return undefined;
  const ended = job.status?.conditions?.find(({ type, status }) => status === "True" && (type === "Complete" || type === "Failed"));
  return (timeMs(ended?.lastTransitionTime) ?? 0) + ttl * 1000;
}
