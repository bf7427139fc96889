import type { JsonObject } from "../../../protocol/kinds/object";
import { formatQuantity, readQuantity } from "../../../protocol/kinds/quantity";
import { definition, isKeptWhenEmpty, type Kind, type Schema } from "../../../protocol/kinds/registry";
import { badRequest, type Failure } from "../../../protocol/status";
import { decodeCustom } from "../custom-resources/objects";
import { convertingError } from "./converting-error";
import { unknownField } from "./duplicate-fields";
import { warningsOf } from "./repeated-keys";

/**
 * Takes a request's JSON for an object of a kind, as a real server's decoder does: types are checked, nulls, lists and maps that are empty, and unknown fields dropped (and
 * reported), quantities brought into canonical form. Messages are those of a real server. What stays unchanged is shared with the input.
 */

/** What to do about unknown and duplicate fields: the query parameter fieldValidation. */
export type FieldValidation = "Strict" | "Warn" | "Ignore";

export type Decoded = { readonly ok: true; readonly object: JsonObject; readonly warnings: readonly string[] } | Undecoded;

export interface Undecoded {
  readonly ok: false;
  readonly failure: Failure;
  /** What is wrong, in the words of Go's decoder of JSON, and in those of the converter that strategic merge patches go through. */
  readonly message: string;
  readonly converting: string;
}

/** The outcome for a bare definition: `unknown` names the fields that were dropped, by path. */
export type DecodedValue =
  | { readonly ok: true; readonly value: JsonObject; readonly unknown: readonly string[] }
  | { readonly ok: false; readonly message: string; readonly converting?: string };

/**
 * Decodes `json` as an object of the kind. `tell` makes messages of the paths of unknown fields, and may add others that the text itself shows.
 * Fails with 400: on a field of the wrong type always, on unknown and duplicate fields with "Strict"; with "Warn" they are warnings.
 */
export function decodeObject(
  kind: Kind,
  json: unknown,
  fieldValidation: FieldValidation,
  tell: (unknown: readonly string[]) => readonly string[] = (unknown) => unknown.map(unknownField),
): Decoded {
  const subject = `${kind.kind} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.kind}`;
  const decoded = kind.custom ? decodeCustom(kind.custom, json) : decodeAs(kind.definition, json);
  const undecoded = (message: string, converting = message): Undecoded => ({
    ok: false,
    failure: badRequest(`${subject}: ${message}`),
    message,
    converting,
  });
  if (!decoded.ok) return undecoded(decoded.message, decoded.converting);
  const findings = fieldValidation === "Ignore" ? [] : tell(decoded.unknown);
  if (fieldValidation === "Strict" && findings.length > 0) return undecoded(`strict decoding error: ${findings.join(", ")}`);
  return { ok: true, object: decoded.value, warnings: fieldValidation === "Warn" ? findings.flatMap(warningsOf) : [] };
}

/** Decodes a value as a type of definitions.json. */
export function decodeAs(definitionName: string, json: unknown): DecodedValue {
  const progress: Progress = { path: [], mapKeys: new Set(), unknown: [] };
  try {
    const value = walkerOf(definitionName)(json, progress, typeName(definitionName));
    return { ok: true, value: (value ?? {}) as JsonObject, unknown: progress.unknown };
  } catch (error) {
    if (error instanceof DecodeError)
      return { ok: false, message: error.message, ...(error.converting === undefined ? {} : { converting: error.converting }) };
    throw error;
  }
}

class DecodeError extends Error {
  constructor(
    message: string,
    readonly converting?: string,
  ) {
    super(message);
  }
}

interface Progress {
  /** Where the walk is: names of fields and indices of lists. */
  readonly path: (string | number)[];
  /** Which places of the path are keys of maps. */
  readonly mapKeys: Set<number>;
  readonly unknown: string[];
}

/** Returns the value to keep; undefined drops it. `owner` is the Go struct that error messages name. */
type Walker = (value: unknown, progress: Progress, owner: string) => unknown;

/** Filled from definitions.json as definitions are met; the content is a function of that file alone. */
const walkers = new Map<string, Walker>();

function walkerOf(name: string): Walker {
  const known = walkers.get(name);
  if (known) return known;
  const schema = definition(name);
  if (!schema) throw new Error(`there is no definition ${name}`);
  const walker = schema.properties ? structWalker(schema, name) : valueWalker(schema);
  walkers.set(name, walker);
  return walker;
}

