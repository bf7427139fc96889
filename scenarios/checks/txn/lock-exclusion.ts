import type { KnownFact } from "../../../protocol/facts";
import type { Check } from "../check";
import { known } from "../watch/told";

type Held = Extract<KnownFact, { readonly kind: "lock.held" }>;

/** A lock under a lease excludes others for as long as its holder may count on the lease; what lies beyond that only a fence guards. */
export const lockExclusion: Check = {
  name: "lock-exclusion",
  claim:
    "While a holder may count on its lease (its time to live from when the last renewal that was answered had been sent) nobody else holds the lock, each holder's fence is higher than all before it, and no write with a lower fence follows one with a higher.",
  source:
    "etcd documentation, Lease API guarantees; Jepsen, etcd 3.4.3 (locks without fencing are unsafe); Kleppmann, How to do distributed locking",
  params: {},
  required: [],
  begin() {
    const holders = new Map<string, Held>();
    const newest = new Map<string, number>();
    const written = new Map<string, number>();
    let terms = 0;
    let writes = 0;
    return {
      see(event) {
        if (event.type === "store" && event.value != null && event.key.endsWith("/guarded")) {
          writes++;
          const fence = Number(event.value);
          const before = written.get(event.key) ?? 0;
          written.set(event.key, Math.max(before, fence));
          return fence < before ? `${event.key} was written with fence ${fence} after ${before}` : undefined;
        }
        const released = known(event, "lock.released");
        if (released && holders.get(released.lock)?.holder === released.holder) holders.delete(released.lock);
        const held = known(event, "lock.held");
        if (!held) return undefined;
        const { lock, holder, fence, nowUs } = held;
        const other = holders.get(lock);
        holders.set(lock, held);
        if (other?.holder === holder) return undefined;
        terms++;
        if (other && nowUs < other.untilUs)
          return `${holder} holds ${lock}, while ${other.holder} may count on its lease for another ${((other.untilUs - nowUs) / 1e6).toFixed(1)} s`;
        const before = newest.get(lock) ?? 0;
        newest.set(lock, fence);
        return fence <= before ? `${holder} holds ${lock} with fence ${fence}, and one before it had ${before}` : undefined;
      },
      end: () => ({ detail: `${terms} times a lock was taken, ${writes} writes in the order of their fences`, reached: terms }),
    };
  },
};
