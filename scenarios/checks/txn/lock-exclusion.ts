import type { Check } from "../check";
import { known } from "../watch/told";
import { Terms } from "./terms";

/** A lock under a lease excludes others for as long as its holder may count on the lease; what lies beyond that only a fence guards. */
export const lockExclusion: Check = {
  name: "lock-exclusion",
  claim:
    "While a holder may count on its lease (its time to live from when the last renewal that was answered had been sent) nobody else holds the lock, each holder's fence is higher than all before it, and no write with a lower fence follows one with a higher.",
  source:
    "etcd documentation, Lease API guarantees; Jepsen, etcd 3.4.3 (locks without fencing are unsafe); Kleppmann, How to do distributed locking",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const terms = new Terms();
    return {
      see(event) {
        if (event.type === "store" && event.value != null && event.key.endsWith("/guarded"))
          return terms.wrote(event.key, Number(event.value), "fence");
        const released = known(event, "lock.released");
        if (released) terms.released(released.lock, released.holder);
        const held = known(event, "lock.held");
        return held && terms.held(held.lock, held, "holds", "fence");
      },
      end: () => ({
        detail: `${terms.taken} times a lock was taken, ${terms.writes} writes in the order of their fences`,
        reached: terms.taken,
      }),
    };
  },
};
