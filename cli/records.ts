import { type RunRecord, readRecord } from "../scenarios/record";
import { InputError, type Loaded, prepare, readText } from "./load";
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
  return { file, record, loaded: withLoad(prepare(record.bundle), record.load) };
}

/** The same with only these of its workloads, by their places in the scenario. */
export function withLoad(loaded: Loaded, places: readonly number[]): Loaded {
  const load = loaded.scenario.load.filter(({ path }) => places.includes(Number(path[1])));
  return { ...loaded, scenario: { ...loaded.scenario, load } };
}

/** What makes a run the recorded one again: its seed, and its schedule with the targets as they were resolved. */
export function repeated({
  seed,
  schedule,
  stormUs,
  shape,
  untilUs,
  stopEvent,
}: RunRecord): Pick<SimulateOptions, "seed" | "schedule" | "shape" | "stormUs" | "untilUs" | "stopEvent"> {
  const stops = { ...(untilUs === null ? {} : { untilUs }), ...(stopEvent === null ? {} : { stopEvent }) };
  return { seed, schedule, shape, stormUs: stormUs ?? Number.POSITIVE_INFINITY, ...stops };
}
