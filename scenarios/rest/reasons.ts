import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import type { FinalMember } from "../history";
import type { HostFacts } from "../target";
import { controlPlaneReasons } from "./control-plane";
import { nodeReasons } from "./nodes";
import { podReasons } from "./pods";
import { serviceReasons } from "./services";
import {
  budgetReasons,
  daemonSetReasons,
  deploymentReasons,
  jobReasons,
  podsByController,
  replicaSetReasons,
  statefulSetReasons,
} from "./workloads";

export type Objects = ReadonlyMap<string, Stored>;

/** How things stand: the store's objects by id, which hosts live, what the manifests ask for, and how far etcd's members are. */
export interface Standing {
  readonly objects: Objects;
  readonly hosts: readonly HostFacts[];
  readonly wanted: readonly string[];
  readonly members: readonly Pick<FinalMember, "actor" | "revision">[];
}

/** Why a cluster is not at rest: what is asked for and not yet so, each in a sentence. Empty when every desired state is reached. */
export function reasonsNotAtRest(standing: Standing): readonly string[] {
  const { objects, wanted, hosts } = standing;
  return [...controlPlaneReasons(standing), ...objectReasons({ objects, wanted, hosts })];
}

/** The same again and again: what depends on objects alone is found out anew only when one of them has changed, or a host. */
export class RestReasons {
  private seen = "";
  private found: readonly string[] = [];

  /** `version` changes with every object that matters; Leases do not. */
  now(standing: Standing, version: number): readonly string[] {
    const seen = `${version} ${standing.hosts.map(({ up }) => (up ? "+" : "-")).join("")}`;
    if (seen !== this.seen) this.found = objectReasons(standing);
    this.seen = seen;
    return [...controlPlaneReasons(standing), ...this.found];
  }
}

function objectReasons({ objects, wanted, hosts }: Omit<Standing, "members">): readonly string[] {
  const reasons: string[] = [];
  for (const id of wanted) if (!objects.has(id)) reasons.push(`${id} does not exist`);
  reasons.push(...nodeReasons(objects, hosts));
  const owned = podsByController(objects);
  const backing = backingOf(objects);
  for (const [id, object] of objects) {
    if (isBeingDeleted(object)) reasons.push(deletionReason(id, object));
    else reasons.push(...ofKind(id, object, objects, owned, backing));
  }
  return reasons;
}

/** The pods and EndpointSlices of each namespace, gathered once for all its Services. */
function backingOf(objects: Objects): (namespace: string) => readonly Stored[] {
  const byNamespace = new Map<string, Stored[]>();
  for (const object of objects.values()) {
    if (object.kind !== "Pod" && object.kind !== "EndpointSlice") continue;
    const namespace = object.metadata.namespace ?? "";
    const own = byNamespace.get(namespace);
    if (own) own.push(object);
    else byNamespace.set(namespace, [object]);
  }
  return (namespace) => byNamespace.get(namespace) ?? [];
}

function ofKind(
  id: string,
  object: Stored,
  objects: Objects,
  owned: ReadonlyMap<string, number>,
  backing: (namespace: string) => readonly Stored[],
): readonly string[] {
  switch (object.kind) {
    case "Deployment":
      return deploymentReasons(id, object, owned);
    case "ReplicaSet":
      return replicaSetReasons(id, object, owned);
    case "StatefulSet":
      return statefulSetReasons(id, object, owned);
    case "DaemonSet":
      return daemonSetReasons(id, object);
    case "Job":
      return jobReasons(id, object);
    case "PodDisruptionBudget":
      return budgetReasons(id, object);
    case "Pod":
      return podReasons(id, object, objects);
    case "Service":
      return serviceReasons(id, object, backing(object.metadata.namespace ?? ""));
    default:
      return [];
  }
}

/** What keeps an object that was deleted: its finalizers, or for a namespace what its controller says is left in it. */
function deletionReason(id: string, object: Stored): string {
  const { finalizers = [] } = object.metadata;
  const { conditions = [] } = (object as { readonly status?: { readonly conditions?: readonly Condition[] } }).status ?? {};
  const left = object.kind === "Namespace" ? conditions.filter(({ status, message }) => status === "True" && message !== undefined) : [];
  const why =
    left.length > 0
      ? `: ${left.map(({ message }) => message).join("; ")}`
      : finalizers.length > 0
        ? `, kept by ${finalizers.join(", ")}`
        : "";
  return `${id} is still being deleted${why}`;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
}
