import { controllers } from "../actors/controller-manager";
import { actions } from "../scenarios/actions";
import { checks } from "../scenarios/checks";
import { faults } from "../scenarios/faults";
import { knobs } from "../scenarios/knobs";
import { conditionForms } from "../scenarios/language/condition-schema";
import { moments } from "../scenarios/language/moments";
import { blocks } from "../scenarios/language/storm-schema";
import { probeTexts } from "../scenarios/probes";
import { storms as standardStorms } from "../scenarios/rehearse/storms";
import type { JsonSchema } from "../scenarios/schema";
import { workloads } from "../scenarios/workloads";
import { libraryScenarios } from "./library";
import { clientFaults } from "./live/client-faults";
import { allMutants } from "./mutants/mutant-files";

/** One thing that a scenario can name. */
export interface CatalogueEntry {
  readonly name: string;
  readonly what: string;
  /** Where the guarantee or the behaviour is written; "" where that says nothing more. */
  readonly source: string;
  /** A paragraph, where there is more to say. */
  readonly more?: string;
  readonly params: readonly { readonly name: string; readonly required: boolean; readonly what: string }[];
}

function paramsOf(params: Readonly<Record<string, JsonSchema>>, required: readonly string[]): CatalogueEntry["params"] {
  return Object.entries(params).map(([name, schema]) => ({ name, required: required.includes(name), what: describeSchema(schema) }));
}

function describeSchema(schema: JsonSchema): string {
  const values = Array.isArray(schema.enum) ? `${schema.enum.join(" | ")}: ` : "";
  return `${values}${String(schema.description ?? schema.type ?? "")}`;
}

/** A part of the storm language, by its schema. */
function entryOf(name: string, what: string, { properties, required }: JsonSchema): CatalogueEntry {
  return { name, what, source: "", params: paramsOf(properties as Readonly<Record<string, JsonSchema>>, required as readonly string[]) };
}

/** Everything that can be listed, by the plural that `list` takes. */
export const catalogue: ReadonlyMap<string, () => readonly CatalogueEntry[]> = new Map([
  [
    "scenarios",
    () =>
      libraryScenarios().map(({ name, title, description, file }) => ({ name, what: title, source: file, params: [], more: description })),
  ],
  [
    "faults",
    () => [
      ...faults.map(({ name, what, params, required }) => ({ name, what, source: "", params: paramsOf(params, required) })),
      ...clientFaults.map(({ name, what, params }) => ({
        name,
        what,
        source: "",
        more: "only for `wavetank fault`",
        params: paramsOf(params, []),
      })),
    ],
  ],
  ["actions", () => actions.map(({ name, what, params, required }) => ({ name, what, source: "", params: paramsOf(params, required) }))],
  ["blocks", () => [...blocks].map(([name, { what, schema }]) => entryOf(name, what, schema))],
  ["conditions", () => [...conditionForms].map(([name, { what, schema }]) => entryOf(name, what, schema))],
  ["moments", () => moments.map(({ name, what }) => ({ name, what, source: "", params: [] }))],
  [
    "checks",
    () => checks.map(({ name, claim, source, params, required }) => ({ name, what: claim, source, params: paramsOf(params, required) })),
  ],
  [
    "workloads",
    () => workloads.map(({ name, what, params, required }) => ({ name, what, source: "", params: paramsOf(params, required) })),
  ],
  [
    "controllers",
    () =>
      controllers.map(({ name, watches }) => ({
        name,
        what: `watches ${[...new Set(watches.map(({ resource }) => resource.plural))].join(", ")}`,
        source: "",
        params: [],
      })),
  ],
  [
    "mutants",
    () =>
      allMutants().map(({ file, mutant: { id, title, source, scenarios, withinCpuMs, ...mutant } }) => ({
        name: id,
        what: title,
        source: `${source}; ${file}`,
        more: `planted in ${mutant.file}; hunted with ${scenarios.join(", ")}, within ${withinCpuMs / 1000} s of processor time`,
        params: [],
      })),
  ],
  [
    "storms",
    () =>
      standardStorms.map(({ name, what, standard }) => ({
        name,
        what: standard ? what : `${what} (only when named)`,
        source: "",
        params: [],
      })),
  ],
  ["probes", () => [...probeTexts].map(([name, what]) => ({ name, what, source: "", params: [] }))],
  ["knobs", () => knobs.map((knob) => ({ name: knob.name, what: `${knob.what} (default ${knob.default})`, source: "", params: [] }))],
]);
