import type { Check } from "./check";
import { RunningContainers } from "./running-containers";

/** At most one pod of a StatefulSet's identity runs, in the whole cluster, whatever the API says. */
export const oneLivePod: Check = {
  name: "one-live-pod",
  claim:
    "At any time the containers of at most one pod run under a StatefulSet's pod name, on all nodes together; unless the earlier one's Node object was removed or it was deleted by force, for then Kubernetes promises nothing.",
  source: "Kubernetes documentation, StatefulSets, Deployment and Scaling Guarantees; Force Delete StatefulSet Pods: at most one semantics",
  params: {},
  required: [],
  begin() {
    const running = new RunningContainers();
    const identities = new Set<string>();
    let starts = 0;
    return {
      see(event) {
        const started = running.see(event);
        if (!started || !running.isOf(started.podUid, "StatefulSet")) return undefined;
        starts++;
        identities.add(started.pod);
        for (const other of running.under(started.pod))
          if (other.podUid !== started.podUid && !running.isExcused(other))
            return `${started.pod} runs on ${started.node}, and the pod of that name before it still runs on ${other.node}`;
        return undefined;
      },
      end: () => ({ detail: `${starts} containers started under ${identities.size} identities`, reached: starts }),
    };
  },
};
