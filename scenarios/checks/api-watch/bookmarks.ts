import type { Check } from "../check";
import { ObjectChanges, OpenApiWatches } from "./told";

export const apiWatchBookmarks: Check = {
  name: "api-watch-bookmarks",
  claim: "A bookmark comes after all changes up to its resourceVersion, and no event up to it comes afterwards.",
  source: "Kubernetes API concepts, Watch bookmarks",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const changes = new ObjectChanges();
    const watches = new OpenApiWatches();
    let bookmarks = 0;
    return {
      see(event) {
        changes.see(event);
        const seen = watches.see(event);
        if (!seen) return undefined;
        const { fact, watch } = seen;
        const { resourceVersion, type, object } = fact;
        const before = watch.told;
        watch.told = Math.max(before, resourceVersion);
        if (type !== "BOOKMARK")
          return resourceVersion > before
            ? undefined
            : `${fact.watch} was told of ${object} at ${resourceVersion}, and all up to ${before} was said to be told`;
        bookmarks++;
        const [missed] = changes.between(watch, before, resourceVersion);
        return (
          missed && `${fact.watch} was told that it has all up to ${resourceVersion}, and never of ${missed.object} at ${missed.revision}`
        );
      },
      end: () => ({ detail: `${bookmarks} bookmarks, each true`, reached: bookmarks }),
    };
  },
};
