import type { CustomFacts } from "../../../protocol/kinds/custom";
import type { CustomResourceColumnDefinition } from "../../../protocol/kinds/generated";
import { humanAge } from "../table/age";
import { type Cell, type Column, name, type Printable, type Printer } from "../table/column";
import { evaluateJsonPath, parseJsonPath } from "./json-path";

/** Filled as versions are met; a function of the version's columns alone. */
const printers = new WeakMap<CustomFacts, Printer<Printable>>();

/** The columns of a custom resource: its name, then those of its definition; where there are none, its age. */
export function customPrinter(custom: CustomFacts): Printer<Printable> {
  const known = printers.get(custom);
  if (known) return known;
  const given = custom.declared.additionalPrinterColumns ?? [];
  const printer = { columns: [name<Printable>(), ...(given.length > 0 ? given : [ageColumn]).map(columnOf)] };
  printers.set(custom, printer);
  return printer;
}

const ageColumn: CustomResourceColumnDefinition = {
  name: "Age",
  type: "date",
  description: "Time since the object was created.",
  jsonPath: ".metadata.creationTimestamp",
};

function columnOf(definition: CustomResourceColumnDefinition): Column<Printable> {
  const path = parseJsonPath(definition.jsonPath);
  const { description, format = "", priority = 0, type } = definition;
  return {
    name: definition.name,
    type: type as Column<Printable>["type"],
    format,
    description: description || `Custom resource definition column (in JSONPath format): ${definition.jsonPath}`,
    priority,
    cell: (object, nowMs) => (path.ok ? cellOf(type, evaluateJsonPath(path.steps, object)[0], nowMs) : null),
  };
}

function cellOf(type: string, value: unknown, nowMs: number): Cell {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value !== "string" ? null : Number.isNaN(Date.parse(value)) ? "<invalid>" : humanAge(value, nowMs);
    default:
      return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
}
