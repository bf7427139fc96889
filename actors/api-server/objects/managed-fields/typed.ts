import type { Schema } from "../../../../protocol/kinds/registry";
import { isObject } from "../decode";
import { semanticallyEqual } from "../equality";
import { type Entry, type FieldSet, leaf, noFields } from "./field-set";
import { elementsOf, fieldSchema, StructureError, structureFor } from "./structure";

/** Values seen through their schema: which fields they set, how two differ, how one is laid over another, what is taken out again. */

/** The fields that an applied configuration sets. Containers count only where nothing is in them, or as entries of maps and lists. */
export function fieldsOf(value: unknown, schema: Schema): FieldSet {
  return below(value, schema, false);
}

/** All fields of a value, containers among them. */
function allFieldsOf(value: unknown, schema: Schema): FieldSet {
  return below(value, schema, true);
}

function below(value: unknown, schema: Schema, everyContainer: boolean): FieldSet {
  const structure = structureFor(schema, value);
  const set = new Map<string, Entry>();
  if (structure.type === "struct" || structure.type === "map") {
    if (!isObject(value)) return noFields;
    for (const key in value) {
      const child = fieldSchema(structure, key);
      if (!child) throw new StructureError(`.${key}: field not declared in schema`);
      const content = value[key];
      const entry = entryOf(content, child, everyContainer);
      const member = entry.member || structure.type === "map" || isEmptyObject(content);
      if (member || entry.below.size > 0) set.set(`f:${key}`, member === entry.member ? entry : { member, below: entry.below });
    }
  } else if (structure.type !== "whole" && Array.isArray(value)) {
    const elements = elementsOf(structure, value);
    elements.forEach((element, index) => {
      if (set.has(element)) throw new StructureError(`duplicate entries for key ${element.slice(2)}`);
      set.set(element, structure.type === "set" ? leaf : { member: true, below: below(value[index], structure.items, everyContainer) });
    });
  }
  return set;
}

function entryOf(value: unknown, schema: Schema, everyContainer: boolean): Entry {
  if (structureFor(schema, value).type === "whole") return leaf;
  return { member: everyContainer, below: below(value, schema, everyContainer) };
}

