import type { ManagedFieldsEntry } from "../../../../protocol/kinds/generated";
import { type JsonObject, timestamp } from "../../../../protocol/kinds/object";
import { apiVersionOf, type Kind, type Schema, schemaOf } from "../../../../protocol/kinds/registry";
import { badRequest, type Failure, failure } from "../../../../protocol/status";
import { objectAt, put } from "../defaults/rule";
import { type FieldSet, intersection, noFields, pathsOf, union, withoutPaths } from "./field-set";
import {
  fieldsOfManager,
  isReset,
  type Manager,
  type Managers,
  ownsNothing,
  readManagers,
  sameManager,
  sameOwnership,
  withManager,
  withMoreFields,
  withoutFields,
  writeManagers,
} from "./managers";
import { StructureError } from "./structure";
import { compare, fieldsOf, lay, prune } from "./typed";

/** Field ownership: server-side apply, and the tracking of every other write. Source: "Server-Side Apply" in the Kubernetes documentation. */

export interface Writer {
  /** The query parameter fieldManager, or the first part of the user agent. */
  readonly manager: string;
  /** "" for the main resource. */
  readonly subresource: string;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export type Applied = { readonly ok: true; readonly object: JsonObject } | { readonly ok: false; readonly failure: Failure };

/** Nobody owns these: the server sets them, or they name the object. */
const ownerless: readonly (readonly string[])[] = [
  ["apiVersion"],
  ["kind"],
  ...["name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion"].map((field) => [
    "metadata",
    field,
  ]),
];

/** What a write cannot set: on the main resource the status, on /status the spec. */
function beyondReach(kind: Kind, subresource: string): readonly (readonly string[])[] {
  if (subresource === "status") return specAlone;
  return kind.hasStatus && subresource === "" ? statusAlone : nothingAtAll;
}

const specAlone = [["spec"]];
const statusAlone = [["status"]];
const nothingAtAll: readonly (readonly string[])[] = [];

/**
 * Server-side apply: `config` is the whole intent of `writer.manager`. Gives the live object with that laid over it; what the manager applied
 * before and no longer does goes, unless others own it. `live` is undefined when the object is to be created; `config` must have been
 * decoded. Returns the very same live object when nothing changes. Fails with 409 when a value that others own would change and `force` is not given,
 * with 400 when the configuration cannot be applied at all.
 */
export function applyConfiguration(
  kind: Kind,
  live: JsonObject | undefined,
  config: JsonObject,
  writer: Writer & { readonly force: boolean },
): Applied {
  if (objectAt(config, "metadata").managedFields !== undefined)
    return { ok: false, failure: badRequest("metadata.managedFields must be nil") };
  const schema = schemaOf(kind);
  const managers = readManagers(objectAt(live ?? {}, "metadata").managedFields as readonly ManagedFieldsEntry[] | undefined) ?? [];
  const self = { name: writer.manager, operation: "Apply" as const, apiVersion: apiVersionOf(kind), subresource: writer.subresource };
  try {
    const reachable = without(config, beyondReach(kind, writer.subresource));
    const named = fieldsOf(reachable, schema);
    const last = fieldsOfManager(managers, self);
    const others = managers.filter((manager) => !sameManager(manager, self));
    const owned = others.reduce<FieldSet>((all, manager) => union(all, manager.fields), named);
    const base = live ?? { apiVersion: config.apiVersion, kind: config.kind };
    const result = prune(lay(base, reachable, schema), schema, last, owned) as JsonObject;

    const changes = compare(comparable(kind, base), comparable(kind, result), schema);
    const changed = union(changes.modified, changes.added);
    const conflicts = others
      .map((manager) => ({ manager, fields: intersection(manager.fields, changed) }))
      .filter(({ fields }) => fields.size > 0);
    if (conflicts.length > 0 && !writer.force) return { ok: false, failure: conflictFailure(conflicts) };

    const remaining = others.map((manager) => withoutFields(manager, union(changed, changes.removed)));
    const fields = withoutPaths(named, ownerless);
    const next = withManager(remaining, { ...self, fields }, writer.nowMs).filter((manager) => !ownsNothing(manager));
    if (live !== undefined && result === live && sameOwnership(managers, next)) return { ok: true, object: live };
    return { ok: true, object: withManagers(result, next) };
  } catch (error) {
    if (!(error instanceof StructureError)) throw error;
    const { name, namespace } = objectAt(config, "metadata");
    const subject = `${namespace ? `${namespace}/` : "/"}${name}; ${apiVersionOf(kind)}, Kind=${kind.kind}`;
    return { ok: false, failure: badRequest(`failed to create typed patch object (${subject}): ${error.message}`) };
  }
}

function without(object: JsonObject, paths: readonly (readonly string[])[]): JsonObject {
  const gone = new Set(paths.map(([field]) => field));
  return Object.fromEntries(Object.entries(object).filter(([field]) => !gone.has(field)));
}

/**
 * What is compared: the outermost structures of built-in kinds are always there (an object that gains a spec gains what is in it), the ownership
 * itself is not.
 */
function comparable({ custom }: Kind, object: JsonObject): JsonObject {
  const { managedFields, ...metadata } = objectAt(object, "metadata");
  if (custom) return { ...object, metadata };
  return { spec: {}, status: {}, ...object, metadata };
}

function withManagers(object: JsonObject, managers: Managers): JsonObject {
  const metadata = objectAt(object, "metadata");
  const entries = writeManagers(managers);
  if (entries.length > 0) return put(object, { metadata: { ...metadata, managedFields: entries } });
  const { managedFields, ...rest } = metadata;
  return managedFields === undefined ? object : { ...object, metadata: rest };
}

interface ManagerConflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

function conflictFailure(conflicts: readonly ManagerConflict[]): Failure {
  const ordered = conflicts
    .map(({ manager, fields }) => ({ who: managerText(manager), paths: pathsOf(fields) }))
    .sort((a, b) => (a.who < b.who ? -1 : a.who > b.who ? 1 : 0));
  const causes = ordered.flatMap(({ who, paths }) =>
    paths.map((path) => ({ reason: "FieldManagerConflict", message: `conflict with ${who}`, field: path })),
  );
  const first = causes[0]!;
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${first.message}: ${first.field}`
      : `Apply failed with ${causes.length} conflicts: ${ordered
          .map(({ who, paths }) => `conflicts with ${who}:\n${paths.map((path) => `- ${path}`).join("\n")}`)
          .join("\n")}`;
  return failure("Conflict", message, { causes });
}

function managerText(manager: Manager): string {
  const name =
    JSON.stringify(manager.name) + (manager.subresource === "" ? "" : ` with subresource ${JSON.stringify(manager.subresource)}`);
  return manager.operation === "Update" ? `${name} using ${manager.apiVersion}` : name;
}

/**
 * The object with the ownership that a create, update or patch (other than apply) brings about: the writer owns what it changed, and others lose
 * what was changed or removed. `stored` is undefined on creation; `updated` is the object as it would be stored.
 */
export function trackUpdate(kind: Kind, stored: JsonObject | undefined, updated: JsonObject, writer: Writer): JsonObject {
  const schema = schemaOf(kind);
  const managers = managersForUpdate(stored, updated, writer.subresource);
  const self = { name: writer.manager, operation: "Update" as const, apiVersion: apiVersionOf(kind), subresource: writer.subresource };
  const { added, removed, modified } = compareLeniently(comparable(kind, stored ?? {}), comparable(kind, updated), schema);
  const differs = union(modified, added);
  const changed = ownable(differs, beyondReach(kind, writer.subresource));
  const lost = union(changed, removed);
  const next: Manager[] = [];
  let before: Manager | undefined;
  for (const manager of managers) {
    if (!sameManager(manager, self)) next.push(withoutFields(manager, lost));
    else before ??= manager;
  }
  const kept = before && withoutFields(before, removed);
  if (changed.size === 0) return withManagers(updated, kept ? [...next, kept] : next);
  next.push(kept ? withMoreFields(kept, changed, writer.nowMs) : { ...self, fields: changed, time: timestamp(writer.nowMs) });
  return withManagers(updated, next);
}

/** Of what a write changes that which can be owned. Most change nothing else: then there is nothing to take out. */
function ownable(fields: FieldSet, beyond: readonly (readonly string[])[]): FieldSet {
  const within = withoutPaths(fields, beyond);
  return fields.has("f:metadata") || fields.has("f:apiVersion") || fields.has("f:kind") ? withoutPaths(within, ownerless) : within;
}

/** Clients that know nothing of ownership leave it out and change nothing of it; those that do may edit it, or reset it with one empty entry. */
function managersForUpdate(stored: JsonObject | undefined, updated: JsonObject, subresource: string): Managers {
  const live = objectAt(stored ?? {}, "metadata").managedFields as readonly ManagedFieldsEntry[] | undefined;
  const given = objectAt(updated, "metadata").managedFields as readonly ManagedFieldsEntry[] | undefined;
  if (subresource === "" && isReset(given)) return [];
  const managers = subresource === "" ? readManagers(given) : undefined;
  return managers && managers.length > 0 ? managers : (readManagers(live) ?? []);
}

/** An object whose lists cannot be owned by entry (two entries with one key) is still stored; its changes are then nobody's. */
function compareLeniently(before: JsonObject, after: JsonObject, schema: Schema): ReturnType<typeof compare> {
  try {
    return compare(before, after, schema);
  } catch (error) {
    if (error instanceof StructureError) return { added: noFields, removed: noFields, modified: noFields };
    throw error;
  }
}

/** The manager's name when a request gives none: the user agent up to the first slash, at most 128 characters. */
export function managerFromUserAgent(userAgent: string): string {
  const name = userAgent.split("/")[0]!.trim();
  return (name === "" ? "unknown" : name).slice(0, 128);
}
