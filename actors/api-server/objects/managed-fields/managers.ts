import type { ManagedFieldsEntry } from "../../../../protocol/kinds/generated";
import { timestamp } from "../../../../protocol/kinds/object";
import { type FieldSet, fromFieldsV1, noFields, sameFields, toFieldsV1, union } from "./field-set";

/** Who owns which fields: metadata.managedFields, read and written. */

export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  /** The version in which the fields were set, "apps/v1". */
  readonly apiVersion: string;
  /** "" for the main resource. */
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

export type Managers = readonly Manager[];

/** Appliers are known by name and subresource in whatever version they apply; others also by version. */
export function sameManager(a: Manager, b: Omit<Manager, "time" | "fields">): boolean {
  return (
    a.name === b.name &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === "Apply" || a.apiVersion === b.apiVersion)
  );
}

/** Reads the entries; undefined when one of them is not well formed. */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  const managers: Manager[] = [];
  for (const entry of entries ?? []) {
    const fields = fromFieldsV1(entry.fieldsV1 ?? {});
    if (!fields || (entry.operation !== "Apply" && entry.operation !== "Update")) return undefined;
    managers.push({
      name: entry.manager ?? "",
      operation: entry.operation,
      apiVersion: entry.apiVersion ?? "",
      subresource: entry.subresource ?? "",
      time: entry.time,
      fields,
    });
  }
  return managers;
}

/** Whether a client asks to forget all ownership: a list of one empty entry. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  return entries?.length === 1 && Object.keys(entries[0]!).length === 0;
}

/** The entries: appliers first, then by time and name; managers that own nothing are left out. */
export function writeManagers(managers: Managers): readonly ManagedFieldsEntry[] {
  return withFewUpdaters(managers.filter(({ fields }) => fields.size > 0))
    .toSorted(inOrder)
    .map(({ name, operation, apiVersion, subresource, time, fields }) => ({
      manager: name,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: "FieldsV1",
      fieldsV1: toFieldsV1(fields),
      ...(subresource === "" ? {} : { subresource }),
    }));
}

function inOrder(a: Manager, b: Manager): number {
  const keys = (manager: Manager) => [manager.operation, manager.time ?? "", manager.name, manager.apiVersion, manager.subresource];
  const left = keys(a);
  const right = keys(b);
  for (const [index, key] of left.entries()) if (key !== right[index]) return key < right[index]! ? -1 : 1;
  return 0;
}

const updatersMax = 10;
const ancient = "ancient-changes";

/** Beyond ten the oldest of those that do not apply are counted as one, so that the list stays short. */
function withFewUpdaters(managers: Managers): Managers {
  const updaters = managers.filter(({ operation }) => operation === "Update").toSorted(inOrder);
  if (updaters.length <= updatersMax) return managers;
  const merged: Manager[] = [];
  let left = updaters.length;
  for (const manager of updaters) {
    if (left <= updatersMax) {
      merged.push(manager);
      continue;
    }
    const at = merged.findIndex((other) => other.name === ancient && other.apiVersion === manager.apiVersion);
    if (at >= 0) {
      merged[at] = { ...merged[at]!, time: manager.time, fields: union(merged[at]!.fields, manager.fields) };
      left -= 1;
    } else merged.push({ ...manager, name: ancient, subresource: "" });
  }
  return [...managers.filter(({ operation }) => operation === "Apply"), ...merged];
}

/** The managers with one of them set anew: with these fields, at this time. */
export function withManager(managers: Managers, manager: Omit<Manager, "time">, nowMs: number): Managers {
  return [...managers.filter((other) => !sameManager(other, manager)), { ...manager, time: timestamp(nowMs) }];
}

/** Whether two lists say the same apart from times. */
export function sameOwnership(a: Managers, b: Managers): boolean {
  return (
    a.length === b.length &&
    a.every((manager) =>
      b.some((other) => sameManager(other, manager) && other.apiVersion === manager.apiVersion && sameFields(other.fields, manager.fields)),
    )
  );
}

/** The fields of a manager, none when it is not there. */
export function fieldsOfManager(managers: Managers, manager: Omit<Manager, "time" | "fields">): FieldSet {
  return managers.find((other) => sameManager(other, manager))?.fields ?? noFields;
}
