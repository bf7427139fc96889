import { isObject } from "../objects/decode";
import type { JsonSchema } from "./schema";
import type { SwaggerDocument, SwaggerOperation, SwaggerParameter, SwaggerPath } from "./v2";

/** What is taken from the Swagger document of an aggregated server: the paths of its group version, and the definitions that these need. */
export interface Swagger {
  readonly paths: Readonly<Record<string, SwaggerPath>>;
  readonly definitions: Readonly<Record<string, JsonSchema>>;
}

type Plain = Readonly<Record<string, unknown>>;

const pointer = "#/definitions/";
const methods = ["get", "put", "post", "delete", "options", "head", "patch"] as const;
const levelsMax = 100;
/** Forms of a body or an answer that are taken from an operation: each becomes a copy of the schema in version 3. */
const mediaTypesMax = 16;
/** What may come of parameters that are written out, in characters of JSON: a few references to a great one would become more than can be held. */
const writtenOutMax = 8 * 1024 * 1024;

/** The parameters that stand elsewhere in the document, as they are written out. */
interface Shared {
  readonly found: Plain;
  readonly read: Map<string, readonly SwaggerParameter[]>;
  /** Characters that may still be written out. */
  left: number;
}

/**
 * Reads a document that somebody else has written: keeps the paths below `prefix` with what is well formed in them, and the definitions that they
 * reach. undefined for what is no Swagger document, or one that becomes too great when its parameters are written out.
 */
export function readSwagger(document: unknown, prefix: string): Swagger | undefined {
  if (!isObject(document) || !isObject(document.paths)) return undefined;
  const shared: Shared = { found: isObject(document.parameters) ? document.parameters : {}, read: new Map(), left: writtenOutMax };
  const paths: Record<string, SwaggerPath> = {};
  for (const [path, item] of Object.entries(document.paths))
    if ((path.startsWith(prefix) || `${path}/` === prefix) && isObject(item)) paths[path] = pathIn(item, shared);
  if (shared.left < 0) return undefined;
  const all = isObject(document.definitions) ? document.definitions : {};
  const definitions = new Map<string, JsonSchema>();
  const open = references(paths);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const schema = Object.hasOwn(all, name) ? all[name] : undefined;
    if (definitions.has(name) || !isObject(schema)) continue;
    const read = schemaIn(schema, levelsMax);
    definitions.set(name, read);
    references(read, open);
  }
  return { paths, definitions: Object.fromEntries(definitions) };
}

function pathIn(item: Plain, shared: Shared): SwaggerPath {
  const parameters = parametersIn(item.parameters, shared);
  const operations = methods.flatMap((method) => {
    const operation = item[method];
    return isObject(operation) ? [[method, operationIn(operation, shared)] as const] : [];
  });
  return { ...(parameters.length > 0 ? { parameters } : {}), ...Object.fromEntries(operations) } as SwaggerPath;
}

function operationIn(operation: Plain, shared: Shared): SwaggerOperation {
  const responses = Object.entries(isObject(operation.responses) ? operation.responses : {}).flatMap(([code, response]) => {
    if (!isObject(response)) return [];
    const schema = isObject(response.schema) ? { schema: schemaIn(response.schema, levelsMax) } : {};
    return [[code, { description: textIn(response.description), ...schema }] as const];
  });
  return {
    ...(extensionsIn(operation) as Pick<SwaggerOperation, "x-kubernetes-action" | "x-kubernetes-group-version-kind">),
    ...(typeof operation.description === "string" ? { description: operation.description } : {}),
    tags: textsIn(operation.tags),
    operationId: textIn(operation.operationId),
    consumes: textsIn(operation.consumes).slice(0, mediaTypesMax),
    produces: textsIn(operation.produces).slice(0, mediaTypesMax),
    schemes: textsIn(operation.schemes),
    parameters: parametersIn(operation.parameters, shared),
    responses: Object.fromEntries(responses),
  };
}

