import { controllerOf } from "../../protocol/kinds/object";
import type { Check } from "./check";

/** Nothing stays whose owner is gone. */
export const noOrphans: Check = {
  name: "no-orphans",
  claim: "When the cluster is at rest, no object is left whose controlling owner no longer exists.",
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
          const owner = controllerOf(object);
          if (!owner) continue;
          owned++;
          if (!uids.has(owner.uid))
            return { violation: `${id} is left, though its owner ${owner.kind} ${owner.name} is gone`, detail: "", reached: owned };
        }
        return { detail: `${owned} owned objects, all with their owners`, reached: owned };
      },
    };
  },
};
