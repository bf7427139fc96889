import { decodeObject } from "../actors/api-server/objects/decode";
import { withDefaults } from "../actors/api-server/objects/defaulting";
import { prepareForCreate } from "../actors/api-server/objects/strategy";
import { bodyOf } from "../actors/api-server/objects/validation/field-error";
import { validateCreate } from "../actors/api-server/objects/validation/validate";
import type { ApiObject, JsonObject } from "../protocol/kinds/object";
import { readQuantity } from "../protocol/kinds/quantity";
import { allKinds, apiVersionOf, definition, type Kind, kindOf, type Schema } from "../protocol/kinds/registry";
import { customKindsOf } from "./custom-kinds";
import { unknownName } from "./schema";
import { type Path, type Problem, readDocuments, type Source, type SourceDocument } from "./source";

/** One object of a manifest, with its kind and where it was written. */
export interface Manifest {
  readonly file: string;
  readonly line: number;
  readonly kind: Kind;
  readonly object: ApiObject;
  /** The line on which the part at this path of the object stands; where it is missing, the part that should hold it. */
  lineOf(path: Path): number;
}

/** An object of a kind that neither Kubernetes nor any CustomResourceDefinition at hand has. */
export interface CustomObject {
  readonly file: string;
  readonly line: number;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/**
 * Reads Kubernetes manifests in the order in which kubectl would apply them: sources as given, documents and items of Lists in order.
 * Each field is held against the schema of its type, and each object against the API server's own rules for a new one. Custom resources are known by
 * their definitions: those in the sources, wherever they stand, and those in `definitions`.
 */
export function readManifests(
  sources: readonly Source[],
  /** Told of custom resources without a definition; where it is not given they are problems. */
  onCustom?: (object: CustomObject) => void,
  definitions: readonly Manifest[] = [],
): {
  readonly manifests: readonly Manifest[];
  readonly problems: readonly Problem[];
} {
  const manifests: Manifest[] = [];
  const problems: Problem[] = [];
  const documents = sources.flatMap((source) => {
    const read = readDocuments(source, "1.1");
    problems.push(...read.problems);
    return read.documents;
  });
  const known = customKindsOf([
    ...definitions.filter(({ kind }) => kind.kind === definitionKind).map(({ object }) => object as unknown as JsonObject),
    ...documents.flatMap((document) => definitionsIn(document, document.value, [])),
  ]);
  for (const document of documents) readObject(document, document.value, [], { manifests, problems, onCustom, known });
  return { manifests, problems };
}

const definitionKind = "CustomResourceDefinition";

/** The definitions of custom resources in a document, without those that are wrong in themselves. */
function definitionsIn(document: SourceDocument, value: unknown, path: Path): readonly JsonObject[] {
  if (!isRecord(value)) return [];
  const { kind, items } = value;
  if (typeof kind === "string" && kind.endsWith("List") && Array.isArray(items))
    return items.flatMap((item, index) => definitionsIn(document, item, [...path, "items", index]));
  if (kind !== definitionKind) return [];
  const read: Reading = { manifests: [], problems: [], onCustom: undefined, known: new Map() };
  readObject(document, value, path, read);
  return read.manifests.map(({ object }) => object as unknown as JsonObject);
}

/** What has been read so far, and what is known while reading. */
interface Reading {
  readonly manifests: Manifest[];
  readonly problems: Problem[];
  readonly onCustom: ((object: CustomObject) => void) | undefined;
  /** Custom kinds by "apiVersion kind". */
  readonly known: ReadonlyMap<string, Kind>;
}

function readObject(document: SourceDocument, value: unknown, path: Path, reading: Reading): void {
  const { manifests, problems, onCustom, known } = reading;
  const problem = (at: Path, message: string) => void problems.push(document.problem([...path, ...at], message));
  if (!isRecord(value)) return problem([], "expected a Kubernetes object, with apiVersion, kind and metadata");
  const { apiVersion, kind: name, metadata, items } = value;
  if (typeof apiVersion !== "string") return problem(["apiVersion"], 'the field "apiVersion" is missing or not a text');
  if (typeof name !== "string") return problem(["kind"], 'the field "kind" is missing or not a text');
  if (name.endsWith("List") && Array.isArray(items)) {
    for (const [index, item] of items.entries()) readObject(document, item, [...path, "items", index], reading);
    return;
  }
  const kind = kindOf(apiVersion, name) ?? known.get(`${apiVersion} ${name}`);
  if (!kind && onCustom && isCustomGroup(apiVersion)) {
    const { line } = document.problem(path, "");
    return onCustom({ file: document.file, line, apiVersion, kind: name, name: String((isRecord(metadata) && metadata.name) || "") });
  }
  if (!kind) return problem([kindNames().has(name) ? "apiVersion" : "kind"], unknownKind(apiVersion, name));
  if (!isRecord(metadata) || typeof metadata.name !== "string" || metadata.name === "")
    return problem(["metadata"], 'the field "metadata.name" is missing or not a text');
  const before = problems.length;
  walk({ $ref: kind.definition }, value, path, (at, message, where) => problems.push(document.problem(at, message, where)));
  if (problems.length > before) return;
  const namespaced =
    kind.namespaced && metadata.namespace === undefined ? { ...value, metadata: { ...metadata, namespace: "default" } } : value;
  for (const { at, message } of wrongWithNew(kind, namespaced)) problem(at, message);
  const lineOf = (at: Path) => document.problem([...path, ...at], "").line;
  const manifest: Manifest = { file: document.file, line: lineOf([]), kind, object: namespaced as unknown as ApiObject, lineOf };
  const twin = manifests.find((other) => sameObject(other, manifest));
  if (twin) problem(["metadata", "name"], `${name} "${metadata.name}" is in ${twin.file}:${twin.line} already: expected each object once`);
  if (problems.length === before) manifests.push(manifest);
}

function sameObject(one: Manifest, other: Manifest): boolean {
  const [a, b] = [one.object.metadata, other.object.metadata];
  return a.name === b.name && a.namespace === b.namespace && one.kind.kind === other.kind.kind && one.kind.group === other.kind.group;
}

/** What the API server would refuse in a new object, with the paths of the fields. */
function wrongWithNew(kind: Kind, value: JsonObject): readonly { readonly at: Path; readonly message: string }[] {
  // What the schema of a built-in kind does not know was said already, at its place.
  const decoded = decodeObject(kind, value, kind.custom ? "Strict" : "Ignore");
  if (!decoded.ok) return [{ at: [], message: decoded.failure.message }];
  const born = prepareForCreate(kind, withDefaults(kind, decoded.object), { uid: "00000000-0000-0000-0000-000000000000", nowMs: 0 });
  return validateCreate(kind, born).map((error) => ({ at: pathOf(error.field), message: bodyOf(error) }));
}

/** The steps of `spec.containers[0].name`; keys of maps stand in brackets as indices do. */
function pathOf(field: string): Path {
  return [...field.matchAll(/\[([^\]]*)\]|[^.[\]]+/g)].map(([step, inner]) =>
    inner === undefined ? step : /^\d+$/.test(inner) ? Number(inner) : inner,
  );
}

