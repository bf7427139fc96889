import type { ListMeta } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { apiVersionOf, type Kind } from "../../../protocol/kinds/registry";
import { bodyOf } from "../../../protocol/response-codec";
import type { AnswerForm } from "../negotiation";
import { type Entry, encodeJson } from "../storage/entry";
import type { StoredResource } from "../storage/keys";
import { toPartialObjectMetadata, toTable } from "../table/table";
import { isConverted, servedObject } from "./conversion";

/** How objects of a kind are sent: in which version and which form. */
export interface Rendering {
  readonly kind: Kind;
  readonly resource: StoredResource;
  readonly form: AnswerForm;
  readonly includeObject: "None" | "Metadata" | "Object";
}

/** An object's bytes as they are sent. For plain objects these are the stored bytes with the resourceVersion, made once for everybody. */
export function renderObject(rendering: Rendering, entry: Entry, nowMs: number, withDefinitions = true): Uint8Array {
  const { kind, resource, form, includeObject } = rendering;
  switch (form.as) {
    case "Object":
      return isConverted(kind, resource) ? servedBytes(kind, resource, entry) : entry.served;
    case "Table": {
      const table = toTable(kind, [servedObject(kind, resource, entry)], {
        nowMs,
        includeObject,
        version: form.version,
        withDefinitions,
      });
      return encodeJson(table);
    }
    case "PartialObjectMetadata":
    case "PartialObjectMetadataList":
      return entry.view(`metadata ${form.version}`, (object) => toPartialObjectMetadata(object, form.version));
  }
}

function servedBytes(kind: Kind, resource: StoredResource, entry: Entry): Uint8Array {
  const object = servedObject(kind, resource, entry);
  return entry.view(apiVersionOf(kind), () => object);
}

/** A list's bytes. Plain objects and metadata are put together from the items' own bytes. */
export function renderList(rendering: Rendering, entries: readonly Entry[], metadata: ListMeta, nowMs: number): Uint8Array {
  const { kind, resource, form, includeObject } = rendering;
  switch (form.as) {
    case "Table": {
      const objects = entries.map((entry) => servedObject(kind, resource, entry));
      return encodeJson(toTable(kind, objects, { nowMs, includeObject, version: form.version, listMeta: metadata }));
    }
    case "PartialObjectMetadata":
    case "PartialObjectMetadataList":
      return joinList("PartialObjectMetadataList", `meta.k8s.io/${form.version}`, metadata, itemsOf(rendering, entries, nowMs));
    case "Object":
      return joinList(kind.custom?.listKind ?? `${kind.kind}List`, apiVersionOf(kind), metadata, itemsOf(rendering, entries, nowMs));
  }
}

/** A bookmark: nothing but a resourceVersion, and the annotation that ends the initial events where it does. */
export function renderBookmark({ kind, form }: Rendering, revision: number, endsInitialEvents: boolean): Uint8Array {
  const metadata = {
    resourceVersion: String(revision),
    ...(endsInitialEvents ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
  };
  const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata };
  if (form.as === "Object") return encodeJson(object);
  if (form.as === "Table") {
    const row = { cells: [], object: { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${form.version}`, metadata } };
    const meta = { resourceVersion: String(revision) };
    return encodeJson({ kind: "Table", apiVersion: `meta.k8s.io/${form.version}`, metadata: meta, columnDefinitions: [], rows: [row] });
  }
  return encodeJson(toPartialObjectMetadata(object as Stored<ApiObject>, form.version));
}

function itemsOf(rendering: Rendering, entries: readonly Entry[], nowMs: number): readonly Uint8Array[] {
  return entries.map((entry) => renderObject(rendering, entry, nowMs));
}

const comma = ",".charCodeAt(0);
/** With the line end that every answer has: so a long list is not copied for it. */
const end = Buffer.from("]}\n");

function joinList(kind: string, apiVersion: string, metadata: ListMeta, items: readonly Uint8Array[]): Uint8Array {
  const start = Buffer.from(`${JSON.stringify({ kind, apiVersion, metadata }).slice(0, -1)},"items":[`);
  const length = items.reduce((sum, item) => sum + item.length + 1, items.length === 0 ? 0 : -1);
  const body = bodyOf(start.length + length + end.length);
  body.set(start);
  let at = start.length;
  for (const [index, item] of items.entries()) {
    if (index > 0) body[at++] = comma;
    body.set(item, at);
    at += item.length;
  }
  body.set(end, at);
  return body;
}
