import { type CloseUp, CloseUpRecorder } from "../scenarios/report/close-up";
import { viewOf } from "../scenarios/report/simulated-view";
import { Run, type RunResult } from "../scenarios/run";
import type { Loaded } from "./load";
import { breathe, inputOf } from "./simulate";

/** What decides a run beside its scenario; as it was given to the run that is looked at. */
export type Decided = Pick<Parameters<typeof inputOf>[1], "seed" | "schedule" | "shape" | "stormUs" | "untilUs" | "stopEvent">;

/**
 * Simulates a run again, up to a little behind the moment on which its report focuses, and keeps the messages, turns and marks around it. It is the
 * same run: what was judged need not have kept them. Throws Interrupted.
 */
export async function closeUpOf(
  loaded: Loaded,
  { focus }: Pick<RunResult, "focus">,
  decided: Decided,
  interrupted?: () => boolean,
): Promise<CloseUp> {
  const see: { recorder?: CloseUpRecorder } = {};
  const run = new Run({ ...inputOf(loaded, { ...decided, keepTraceLines: 0 }), onEvent: (event) => see.recorder?.see(event) });
  const recorder = new CloseUpRecorder(viewOf(run.simulation), focus.atUs);
  see.recorder = recorder;
  run.begin();
  await breathe(() => run.nowUs < recorder.toUs && run.advance(500), undefined, interrupted);
  return recorder.closeUp();
}
