import type { Deployment, Pod, ReplicaSet } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import type { HistoryEvent } from "../history";
import type { Check } from "./check";
import { boundsOf } from "./deployment-bounds";
import { controllerUid, isActive, isReady } from "./pods";
import { Staleness } from "./staleness";

/** Each step of a rollout is judged when it is decided, so that no storm is an excuse for it. */
export const rolloutAvailability: Check = {
  name: "rollout-availability",
  claim:
    "A Deployment never asks a ReplicaSet of its own for fewer pods if that takes ready ones away and leaves fewer than replicas - maxUnavailable, in a storm no more than in a calm.",
  source: "Kubernetes documentation, Deployments, Rolling Update Deployment, Max Unavailable",
  params: {},
  required: [],
  begin() {
    const deployments = new Map<string, Stored<Deployment>>();
    const replicaSets = new Map<string, Stored<ReplicaSet>>();
    const pods = new Map<string, Map<string, Stored<Pod>>>();
    const staleness = new Staleness();
    let steps = 0;

    const readyOf = (uid: string) => [...(pods.get(uid)?.values() ?? [])].filter((pod) => isActive(pod) && isReady(pod)).length;
    const judge = ({ id, before, after }: Extract<HistoryEvent, { readonly type: "object" }>, atUs: number): string | undefined => {
      const [was, is] = [before as Stored<ReplicaSet> | undefined, after as Stored<ReplicaSet>];
      const deployment = deployments.get(controllerUid(is));
      const [from, to] = [was?.spec?.replicas ?? 0, is.spec?.replicas ?? 0];
      if (!deployment || isBeingDeleted(deployment) || from <= to) return undefined;
      steps++;
      // Who changes the number of replicas in the middle of a rollout takes from each ReplicaSet its share, ready or not (proportional scaling).
      if (desired(was) !== desired(is)) return undefined;
      const ready = readyOf(is.metadata.uid);
      // Pods that are not ready go first.
      if (Math.min(ready, from) <= to) return undefined;
      const own = [...replicaSets.values()].filter((set) => controllerUid(set) === deployment.metadata.uid);
      const countedReady = ({ metadata: { uid } }: Stored<ReplicaSet>) =>
        readyOf(uid) + staleness.unnoticed((name) => name.startsWith(`${uid} `), atUs);
      const left = own.reduce((sum, set) => sum + Math.min(countedReady(set), set.spec?.replicas ?? 0), 0);
      const replicas = deployment.spec?.replicas ?? 1;
      const least = replicas - boundsOf(deployment).maxUnavailable;
      if (left >= least) return undefined;
      return `${id} was scaled from ${from} to ${to}, which leaves Deployment ${deployment.metadata.namespace}/${deployment.metadata.name} ${left} ready pods; its ${replicas} replicas less maxUnavailable are ${least}`;
    };

    return {
      see(event) {
        staleness.see(event);
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        const { uid } = object.metadata;
        if (object.kind === "Deployment") {
          if (event.after) deployments.set(uid, event.after as Stored<Deployment>);
          else deployments.delete(uid);
        } else if (object.kind === "ReplicaSet") {
          if (!event.after) return void replicaSets.delete(uid);
          replicaSets.set(uid, event.after as Stored<ReplicaSet>);
          return judge(event, event.atUs);
        } else if (object.kind === "Pod") {
          const owner = controllerUid(object);
          let own = pods.get(owner);
          if (!own) pods.set(owner, (own = new Map()));
          if (event.after) own.set(uid, event.after as Stored<Pod>);
          else own.delete(uid);
          const isHealthy = event.after !== undefined && isActive(object as Stored<Pod>) && isReady(object as Stored<Pod>);
          // What a smaller number asks for is the rollout's own doing.
          const surplus = (replicaSets.get(owner)?.spec?.replicas ?? 0) <= readyOf(owner);
          staleness.note(`${owner} ${uid}`, isHealthy, isBeingDeleted(object) && surplus, event.atUs);
        }
        return undefined;
      },
      end: () => ({ detail: `${steps} times a ReplicaSet of ${deployments.size} Deployments was scaled down`, reached: steps }),
    };
  },
};

/** The number of replicas of its Deployment by which a ReplicaSet was last sized. */
function desired(set: Stored<ReplicaSet> | undefined): string | undefined {
  return set?.metadata.annotations?.["deployment.kubernetes.io/desired-replicas"];
}
