import { parseDurationMs } from "../../protocol/kinds/duration";
import { compileSchema, durationSchema, recordSchema, validatePart } from "../schema";
import { type Problem, readDocuments, type Source, type SourceDocument } from "../source";

/**
 * A bug that can be planted: a text of one source file and what stands in its place while the bug is in. Planting the bugs of the field's history, and seeing
 * which check notices, tests the checks and the storms (mutation testing). They are data; the sources know nothing of them.
 */
export interface Mutant {
  readonly id: string;
  readonly title: string;
  /** Where the bug was reported. */
  readonly source: string;
  /** From the root of the checkout, "actors/etcd/raft/log.ts". */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Scenarios to hunt it with, in turns; paths relative to the mutant's own file. */
  readonly scenarios: readonly string[];
  /** In the median it has to be found within so much processor time. */
  readonly withinCpuMs: number;
}

export type MutantResult =
  | { readonly ok: true; readonly mutant: Mutant; problem(field: keyof Mutant, message: string): Problem }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const text = { type: "string", minLength: 1 };

export const mutantSchema = recordSchema(
  {
    id: { type: "string", pattern: "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", description: 'a short name such as "R9-local-reads"' },
    title: { ...text, description: "what is wrong, in a sentence" },
    source: { ...text, description: "where the bug was reported" },
    file: {
      type: "string",
      pattern: "^(protocol|runtime|actors|scenarios|examples)/.+[.]ts$",
      description: "a source file from the root of the checkout, or an operator's module",
    },
    find: { ...text, description: "a text that occurs exactly once in the file" },
    replace: { type: "string", description: "what stands in its place" },
    scenarios: { type: "array", items: text, minItems: 1, description: "scenario files to hunt it with, relative to this file" },
    withinCpu: { ...durationSchema, description: 'within how much processor time it is found in the median, "60s" where not given' },
  },
  ["id", "title", "source", "file", "find", "replace", "scenarios"],
);

const validate = compileSchema(mutantSchema);
const defaultWithinCpu = "60s";

/** Reads a mutant's file. Everything that is wrong with it is said at once. */
export function readMutant(source: Source): MutantResult {
  const { documents, problems } = readDocuments(source, "1.2");
  const [document] = documents;
  if (problems.length > 0) return { ok: false, problems };
  if (!document || documents.length > 1)
    return { ok: false, problems: [{ file: source.file, line: 1, column: 1, path: "$", message: "expected one document: a mutant" }] };
  const wrong = validatePart(document, [], document.value, validate);
  return wrong.length > 0 ? { ok: false, problems: wrong } : { ok: true, ...mutantOf(document) };
}

function mutantOf(document: SourceDocument): { readonly mutant: Mutant; problem(field: keyof Mutant, message: string): Problem } {
  const { withinCpu = defaultWithinCpu, ...given } = document.value as Omit<Mutant, "withinCpuMs"> & { readonly withinCpu?: string };
  return {
    mutant: { ...given, withinCpuMs: parseDurationMs(withinCpu) ?? 0 },
    problem: (field, message) => document.problem([field === "withinCpuMs" ? "withinCpu" : field], message),
  };
}

/** The file's text with the bug in it, or what keeps the mutant from being planted there. */
export function plant({ file, find, replace }: Mutant, sourceText: string): { readonly text: string } | { readonly wrong: string } {
  const pieces = sourceText.split(find);
  if (pieces.length !== 2) return { wrong: `occurs ${pieces.length - 1} times in ${file}: expected exactly once` };
  if (find === replace) return { wrong: "is what is to replace it" };
  return { text: pieces.join(replace) };
}
