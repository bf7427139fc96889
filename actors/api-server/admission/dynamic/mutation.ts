import type { Mutation } from "../../../../protocol/kinds/generated";
import type { JsonObject } from "../../../../protocol/kinds/object";
import type { Schema } from "../../../../protocol/kinds/registry";
import type { CelVariables } from "../../cel/environment";
import { fromCel } from "../../cel/json";
import { type CelType, dyn, listOf, type ObjectType, string } from "../../cel/types";
import { CelFault, type CelValue, isList, isMap, StructValue } from "../../cel/values";
import { isObject } from "../../objects/decode";
import { elementsOf, fieldSchema, StructureError, structureFor } from "../../objects/managed-fields/structure";
import { lay } from "../../objects/managed-fields/typed";
import { jsonPatch } from "../../objects/patch";
import { type Account, type Expression, evaluate, expressionOf } from "./expressions";
import { type ScopeOptions, scopeOf } from "./scope";

/** The two ways in which a MutatingAdmissionPolicy changes objects: a configuration that is laid over them, and a JSON Patch. */

/** `Object`, and `Object.spec.template` for what is in it: nothing is known of the fields, but where an object belongs. */
class AnyFields extends Map<string, CelType> {
  override get(): CelType {
    return dyn;
  }
}
const objectType = (name: string): ObjectType => ({ kind: "object", name, fields: new AnyFields() });

const patchType: ObjectType = {
  kind: "object",
  name: "JSONPatch",
  fields: new Map<string, CelType>([
    ["op", string],
    ["path", string],
    ["from", string],
    ["value", dyn],
  ]),
};

/** The names of types that mutations may make: any path that begins with Object. */
class MutationTypes extends Map<string, CelType> {
  override get(name: string): CelType | undefined {
    if (name === "JSONPatch") return patchType;
    return name === "Object" || name.startsWith("Object.") ? objectType(name) : super.get(name);
  }
  override has(name: string): boolean {
    return this.get(name) !== undefined;
  }
}

/** The environment of a mutation's expression. */
export function mutationScope(options: ScopeOptions): ReturnType<typeof scopeOf> {
  const scope = scopeOf({ ...options, types: new Map([["JSONPatch", patchType as CelType]]) });
  return { ...scope, types: new MutationTypes(scope.types) };
}

export interface CompiledMutation {
  readonly patchType: "ApplyConfiguration" | "JSONPatch";
  readonly expression: Expression;
}

/** A mutation with its expression compiled. */
export function compileMutation(
  { patchType: type, applyConfiguration, jsonPatch: patch }: Mutation,
  options: ScopeOptions,
): CompiledMutation {
  const scope = mutationScope(options);
  if (type === "JSONPatch") return { patchType: "JSONPatch", expression: expressionOf(scope, patch?.expression ?? "", listOf(patchType)) };
  return { patchType: "ApplyConfiguration", expression: expressionOf(scope, applyConfiguration?.expression ?? "", objectType("Object")) };
}

/** The object as a mutation makes it; the text says why it makes nothing of it. May throw OutOfBudget. */
export function mutated(
  { patchType: type, expression }: CompiledMutation,
  schema: Schema,
  object: JsonObject,
  variables: CelVariables,
  account: Account,
): JsonObject | string {
  const outcome = evaluate(expression, variables, account);
  if (!outcome.ok) return outcome.error;
  try {
    return type === "JSONPatch" ? patched(object, outcome.value) : configured(schema, object, outcome.value);
  } catch (error) {
    if (error instanceof CelFault || error instanceof StructureError) return error.message;
    throw error;
  }
}

function patched(object: JsonObject, value: CelValue): JsonObject | string {
  const operations = fromCel(value);
  const result = jsonPatch(object, operations);
  return result.ok ? result.object : `JSON Patch: ${result.detail ?? result.failure.message}`;
}

function configured(schema: Schema, object: JsonObject, value: CelValue): JsonObject | string {
  if (!isMap(value)) return "must be an Object";
  const wrong = misnamed(value, "Object");
  if (wrong !== undefined) return `type mismatch: ${wrong}`;
  const { apiVersion: _version, kind: _kind, ...config } = fromCel(value) as JsonObject;
  const atomic = atomicsIn(config, schema, "");
  if (atomic.length > 0) return `invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(", ")}`;
  return lay(object, config, schema) as JsonObject;
}

/** An object's type must be named after the place where it stands. */
function misnamed(value: CelValue, path: string): string | undefined {
  if (value instanceof StructValue && value.typeName !== path)
    return `unexpected type name ${JSON.stringify(value.typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`;
  if (isList(value)) return first(value.map((item) => misnamed(item, path)));
  if (isMap(value)) return first([...value].map(([name, item]) => misnamed(item, `${path}.${String(name)}`)));
  return undefined;
}

const first = (found: readonly (string | undefined)[]): string | undefined => found.find((each) => each !== undefined);

/** What would be replaced as a whole: nobody could tell what was meant to stay. */
function atomicsIn(value: unknown, schema: Schema, path: string): readonly string[] {
  const structure = structureFor(schema, value);
  if (structure.type === "whole") return Array.isArray(value) || isObject(value) ? [path] : [];
  if (structure.type === "struct" || structure.type === "map") {
    if (!isObject(value)) return [];
    return Object.entries(value).flatMap(([name, content]) => {
      const child = fieldSchema(structure, name);
      if (!child) throw new StructureError(`${path}.${name}: field not declared in schema`);
      return atomicsIn(content, child, `${path}.${name}`);
    });
  }
  if (structure.type === "set" || !Array.isArray(value)) return [];
  const elements = elementsOf(structure, value);
  return value.flatMap((item, index) => {
    const keys = Object.entries(JSON.parse(elements[index]!.slice(2)) as JsonObject);
    return atomicsIn(item, structure.items, `${path}[${keys.map(([key, own]) => `${key}=${JSON.stringify(own)}`).join(",")}]`);
  });
}
