import { existsSync, readdirSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { type Mutant, plant, readMutant } from "../../scenarios/mutants/mutant";
import { unknownName } from "../../scenarios/schema";
import { formatProblem, type Problem } from "../../scenarios/source";
import { InputError } from "../exit";
import { readText } from "../read-text";
import { projectRoot } from "../version";
import type { Planted } from "./planted";

/** The folder of the mutants that come with Wavetank: one file each. */
export function mutantsFolder(): string {
  return join(projectRoot(), "scenarios", "mutants");
}

export interface LoadedMutant {
  /** Where it was read, relative to where the command runs. */
  readonly file: string;
  readonly mutant: Mutant;
  /** A mistake in one of its fields, as it is said to the user. */
  problem(field: keyof Mutant, message: string): InputError;
}

/** All mutants that come with Wavetank, in the order of their names, numbers by their value: R2 before R10. */
export function allMutants(): readonly LoadedMutant[] {
  const names = readdirSync(mutantsFolder()).filter((name) => name.endsWith(".yaml"));
  return names.sort(byNameAndNumber).map((name) => loadMutant(join(mutantsFolder(), name)));
}

/** A mutant by its file; of Wavetank's own by their ids: one, or all whose ids begin so ("R4" means R4-… alone). Throws an InputError. */
export function mutantsNamed(name: string): readonly LoadedMutant[] {
  if (/\.ya?ml$/.test(name) || existsSync(name)) return [loadMutant(name)];
  const known = readdirSync(mutantsFolder())
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => basename(file, ".yaml"))
    .sort(byNameAndNumber);
  const whole = known.filter((id) => id === name || id.startsWith(`${name}-`));
  const found = whole.length > 0 ? whole : known.filter((id) => id.startsWith(name));
  if (found.length === 0) throw new InputError(unknownName("mutant", name, known));
  return found.map((id) => loadMutant(join(mutantsFolder(), `${id}.yaml`)));
}

/** The one mutant that is meant. Throws an InputError. */
export function mutantNamed(name: string): LoadedMutant {
  const [mutant, another] = mutantsNamed(name);
  if (another) throw new InputError(`--mutant ${name}: expected one mutant, and there are ${mutant!.mutant.id}, ${another.mutant.id}`);
  return mutant!;
}

function loadMutant(path: string): LoadedMutant {
  const shown = relative(process.cwd(), path);
  const file = shown.startsWith("..") ? path : shown;
  const read = readMutant({ file, text: readText(path) });
  if (!read.ok) throw new InputError(read.problems.map(formatProblem).join("\n"));
  const { mutant } = read;
  const problem = (field: keyof Mutant, message: string) => new InputError(formatProblem(read.problem(field, message)));
  if (dirname(path) === mutantsFolder() && basename(path, ".yaml") !== mutant.id)
    throw problem("id", `expected "${basename(path, ".yaml")}", as the file is called`);
  return { file, mutant, problem };
}

/** Compiles a mutant: the source with the bug in it, to be loaded instead of the compiled module. Throws an InputError where it cannot be planted. */
export function compileMutant({ mutant, problem }: Pick<LoadedMutant, "mutant" | "problem">): Planted {
  const source = join(projectRoot(), mutant.file);
  if (!existsSync(source)) throw problem("file", `no such file: ${mutant.file}`);
  const planted = plant(mutant, readText(source));
  if ("wrong" in planted) throw problem("find", planted.wrong);
  // Loaded when it is needed: few commands do.
  const { transformSync } = require("esbuild") as typeof import("esbuild");
  try {
    const { code } = transformSync(planted.text, { loader: "ts", format: "cjs", target: "node20", sourcefile: source, logLevel: "silent" });
    return { mutant, path: join(projectRoot(), "dist", mutant.file.replace(/\.ts$/, ".js")), code };
  } catch (error) {
    throw problem("replace", `does not compile: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The mutant of a run's record, to be planted again. */
export function recordedMutant(file: string, mutant: Mutant): Pick<LoadedMutant, "mutant" | "problem"> {
  const problem = (field: keyof Mutant, message: string): InputError => {
    const shown: Problem = { file, line: 1, column: 1, path: `$.mutant.${field}`, message };
    return new InputError(formatProblem(shown));
  };
  return { mutant, problem };
}

function byNameAndNumber(a: string, b: string): number {
  const parts = (name: string) => name.split(/(\d+)/).map((part, i) => (i % 2 === 1 ? part.padStart(6, "0") : part));
  const [left, right] = [parts(a).join(""), parts(b).join("")];
  return left < right ? -1 : left > right ? 1 : 0;
}
