import type { ListMeta, ObjectMeta } from "../../../protocol/kinds/generated";
import type { Kind } from "../../../protocol/kinds/registry";
import { customPrinter } from "../custom-resources/printer";
import type { Cell, Printable, RowCondition } from "./column";
import { printerOf } from "./printers";

/**
 * The forms in which an answer can be had besides the objects themselves: Tables, which is what `kubectl get` prints, and
 * PartialObjectMetadata, which is what garbage collectors and metadata informers read. Both live in group meta.k8s.io.
 */

export type MetaVersion = "v1" | "v1beta1";
/** What a Table's rows carry besides their cells: nothing, the object's metadata (the default), or the whole object. */
export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableOptions {
  /** The time ages are counted to; milliseconds since 1970. */
  readonly nowMs: number;
  readonly includeObject?: IncludeObject;
  readonly version?: MetaVersion;
  /** Of a list: its resourceVersion, continue token and remaining count. For one object its own resourceVersion is used. */
  readonly listMeta?: ListMeta;
  /** False for all but the first event of a watch: clients keep the definitions they saw first. */
  readonly withDefinitions?: boolean;
}

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly RowCondition[];
  readonly object?: Printable;
}

export interface Table {
  readonly kind: "Table";
  readonly apiVersion: string;
  readonly metadata: ListMeta;
  readonly columnDefinitions: readonly ColumnDefinition[];
  readonly rows: readonly TableRow[];
}

export interface PartialObjectMetadata {
  readonly kind: "PartialObjectMetadata";
  readonly apiVersion: string;
  readonly metadata: ObjectMeta;
}

export interface PartialObjectMetadataList {
  readonly kind: "PartialObjectMetadataList";
  readonly apiVersion: string;
  readonly metadata: ListMeta;
  readonly items: readonly PartialObjectMetadata[];
}

/** Objects of one kind as a meta.k8s.io Table, a row for each, in the columns that kubectl prints. */
export function toTable(
  kind: Pick<Kind, "group" | "kind" | "custom">,
  objects: readonly Printable[],
  { nowMs, includeObject = "Metadata", version = "v1", listMeta, withDefinitions = true }: TableOptions,
): Table {
  const { columns, conditions } = kind.custom ? customPrinter(kind.custom) : printerOf(kind);
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: listMeta ?? soleResourceVersion(objects),
    columnDefinitions: withDefinitions ? columns.map(({ cell, ...definition }) => definition) : [],
    rows: objects.map((object) => {
      const about = conditions?.(object) ?? [];
      return {
        cells: columns.map((column) => column.cell(object, nowMs)),
        ...(about.length > 0 ? { conditions: about } : {}),
        ...(includeObject === "Metadata" ? { object: toPartialObjectMetadata(object, version) } : {}),
        ...(includeObject === "Object" ? { object } : {}),
      };
    }),
  };
}

/** An object without its spec and status. */
export function toPartialObjectMetadata(object: Printable, version: MetaVersion = "v1"): PartialObjectMetadata {
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata ?? {} };
}

/** A list of objects without their specs and statuses. */
export function toPartialObjectMetadataList(
  objects: readonly Printable[],
  listMeta: ListMeta,
  version: MetaVersion = "v1",
): PartialObjectMetadataList {
  return {
    kind: "PartialObjectMetadataList",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: listMeta,
    items: objects.map((object) => toPartialObjectMetadata(object, version)),
  };
}

function soleResourceVersion(objects: readonly Printable[]): ListMeta {
  const resourceVersion = objects.length === 1 ? objects[0]?.metadata?.resourceVersion : undefined;
  return resourceVersion === undefined ? {} : { resourceVersion };
}
