import type { Counter, Registry } from "../metrics/registry";
import type { State } from "./state";

/** kube-scheduler's own figures, under its names. Source: the list of Kubernetes' metrics in its documentation. */
export function attemptsIn(registry: Registry): Counter {
  const help = "Attempts to schedule pods, by how they ended.";
  return registry.counter("scheduler_schedule_attempts_total", help, ["profile", "result"]);
}

/** Pods that wait, by where in the queue. To be called once, when the state is made. */
export function countPending({ queue, client }: State): void {
  const help = "Pods that wait: to be tried, for their back-off, for an event that helps, or for their gates.";
  client.figures.registry.computed("gauge", "scheduler_pending_pods", help, ["queue"], () => {
    const counts = queue.counts();
    return (["active", "backoff", "unschedulable", "gated"] as const).map((place) => ({ labels: [place], value: counts[place] }));
  });
}
