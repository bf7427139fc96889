import { join } from "node:path";
import type { Observation } from "../scenarios/rehearse/observation";
import { Observer } from "../scenarios/rehearse/observer";
import type { StormRun } from "../scenarios/rehearse/storm-scenario";
import { firstStepSeconds } from "../scenarios/rehearse/storms/storm";
import { subjectsOf } from "../scenarios/rehearse/subject";
import { htmlOf } from "../scenarios/report/html";
import type { RunResult } from "../scenarios/run";
import { prepare } from "./load";
import { causeOf, recordOf } from "./outcome";
import { simulate } from "./simulate";

/** One run that is to be made, as texts. */
export interface RehearseTask extends Pick<StormRun, "name" | "source" | "files"> {
  readonly seed: number;
  /** Where the run's report will stand; undefined where none is wanted. */
  readonly folder: string | undefined;
}

/** What is kept of one run of a rehearsal. */
export interface Rehearsed {
  readonly observation: Observation;
  readonly series: RunResult["series"];
  readonly timeline: RunResult["timeline"];
  /** report.html and run.json, where wanted. */
  readonly report: string;
  readonly record: string;
}

/** Runs one storm and watches it. Throws Interrupted, and an InputError where the manifests cannot be run at all. */
export async function rehearseOne({ source, files, seed, folder }: RehearseTask, interrupted: () => boolean): Promise<Rehearsed> {
  const loaded = prepare({ source, files });
  const observer = new Observer(subjectsOf(loaded.manifests).services);
  const onEvent = (event: Parameters<Observer["see"]>[0]) => observer.see(event);
  const { result } = await simulate(loaded, { seed, keepTraceLines: 0, interrupted, onEvent });
  return {
    observation: observer.observation(result, firstStepSeconds),
    series: result.series,
    timeline: result.timeline,
    report:
      folder === undefined
        ? ""
        : htmlOf({
            scenario: loaded.scenario,
            result,
            replayLine: `npx wavetank replay ${join(folder, "run.json")}`,
            cause: causeOf(result),
            closeUp: undefined,
          }),
    record: folder === undefined ? "" : JSON.stringify(recordOf(loaded, result, undefined)),
  };
}
