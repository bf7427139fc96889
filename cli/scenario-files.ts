import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { InputError } from "./exit";
import { readText } from "./read-text";
import { projectRoot } from "./version";

/** Fields that stand at the beginning of a line in a scenario, and never in a Kubernetes object. */
const fields = ["cluster", "manifests", "load", "storm", "swarm", "plan", "calm", "expect"];

/** Whether a text looks like a scenario file; whether it is right is for its reader to say. */
export function looksLikeScenario(text: string): boolean {
  return fields.filter((field) => new RegExp(`^${field}:`, "m").test(text)).length >= 2;
}

/** Whether it is one that Kubernetes would take for nothing of its own: who reads a folder of manifests passes over it. */
export function isOnlyScenario(text: string): boolean {
  return looksLikeScenario(text) && !/^(apiVersion|kind):/m.test(text);
}

/** The scenario files that are meant by files and folders: of a folder those that lie in it. Throws an InputError for a folder without any. */
export function scenarioFiles(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    if (!existsSync(path)) refuseName(path);
    if (!existsSync(path) || !statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => /\.ya?ml$/.test(name) && statSync(join(path, name)).isFile());
    const found = names
      .sort((a, b) => (a < b ? -1 : 1))
      .map((name) => join(path, name))
      .filter((file) => looksLikeScenario(readText(file)));
    if (found.length === 0)
      throw new InputError(`${path}: no scenario lies in this folder: expected YAML files with \`cluster\`, \`storm\`, \`expect\``);
    return found;
  });
}

/** Who gives the name of a scenario of the library is told where its file lies. */
function refuseName(name: string): void {
  const file = join(projectRoot(), "scenarios", "library", `${name}.yaml`);
  if (/^[a-z0-9-]+$/.test(name) && existsSync(file))
    throw new InputError(`${name}: no such file; the library's scenario of that name is ${relative(process.cwd(), file)}`);
}
