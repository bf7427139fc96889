import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { valuesOf } from "../schema/structural";

/** The steps of ".spec.labels['app']"; undefined where it is no such path. */
function stepsOf(path: string): readonly { readonly name: string; readonly quoted: boolean }[] | undefined {
  const shape = /\.([^.[\]']+)|\['((?:\\.|[^'\\])*)'\]/y;
  const steps: { name: string; quoted: boolean }[] = [];
  let at = 0;
  while (at < path.length) {
    shape.lastIndex = at;
    const match = shape.exec(path);
    if (!match) return undefined;
    steps.push({ name: match[1] ?? match[2]!.replace(/\\(.)/g, "$1"), quoted: match[1] === undefined });
    at += match[0].length;
  }
  return steps;
}

export type FieldPath = { readonly names: readonly string[]; readonly schema: JSONSchemaProps } | { readonly fault: string };

/** Follows a path of fields and keys through a schema; `fault` says where it leads nowhere. */
export function followFieldPath(schema: JSONSchemaProps, path: string, allowsBrackets: boolean): FieldPath {
  if (!allowsBrackets && path.includes("[")) return { fault: "array notation is not allowed" };
  const steps = stepsOf(path.trim());
  if (!steps || steps.length === 0) return { fault: "expected a path of fields such as .spec.name" };
  let at: JSONSchemaProps = schema;
  for (const { name } of steps) {
    const own = at.properties && Object.hasOwn(at.properties, name) ? at.properties[name] : undefined;
    const values = at.properties ? undefined : valuesOf(at);
    const next = own ?? (values === "any" ? {} : values);
    if (!next) return { fault: "does not refer to a valid field" };
    at = next;
  }
  return { names: steps.map(({ name }) => name), schema: at };
}

/** Why a path leads nowhere; undefined where it leads somewhere. */
export function fieldPathFault(schema: JSONSchemaProps, path: string, allowsBrackets: boolean): string | undefined {
  const followed = followFieldPath(schema, path, allowsBrackets);
  return "fault" in followed ? followed.fault : undefined;
}
