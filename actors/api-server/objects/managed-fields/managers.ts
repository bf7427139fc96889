import type { ManagedFieldsEntry } from "../../../../protocol/kinds/generated";
import { type JsonObject, timestamp } from "../../../../protocol/kinds/object";
import { isObject } from "../decode";
import { covers, difference, type FieldSet, fromFieldsV1, isAsWritten, meets, noFields, sameFields, toFieldsV1, union } from "./field-set";

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
  /** The entry that says just this, where there is one already: it need not be written anew. */
  readonly entry?: ManagedFieldsEntry;
}

export type Managers = readonly Manager[];

export type ManagerName = Pick<Manager, "name" | "operation" | "apiVersion" | "subresource">;

/** Appliers are known by name and subresource in whatever version they apply; others also by version. */
export function sameManager(a: Manager, b: ManagerName): boolean {
  return (
    a.name === b.name &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === "Apply" || a.apiVersion === b.apiVersion)
  );
}

/** Reads the entries; undefined when one of them is not well formed. The fields of an entry are worked out when they are first asked for. */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  const managers: Manager[] = [];
  for (const entry of entries ?? []) {
    if (!isObject(entry.fieldsV1 ?? {}) || (entry.operation !== "Apply" && entry.operation !== "Update")) return undefined;
    managers.push(new RecordedManager(entry, entry.operation));
  }
  return managers;
}

class RecordedManager implements Manager {
  readonly name: string;
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  private read: FieldSet | undefined;

  constructor(
    readonly entry: ManagedFieldsEntry,
    readonly operation: "Apply" | "Update",
  ) {
    this.name = entry.manager ?? "";
    this.apiVersion = entry.apiVersion ?? "";
    this.subresource = entry.subresource ?? "";
    this.time = entry.time;
  }

  get fields(): FieldSet {
    this.read ??= fromFieldsV1(this.entry.fieldsV1 ?? {}) ?? noFields;
    return this.read;
  }
}

/** The manager with other fields, at the same time; the very same when it has them already. */
export function withFields(manager: Manager, fields: FieldSet): Manager {
  const { name, operation, apiVersion, subresource, time } = manager;
  return fields === manager.fields ? manager : { name, operation, apiVersion, subresource, time, fields };
}

/** The manager without the fields in `lost`. */
export function withoutFields(manager: Manager, lost: FieldSet): Manager {
  const recorded = manager.entry?.fieldsV1;
  if (lost.size === 0 || (isObject(recorded) && !meets(recorded, lost))) return manager;
  return withFields(manager, difference(manager.fields, lost));
}

/**
 * The manager with these fields besides its own, set at this time. Whoever writes the same fields again, as all do who renew something, has them
 * already, and in the very form in which they would be written: then nothing but the time of its entry is another.
 */
export function withMoreFields(manager: Manager, fields: FieldSet, nowMs: number): Manager {
  const { entry, name, operation, apiVersion, subresource } = manager;
  const time = timestamp(nowMs);
  const recorded = entry?.fieldsV1;
  if (!entry || !isObject(recorded) || !covers(recorded, fields) || !isAsWritten(recorded))
    return { name, operation, apiVersion, subresource, time, fields: union(manager.fields, fields) };
  return new RecordedManager(entryWith(manager, time, recorded), operation);
}

export function ownsNothing({ entry, fields }: Manager): boolean {
  return entry?.fieldsV1 ? Object.keys(entry.fieldsV1).length === 0 : fields.size === 0;
}

/** Whether a client asks to forget all ownership: a list of one empty entry. */
export function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  return entries?.length === 1 && Object.keys(entries[0]!).length === 0;
}

/** The entries: appliers first, then by time and name; managers that own nothing are left out. */
export function writeManagers(managers: Managers): readonly ManagedFieldsEntry[] {
  return withFewUpdaters(managers.filter((manager) => !ownsNothing(manager)))
    .toSorted(inOrder)
    .map((manager) => manager.entry ?? entryOf(manager));
}

function entryOf(manager: Manager): ManagedFieldsEntry {
  return entryWith(manager, manager.time, toFieldsV1(manager.fields));
}

function entryWith(
  { name, operation, apiVersion, subresource }: ManagerName,
  time: string | undefined,
  fieldsV1: JsonObject,
): ManagedFieldsEntry {
  return {
    manager: name,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: "FieldsV1",
    fieldsV1,
    ...(subresource === "" ? {} : { subresource }),
  };
}

function inOrder(a: Manager, b: Manager): number {
  return (
    compared(a.operation, b.operation) ||
    compared(a.time ?? "", b.time ?? "") ||
    compared(a.name, b.name) ||
    compared(a.apiVersion, b.apiVersion) ||
    compared(a.subresource, b.subresource)
  );
}

function compared(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const updatersMax = 10;
const ancient = "ancient-changes";

/** Beyond ten the oldest of those that do not apply are counted as one, so that the list stays short. */
function withFewUpdaters(managers: Managers): Managers {
  if (managers.length <= updatersMax) return managers;
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
      merged[at] = ancientOf(manager, union(merged[at]!.fields, manager.fields));
      left -= 1;
    } else merged.push(ancientOf(manager, manager.fields));
  }
  return [...managers.filter(({ operation }) => operation === "Apply"), ...merged];
}

function ancientOf({ apiVersion, time }: Manager, fields: FieldSet): Manager {
  return { name: ancient, operation: "Update", apiVersion, subresource: "", time, fields };
}

/** The managers with one of them set anew: with these fields, at this time. */
export function withManager(managers: Managers, manager: Omit<Manager, "time" | "entry">, nowMs: number): Managers {
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
export function fieldsOfManager(managers: Managers, manager: ManagerName): FieldSet {
  return managers.find((other) => sameManager(other, manager))?.fields ?? noFields;
}
