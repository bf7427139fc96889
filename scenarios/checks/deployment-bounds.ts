import type { Deployment, Pod, ReplicaSet } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import type { HistoryEvent } from "../history";
import type { Check } from "./check";
import { Lately } from "./lately";
import { controllerUid, isActive, isReady, scaledValue, wasDisrupted } from "./pods";
import { Staleness } from "./staleness";

/**
 * A rolling update never has too many pods, and takes none away while too few are available. In a storm, in which pods go for other reasons, the lower bound is left to
 * the two that judge decisions: rollout-availability (what is asked for) and scale-down-order (which pods go).
 */
export const deploymentBounds: Check = {
  name: "deployment-bounds",
  claim: "A Deployment never has more pods than replicas + maxSurge, and its own rollout never brings it below replicas - maxUnavailable.",
  source: "Kubernetes documentation, Deployments, Max Unavailable and Max Surge",
  params: { deployment: { type: "string", description: 'a Deployment, "namespace/name"; every one where it is not given' } },
  required: [],
  begin({ deployment: only }) {
    const deployments = new Map<string, Tracked>();
    const replicaSets = new Map<string, { readonly owner: string; readonly replicas: number }>();
    const staleness = new Staleness();
    const pods = new Map<string, Stored<Pod>>();
    const wereReady = new Set<string>();
    /** Namespaces on their way out: their pods go before their Deployments do, and no rollout is to blame. */
    const endingNamespaces = new Set<string>();
    let storms = 0;
    let judged = 0;

    const activeOf = (set: string) => [...pods.values()].filter((pod) => controllerUid(pod) === set && isActive(pod)).length;

    const judge = (tracked: Tracked, atUs: number): string | undefined => {
      const { spec } = tracked.object;
      const replicas = spec?.replicas ?? 1;
      const { maxSurge, maxUnavailable } = boundsOf(tracked.object);
      const own = [...pods.values()].filter(
        (pod) => replicaSets.get(controllerUid(pod))?.owner === tracked.object.metadata.uid && isActive(pod),
      );
      const available = own.filter(isReady).length;
      // What was ready and is not any more has crashed, fails its probe or is on a node that is lost: no rollout is to blame.
      const excused = own.filter((pod) => !isReady(pod) && wereReady.has(pod.metadata.uid)).length;
      // What a ReplicaSet has beyond the number that it was given last is on its way out: the rollout counts on it.
      const wanted = [...replicaSets].filter(([, { owner }]) => owner === tracked.object.metadata.uid);
      const count = wanted.reduce(
        (sum, [uid, set]) => sum + Math.min(set.replicas, own.filter((pod) => controllerUid(pod) === uid).length),
        0,
      );
      if (count <= replicas + maxSurge) tracked.allowedPods = replicas + maxSurge;
      tracked.bound.set(replicas + maxSurge, atUs);
      if (count > Math.max(tracked.allowedPods, tracked.bound.most(staleness.knownUntil(atUs))))
        return `${tracked.name} has ${count} pods, more than its ${replicas} replicas and maxSurge ${maxSurge} allow`;
      // Until its controller has heard that somebody else took a pod, its rollout counts on that pod.
      if (available >= replicas && tracked.takenAtUs <= staleness.knownUntil(atUs)) tracked.wasWhole = true;
      if (!tracked.wasWhole) return undefined;
      judged++;
      const floor = Math.min(tracked.floor, replicas - maxUnavailable);
      if (available >= replicas - maxUnavailable) tracked.floor = replicas - maxUnavailable;
      if (available + excused < floor && storms === 0 && !endingNamespaces.has(tracked.object.metadata.namespace ?? ""))
        return `${tracked.name} has ${available} available pods, fewer than its ${replicas} replicas less maxUnavailable ${maxUnavailable}, and no fault is to blame`;
      return undefined;
    };

    const see = (event: HistoryEvent): string | undefined => {
      staleness.see(event);
      if (event.type === "fault") {
        // Pods that a fault took away are not the rollout's doing: the lower bound holds again once it was met again.
        storms += event.phase === "began" ? 1 : -1;
        for (const tracked of deployments.values()) tracked.wasWhole = false;
        return undefined;
      }
      if (event.type !== "object") return undefined;
      const object = (event.after ?? event.before)!;
      const { uid } = object.metadata;
      switch (object.kind) {
        case "Deployment": {
          if (only !== undefined && event.id !== `Deployment ${String(only)}`) return undefined;
          if (!event.after) return void deployments.delete(uid);
          const deployment = event.after as Stored<Deployment>;
          const replicas = deployment.spec?.replicas ?? 1;
          const tracked = deployments.get(uid) ?? {
            name: event.id,
            object: deployment,
            allowedPods: 0,
            bound: new Lately(replicas + boundsOf(deployment).maxSurge),
            floor: 0,
            wasWhole: false,
            takenAtUs: Number.NEGATIVE_INFINITY,
          };
          tracked.object = deployment;
          // A smaller spec makes pods too many that were not: the old bound stands until they are fewer.
          tracked.allowedPods = Math.max(tracked.allowedPods, replicas + boundsOf(deployment).maxSurge);
          if (replicas > ((event.before as Stored<Deployment> | undefined)?.spec?.replicas ?? 1)) tracked.wasWhole = false;
          deployments.set(uid, tracked);
          return judge(tracked, event.atUs);
        }
        case "Namespace":
          if (event.after && isBeingDeleted(object)) endingNamespaces.add(object.metadata.name);
          else endingNamespaces.delete(object.metadata.name);
          return undefined;
        case "ReplicaSet":
          if (event.after)
            replicaSets.set(uid, { owner: controllerUid(object), replicas: (object as Stored<ReplicaSet>).spec?.replicas ?? 1 });
          else replicaSets.delete(uid);
          return undefined;
        case "Pod": {
          const known = pods.get(uid);
          if (event.after) pods.set(uid, event.after as Stored<Pod>);
          else pods.delete(uid);
          if (isReady(object as Stored<Pod>)) wereReady.add(uid);
          const set = replicaSets.get(controllerUid(object));
          const tracked = deployments.get(set?.owner ?? "");
          const isTaken = known !== undefined && isActive(known) && !(event.after && isActive(event.after as Stored<Pod>));
          // A rollout takes pods away by asking a ReplicaSet for fewer. One that goes while its ReplicaSet wants all it has was taken by somebody else: by hand, say.
          const byHand = set !== undefined && isTaken && activeOf(controllerUid(object)) < set.replicas;
          // An eviction, by whomever, is not the rollout's doing either; budgets are judged elsewhere.
          if (tracked && (byHand || wasDisrupted(object as Stored<Pod>))) {
            tracked.wasWhole = false;
            tracked.takenAtUs = event.atUs;
          }
          return tracked ? judge(tracked, event.atUs) : undefined;
        }
        default:
          return undefined;
      }
    };
    return {
      see,
      end: () => ({ detail: `${judged} states of ${deployments.size} Deployments were within their bounds`, reached: judged }),
    };
  },
};

interface Tracked {
  readonly name: string;
  object: Stored<Deployment>;
  /** The most pods that may exist now. */
  allowedPods: number;
  /** replicas + maxSurge. */
  readonly bound: Lately;
  /** The fewest available pods that were promised when it was last whole. */
  floor: number;
  /** All its replicas have been available since the last fault began or ended, and since somebody else than its rollout took a pod. */
  wasWhole: boolean;
  /** When somebody else than its rollout last took a pod. */
  takenAtUs: number;
}

/** maxSurge and maxUnavailable in pods; Recreate promises nothing. */
export function boundsOf({ spec }: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const replicas = spec?.replicas ?? 1;
  if (spec?.strategy?.type === "Recreate") return { maxSurge: 0, maxUnavailable: replicas };
  const rolling = spec?.strategy?.rollingUpdate;
  const maxSurge = scaledValue(rolling?.maxSurge ?? "25%", replicas, "up");
  const maxUnavailable = scaledValue(rolling?.maxUnavailable ?? "25%", replicas, "down");
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable };
}
