import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { decodeAs, isObject, pathText } from "../../objects/decode";
import { itemsOf, mapItems, mapMembers, resourceFields, valuesOf } from "./structural";

/** Where the walk is, and the paths of what it took out. */
interface Progress {
  readonly path: (string | number)[];
  readonly unknown: string[];
}

export interface Pruned {
  readonly value: unknown;
  /** Paths of the fields that were taken out, "spec.foo". */
  readonly unknown: readonly string[];
}

/**
 * Takes out what the schema does not name, except below x-kubernetes-preserve-unknown-fields. Of a resource, and of an embedded one, apiVersion,
 * kind and metadata always stay; unknown fields of an embedded one's metadata go. Source: "Field pruning" in the documentation.
 */
export function prune(schema: JSONSchemaProps, object: unknown): Pruned {
  const progress: Progress = { path: [], unknown: [] };
  return { value: pruned(object, schema, true, progress), unknown: progress.unknown };
}

function pruned(value: unknown, schema: JSONSchemaProps | undefined, isResource: boolean, progress: Progress): unknown {
  if (Array.isArray(value))
    return eachItem(value, progress, (item) => pruned(item, itemsOf(schema), isEmbedded(itemsOf(schema)), progress));
  if (!isObject(value)) return value;
  const keeps = schema?.["x-kubernetes-preserve-unknown-fields"] === true;
  const values = valuesOf(schema);
  return eachMember(value, progress, (member, name) => {
    if (isResource && resourceFields.has(name))
      return name === "metadata" && progress.path.length > 1 ? prunedMeta(member, progress) : member;
    const child = schema?.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    if (child) return pruned(member, child, isEmbedded(child), progress);
    if (values === "any") return pruned(member, undefined, false, progress);
    if (values) return pruned(member, values, isEmbedded(values), progress);
    if (keeps) return member;
    progress.unknown.push(pathText(progress.path));
    return undefined;
  });
}

function isEmbedded(schema: JSONSchemaProps | undefined): boolean {
  return schema?.["x-kubernetes-embedded-resource"] === true;
}

function prunedMeta(metadata: unknown, progress: Progress): unknown {
  const decoded = decodeAs("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", metadata);
  // What has the wrong type is for validation to say.
  if (!decoded.ok) return metadata;
  for (const path of decoded.unknown) progress.unknown.push(`${pathText(progress.path)}.${path}`);
  return decoded.value;
}

function eachMember(value: Record<string, unknown>, { path }: Progress, visit: (member: unknown, name: string) => unknown): object {
  return mapMembers(value, (member, name) => {
    path.push(name);
    const after = visit(member, name);
    path.pop();
    return after;
  });
}

function eachItem(list: readonly unknown[], { path }: Progress, visit: (item: unknown) => unknown): readonly unknown[] {
  return mapItems(list, (item, index) => {
    path.push(index);
    const after = visit(item);
    path.pop();
    return after;
  });
}
