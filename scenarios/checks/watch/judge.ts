import type { Final, HistoryEvent } from "../../history";
import type { Check, Judgement } from "../check";
import { Committed, type OpenWatch, OpenWatches, type WatchResponded } from "./told";

/** What a response of an open stream is judged by. */
export interface Judge {
  /** What else the judge has to know of what happened; before any response of the same event is judged. */
  note?(event: HistoryEvent): void;
  /** What is wrong with a response, by the stream as it was before it and all that was committed until now. */
  judge(response: WatchResponded, watch: OpenWatch, committed: Committed): string | undefined;
  end(final: Final, watches: OpenWatches, committed: Committed): Judgement;
}

/** A check of one promise of the watch API, which looks at each response on its own stream. */
export function watchCheck(promise: Pick<Check, "name" | "claim" | "source">, begin: () => Judge): Check {
  return {
    ...promise,
    params: {},
    required: [],
    acrossRestore: "never",
    begin() {
      const committed = new Committed();
      const watches = new OpenWatches();
      const judge = begin();
      return {
        see(event) {
          committed.see(event);
          judge.note?.(event);
          const seen = watches.see(event);
          if (!seen) return undefined;
          const wrong = judge.judge(seen.response, seen.watch, committed);
          watches.advance(seen.watch, seen.response);
          return wrong;
        },
        end: (final) => judge.end(final, watches, committed),
      };
    },
  };
}
