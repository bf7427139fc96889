import type { JsonObject } from "../../../protocol/kinds/object";
import { definition, type Schema } from "../../../protocol/kinds/registry";
import { isObject } from "./decode";

/**
 * Strategic merge patch: a merge patch that knows, per type, which lists are merged and by which key, with directives for the rest:
 * `$patch: replace|delete|merge`, `$retainKeys`, `$setElementOrder/<list>`, `$deleteFromPrimitiveList/<list>`.
 * Source: "Strategic Merge Patch" in the Kubernetes API conventions.
 */
export function strategicMerge(definitionName: string, original: JsonObject, patch: JsonObject): JsonObject {
  return mergeMaps(original, patch, { $ref: definitionName });
}

/** What is wrong with the patch itself. */
export class StrategicMergeError extends Error {}

const orderPrefix = "$setElementOrder/";
const deletePrefix = "$deleteFromPrimitiveList/";

function mergeMaps(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  const directive = patch.$patch;
  if (directive === "replace") return withoutDirectives(without(patch, "$patch")) as JsonObject;
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") throw new StrategicMergeError(`unknown patch type: ${text(directive)}`);

  const result: Record<string, unknown> = { ...original };
  retainKeys(result, patch);
  for (const [key, content] of Object.entries(patch)) {
    if (key.startsWith(deletePrefix)) deleteFromPrimitiveList(result, key.slice(deletePrefix.length), content);
    else if (!key.startsWith("$")) mergeField(result, key, content, schema);
  }
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    const field = key.slice(orderPrefix.length);
    setElementOrder(result, field, order, original[field], patch[field], fieldSchema(schema, field));
  }
  return result;
}

function mergeField(result: Record<string, unknown>, key: string, content: unknown, schema: Schema | undefined): void {
  const before = Object.hasOwn(result, key) ? result[key] : undefined;
  if (content === null) delete result[key];
  else if (isObject(content)) {
    const child = fieldSchema(schema, key);
    if (before !== undefined && !isObject(before)) result[key] = withoutDirectives(content);
    else if (before === undefined) setUnlessDeleted(result, key, content);
    else if (content.$patch === "delete") delete result[key];
    else if (strategiesOf(child).has("replace")) result[key] = withoutDirectives(content);
    else result[key] = mergeMaps(before, content, child);
  } else if (Array.isArray(content)) {
    const child = fieldSchema(schema, key);
    if (strategiesOf(child).has("merge")) result[key] = mergeLists(Array.isArray(before) ? before : [], content, child!, key);
    else result[key] = withoutDirectives(content);
  } else result[key] = content;
}

function setUnlessDeleted(result: Record<string, unknown>, key: string, content: JsonObject): void {
  if (content.$patch !== "delete") result[key] = withoutDirectives(content);
}

function retainKeys(result: Record<string, unknown>, patch: JsonObject): void {
  const { $retainKeys: retained } = patch;
  if (retained === undefined) return;
  const wrong = new StrategicMergeError("invalid patch format of retainKeys");
  if (!Array.isArray(retained) || retained.some((key) => typeof key !== "string")) throw wrong;
  const keep: ReadonlySet<unknown> = new Set(retained);
  for (const [key, content] of Object.entries(patch)) if (!key.startsWith("$") && content !== null && !keep.has(key)) throw wrong;
  for (const key of Object.keys(result)) if (!keep.has(key)) delete result[key];
}

function deleteFromPrimitiveList(result: Record<string, unknown>, field: string, gone: unknown): void {
  if (!Array.isArray(gone) || gone.some((item) => typeof item === "object"))
    throw new StrategicMergeError("invalid patch format of primitive list");
  const before = result[field];
  if (Array.isArray(before)) result[field] = before.filter((item) => !gone.includes(item));
}

function mergeLists(original: readonly unknown[], patch: readonly unknown[], schema: Schema, field: string): readonly unknown[] {
  if (original.length === 0 && patch.length === 0) return patch;
  const mergeKey = schema["x-kubernetes-patch-merge-key"];
  if ([...original, ...patch].every((item) => !isObject(item))) {
    if ([...original, ...patch].some(Array.isArray)) throw new StrategicMergeError("lists of lists are not supported");
    const together = [...new Set([...original, ...patch])];
    return inOrder(together, patch, original, identity);
  }
  if (!mergeKey) throw new StrategicMergeError(`cannot merge lists without merge key for ${field}`);

  const keyOf = keyReader(mergeKey);
  let result = original as readonly JsonObject[];
  let replace = false;
  const plain: JsonObject[] = [];
  for (const item of patch) {
    if (!isObject(item)) throw new StrategicMergeError("unexpected type of merge list element");
    switch (item.$patch) {
      case undefined:
        plain.push(item);
        break;
      case "delete": {
        const gone = keyOf(item);
        result = result.filter((element) => element[mergeKey] !== gone);
        break;
      }
      case "replace":
        replace = true;
        break;
      case "merge":
        throw new StrategicMergeError("merging lists cannot yet be specified in the patch");
      default:
        throw new StrategicMergeError(`unknown patch type: ${text(item.$patch)}`);
    }
  }
  if (replace) return plain.map(withoutDirectives);

  const merged = [...result];
  for (const item of plain) {
    const key = keyOf(item);
    const at = merged.findIndex((element) => element[mergeKey] === key);
    if (at >= 0) merged[at] = mergeMaps(merged[at]!, item, schema.items);
    else merged.push(withoutDirectives(item) as JsonObject);
  }
  return inOrder(merged, plain, original, (item) => (item as JsonObject)[mergeKey]);
}

