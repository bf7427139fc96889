import type { Check } from "../check";
import { known } from "../watch/told";
import { ObjectChanges, OpenApiWatches } from "./told";

/** In a quiet time a change is told at once; so long it may take in a storm's aftermath. */
const lateUs = 20_000_000;

export const apiWatchComplete: Check = {
  name: "api-watch-complete",
  claim:
    "A list is exactly what there was at its resourceVersion, and a watch from there, also one that is opened anew after a break and at another server, tells every change that follows, each as what it was.",
  source: "Kubernetes API concepts, Efficient detection of changes, Resource versions",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const changes = new ObjectChanges();
    const watches = new OpenApiWatches();
    let told = 0;
    let lists = 0;
    let quietSinceUs = 0;
    return {
      see(event) {
        changes.see(event);
        if (event.type === "fault" || (event.type === "act" && event.act !== "end")) quietSinceUs = event.atUs;
        const listed = known(event, "api-watch.listed");
        if (listed) {
          lists++;
          const truth = changes.at(listed, listed.resourceVersion);
          const shown = new Map(listed.objects);
          for (const [object, revision] of truth)
            if (shown.get(object) !== revision)
              return `${listed.watch} listed ${object} ${shown.has(object) ? `as of ${shown.get(object)}` : "not at all"} at ${listed.resourceVersion}, where it is of ${revision}`;
          for (const object of shown.keys())
            if (!truth.has(object)) return `${listed.watch} listed ${object} at ${listed.resourceVersion}, where there is none`;
        }
        const seen = watches.see(event);
        if (!seen) return undefined;
        const { fact, watch } = seen;
        if (fact.type === "BOOKMARK") return undefined;
        const { resourceVersion, type, object } = fact;
        const due = changes.between(watch, watch.told, resourceVersion);
        const missed = due.find(({ revision }) => revision < resourceVersion);
        watch.told = Math.max(watch.told, resourceVersion);
        told++;
        if (missed)
          return `${fact.watch} was told of ${object} at ${resourceVersion} and never of ${missed.type} ${missed.object} at ${missed.revision}`;
        const truth = due.find(({ revision }) => revision === resourceVersion);
        if (truth && (truth.object !== object || truth.type !== type))
          return `${fact.watch} was told ${type} ${object} at ${resourceVersion}, and it was ${truth.type} ${truth.object}`;
        return truth || resourceVersion <= 0
          ? undefined
          : `${fact.watch} was told ${type} ${object} at ${resourceVersion}, where nothing changed`;
      },
      end(final) {
        const detail = `${told} events and ${lists} lists, nothing left out`;
        if (final.atUs - quietSinceUs > lateUs)
          for (const [name, watch] of watches.all()) {
            const [late] = changes.between(watch, watch.told, Number.POSITIVE_INFINITY);
            if (late) return { violation: `${name} was never told ${late.type} ${late.object} at ${late.revision}`, detail, reached: told };
          }
        return { detail, reached: told };
      },
    };
  },
};
