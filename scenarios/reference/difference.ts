import type { Stored } from "../../protocol/kinds/object";
import { type NormalisedObject, normalised } from "./normalised";

/** The first things in which one run's objects differ from another's, in sentences; empty where they are the same. */
export function differences(here: Iterable<Stored>, there: Iterable<Stored>): readonly string[] {
  const [one, other] = [byId(normalised(here)), byId(normalised(there))];
  const found: string[] = [];
  for (const id of new Set([...one.keys(), ...other.keys()])) {
    const [own, its] = [one.get(id) ?? [], other.get(id) ?? []];
    if (own.length !== its.length) found.push(`${own.length} ${id} here and ${its.length} without faults`);
    else
      for (const [i, fields] of own.entries()) {
        const where = firstDifference(fields, its[i], "");
        if (where === undefined) continue;
        found.push(`${id} ${where}`);
        break;
      }
  }
  return found;
}

/** All that has one name, each as its fields; in an order that does not depend on the run. */
function byId(objects: readonly NormalisedObject[]): ReadonlyMap<string, readonly unknown[]> {
  const grouped = new Map<string, unknown[]>();
  for (const { id, fields } of objects) {
    const own = grouped.get(id);
    if (own) own.push(fields);
    else grouped.set(id, [fields]);
  }
  for (const own of grouped.values()) own.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
  return grouped;
}

function firstDifference(here: unknown, there: unknown, path: string): string | undefined {
  if (text(here) === text(there)) return undefined;
  if (!isRecord(here) || !isRecord(there)) return `has ${text(here)} at ${path} here, and ${text(there)} without faults`;
  for (const field of [...new Set([...Object.keys(here), ...Object.keys(there)])].sort()) {
    const found = firstDifference(here[field], there[field], path === "" ? field : `${path}.${field}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** JSON with sorted fields, so that equal values have equal texts. */
function text(value: unknown): string {
  return (
    JSON.stringify(value, (_, item) =>
      isRecord(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
    ) ?? "nothing"
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
