import { closest } from "../scenarios/closest";
import { Complaints } from "../scenarios/language/complaints";
import type { Condition } from "../scenarios/language/condition";
import { readCondition } from "../scenarios/language/condition-reader";
import { conditionTexts } from "../scenarios/language/condition-schema";
import { surroundings } from "../scenarios/scenario";
import { readDocuments } from "../scenarios/source";
import { InputError } from "./exit";
import type { Loaded } from "./load";

/** Where a run stops in the middle: at an event of the trace by its number, or when a condition holds. */
export interface Breakpoint {
  readonly event?: number;
  readonly condition?: Condition;
}

/** Reads --breakpoint: a number, a moment's name, a condition as scenario files write them, or a part of a line of the timeline. Throws an InputError. */
export function readBreakpoint(text: string, { scenario }: Loaded): Breakpoint {
  if (/^\d+$/.test(text)) return { event: Number(text) };
  const { documents, problems } = readDocuments({ file: "--breakpoint", text }, "1.2");
  const [document] = documents;
  const near = closest(text, conditionTexts);
  if (near !== undefined && near !== text) throw new InputError(`--breakpoint ${text}: did you mean "${near}"?`);
  const isRecord = typeof document?.value === "object" && document.value !== null;
  const value = isRecord ? document.value : conditionTexts.includes(text) ? text : { timeline: text };
  if (text.trim() === "" || (text.trim().startsWith("{") && problems.length > 0))
    throw new InputError(
      `--breakpoint ${text}: expected the number of an event, a moment such as "etcd leader elected", a condition or a part of a line`,
    );
  const around = surroundings(scenario.plan, scenario.load.length, scenario.expect);
  const source = document ?? readDocuments({ file: "--breakpoint", text: JSON.stringify(text) }, "1.2").documents[0]!;
  const complaints = new Complaints(source);
  const condition = readCondition(value, [], around, complaints);
  if (!condition) throw new InputError(complaints.problems.map(({ message, path }) => `--breakpoint: ${path}: ${message}`).join("\n"));
  return { condition };
}