function unknownKind(apiVersion: string, name: string): string {
  const sameName = allKinds().filter(({ kind }) => kind === name);
  if (sameName.length > 0)
    return `no kind "${name}" in version "${apiVersion}": expected apiVersion ${sameName.map(apiVersionOf).join(" or ")}`;
  const inVersion = allKinds().filter((kind) => apiVersionOf(kind) === apiVersion);
  if (inVersion.length === 0)
    return `no kind "${name}" in version "${apiVersion}": expected a CustomResourceDefinition of it among the manifests`;
  return unknownName(
    `kind in version "${apiVersion}"`,
    name,
    inVersion.map(({ kind }) => kind),
  );
}

/** Groups that Kubernetes had once; what stands in them is out of date, not custom. */
const formerGroups = ["extensions"];

/** Whether an apiVersion is of none of Kubernetes' own groups. */
function isCustomGroup(apiVersion: string): boolean {
  const [group = ""] = apiVersion.includes("/") ? apiVersion.split("/") : [""];
  return group !== "" && !formerGroups.includes(group) && !allKinds().some((kind) => kind.group === group);
}

const kindNames = () => new Set(allKinds().map(({ kind }) => kind));

type Report = (at: Path, message: string, where: "key" | "value") => void;

/** Holds a value against a schema; reports unknown fields at their keys, wrong types at their values. */
function walk(schema: Schema, value: unknown, path: Path, report: Report): void {
  if (value === null || value === undefined) return;
  if (schema.$ref) return walk(definition(schema.$ref) ?? {}, value, path, report);
  const expected = (what: string) => report(path, `expected ${what}, found ${show(value)}`, "value");
  switch (schema.format) {
    case "quantity": {
      if (typeof value !== "string" && typeof value !== "number") return expected('a quantity such as "500m" or "1Gi"');
      const quantity = readQuantity(value);
      return quantity.ok ? undefined : expected('a quantity such as "500m" or "1Gi"');
    }
    case "int-or-string":
      return typeof value === "number" || typeof value === "string" ? undefined : expected("a number or a text");
    case "any":
      return undefined;
  }
  switch (schema.type) {
    case "array":
      if (!Array.isArray(value)) return expected("a list");
      for (const [index, item] of value.entries()) walk(schema.items ?? {}, item, [...path, index], report);
      return undefined;
    case "object":
    case undefined: {
      const { properties, additionalProperties } = schema;
      if (!properties && !additionalProperties) return undefined;
      if (!isRecord(value)) return expected("a map of fields");
      for (const [field, member] of Object.entries(value)) {
        const child = properties?.[field] ?? additionalProperties;
        if (child) walk(child, member, [...path, field], report);
        else report([...path, field], unknownName("field", field, Object.keys(properties ?? {})), "key");
      }
      return undefined;
    }
    case "string":
      return typeof value === "string" ? undefined : expected(`a text (put it in quotes)`);
    case "integer":
      return Number.isInteger(value) ? undefined : expected("a whole number");
    case "number":
      return typeof value === "number" ? undefined : expected("a number");
    case "boolean":
      return typeof value === "boolean" ? undefined : expected("true or false");
  }
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
