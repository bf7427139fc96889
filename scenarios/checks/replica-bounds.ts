import type { Pod, ReplicaSet, StatefulSet } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { Check } from "./check";
import { Lately } from "./lately";
import { controllerUid, isActive } from "./pods";
import { Standstill } from "./raft/standstill";
import { Staleness } from "./staleness";

/** What another leader of the controller manager, deposed in the middle of its work, may still have sent. */
const handoverUs = 10_000_000;

/** No controller makes more pods than it was asked for. */
export const replicaBounds: Check = {
  name: "replica-bounds",
  claim:
    "A ReplicaSet or StatefulSet never has more active pods than replicas; what a smaller number leaves over is deleted and not made anew.",
  source: "Kubernetes documentation, ReplicaSet, How a ReplicaSet works; kubernetes/kubernetes#129795",
  params: {},
  required: [],
  begin() {
    const owners = new Map<string, { readonly id: string; readonly replicas: Lately; allowed: number }>();
    const staleness = new Staleness();
    const pods = new Map<string, Map<string, Stored<Pod>>>();
    const standstill = new Standstill();
    let handoverAtUs = Number.NEGATIVE_INFINITY;
    let made = 0;
    const activeOf = (uid: string) => [...(pods.get(uid)?.values() ?? [])].filter(isActive).length;
    return {
      see(event) {
        staleness.see(event);
        standstill.see(event);
        if (event.type === "fact" && event.fact.kind === "leader.elected") handoverAtUs = event.atUs;
        if (event.type !== "object") return undefined;
        const object = (event.after ?? event.before)!;
        const { uid } = object.metadata;
        if (object.kind === "ReplicaSet" || object.kind === "StatefulSet") {
          if (!event.after) return void owners.delete(uid);
          const replicas = (event.after as Stored<ReplicaSet | StatefulSet>).spec?.replicas ?? 1;
          const lately = owners.get(uid)?.replicas ?? new Lately(replicas);
          lately.set(replicas, event.atUs);
          owners.set(uid, { id: event.id, replicas: lately, allowed: Math.max(replicas, activeOf(uid)) });
          return undefined;
        }
        if (object.kind !== "Pod") return undefined;
        const ownerUid = controllerUid(object);
        let own = pods.get(ownerUid);
        if (!own) pods.set(ownerUid, (own = new Map()));
        const isNew = !own.has(uid);
        if (event.after) own.set(uid, event.after as Stored<Pod>);
        else own.delete(uid);
        const owner = owners.get(ownerUid);
        if (!owner) return undefined;
        const active = activeOf(ownerUid);
        if (isNew && event.after) made++;
        // Who makes pods one after the other does so by the number that it knew when it began.
        const known = owner.replicas.most(staleness.knownUntil(event.atUs));
        if (isNew && active > Math.max(owner.allowed, known) && standstill.sinceUs(handoverAtUs, event.atUs) > handoverUs)
          return `${owner.id} has ${active} active pods, more than its ${owner.replicas.now} replicas`;
        owner.allowed = Math.max(owner.replicas.now, active);
        return undefined;
      },
      end: () => ({ detail: `${made} pods made for ${owners.size} owners`, reached: made }),
    };
  },
};
