import type { ClusterShape } from "./cluster";
import type { Mutant } from "./mutants/mutant";
import { wrongWithRecord } from "./record-schema";
import type { RunResult } from "./run";
import type { RecordedLoad } from "./shrink/recipe";
import type { Source } from "./source";
import type { ScheduledStep } from "./storm";

/** The version of this form; a record of another is refused. */
export const recordVersion = 2;

/** run.json: everything that a run needs to be repeated elsewhere, and what came of it. */
export interface RunRecord {
  readonly recordVersion: number;
  readonly wavetankVersion: string;
  /** Of the code that ran; it tells builds of one version apart. */
  readonly build?: string;
  readonly bundle: {
    readonly source: Source;
    readonly files: Readonly<Record<string, readonly Source[]>>;
    readonly operators?: Readonly<Record<string, Source>>;
  };
  readonly seed: number;
  /** The steps that were taken, with what their selectors came to; a replay takes no others. */
  readonly schedule: readonly ScheduledStep[];
  /** The cluster as it was. */
  readonly shape: ClusterShape;
  /** How long the storm lasted; null where it did not end. */
  readonly stormUs: number | null;
  /** Whether the calm healed no more than a core; as the scenario says where this is left out. */
  readonly coreOnly?: boolean;
  /** The workloads that ran. */
  readonly load: readonly RecordedLoad[];
  /** Ids of the objects that were applied; null for all of the manifests. */
  readonly objects: readonly string[] | null;
  /** The virtual time at which the run was stopped, where it was. */
  readonly untilUs: number | null;
  /** The bug that was planted, null where none was. */
  readonly mutant: Mutant | null;
  /** The event of the trace after which it was stopped, where it was. */
  readonly stopEvent: number | null;
  readonly result: RunResult;
}

/** Reads a run.json. Answers with what is wrong where it is none, or one of another version. */
export function readRecord(
  text: string,
): { readonly ok: true; readonly record: RunRecord } | { readonly ok: false; readonly message: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, message: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (typeof value !== "object" || value === null || !("recordVersion" in value))
    return { ok: false, message: "$.recordVersion: missing; expected the run.json that `wavetank run --out` writes" };
  const record = value as RunRecord;
  if (record.recordVersion !== recordVersion)
    return {
      ok: false,
      message: `$.recordVersion: ${String(record.recordVersion)} is of another version of Wavetank (${String(record.wavetankVersion)}); expected ${recordVersion}`,
    };
  const wrong = wrongWithRecord(record);
  if (wrong !== undefined)
    return { ok: false, message: `${wrong}; the file is damaged: expected the run.json that \`wavetank run --out\` writes` };
  return { ok: true, record };
}
