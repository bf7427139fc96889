import type { PersistentVolumeClaim, Pod } from "../../protocol/kinds/generated";
import { isBeingDeleted, objectKey, type Stored } from "../../protocol/kinds/object";
import type { Check } from "./check";
import { isFinished } from "./pods";
import { Standstill } from "./raft/standstill";

/** Whoever decides that a claim is not needed reads first and deletes then: a pod that came in between it could not know of. */
const knownAfterUs = 2_000_000;

interface Use {
  readonly pod: Stored<Pod>;
  readonly sinceUs: number;
}

/** What a running pod has written somebody still needs. */
export const claimsInUse: Check = {
  name: "claims-in-use",
  claim:
    "No PersistentVolumeClaim is deleted under a pod that has been using it and stays, and none vanishes before its last pod is over; unless its namespace or its owner goes.",
  source:
    "Kubernetes documentation, Persistent Volumes, Storage Object in Use Protection; Sun and others, OSDI 2022 (live claims deleted for a stale cache)",
  params: {},
  required: [],
  begin() {
    const users = new Map<string, Map<string, Use>>();
    const goingNamespaces = new Set<string>();
    const uids = new Set<string>();
    const standstill = new Standstill();
    let deleted = 0;
    let used = 0;
    return {
      see(event) {
        standstill.see(event);
        if (event.type !== "object") return undefined;
        const { before, after, atUs } = event;
        const object = (after ?? before)!;
        if (after) uids.add(after.metadata.uid);
        else uids.delete(object.metadata.uid);
        if (object.kind === "Namespace" && (!after || isBeingDeleted(after))) goingNamespaces.add(object.metadata.name);
        if (object.kind === "Pod") {
          const pod = object as Stored<Pod>;
          for (const claim of claimsOf(pod)) {
            let own = users.get(claim);
            if (!own) users.set(claim, (own = new Map()));
            if (!after || isFinished(pod)) own.delete(pod.metadata.uid);
            else {
              if (!own.has(pod.metadata.uid)) used++;
              own.set(pod.metadata.uid, { pod, sinceUs: own.get(pod.metadata.uid)?.sinceUs ?? atUs });
            }
          }
          return undefined;
        }
        if (object.kind !== "PersistentVolumeClaim") return undefined;
        const claim = object as Stored<PersistentVolumeClaim>;
        const { namespace = "", name, ownerReferences = [] } = claim.metadata;
        const isMarked = before !== undefined && !isBeingDeleted(before) && (!after || isBeingDeleted(after));
        if (isMarked) deleted++;
        if (goingNamespaces.has(namespace) || ownerReferences.some(({ uid }) => !uids.has(uid))) return undefined;
        for (const { pod, sinceUs } of users.get(objectKey(namespace, name))?.values() ?? []) {
          if (standstill.sinceUs(sinceUs, atUs) < knownAfterUs) continue;
          const since = `which has used it for ${Math.floor((atUs - sinceUs) / 1e6)} s`;
          if (isMarked && !isBeingDeleted(pod))
            return `the claim ${namespace}/${name} was deleted under the pod ${pod.metadata.name}, ${since}`;
          if (!after && pod.spec?.nodeName)
            return `the claim ${namespace}/${name} is gone, and the pod ${pod.metadata.name} is not over, ${since}`;
        }
        return undefined;
      },
      end: () => ({
        detail: `${used} times a pod took up a claim, and ${deleted} claims were deleted, none of them in use`,
        reached: used,
      }),
    };
  },
};

function claimsOf({ spec, metadata: { namespace, name: pod } }: Stored<Pod>): readonly string[] {
  return (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim) return [objectKey(namespace, persistentVolumeClaim.claimName)];
    return ephemeral ? [objectKey(namespace, `${pod}-${name}`)] : [];
  });
}