function structWalker(schema: Schema, name: string): Walker {
  const owner = typeName(name);
  const fields = new Map<string, Walker>();
  for (const [field, child] of Object.entries(schema.properties!))
    fields.set(field, isCollection(child) && !isKeptWhenEmpty(name, field) ? unlessEmpty(lazily(child)) : lazily(child));
  return (value, progress, outer) => {
    if (!isObject(value)) return value === null ? undefined : unfit(value, progress, outer, goType({ $ref: name }));
    let changed: Record<string, unknown> | undefined;
    for (const key in value) {
      const field = fields.get(key);
      const before = value[key];
      let after: unknown;
      if (field) {
        progress.path.push(key);
        after = before === null || before === undefined ? undefined : field(before, progress, owner);
        progress.path.pop();
      } else progress.unknown.push(pathText([...progress.path, key]));
      if (after !== before || after === undefined) {
        changed ??= { ...value };
        if (after === undefined) delete changed[key];
        else changed[key] = after;
      }
    }
    return changed ?? value;
  };
}

const isCollection = ({ type, additionalProperties }: Schema) =>
  type === "array" || (type === "object" && additionalProperties !== undefined);

/** Go writes no empty list or map where a field's tag says `omitempty`. */
function unlessEmpty(walker: Walker): Walker {
  return (value, progress, owner) => {
    const kept = walker(value, progress, owner);
    return typeof kept === "object" && kept !== null && isEmpty(kept) ? undefined : kept;
  };
}

function isEmpty(collection: object): boolean {
  if (Array.isArray(collection)) return collection.length === 0;
  for (const _ in collection) return false;
  return true;
}

/** References are followed on first use, so that only the kinds that are asked for cost anything. */
function lazily(schema: Schema): Walker {
  if (!schema.$ref) return valueWalker(schema);
  const name = schema.$ref;
  return (value, progress, owner) => (walkers.get(name) ?? walkerOf(name))(value, progress, owner);
}

function valueWalker(schema: Schema): Walker {
  if (schema.$ref) return lazily(schema);
  if (schema.format === "quantity") return quantity;
  if (schema.format === "int-or-string") return intOrString;
  switch (schema.type) {
    case "array":
      return listWalker(schema);
    case "object":
      return schema.additionalProperties ? mapWalker(schema) : anyObject;
    case "string":
      return schema.format === "date-time" ? time : schema.format === "byte" ? bytes : text;
    case "integer":
      return schema.format === "int64" ? integer64 : integer32;
    case "number":
      return number;
    case "boolean":
      return boolean;
    default:
      return (value) => value;
  }
}

function listWalker(schema: Schema): Walker {
  const item = lazily(schema.items ?? {});
  const type = goType(schema);
  return (value, progress, owner) => {
    if (!Array.isArray(value)) return unfit(value, progress, owner, type);
    let changed: unknown[] | undefined;
    for (let index = 0; index < value.length; index += 1) {
      progress.path.push(index);
      const before: unknown = value[index];
      const after = item(before, progress, owner);
      if (after !== before) (changed ??= [...value])[index] = after ?? zero(schema.items);
      progress.path.pop();
    }
    return changed ?? value;
  };
}

function mapWalker(schema: Schema): Walker {
  const item = schema.additionalProperties?.format === "quantity" ? resourceQuantity : lazily(schema.additionalProperties ?? {});
  const type = goType(schema);
  return (value, progress, owner) => {
    if (!isObject(value)) return unfit(value, progress, owner, type);
    let changed: Record<string, unknown> | undefined;
    for (const key in value) {
      progress.mapKeys.add(progress.path.length);
      progress.path.push(key);
      const before = value[key];
      const after = item(before, progress, owner) ?? zero(schema.additionalProperties);
      if (after !== before) (changed ??= { ...value })[key] = after;
      progress.path.pop();
      progress.mapKeys.delete(progress.path.length);
    }
    return changed ?? value;
  };
}

/** What a null inside a list or a map decodes to. */
function zero(schema: Schema | undefined): unknown {
  if (schema?.$ref) return {};
  if (schema?.format === "quantity") return "0";
  if (schema?.format === "int-or-string" || schema?.type === "integer" || schema?.type === "number") return 0;
  return schema?.type === "boolean" ? false : schema?.type === "string" ? "" : null;
}

const text: Walker = (value, progress, owner) =>
  typeof value === "string" || value === null ? (value ?? undefined) : unfit(value, progress, owner, "string");
const boolean: Walker = (value, progress, owner) =>
  typeof value === "boolean" || value === null ? (value ?? undefined) : unfit(value, progress, owner, "bool");
const number: Walker = (value, progress, owner) =>
  typeof value === "number" || value === null ? (value ?? undefined) : unfit(value, progress, owner, "float64");
const integer32 = integerWalker("int32", 2 ** 31);
const integer64 = integerWalker("int64", 2 ** 63);
const anyObject: Walker = (value) => value ?? undefined;

function integerWalker(type: string, bound: number): Walker {
  return (value, progress, owner) => {
    if (value === null) return undefined;
    if (typeof value !== "number") return unfit(value, progress, owner, type);
    if (!Number.isInteger(value) || value >= bound || value < -bound) return unfit(value, progress, owner, type, ` ${value}`);
    return value;
  };
}

const intOrString: Walker = (value, progress, owner) => {
  if (value === null || typeof value === "string") return value ?? undefined;
  return typeof value === "number" ? integer32(value, progress, owner) : unfit(value, progress, owner, "string");
};

