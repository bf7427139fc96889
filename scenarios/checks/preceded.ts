import { formatTime, type HistoryEvent } from "../history";
import { microseconds } from "../language/duration";
import { momentNamed, moments } from "../language/moments";
import { durationSchema, type JsonSchema } from "../schema";
import { timelineOf } from "../timeline";
import type { Check } from "./check";

const what = (description: string): JsonSchema => ({
  type: "string",
  minLength: 1,
  description: `${description}: a moment such as "${moments[0]!.name}" (\`list moments\`), or a part of a line of the timeline`,
});

/** A question to a run, as one asks a log: was each of these preceded by one of those? */
export const preceded: Check = {
  name: "preceded",
  claim:
    "Whenever the one thing happens in the storm or after it, the other has happened before it, and where `within` is said no longer before it than that.",
  source: "what its scenario says",
  params: {
    event: what("what happens"),
    by: what("what has to have happened before it"),
    within: { ...durationSchema, description: "how long before it at most; any time where not given" },
  },
  required: ["event", "by"],
  acrossRestore: "spans",
  begin(params) {
    const [isEvent, isBefore] = [recogniser(String(params.event)), recogniser(String(params.by))];
    const withinUs = params.within === undefined ? Number.POSITIVE_INFINITY : microseconds(params.within);
    const within = params.within === undefined ? "" : ` within ${String(params.within)}`;
    let stormy = false;
    let lastUs = Number.NEGATIVE_INFINITY;
    let seen = 0;
    return {
      see(event) {
        if (event.type === "act" && event.act === "storm") stormy = true;
        if (stormy && isEvent(event)) {
          seen++;
          if (event.atUs - lastUs > withinUs || lastUs === Number.NEGATIVE_INFINITY) {
            const last = lastUs === Number.NEGATIVE_INFINITY ? "never before" : `last at ${formatTime(lastUs)}`;
            return `"${String(params.event)}" at ${formatTime(event.atUs)} was not preceded by "${String(params.by)}"${within}, which had happened ${last}`;
          }
        }
        if (isBefore(event)) lastUs = event.atUs;
        return undefined;
      },
      end: () => ({
        detail: `"${String(params.event)}" happened ${seen} times, each after "${String(params.by)}"${within}`,
        reached: seen,
      }),
    };
  },
};

function recogniser(text: string): (event: HistoryEvent) => boolean {
  const moment = momentNamed(text);
  return moment ? (event) => moment.is(event) : (event) => timelineOf(event)?.text.includes(text) === true;
}
