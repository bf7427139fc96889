import type { Check } from "./check";

/** Nothing stays whose owner is gone. */
export const noOrphans: Check = {
  name: "no-orphans",
  claim: "When the cluster is at rest, no object is left all of whose owners are gone, and none that is controlled by one that is.",
  source: "Kubernetes documentation, Garbage Collection, Owners and dependents",
  params: {},
  required: [],
  begin() {
    return {
      see: () => undefined,
      end(final) {
        const uids = new Set([...final.objects.values()].map((object) => object.metadata.uid));
        let owned = 0;
        for (const [id, object] of final.objects) {
          const owners = object.metadata.ownerReferences ?? [];
          if (owners.length === 0) continue;
          owned++;
          const missing = owners.filter(({ uid }) => !uids.has(uid));
          const [owner] = missing.length === owners.length ? missing : missing.filter(({ controller }) => controller === true);
          if (owner)
            return { violation: `${id} is left, though its owner ${owner.kind} ${owner.name} is gone`, detail: "", reached: owned };
        }
        return { detail: `${owned} owned objects, all with their owners`, reached: owned };
      },
    };
  },
};
