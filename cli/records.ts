import { objectId } from "../scenarios/history";
import { type RunRecord, readRecord } from "../scenarios/record";
import type { Load, Scenario } from "../scenarios/scenario";
import type { Recipe, RecordedLoad } from "../scenarios/shrink/recipe";
import { InputError } from "./exit";
import { type Loaded, prepare } from "./load";
import { liveTrace } from "./outcome";
import { readText } from "./read-text";
import type { SimulateOptions } from "./simulate";

export interface LoadedRecord {
  readonly file: string;
  readonly record: RunRecord;
  readonly loaded: Loaded;
}

/** Reads a run.json and makes ready what it takes to repeat it. Throws an InputError. */
export function loadRecord(file: string): LoadedRecord {
  const read = readRecord(readText(file));
  if (!read.ok) throw new InputError(`${file}: ${read.message}`);
  const { record } = read;
  if (record.result.traceHash === liveTrace)
    throw new InputError(
      `${file}: $.result.traceHash: a live run does not repeat itself; run its scenario again with --live, or without it`,
    );
  return { file, record, loaded: withRecipe(prepare(record.bundle), record) };
}

/** The workloads, objects and calm that a recipe has; all of a loaded scenario's otherwise. */
export function withRecipe(loaded: Loaded, { load, objects, coreOnly }: Pick<Recipe, "load" | "objects" | "coreOnly">): Loaded {
  const { scenario, manifests } = loaded;
  const calm = { ...scenario.calm, coreOnly: coreOnly ?? scenario.calm.coreOnly };
  const chosen = load.flatMap(({ place, params, fromUs, toUs }): Load[] => {
    const own = scenario.load.find(({ path }) => Number(path[1]) === place);
    return own ? [{ ...own, params, fromUs, toUs }] : [];
  });
  const kept = objects === null ? manifests : manifests.filter(({ object }) => objects.includes(objectId(object)));
  return { ...loaded, scenario: { ...scenario, calm, load: chosen }, manifests: kept };
}

/** What makes a run the recorded one again: its seed, and its schedule with the targets as they were resolved. */
export function repeated(record: RunRecord): Repeated {
  const { seed, untilUs, stopEvent } = record;
  return { seed, ...ofRecipe(record), ...(untilUs === null ? {} : { untilUs }), ...(stopEvent === null ? {} : { stopEvent }) };
}

type Repeated = Pick<SimulateOptions, "seed" | "schedule" | "shape" | "stormUs" | "untilUs" | "stopEvent">;

/** What a recipe says beside workloads, objects and calm. */
export function ofRecipe({ schedule, shape, stormUs }: Recipe): Pick<SimulateOptions, "schedule" | "shape" | "stormUs"> {
  return { schedule, shape, stormUs: stormUs ?? Number.POSITIVE_INFINITY };
}

/** How the workloads of a scenario are recorded. */
export function recordedLoad({ load }: Scenario): readonly RecordedLoad[] {
  return load.map(({ path, params, fromUs = 0, toUs = null }) => ({ place: Number(path[1]), params, fromUs, toUs }));
}