/** Parameters that stand elsewhere in the document are written out: their names might be others' names in ours. */
function parametersIn(value: unknown, shared: Shared): SwaggerParameter[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).flatMap((each) => {
    if (typeof each.$ref !== "string") return parameterIn(each);
    const name = each.$ref.replace(/^#\/parameters\//, "");
    if (!Object.hasOwn(shared.found, name) || shared.left < 0) return [];
    const read = shared.read.get(name) ?? parameterIn(shared.found[name]);
    shared.read.set(name, read);
    shared.left -= JSON.stringify(read).length;
    return read;
  });
}

function parameterIn(parameter: unknown): readonly SwaggerParameter[] {
  if (!isObject(parameter) || typeof parameter.name !== "string") return [];
  const place = parameter.in;
  if (place !== "body" && place !== "path" && place !== "query") return [];
  const common = { name: parameter.name, in: place, ...(parameter.required === true ? { required: true } : {}) } as const;
  if (place === "body") return [{ ...common, schema: isObject(parameter.schema) ? schemaIn(parameter.schema, levelsMax) : {} }];
  return [{ ...common, type: textIn(parameter.type) || "string", ...(parameter.uniqueItems === true ? { uniqueItems: true } : {}) }];
}

/** A schema with the keywords that Swagger has, as far as they are of the right form. */
function schemaIn(schema: Plain, levels: number): JsonSchema {
  if (levels === 0) return {};
  const inner = (value: unknown) => (isObject(value) ? schemaIn(value, levels - 1) : undefined);
  const kept: Record<string, unknown> = extensionsIn(schema);
  for (const keyword of ["$ref", "type", "format", "description", "title", "pattern"])
    if (typeof schema[keyword] === "string") kept[keyword] = schema[keyword];
  for (const keyword of ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"])
    if (typeof schema[keyword] === "number") kept[keyword] = schema[keyword];
  if (Array.isArray(schema.required)) kept.required = textsIn(schema.required);
  if (Array.isArray(schema.enum)) kept.enum = schema.enum;
  if (schema.default !== undefined) kept.default = schema.default;
  if (isObject(schema.properties))
    kept.properties = Object.fromEntries(
      Object.entries(schema.properties).flatMap(([name, value]) => (isObject(value) ? [[name, inner(value)]] : [])),
    );
  if (isObject(schema.items)) kept.items = inner(schema.items);
  if (isObject(schema.additionalProperties)) kept.additionalProperties = inner(schema.additionalProperties);
  return kept;
}

const textIn = (value: unknown): string => (typeof value === "string" ? value : "");
const textsIn = (value: unknown): string[] => (Array.isArray(value) ? value.filter((each) => typeof each === "string") : []);
const extensionsIn = (of: Plain): Record<string, unknown> =>
  Object.fromEntries(Object.entries(of).filter(([keyword]) => keyword.startsWith("x-")));

/** The names of the definitions that a part of a document refers to. */
function references(part: unknown, into: string[] = []): string[] {
  if (Array.isArray(part)) for (const each of part) references(each, into);
  else if (isObject(part))
    for (const [key, value] of Object.entries(part))
      if (key === "$ref" && typeof value === "string") into.push(value.slice(pointer.length));
      else references(value, into);
  return into;
}

/**
 * Our document with those of others, which come in the order of their APIServices' priority. A path that is there already stays as it is. A definition
 * of the same name is shared where it says the same, whatever kinds it names, and gets a name of its own ("NAME_v2") where it does not: kube-openapi's rule.
 */
export function mergeSwaggers(own: SwaggerDocument, others: readonly Swagger[]): SwaggerDocument {
  if (others.length === 0) return own;
  const paths = new Map(Object.entries(own.paths));
  const definitions = new Map(Object.entries(own.definitions));
  for (const other of others) {
    const renamed = new Map<string, string>();
    // A new name must not be one that another definition of the same document keeps.
    const kept = new Set(Object.keys(other.definitions));
    for (const [name, schema] of Object.entries(other.definitions)) {
      const chosen = nameFor(name, schema, definitions, kept);
      if (chosen === name) continue;
      renamed.set(name, chosen);
      kept.add(chosen);
    }
    const adapt = <T>(part: T): T => (renamed.size === 0 ? part : withNames(part, renamed));
    for (const [name, schema] of Object.entries(other.definitions)) {
      const chosen = renamed.get(name) ?? name;
      const there = definitions.get(chosen);
      definitions.set(chosen, there === undefined ? adapt(schema) : withKinds(there, schema));
    }
    for (const [path, item] of Object.entries(other.paths)) if (!paths.has(path)) paths.set(path, adapt(item));
  }
  const sorted = <T>(map: ReadonlyMap<string, T>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...own, paths: sorted(paths), definitions: sorted(definitions) };
}

const kindsKey = "x-kubernetes-group-version-kind";

function nameFor(name: string, schema: JsonSchema, taken: ReadonlyMap<string, JsonSchema>, kept: ReadonlySet<string>): string {
  const text = withoutKinds(schema);
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}_v${number}`;
    if (number > 1 && kept.has(candidate)) continue;
    const there = taken.get(candidate);
    if (there === undefined || withoutKinds(there) === text) return candidate;
  }
}

/** The schema as text that is the same whatever the order of its fields. */
function withoutKinds(schema: JsonSchema): string {
  return JSON.stringify(schema, (key, value: unknown) => {
    if (key === kindsKey) return undefined;
    return isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
  });
}

function withKinds(there: JsonSchema, schema: JsonSchema): JsonSchema {
  const [before, more] = [there[kindsKey], schema[kindsKey]];
  if (!Array.isArray(more)) return there;
  const known = new Set((Array.isArray(before) ? before : []).map((each) => JSON.stringify(each)));
  const added = more.filter((each) => !known.has(JSON.stringify(each)));
  return added.length === 0 ? there : { ...there, [kindsKey]: [...(Array.isArray(before) ? before : []), ...added] };
}

function withNames<T>(part: T, renamed: ReadonlyMap<string, string>): T {
  if (Array.isArray(part)) return part.map((each) => withNames(each, renamed)) as T;
  if (!isObject(part)) return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) => {
      const target = key === "$ref" && typeof value === "string" ? renamed.get(value.slice(pointer.length)) : undefined;
      return [key, target === undefined ? withNames(value, renamed) : pointer + target];
    }),
  ) as T;
}

/** The document of version 3 of a server that has none, made of its version 2. */
export function asVersion3({ paths, definitions }: Swagger, version: string): unknown {
  const items = Object.entries(paths).map(([path, item]) => {
    const operations = methods.flatMap((method) => {
      const operation = (item as Readonly<Record<string, SwaggerOperation | undefined>>)[method];
      return operation ? [[method, operation3(operation)] as const] : [];
    });
    const parameters = (item.parameters ?? []).map(parameter3);
    return [path, { ...(parameters.length > 0 ? { parameters } : {}), ...Object.fromEntries(operations) }] as const;
  });
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version },
    paths: Object.fromEntries(items),
    components: { schemas: schema3(definitions) },
  };
}

function operation3(operation: SwaggerOperation): unknown {
  const { consumes, produces, schemes, parameters, responses, ...others } = operation;
  const written = parameters.filter((each): each is SwaggerParameter => !("$ref" in each));
  const body = written.find((each) => each.in === "body");
  const contentOf = (types: readonly string[], schema: JsonSchema) => {
    const content = { schema: schema3(schema) };
    return Object.fromEntries((types.length > 0 ? types : ["application/json"]).map((type) => [type, content]));
  };
  const answers = Object.entries(responses).map(([code, { description, schema }]) => [
    code,
    { description, ...(schema ? { content: contentOf(produces, schema) } : {}) },
  ]);
  return {
    ...others,
    parameters: written.filter((each) => each !== body).map(parameter3),
    ...(body?.schema ? { requestBody: { content: contentOf(consumes, body.schema), ...(body.required ? { required: true } : {}) } } : {}),
    responses: Object.fromEntries(answers),
  };
}

function parameter3({ name, in: place, required, type, uniqueItems }: SwaggerParameter): unknown {
  const schema = { type: type ?? "string", ...(uniqueItems ? { uniqueItems } : {}) };
  return { name, in: place, ...(required ? { required } : {}), schema };
}

function schema3(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(schema3);
  if (!isObject(part)) return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, value]) =>
      key === "$ref" && typeof value === "string" ? [key, value.replace(pointer, "#/components/schemas/")] : [key, schema3(value)],
    ),
  );
}
