import type { Node, Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { parseQuantity } from "../../protocol/kinds/quantity";
import type { Check } from "./check";
import { isFinished } from "./pods";

/** No node is promised to more than it has. */
export const nodeCapacity: Check = {
  name: "node-capacity",
  claim: "The requests of the pods bound to a node never exceed what the node can allocate.",
  source: "Kubernetes documentation, Resource Management for Pods and Containers, How Pods with resource requests are scheduled",
  params: {},
  required: [],
  begin() {
    const nodes = new Map<string, Stored<Node>>();
    const podsOf = new Map<string, Map<string, Stored<Pod>>>();
    let bound = 0;
    const judge = (name: string): string | undefined => {
      const allocatable = nodes.get(name)?.status?.allocatable;
      if (!allocatable) return undefined;
      const pods = [...(podsOf.get(name)?.values() ?? [])].filter((pod) => !isFinished(pod));
      for (const [resource, has] of Object.entries(allocatable)) {
        if (resource === "pods") continue;
        const wanted = pods.reduce((sum, pod) => sum + requestOf(pod, resource), 0n);
        if (wanted > nanosOf(has))
          return `node ${name} has ${String(has)} ${resource}, and pods that request ${inUnits(wanted, resource)} are bound to it`;
      }
      const most = allocatable.pods;
      if (most !== undefined && BigInt(pods.length) * 1_000_000_000n > nanosOf(most))
        return `node ${name} takes ${String(most)} pods, and ${pods.length} are bound to it`;
      return undefined;
    };
    return {
      see(event) {
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        if (object.kind === "Node") {
          if (event.after) nodes.set(object.metadata.name, event.after as Stored<Node>);
          else nodes.delete(object.metadata.name);
          return undefined;
        }
        if (object.kind !== "Pod") return undefined;
        const nodeName = (object as Stored<Pod>).spec?.nodeName;
        if (!nodeName) return undefined;
        let pods = podsOf.get(nodeName);
        if (!pods) podsOf.set(nodeName, (pods = new Map()));
        if (!event.after) return void pods.delete(object.metadata.uid);
        const isNew = !pods.has(object.metadata.uid);
        pods.set(object.metadata.uid, event.after as Stored<Pod>);
        if (!isNew) return undefined;
        bound++;
        return judge(nodeName);
      },
      end: () => ({ detail: `${bound} pods bound to ${podsOf.size} nodes`, reached: bound }),
    };
  },
};

function nanosOf(quantity: string | number): bigint {
  return parseQuantity(quantity).nanos;
}

interface Requesting {
  readonly restartPolicy?: string;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string | number>>;
    readonly limits?: Readonly<Record<string, string | number>>;
  };
}

/**
 * What a pod asks for: the sum of its containers' requests and its sidecars', or that of an init container and the sidecars before it where that is more;
 * plus the overhead.
 */
function requestOf({ spec }: Pod, resource: string): bigint {
  const of = ({ resources }: Requesting) => nanosOf(resources?.requests?.[resource] ?? resources?.limits?.[resource] ?? "0");
  let sidecars = 0n;
  let starting = 0n;
  for (const container of (spec?.initContainers ?? []) as readonly Requesting[]) {
    if (container.restartPolicy === "Always") sidecars += of(container);
    starting = larger(starting, container.restartPolicy === "Always" ? sidecars : sidecars + of(container));
  }
  const running = (spec?.containers ?? []).reduce((sum, container) => sum + of(container), sidecars);
  return larger(running, starting) + nanosOf(spec?.overhead?.[resource] ?? "0");
}

/** Math.max knows no bigint. */
function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

function inUnits(nanos: bigint, resource: string): string {
  if (resource === "cpu") return `${nanos / 1_000_000n}m`;
  return /memory|storage|hugepages/.test(resource) ? `${nanos / 1_048_576_000_000_000n}Mi` : String(nanos / 1_000_000_000n);
}
