import Ajv, { type ErrorObject, type ValidateFunction } from "ajv";
import type { JsonObject } from "../protocol/kinds/object";
import { closest } from "./closest";
import type { Path, Problem, SourceDocument } from "./source";

/** A JSON Schema (draft 2020-12 keywords that ajv's default build knows). Descriptions in it are what `describe` prints. */
export type JsonSchema = JsonObject;

const ajv = new Ajv({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true });

/** "30s", "1m30s", "250ms": Go's notation, as in Kubernetes' own configuration. */
export const durationSchema: JsonSchema = {
  type: "string",
  pattern: "^(([0-9]+([.][0-9]+)?|[.][0-9]+)(us|µs|ms|s|m|h))+$|^0$",
  description: 'a duration such as "30s", "1m30s" or "250ms"',
};

/** "5%" or "99.9%". */
export const percentSchema: JsonSchema = {
  type: "string",
  pattern: "^(100([.]0+)?|[0-9]{1,2}([.][0-9]+)?)%$",
  description: 'a percentage between 0% and 100%, such as "5%" or "99.9%"',
};

/** The name of something that gets a host or an account by it. */
export function nameSchema(description: string): JsonSchema {
  return { type: "string", pattern: "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", description };
}

/** A record with exactly these properties, of which some are required. */
export function recordSchema(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[] = []): JsonSchema {
  return { type: "object", properties, required, additionalProperties: false };
}

/** A validator of values by a schema. It is made when it is first asked: that takes a third of a second, which most commands need not spend. */
export function compileSchema(schema: JsonSchema): Validate {
  let validate: ValidateFunction | undefined;
  return (value) => {
    validate ??= ajv.compile(schema);
    return validate(value) ? [] : (validate.errors ?? []);
  };
}

/** What is wrong with a value; nothing where it is as the schema says. */
export type Validate = (value: unknown) => readonly ErrorObject[];

/** What is wrong with the part of a document at `path`, by its schema; one problem for each place, what was expected in words. */
export function validatePart(document: SourceDocument, path: Path, part: unknown, validate: Validate): readonly Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const error of validate(part)) {
    const at = [...path, ...pointerOf(error.instancePath, part)];
    const message = expectation(error);
    if (message === undefined) continue;
    const extra = error.keyword === "additionalProperties" ? [String(error.params.additionalProperty)] : [];
    const problem = document.problem([...at, ...extra], message, extra.length > 0 ? "key" : "value");
    if (seen.has(problem.path)) continue;
    seen.add(problem.path);
    problems.push(problem);
  }
  return problems;
}

/** Splits a JSON pointer; numbers where the part is an array. */
function pointerOf(pointer: string, root: unknown): Path {
  const path: (string | number)[] = [];
  let value: unknown = root;
  for (const raw of pointer.split("/").slice(1)) {
    const key = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(value) ? Number(key) : key);
    value = (value as JsonObject | undefined)?.[key];
  }
  return path;
}

function expectation(error: ErrorObject): string | undefined {
  const { params, keyword, parentSchema, data } = error;
  const about = typeof parentSchema?.description === "string" ? parentSchema.description : undefined;
  switch (keyword) {
    case "additionalProperties": {
      const known = Object.keys((parentSchema?.properties ?? {}) as JsonObject);
      return unknownName("field", String(params.additionalProperty), known);
    }
    case "required":
      return `the field "${String(params.missingProperty)}" is missing`;
    case "enum":
      return unknownName("value", show(data), (params.allowedValues as readonly unknown[]).map(String));
    case "const":
      return `expected ${JSON.stringify(params.allowedValue)}, found ${show(data)}`;
    case "type":
      // What a number counts ("nodes") does not say that a number is expected.
      if (params.type === "integer") return `expected a whole number${about ? ` (${about})` : ""}, found ${show(data)}`;
      return `expected ${about ?? [params.type].flat().join(" or ")}, found ${show(data)}`;
    case "pattern":
      return `expected ${about ?? `a text that matches ${String(params.pattern)}`}, found ${show(data)}`;
    // Each branch's own errors say more than the combination's.
    case "anyOf":
    case "oneOf":
    case "if":
      return about ? `expected ${about}, found ${show(data)}` : undefined;
    default:
      return `${error.message ?? keyword}${about ? ` (${about})` : ""}, found ${show(data)}`;
  }
}

/** So many names are listed beside a near one; more would hide it. */
const listedMax = 16;

/** `unknown fault "crsh": expected one of …; did you mean "crash"?` */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const near = closest(name, known);
  if (near !== undefined && known.length > listedMax) return `unknown ${what} "${name}"; did you mean "${near}"?`;
  const hint = near === undefined ? "" : `; did you mean "${near}"?`;
  return `unknown ${what} "${name}": expected ${known.length === 1 ? known[0] : `one of ${known.join(", ")}`}${hint}`;
}

function show(value: unknown): string {
  if (typeof value === "string") return value;
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