const canonicalAlready = /^(?:0|[1-9]\d{0,2}(?:m|k|M|G|T|Ki|Mi|Gi|Ti)?)$/;

const quantity: Walker = (value, progress, owner) => {
  if (typeof value === "string" && canonicalAlready.test(value)) return value;
  return quantityText(value, progress, owner, 1n);
};

/** In a list of resources nothing finer than a thousandth is kept. */
const resourceQuantity: Walker = (value, progress, owner) => {
  if (typeof value === "string" && canonicalAlready.test(value)) return value;
  return quantityText(value, progress, owner, 1_000_000n);
};

function quantityText(value: unknown, progress: Progress, owner: string, grainNanos: bigint): unknown {
  if (value === null) return undefined;
  if (typeof value !== "string" && typeof value !== "number") return unfit(value, progress, owner, "resource.Quantity");
  const result = readQuantity(value);
  if (!result.ok) throw new DecodeError(result.reason);
  const { nanos, format } = result.quantity;
  const rest = nanos % grainNanos;
  return formatQuantity({ nanos: rest === 0n ? nanos : nanos - rest + (nanos > 0n ? grainNanos : -grainNanos), format });
}

const timeShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

const time: Walker = (value, progress, owner) => {
  if (value === null || value === "") return undefined;
  if (typeof value !== "string") return unfit(value, progress, owner, "string");
  if (!timeShape.test(value) || Number.isNaN(Date.parse(value)))
    throw new DecodeError(
      `parsing time ${JSON.stringify(JSON.stringify(value))} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)}`,
    );
  return canonicalTime(value, microTimes.has(progress.path.at(-1) as string));
};

/** The fields of type MicroTime, which definitions.json does not tell from those of type Time. */
const microTimes: ReadonlySet<string> = new Set(["acquireTime", "renewTime", "eventTime", "lastObservedTime", "pingTime"]);
const wholeSeconds = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const microseconds = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

/** A time as Kubernetes writes it: in UTC, to the second, or to the microsecond where it is a MicroTime. */
function canonicalTime(value: string, isMicro: boolean): string {
  if ((isMicro ? microseconds : wholeSeconds).test(value)) return value;
  const toSeconds = new Date(Math.floor(Date.parse(value) / 1000) * 1000).toISOString().slice(0, 19);
  const fraction = /\.(\d+)/.exec(value)?.[1] ?? "";
  return isMicro ? `${toSeconds}.${fraction.slice(0, 6).padEnd(6, "0")}Z` : `${toSeconds}Z`;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const bytes: Walker = (value, progress, owner) => {
  if (value === null) return undefined;
  if (typeof value !== "string") return unfit(value, progress, owner, "[]uint8");
  if (base64.test(value)) return value;
  const bare = value.replace(/[\r\n]/g, "");
  if (base64.test(bare)) return bare;
  const wrong = bare.search(/[^A-Za-z0-9+/]/);
  throw new DecodeError(`illegal base64 data at input byte ${wrong < 0 ? Math.floor(bare.length / 4) * 4 : wrong}`);
};

function unfit(value: unknown, progress: Progress, owner: string, type: string, shown = ""): never {
  const found = value === null ? "null" : Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  // As Go tells it: fields of structures only, neither places in lists nor keys of maps.
  const names = progress.path.filter((step, index) => typeof step === "string" && !progress.mapKeys.has(index));
  const where = names.length === 0 ? `Go value of type ${type}` : `Go struct field ${owner}.${names.join(".")} of type ${type}`;
  throw new DecodeError(`json: cannot unmarshal ${found}${shown} into ${where}`, convertingError(value, type));
}

/** The type as Go would print it: v1.Container, []string, map[string]string. */
function goType(schema: Schema): string {
  if (schema.$ref) return schema.$ref.split(".").slice(-2).join(".");
  if (schema.format === "quantity") return "resource.Quantity";
  if (schema.format === "int-or-string") return "intstr.IntOrString";
  switch (schema.type) {
    case "array":
      return `[]${goType(schema.items ?? {})}`;
    case "object":
      return schema.additionalProperties ? `map[string]${goType(schema.additionalProperties)}` : "map[string]interface {}";
    case "integer":
      return schema.format ?? "int64";
    case "number":
      return "float64";
    case "boolean":
      return "bool";
    default:
      return schema.type ?? "interface {}";
  }
}

/** "io.k8s.api.apps.v1.DeploymentSpec" as "DeploymentSpec". */
function typeName(definitionName: string): string {
  return definitionName.slice(definitionName.lastIndexOf(".") + 1);
}

/** Paths as error messages write them: `spec.containers[0].name`. */
export function pathText(path: readonly (string | number)[]): string {
  let written = "";
  for (const step of path) written += typeof step === "number" ? `[${step}]` : written === "" ? step : `.${step}`;
  return written;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
