import { isFailure } from "../../../protocol/status";
import { type ResourceCall, refuse, respondObject, storageFailure } from "../call";
import type { Ctx, ServerState } from "../state";
import type { Entry } from "../storage/entry";
import { deleteOptions, removeOne } from "./delete";
import { listOptions } from "./list-options";
import { collect, renderingOf } from "./read";
import { renderList } from "./render";

/** How many deletions of one collection are under way at a time. */
const atOnce = 10;

/** DELETE of a collection: lists what is selected and deletes each; answers with the list. What goes meanwhile is no error. */
export function removeCollection(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const options = deleteOptions(call);
  if (isFailure(options)) return refuse(ctx, call, options);
  const listing = listOptions(call.request, call.kind);
  if (isFailure(listing)) return refuse(ctx, call, listing);
  const rendering = renderingOf(call, "list");
  if (isFailure(rendering)) return refuse(ctx, call, rendering);
  return collect(state, ctx, call, listing, (state, page, ctx) => {
    if (isFailure(page)) return refuse(ctx, call, page);
    const { entries } = page;
    const metadata = { resourceVersion: String(page.revision), ...(page.continue ? { continue: page.continue } : {}) };
    let started = 0;
    let ended = 0;
    let refused = false;
    if (entries.length === 0) return respondObject(ctx, call, 200, renderList(rendering, [], metadata, ctx.wallUs() / 1000));
    const startOne = (state: ServerState, ctx: Ctx): undefined => {
      const entry: Entry | undefined = entries[started];
      if (!entry || refused) return;
      started += 1;
      const { namespace = "", name } = entry.object.metadata;
      const own: ResourceCall = { ...call, request: { ...call.request, namespace, name } };
      return removeOne(state, ctx, own, name, options, (state, outcome, ctx) => {
        ended += 1;
        if (refused) return;
        const failed = outcome.type === "failed" || outcome.type === "unknown";
        if (failed || (outcome.type === "refused" && outcome.status.reason !== "NotFound")) {
          refused = true;
          return refuse(ctx, call, failed ? storageFailure(outcome) : outcome.status);
        }
        if (ended === entries.length) return respondObject(ctx, call, 200, renderList(rendering, entries, metadata, ctx.wallUs() / 1000));
        return startOne(state, ctx);
      });
    };
    for (let i = 0; i < atOnce; i++) startOne(state, ctx);
  });
}