function setElementOrder(
  result: Record<string, unknown>,
  field: string,
  order: unknown,
  original: unknown,
  patch: unknown,
  schema: Schema | undefined,
): void {
  if (!Array.isArray(order)) throw new StrategicMergeError("invalid patch format of setElementOrder list");
  const merged = result[field];
  if (!Array.isArray(merged)) return;
  const mergeKey = schema?.["x-kubernetes-patch-merge-key"];
  const keyOf = mergeKey && order.some(isObject) ? keyReader(mergeKey) : identity;
  if (Array.isArray(patch))
    refuseOtherOrder(patch.filter((item) => !isObject(item) || item.$patch === undefined).map(keyOf), order.map(keyOf), field);
  result[field] = inOrder(merged, order, Array.isArray(original) ? original : [], keyOf);
}

function refuseOtherOrder(patch: readonly unknown[], order: readonly unknown[], field: string): void {
  let at = 0;
  for (const key of patch) {
    const next = order.indexOf(key, at);
    if (next < 0)
      throw new StrategicMergeError(
        `The order in patch list:\n${goText(patch)}\n doesn't match ${orderPrefix}${field} list:\n${goText(order)}`,
      );
    at = next + 1;
  }
}

const identity = (item: unknown): unknown => item;

function keyReader(mergeKey: string): (item: unknown) => unknown {
  return (item) => {
    const key = isObject(item) ? item[mergeKey] : undefined;
    if (key === undefined) throw new StrategicMergeError(`map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
    return key;
  };
}

/**
 * Orders a merged list: what the patch names comes in the patch's order, the rest in the server's, interleaved so that a server's own item
 * stays before the first named item that it preceded.
 */
function inOrder(
  merged: readonly unknown[],
  named: readonly unknown[],
  server: readonly unknown[],
  keyOf: (item: unknown) => unknown,
): readonly unknown[] {
  const rankIn = (list: readonly unknown[]) => new Map(list.map((item, index) => [keyOf(item), index]));
  const namedRank = rankIn(named);
  const serverRank = rankIn(server);
  const rank = (ranks: ReadonlyMap<unknown, number>, item: unknown) => ranks.get(keyOf(item)) ?? ranks.size;
  const byPatch = merged.filter((item) => namedRank.has(keyOf(item))).sort((a, b) => rank(namedRank, a) - rank(namedRank, b));
  const own = merged.filter((item) => !namedRank.has(keyOf(item))).sort((a, b) => rank(serverRank, a) - rank(serverRank, b));
  const result: unknown[] = [];
  let next = 0;
  for (const item of byPatch) {
    const limit = serverRank.get(keyOf(item));
    while (next < own.length && limit !== undefined && serverRank.has(keyOf(own[next])) && rank(serverRank, own[next]) < limit)
      result.push(own[next++]);
    result.push(item);
  }
  return [...result, ...own.slice(next)];
}

/** A patch's content where there is nothing to merge with: nulls, directives and deletions fall away. */
function withoutDirectives(content: unknown): unknown {
  if (Array.isArray(content))
    return content.filter((item) => !isObject(item) || (item.$patch !== "delete" && item.$patch !== "replace")).map(withoutDirectives);
  if (!isObject(content)) return content;
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(content)) {
    if (value === null || key.startsWith("$")) continue;
    if (isObject(value) && value.$patch === "delete") continue;
    result[key] = withoutDirectives(value);
  }
  return result;
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object;
  return rest;
}

/** The schema of a field, its own keywords laid over those of the type that it refers to. */
function fieldSchema(schema: Schema | undefined, field: string): Schema | undefined {
  const type = schema?.$ref ? definition(schema.$ref) : schema;
  if (!type) return undefined;
  if (type.properties) {
    if (!Object.hasOwn(type.properties, field)) {
      const struct = schema?.$ref?.split(".").at(-1) ?? "";
      throw new StrategicMergeError(`unable to find api field in struct ${struct} for the json field ${JSON.stringify(field)}`);
    }
    return type.properties[field];
  }
  return type.additionalProperties;
}

function strategiesOf(schema: Schema | undefined): ReadonlySet<string> {
  return new Set(schema?.["x-kubernetes-patch-strategy"]?.split(",") ?? []);
}

/** A value as Go's %v prints it, which is how these messages are worded. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (isObject(value))
    return `map[${Object.keys(value)
      .sort()
      .map((key) => `${key}:${goText(value[key])}`)
      .join(" ")}]`;
  return value === null ? "<nil>" : text(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
