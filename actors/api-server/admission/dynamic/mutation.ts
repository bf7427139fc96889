import type { Mutation } from "../../../../protocol/kinds/generated";
import type { JsonObject } from "../../../../protocol/kinds/object";
import type { Schema } from "../../../../protocol/kinds/registry";
import type { CelVariables } from "../../cel/environment";
import { fromCel } from "../../cel/json";
import { type CelType, dyn, listOf, type ObjectType, string } from "../../cel/types";
import { CelFault, type CelValue, isList, isMap, StructValue } from "../../cel/values";
import { StructureError } from "../../objects/managed-fields/structure";
import { lay } from "../../objects/managed-fields/typed";
import { jsonPatch } from "../../objects/patch";
import { type Account, type Expression, evaluate, expressionOf } from "./expressions";
import { atomicsIn, goType, misnamed, mistyped } from "./mutation-types";
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
  const wrong = wrongPatch(value);
  if (wrong !== undefined) return wrong;
  const result = jsonPatch(object, fromCel(value));
  if (result.ok) return result.object;
  // A test that does not hold is how a patch says that there is nothing to do.
  if (result.detail?.endsWith(": test failed")) return object;
  return `JSONPath: ${result.detail ?? result.failure.message}`;
}

/** What is wrong with the operations of a patch that the compiler could not see, where they are made of values of no known type. */
function wrongPatch(value: CelValue): string | undefined {
  if (!isList(value)) return "type mismatch: JSONPatchType.expression should evaluate to array";
  for (const operation of value) {
    if (!(operation instanceof StructValue) || operation.typeName !== "JSONPatch")
      return "type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch";
    for (const [field, content] of operation)
      if (field === "value") {
        const wrong = content instanceof StructValue ? misnamed(content, content.typeName) : undefined;
        if (wrong !== undefined) return `type mismatch: ${wrong}`;
      } else if (typeof content !== "string")
        return `unexpected type ${goType(fromCel(content))} for JSONPatchType '${String(field)}' field`;
  }
  return undefined;
}

function configured(schema: Schema, object: JsonObject, value: CelValue): JsonObject | string {
  if (!isMap(value)) return "must be an Object";
  const wrong = misnamed(value, "Object");
  if (wrong !== undefined) return `type mismatch: ${wrong}`;
  const { apiVersion: _version, kind: _kind, ...config } = fromCel(value) as JsonObject;
  const mismatch = mistyped(config, schema);
  if (mismatch !== "") return `error applying patch: failed to convert patch object to typed object: ${mismatch}`;
  const atomic = atomicsIn(config, schema);
  if (atomic.length > 0)
    return `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(", ")}`;
  return lay(object, config, schema) as JsonObject;
}
