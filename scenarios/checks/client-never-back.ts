import type { Check } from "./check";
import { factOf } from "./raft/history";

/** No client is taken back in time, whichever server answers it. */
export const clientNeverBack: Check = {
  name: "client-never-back",
  claim:
    "The resourceVersions from which a client's caches are filled and watched on never go back: not from one API server to the next, and not from one life of the client to the next.",
  source: "Kubernetes API concepts, Resource versions; kubernetes/kubernetes#59848",
  params: {},
  required: [],
  acrossRestore: "spans",
  begin() {
    const seen = new Map<string, number>();
    let looks = 0;
    return {
      see(event) {
        const listed = factOf(event, "informer.listed");
        const watching = listed ?? factOf(event, "informer.watching");
        if (!watching || event.type !== "fact") return undefined;
        looks++;
        const version = Number(watching.resourceVersion);
        const cache = `${event.actor} ${String(watching.resource)}`;
        const before = seen.get(cache) ?? 0;
        seen.set(cache, Math.max(before, version));
        if (version >= before) return undefined;
        const how = listed ? "was given a list" : "watches on";
        return `${event.actor} ${how} of ${String(watching.resource)} at resourceVersion ${version}, after it had seen ${before}`;
      },
      end: () => ({ detail: `${looks} lists and watches of ${seen.size} caches`, reached: looks }),
    };
  },
};
