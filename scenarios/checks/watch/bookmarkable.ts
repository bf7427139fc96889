import { watchCheck } from "./judge";
import { isProgress } from "./told";

export const watchBookmarkable = watchCheck(
  {
    name: "watch-bookmarkable",
    claim: "A progress response comes after all events up to its revision, and before all later ones.",
    source: "etcd documentation, Watch API guarantees: Bookmarkable; etcd-io/etcd#15220",
  },
  () => {
    let bookmarks = 0;
    return {
      judge(response, watch, committed) {
        const early = response.events.find(({ revision }) => watch.told && revision < watch.nextRevision);
        if (early)
          return `${response.watch} was told of ${early.key} at revision ${early.revision}, and all before ${watch.nextRevision} was said to be told`;
        if (isProgress(response)) {
          bookmarks++;
          const [missed] = watch.firstRevision === 0 ? [] : committed.between(watch.prefix, watch.nextRevision, response.revision);
          if (missed)
            return `${response.watch} was told that it has everything up to revision ${response.revision}, and not of ${missed.key} at ${missed.revision}`;
        }
        return undefined;
      },
      end: () => ({ detail: `${bookmarks} progress responses, each true`, reached: bookmarks }),
    };
  },
);
