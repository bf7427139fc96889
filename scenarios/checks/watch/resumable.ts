import { watchCheck } from "./judge";
import { known } from "./told";

export const watchResumable = watchCheck(
  {
    name: "watch-resumable",
    claim:
      "A watch that is opened from a revision begins with the first change from there on, or says that it is compacted: after a break nothing is missing.",
    source: "etcd documentation, Watch API guarantees: Resumable",
  },
  () => {
    let compacted = 0;
    let resumed = 0;
    return {
      note(event) {
        compacted = Math.max(compacted, known(event, "etcd.compacted")?.revision ?? 0);
      },
      judge(response, watch, committed) {
        if (response.compactRevision > 0 && response.compactRevision > compacted)
          return `${response.watch} was told that ${response.compactRevision} is compacted, and only ${compacted} is`;
        if (response.compactRevision > 0 && watch.nextRevision >= response.compactRevision)
          return `${response.watch} asked for revision ${watch.nextRevision} and was told that it is compacted, which is so below ${response.compactRevision}`;
        const first = response.events[0]?.revision;
        if (first !== undefined && !watch.told) {
          resumed++;
          const [expected] = committed.between(watch.prefix, watch.nextRevision, first);
          if (expected && expected.revision < first)
            return `${response.watch} began at revision ${watch.nextRevision} with revision ${first}, and ${expected.key} had changed at ${expected.revision}`;
        }
        return undefined;
      },
      end: () => ({ detail: `${resumed} streams began where they should`, reached: resumed }),
    };
  },
);
