import type { HistoryEvent } from "../history";
import { normalisedId } from "./normalised";

/** These are made and deleted by whatever the weather does to nodes and connections. */
const restless = new Set(["Event", "Lease", "Node", "Pod", "EndpointSlice", "Endpoints"]);

/** How often each object was created and deleted: what a run did, apart from where it ended (Sieve's "state update summary"). */
export class UpdateSummary {
  /** By "created ReplicaSet app/web-6d4f". */
  readonly counts = new Map<string, number>();

  see(event: HistoryEvent): void {
    if (event.type !== "object" || (event.before && event.after)) return;
    const object = (event.after ?? event.before)!;
    if (restless.has(object.kind)) return;
    const what = `${event.after ? "created" : "deleted"} ${normalisedId(object)}`;
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

/** What was done more or less often here than there. */
export function unequalCounts(here: ReadonlyMap<string, number>, there: ReadonlyMap<string, number>): readonly string[] {
  return [...new Set([...here.keys(), ...there.keys()])]
    .sort()
    .filter((what) => here.get(what) !== there.get(what))
    .map((what) => `${what} ${here.get(what) ?? 0} times here and ${there.get(what) ?? 0} times without faults`);
}
