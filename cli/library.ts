import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { readScenario } from "../scenarios/scenario";
import { readText } from "./read-text";
import { projectRoot } from "./version";

export interface LibraryScenario {
  readonly file: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
}

/** The scenarios that come with Wavetank: the library, and the example. Files are relative to where the command runs. */
export function libraryScenarios(): readonly LibraryScenario[] {
  const root = projectRoot();
  const library = join(root, "scenarios", "library");
  const names = readdirSync(library).filter((name) => name.endsWith(".yaml"));
  const files = [
    join(root, "examples", "shop", "leader-loss.yaml"),
    ...names.sort((a, b) => (a < b ? -1 : 1)).map((name) => join(library, name)),
  ];
  return files.map((path) => {
    const file = relative(process.cwd(), path);
    const read = readScenario({ file, text: readText(path) });
    if (!read.ok) throw new Error(`${file} is no scenario: ${read.problems[0]?.message}`);
    const { name, title, description } = read.scenario;
    return { file, name, title, description };
  });
}
