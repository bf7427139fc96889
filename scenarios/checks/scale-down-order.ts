import type { Pod, ReplicaSet } from "../../protocol/kinds/generated";
import { isBeingDeleted, type Stored } from "../../protocol/kinds/object";
import type { Check } from "./check";
import { controllerUid, isActive, isReady, wasDisrupted } from "./pods";
import { Standstill } from "./raft/standstill";
import { Staleness } from "./staleness";

/** So long a deletion may be under way that was decided before: clients give a request up after ten seconds. */
const lateUs = 12_000_000;

interface Known {
  readonly pod: Stored<Pod>;
  readonly madeUs: number;
  readonly wasReady: boolean;
  /** Since when it has been ready or not, as it is now. */
  readonly sinceUs: number;
}

/** A rollout asks for fewer pods and counts on the ready ones staying: who takes them away is judged pod by pod, so that no storm is an excuse. */
export const scaleDownOrder: Check = {
  name: "scale-down-order",
  claim:
    "A ReplicaSet that has more pods than it was asked for takes no ready pod away as long as it has one that is not ready, as far as its controller can know, in a storm no more than in a calm.",
  source: "Kubernetes documentation, ReplicaSet, Scaling a ReplicaSet; kubernetes/kubernetes#3948, #14396",
  params: {},
  required: [],
  begin() {
    const sets = new Map<string, Stored<ReplicaSet>>();
    const pods = new Map<string, Map<string, Known>>();
    const endingNamespaces = new Set<string>();
    /** Pods that a fault deletes by name. */
    const killed = new Set<string>();
    const staleness = new Staleness();
    const standstill = new Standstill();
    let leaderSinceUs = 0;
    let taken = 0;

    /** Whether the controller cannot but know that this pod is there and not ready. */
    const isKnownUnready = ({ pod, madeUs, wasReady, sinceUs }: Known, atUs: number): boolean => {
      if (isReady(pod)) return false;
      if (sinceUs < staleness.knownUntil(atUs)) return true;
      // What was never ready cannot look so in the oldest cache, and a leader waits until it has seen the pods that it made.
      return !wasReady && madeUs > leaderSinceUs && standstill.sinceUs(madeUs, atUs) > lateUs;
    };
    const judge = (id: string, set: Stored<ReplicaSet>, others: readonly Known[], atUs: number): string | undefined => {
      taken++;
      const unready = others.find((other) => isKnownUnready(other, atUs));
      if (!unready) return undefined;
      const forS = Math.floor((atUs - unready.sinceUs) / 1e6);
      return `${id} was ready and taken away when ReplicaSet ${set.metadata.namespace}/${set.metadata.name} had too many pods, and ${unready.pod.metadata.name}, which has not been ready for ${forS} s, was left`;
    };

    return {
      see(event) {
        staleness.see(event);
        standstill.see(event);
        if (event.type === "fault" && event.fault === "pod-kill") for (const target of event.targets) killed.add(target);
        if (event.type === "fact" && event.fact.kind === "leader.elected" && event.fact.lease === "kube-controller-manager")
          leaderSinceUs = event.atUs;
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        const { uid, namespace = "", name } = object.metadata;
        if (object.kind === "Namespace") {
          if (event.after && isBeingDeleted(object)) endingNamespaces.add(name);
          else endingNamespaces.delete(name);
        } else if (object.kind === "ReplicaSet") {
          if (event.after) sets.set(uid, event.after as Stored<ReplicaSet>);
          else sets.delete(uid);
        } else if (object.kind === "Pod") {
          const pod = object as Stored<Pod>;
          const owner = controllerUid(pod);
          let own = pods.get(owner);
          if (!own) pods.set(owner, (own = new Map()));
          const before = own.get(uid);
          const activeBefore = own.size;
          if (event.after && isActive(pod))
            own.set(uid, {
              pod,
              madeUs: before?.madeUs ?? event.atUs,
              wasReady: before?.wasReady || isReady(pod),
              sinceUs: before && isReady(before.pod) === isReady(pod) ? before.sinceUs : event.atUs,
            });
          else own.delete(uid);
          const set = sets.get(owner);
          const isTaken = before !== undefined && !own.has(uid) && (!event.after || isBeingDeleted(pod));
          if (!set || !isTaken || isBeingDeleted(set) || endingNamespaces.has(namespace)) return undefined;
          // By its controller, that is: because there are too many.
          if (activeBefore <= (set.spec?.replicas ?? 1) || wasDisrupted(pod) || killed.has(`${namespace}/${name}`)) return undefined;
          return isReady(before.pod) ? judge(event.id, set, [...own.values()], event.atUs) : void taken++;
        }
        return undefined;
      },
      end: () => ({ detail: `${taken} pods were taken away because there were too many, those that were not ready first`, reached: taken }),
    };
  },
};
