import type { Check } from "../check";
import { Committed, OpenWatches } from "./told";

export const watchAtomic: Check = {
  name: "watch-atomic",
  claim: "A response holds whole revisions: changes of several keys in one revision are never split over two.",
  source: "etcd documentation, Watch API guarantees: Atomic",
  params: {},
  required: [],
  begin() {
    const committed = new Committed();
    const watches = new OpenWatches();
    let revisions = 0;
    return {
      see(event) {
        committed.see(event);
        const seen = watches.see(event);
        if (!seen) return undefined;
        const { response, watch } = seen;
        const counts = new Map<number, number>();
        for (const { revision } of response.events) counts.set(revision, (counts.get(revision) ?? 0) + 1);
        for (const [revision, count] of counts) {
          const whole = committed.between(watch.prefix, revision, revision).length;
          if (whole > 1) revisions++;
          if (count < whole) return `${response.watch} was told ${count} of the ${whole} changes of revision ${revision} in one response`;
        }
        return undefined;
      },
      end: () => ({ detail: `${revisions} revisions with several keys, each told as a whole`, reached: revisions }),
    };
  },
};
