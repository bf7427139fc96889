import type { Check } from "./check";
import { RunningContainers } from "./running-containers";

/** What a node runs, somebody asked for. */
export const noStrayContainers: Check = {
  name: "no-stray-containers",
  claim: "When the cluster is at rest, every container that runs belongs to a pod that exists and is bound to that node.",
  source: "Kubernetes documentation, Nodes, kubelet; Garbage Collection of unused containers",
  params: {},
  required: [],
  acrossRestore: "spans",
  begin() {
    const running = new RunningContainers();
    let started = 0;
    return {
      see(event) {
        if (running.see(event)) started++;
        return undefined;
      },
      end({ objects }) {
        const boundTo = new Map<string, string>();
        for (const object of objects.values())
          if (object.kind === "Pod")
            boundTo.set(object.metadata.uid, (object as { readonly spec?: { readonly nodeName?: string } }).spec?.nodeName ?? "");
        let count = 0;
        for (const { pod, podUid, container, node } of running.all()) {
          count++;
          if (boundTo.get(podUid) !== node)
            return {
              violation: `${node} runs container ${container} of pod ${pod}, which is not bound to it (any more)`,
              detail: "",
              reached: started,
            };
        }
        return { detail: `${count} containers run, each of a pod on its node`, reached: started };
      },
    };
  },
};