function isEmptyObject(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

export interface Comparison {
  readonly added: FieldSet;
  readonly removed: FieldSet;
  readonly modified: FieldSet;
}

const nothingDiffers: Comparison = { added: noFields, removed: noFields, modified: noFields };

/** How the second value differs from the first, field by field. */
export function compare(before: unknown, after: unknown, schema: Schema): Comparison {
  if (before === after) return nothingDiffers;
  const structure = structureFor(schema, after);
  const added = new Map<string, Entry>();
  const removed = new Map<string, Entry>();
  const modified = new Map<string, Entry>();
  const visit = (element: string, old: unknown, now: unknown, child: Schema): void => {
    if (old === now) return;
    if (old === undefined) return void added.set(element, entryOf(now, child, true));
    if (now === undefined) return void removed.set(element, entryOf(old, child, true));
    if (structureFor(child, now).type === "whole") {
      if (!semanticallyEqual(old, now)) modified.set(element, leaf);
      return;
    }
    const inside = compare(old, now, child);
    if (inside.added.size > 0) added.set(element, { member: false, below: inside.added });
    if (inside.removed.size > 0) removed.set(element, { member: false, below: inside.removed });
    if (inside.modified.size > 0) modified.set(element, { member: false, below: inside.modified });
  };
  if (structure.type === "struct" || structure.type === "map") {
    const old = isObject(before) ? before : {};
    const now = isObject(after) ? after : {};
    const schemaOf = (key: string) => fieldSchema(structure, key);
    for (const key in old) {
      const child = schemaOf(key);
      if (child) visit(`f:${key}`, old[key], now[key], child);
    }
    for (const key in now) {
      const child = schemaOf(key);
      if (child && old[key] === undefined) visit(`f:${key}`, undefined, now[key], child);
    }
  } else if (structure.type !== "whole") {
    const items = structure.type === "keyed" ? structure.items : {};
    const old = byElement(structure, before);
    const now = byElement(structure, after);
    const entry = (item: unknown): Entry => (structure.type === "set" ? leaf : { member: true, below: allFieldsOf(item, items) });
    for (const [element, item] of old) {
      const other = now.get(element);
      if (other === undefined) removed.set(element, entry(item));
      else if (structure.type === "keyed") visit(element, item, other, items);
    }
    for (const [element, item] of now) if (!old.has(element)) added.set(element, entry(item));
  }
  return { added, removed, modified };
}

type Listed = Parameters<typeof elementsOf>[0];

/** The entries of a list by their path element; of several with the same the first counts. */
function byElement(structure: Listed, value: unknown): ReadonlyMap<string, unknown> {
  const entries = new Map<string, unknown>();
  if (!Array.isArray(value)) return entries;
  elementsOf(structure, value).forEach((element, index) => {
    if (!entries.has(element)) entries.set(element, value[index]);
  });
  return entries;
}

/** The live value with the configuration laid over it. Entries of lists come in the configuration's order; others keep their place among them. */
export function lay(live: unknown, config: unknown, schema: Schema): unknown {
  if (config === undefined || config === live) return live;
  const structure = structureFor(schema, config);
  if (structure.type === "whole" || live === undefined) return semanticallyEqual(live, config) && live !== undefined ? live : config;
  if (structure.type === "struct" || structure.type === "map") {
    if (!isObject(live) || !isObject(config)) return config;
    let changed: Record<string, unknown> | undefined;
    for (const key in config) {
      const child = fieldSchema(structure, key);
      const laid = lay(live[key], config[key], child ?? {});
      if (laid !== live[key]) (changed ??= { ...live })[key] = laid;
    }
    return changed ?? live;
  }
  if (!Array.isArray(live) || !Array.isArray(config)) return config;
  return layList(structure, live, config);
}

function layList(structure: Listed, live: readonly unknown[], config: readonly unknown[]): readonly unknown[] {
  const liveElements = elementsOf(structure, live);
  const configElements = elementsOf(structure, config);
  const configured = new Map(configElements.map((element, index) => [element, index]));
  const liveAt = new Map(liveElements.map((element, index) => [element, index]));
  const result: unknown[] = [];
  const placed = new Set<string>();
  const place = (element: string): void => {
    const at = liveAt.get(element);
    const item = config[configured.get(element)!];
    result.push(at === undefined || structure.type === "set" ? item : lay(live[at], item, structure.items));
    placed.add(element);
  };
  let next = 0;
  for (const [index, element] of liveElements.entries()) {
    if (!configured.has(element)) {
      result.push(live[index]);
      continue;
    }
    if (placed.has(element)) continue;
    while (next < configElements.length && !placed.has(element)) {
      const wanted = configElements[next++]!;
      if (!placed.has(wanted)) place(wanted);
    }
  }
  while (next < configElements.length) {
    const wanted = configElements[next++]!;
    if (!placed.has(wanted)) place(wanted);
  }
  return result.length === live.length && result.every((item, index) => item === live[index]) ? live : result;
}

/**
 * Takes out of a value what was applied before (`last`) and is owned by nobody now. A structure goes as a whole when nobody owns anything in it;
 * entries of maps and lists go when they themselves had been applied and are owned by nobody now, even if somebody owns a part of them.
 */
export function prune(value: unknown, schema: Schema, last: FieldSet, owned: FieldSet): unknown {
  const structure = structureFor(schema, value);
  if (structure.type === "struct" || structure.type === "map") {
    if (!isObject(value)) return value;
    let changed: Record<string, unknown> | undefined;
    for (const [element, entry] of last) {
      const key = element.slice(2);
      if (value[key] === undefined) continue;
      const child = fieldSchema(structure, key);
      const owner = owned.get(element);
      if (structure.type === "struct" ? !owner : entry.member && !owner?.member) {
        changed ??= { ...value };
        delete changed[key];
      } else {
        const kept = prune(value[key], child ?? {}, entry.below, owner?.below ?? noFields);
        if (kept !== value[key]) (changed ??= { ...value })[key] = kept;
      }
    }
    return changed ?? value;
  }
  if (structure.type === "whole" || !Array.isArray(value)) return value;
  const elements = elementsOf(structure, value);
  let differs = false;
  const kept: unknown[] = [];
  elements.forEach((element, index) => {
    const entry = last.get(element);
    const owner = owned.get(element);
    if (entry?.member && !owner?.member) {
      differs = true;
      return;
    }
    const item =
      entry && structure.type === "keyed" ? prune(value[index], structure.items, entry.below, owner?.below ?? noFields) : value[index];
    if (item !== value[index]) differs = true;
    kept.push(item);
  });
  return differs ? kept : value;
}
