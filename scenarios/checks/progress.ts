import { parseDurationMs } from "../../protocol/kinds/duration";
import type { HistoryEvent } from "../history";
import { durationSchema } from "../schema";
import type { Check } from "./check";

/** These change all the time, whether anything gets on or not. */
const beating = new Set(["Lease", "Event", "Node"]);

/** Nothing stands still while there is work to do. */
export const progress: Check = {
  name: "progress",
  claim:
    "In the calm, as long as the cluster is not at rest, something changes at least every so often: it may be slow, but it is not stuck.",
  source: "madsim and Shuttle (deadlock: work is pending and nothing can run); TigerBeetle's liveness mode",
  params: { within: { ...durationSchema, description: 'how long nothing may change, "90s" where not given' } },
  required: [],
  acrossRestore: "spans",
  begin({ within }) {
    const withinUs = (parseDurationMs(String(within ?? "90s")) ?? 90_000) * 1000;
    let isCalm = false;
    let reasons: readonly string[] = [];
    let movedAtUs = 0;
    let moves = 0;
    let longestUs = 0;
    const stuck = (atUs: number): string | undefined => {
      if (!isCalm || reasons.length === 0) return undefined;
      longestUs = Math.max(longestUs, atUs - movedAtUs);
      if (atUs - movedAtUs <= withinUs) return undefined;
      return `for ${Math.round((atUs - movedAtUs) / 1e6)} s nothing has changed, though the cluster is not at rest: ${reasons.slice(0, 5).join("; ")}`;
    };
    return {
      see(event) {
        const wrong = stuck(event.atUs);
        if (event.type === "act") isCalm = event.act === "calm";
        if (event.type === "rest") reasons = event.reasons;
        if (isMove(event)) {
          movedAtUs = event.atUs;
          moves++;
        }
        return wrong;
      },
      end: (final) => ({
        violation: stuck(final.atUs),
        detail: `${moves} changes; in the calm it stood still for ${(longestUs / 1e6).toFixed(1)} s at most before it was at rest`,
        reached: moves,
      }),
    };
  },
};

/** Whether the cluster got on: an object changed other than by a heartbeat, a container started or ended, another reason is left, or the calm began. */
function isMove(event: HistoryEvent): boolean {
  switch (event.type) {
    case "act":
    case "rest":
      return true;
    case "object":
      return !beating.has((event.after ?? event.before)!.kind);
    case "fact":
      return event.fact.kind === "container.started" || event.fact.kind === "container.exited";
    default:
      return false;
  }
}
