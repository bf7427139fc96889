import { Argument, type Command } from "commander";
import colors from "picocolors";
import { closest } from "../scenarios/closest";
import { scenarioSchema } from "../scenarios/scenario-schema";
import { type CatalogueEntry, catalogue } from "./catalogue";
import { InputError } from "./exit";

/** `wavetank list faults|…` */
export function addList(program: Command): void {
  program
    .command("list")
    .description("lists what scenario files can name")
    .addArgument(new Argument("<what>", "which things").choices([...catalogue.keys()]))
    .option("--json", "print a JSON array")
    .action((what: string, options: { readonly json?: boolean }) => {
      const entries = catalogue.get(what)!();
      if (options.json) return void process.stdout.write(`${JSON.stringify(entries, null, 2)}\n`);
      const width = Math.max(...entries.map(({ name }) => name.length));
      for (const { name, what: text, source } of entries)
        process.stdout.write(`${colors.bold(name.padEnd(width))}  ${text}${what === "scenarios" ? colors.dim(`  ${source}`) : ""}\n`);
    });
}

/** `wavetank describe NAME` */
export function addDescribe(program: Command): void {
  program
    .command("describe")
    .description(
      'describes a scenario, fault, check, action, workload, controller, probe or knob with its parameters; "scenario" prints the JSON Schema of scenario files',
    )
    .argument("<name>", 'such as "isolate" or "convergence"')
    .option("--json", "print one JSON object")
    .action((name: string, options: { readonly json?: boolean }) => {
      if (name === "scenario") return void process.stdout.write(`${JSON.stringify(scenarioSchema(), null, 2)}\n`);
      const found = [...catalogue].flatMap(([of, entries]) =>
        entries()
          .filter((entry) => entry.name === name)
          .map((entry) => ({ of, ...entry })),
      );
      if (found.length === 0) {
        const known = [...catalogue.values()].flatMap((entries) => entries().map((entry) => entry.name));
        const near = closest(name, known);
        throw new InputError(
          `nothing is called "${name}"${near ? `; did you mean "${near}"?` : ""} (\`wavetank list\` knows ${[...catalogue.keys()].join(", ")})`,
        );
      }
      process.stdout.write(options.json ? `${JSON.stringify(found[0], null, 2)}\n` : found.map(describe).join("\n"));
    });
}

function describe({ of, name, what, source, more, params }: CatalogueEntry & { readonly of: string }): string {
  const lines = [`${colors.bold(name)}  ${colors.dim(of.slice(0, -1))}`, `  ${what}`];
  if (more) lines.push(`  ${more}`);
  if (source) lines.push(`  ${colors.dim(`${of === "scenarios" ? "file" : "source"}: ${source}`)}`);
  for (const param of params) lines.push(`  ${colors.cyan(param.name)}${param.required ? " (required)" : ""}  ${param.what}`);
  return `${lines.join("\n")}\n`;
}
