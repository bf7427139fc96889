import type { JsonObject } from "../../../protocol/kinds/object";
import { definition, type Kind, type Schema } from "../../../protocol/kinds/registry";
import { withCustomDefaults } from "../custom-resources/objects";
import { isObject } from "./decode";
import { clusterRules } from "./defaults/cluster";
import { coreRules } from "./defaults/core";
import { podRules } from "./defaults/pods";
import { fill, type Rule } from "./defaults/rule";
import { workloadRules } from "./defaults/workloads";

/**
 * Completes an object with the defaults of its kind: those that definitions.json states, and those that Kubernetes computes in code, which
 * the tables of defaults/ hold by type. A type's own rule runs before those of what it contains.
 */
export function withDefaults(kind: Kind, object: JsonObject): JsonObject {
  if (kind.custom) return withCustomDefaults(kind.custom, object);
  return withTypeDefaults(kind.definition, hasSpec(kind) ? fill(object, { spec: nothing }) : object);
}

const nothing: JsonObject = {};

/** Where a kind has a spec it is always there, even if nothing is in it. */
function hasSpec(kind: Kind): boolean {
  return definition(kind.definition)?.properties?.spec?.$ref !== undefined;
}

/** Completes a value of any type of definitions.json. */
export function withTypeDefaults(definitionName: string, value: JsonObject): JsonObject {
  const complete = completerOf(definitionName);
  return complete ? complete(value) : value;
}

const prefixes = ["io.k8s.api.", "io.k8s.kube-aggregator.pkg.apis.", "io.k8s.apiextensions-apiserver.pkg.apis."];

const rules: ReadonlyMap<string, Rule> = new Map(
  [...podRules, ...coreRules, ...workloadRules, ...clusterRules].map(([name, rule]) => {
    const full = prefixes.map((prefix) => prefix + name).find((candidate) => definition(candidate));
    if (!full) throw new Error(`a default is given for the unknown type ${name}`);
    return [full, rule];
  }),
);

/** Filled as definitions are met; the content is a function of definitions.json and the tables. Undefined: nothing below has a default. */
const completers = new Map<string, Rule | undefined>();

function completerOf(name: string): Rule | undefined {
  if (completers.has(name)) return completers.get(name);
  // A type that contains itself (JSONSchemaProps) has no defaults of its own: while it is being worked out it counts as having none.
  completers.set(name, undefined);
  const schema = definition(name);
  const completer = schema?.properties ? structCompleter(schema, rules.get(name)) : undefined;
  completers.set(name, completer);
  return completer;
}

function structCompleter(schema: Schema, rule: Rule | undefined): Rule | undefined {
  const stated: Record<string, unknown> = {};
  const below: (readonly [string, (value: unknown) => unknown])[] = [];
  for (const [field, child] of Object.entries(schema.properties!)) {
    if (child.default !== undefined) stated[field] = child.default;
    const complete = valueCompleter(child);
    if (complete) below.push([field, complete]);
  }
  const hasStated = Object.keys(stated).length > 0;
  if (!rule && !hasStated && below.length === 0) return undefined;
  return (given) => {
    let value = hasStated ? fill(given, stated) : given;
    if (rule) value = rule(value);
    let changed: Record<string, unknown> | undefined;
    for (const [field, complete] of below) {
      const before = value[field];
      if (before === undefined) continue;
      const after = complete(before);
      if (after !== before) (changed ??= { ...value })[field] = after;
    }
    return changed ?? value;
  };
}

function valueCompleter(schema: Schema): ((value: unknown) => unknown) | undefined {
  if (schema.$ref) {
    const complete = completerOf(schema.$ref);
    return complete && ((value) => (isObject(value) ? complete(value) : value));
  }
  const inner = schema.items ?? schema.additionalProperties;
  const complete = inner && valueCompleter(inner);
  if (!complete) return undefined;
  if (schema.items)
    return (value) => {
      if (!Array.isArray(value)) return value;
      let changed: unknown[] | undefined;
      for (let index = 0; index < value.length; index += 1) {
        const after = complete(value[index]);
        if (after !== value[index]) (changed ??= [...value])[index] = after;
      }
      return changed ?? value;
    };
  return (value) => {
    if (!isObject(value)) return value;
    let changed: Record<string, unknown> | undefined;
    for (const key in value) {
      const after = complete(value[key]);
      if (after !== value[key]) (changed ??= { ...value })[key] = after;
    }
    return changed ?? value;
  };
}
