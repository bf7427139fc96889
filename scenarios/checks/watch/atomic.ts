import { watchCheck } from "./judge";

export const watchAtomic = watchCheck(
  {
    name: "watch-atomic",
    claim: "A response holds whole revisions: changes of several keys in one revision are never split over two.",
    source: "etcd documentation, Watch API guarantees: Atomic",
  },
  () => {
    let revisions = 0;
    return {
      judge(response, watch, committed) {
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
);
