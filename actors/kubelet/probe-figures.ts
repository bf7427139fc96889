import { Registry } from "../metrics/registry";
import type { PodWorker } from "./pod-worker";
import type { ProbeKind } from "./probe";

const labelNames = ["probe_type", "result", "container", "pod", "namespace", "pod_uid"];

/** How often containers of the pods that are here were probed, and with what result: /metrics/probes. Compared with kubernetes pkg/kubelet/prober. */
export class ProbeFigures {
  private readonly pods = new Map<string, Map<string, { readonly labels: readonly string[]; value: number }>>();

  probed({ uid, pod }: Readonly<PodWorker>, container: string, kind: ProbeKind, ok: boolean, isHere: (uid: string) => boolean): void {
    let counts = this.pods.get(uid);
    if (counts === undefined) {
      // A pod that comes is the time to forget those that are gone.
      for (const other of this.pods.keys()) if (!isHere(other)) this.pods.delete(other);
      this.pods.set(uid, (counts = new Map()));
    }
    const type = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
    const labels = [type, ok ? "successful" : "failed", container, pod.metadata.name, pod.metadata.namespace ?? "", uid];
    const count = counts.get(labels.join(" ")) ?? { labels, value: 0 };
    count.value++;
    counts.set(labels.join(" "), count);
  }

  text(isHere: (uid: string) => boolean): string {
    const registry = new Registry();
    registry.computed("counter", "prober_probe_total", "Probes of containers, by result.", labelNames, () =>
      [...this.pods].filter(([uid]) => isHere(uid)).flatMap(([, counts]) => [...counts.values()]),
    );
    return registry.text();
  }
}
