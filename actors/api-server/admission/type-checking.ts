import type {
  CustomResourceDefinition,
  ExpressionWarning,
  JSONSchemaProps,
  MatchResources,
  ValidatingAdmissionPolicy,
} from "../../../protocol/kinds/generated";
import { allKinds, definition, groupVersionOf, kindOf, type Schema, schemaOf } from "../../../protocol/kinds/registry";
import { schemaType } from "../cel/schema-type";
import { bool, bytes, type CelType, double, dyn, int, listOf, mapOf, type ObjectType, string, timestamp } from "../cel/types";
import { expressionOf, variablesIn } from "./dynamic/expressions";
import { type ScopeOptions, scopeOf } from "./dynamic/scope";

/**
 * What is wrong with a policy's expressions for the types that it is about. Requests are decided without types; this is for whoever wrote the policy.
 * Source: "Type checking" in the documentation of Validating Admission Policy.
 */
export function typeWarnings(
  policy: ValidatingAdmissionPolicy,
  definitions: readonly CustomResourceDefinition[],
): readonly ExpressionWarning[] {
  const { spec = {} } = policy;
  const kinds = kindsOf(spec.matchConstraints ?? {}, definitions);
  const { apiVersion = "", kind = "" } = spec.paramKind ?? {};
  const params = spec.paramKind === undefined ? false : (typeOf(apiVersion, kind, definitions) ?? dyn);
  const checked = kinds.map(({ name, object }) => {
    const options: ScopeOptions = { params, object };
    return { name, options: { ...options, variables: variablesIn(spec.variables ?? [], options).types } };
  });
  const warningOf = (fieldRef: string, source: string, authorizer: boolean, wanted: CelType): readonly ExpressionWarning[] => {
    const found = checked.flatMap(({ name, options }) => {
      const { compiled } = expressionOf(scopeOf({ ...options, authorizer }), source, wanted);
      return compiled.ok ? [] : [`${name}: ${compiled.message.replace(/^compilation failed: /, "")}`];
    });
    return found.length === 0 ? [] : [{ fieldRef, warning: found.join("\n") }];
  };
  return (spec.validations ?? []).flatMap(({ expression, messageExpression }, index) => [
    ...warningOf(`spec.validations[${index}].expression`, expression, true, bool),
    ...(messageExpression ? warningOf(`spec.validations[${index}].messageExpression`, messageExpression, false, string) : []),
  ]);
}

interface KnownType {
  /** "apps/v1, Kind=Deployment" */
  readonly name: string;
  readonly object: CelType;
}

const kindsMax = 10;

/** The types that the rules name; a rule with a wildcard could mean any. */
function kindsOf({ resourceRules = [] }: MatchResources, definitions: readonly CustomResourceDefinition[]): readonly KnownType[] {
  const found = new Map<string, KnownType>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of resourceRules) {
    if ([...apiGroups, ...apiVersions, ...resources].some((each) => each.includes("*"))) continue;
    for (const group of apiGroups)
      for (const version of apiVersions)
        for (const plural of resources) {
          const kind = kindNamed(group, version, plural, definitions);
          const object = kind && typeOf(group === "" ? version : `${group}/${version}`, kind, definitions);
          if (!object || found.size >= kindsMax) continue;
          const name = `${group === "" ? version : `${group}/${version}`}, Kind=${kind}`;
          found.set(name, { name, object });
        }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function kindNamed(group: string, version: string, plural: string, definitions: readonly CustomResourceDefinition[]): string | undefined {
  const builtIn = allKinds().find((each) => each.group === group && each.version === version && each.plural === plural);
  return builtIn?.kind ?? definitions.find(({ spec }) => spec.group === group && spec.names.plural === plural)?.spec.names.kind;
}

function typeOf(apiVersion: string, kind: string, definitions: readonly CustomResourceDefinition[]): CelType | undefined {
  const builtIn = kindOf(apiVersion, kind);
  if (builtIn) return builtInType(schemaOf(builtIn), builtIn.definition);
  const { group, version } = groupVersionOf(apiVersion);
  const spec = definitions.find((each) => each.spec.group === group && each.spec.names.kind === kind)?.spec;
  const schema = spec?.versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema;
  return schema && withWholeMetadata(schemaType(schema as JSONSchemaProps, true, `${apiVersion}.${kind}`));
}

/** Rules of a definition see little of the metadata; policies see all of it. */
function withWholeMetadata(type: CelType | undefined): CelType | undefined {
  if (type?.kind !== "object") return type;
  const metadata = named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  return { ...type, fields: new Map([...type.fields, ["metadata", metadata]]) };
}

/** Fields whose types are made when they are asked for: definitions refer to each other in circles. */
class LazyFields extends Map<string, CelType> {
  private readonly made = new Map<string, CelType>();
  constructor(
    private readonly properties: Readonly<Record<string, Schema>>,
    private readonly path: string,
  ) {
    super();
  }
  override get(name: string): CelType | undefined {
    const known = this.made.get(name);
    const schema = Object.hasOwn(this.properties, name) ? this.properties[name] : undefined;
    if (known || !schema) return known;
    const type = builtInType(schema, `${this.path}.${name}`);
    this.made.set(name, type);
    return type;
  }
}

/** Filled as definitions are met; the content is a function of definitions.json alone. */
const types = new Map<string, ObjectType | CelType>();

function named(name: string): CelType {
  const known = types.get(name);
  if (known) return known;
  const schema = definition(name);
  const type = schema ? builtInType(schema, name) : dyn;
  types.set(name, type);
  return type;
}

function builtInType(schema: Schema, path: string): CelType {
  if (schema.$ref) return named(schema.$ref);
  if (schema.format === "int-or-string" || schema.format === "quantity" || schema.format === "any") return dyn;
  if (schema["x-kubernetes-preserve-unknown-fields"]) return dyn;
  switch (schema.type) {
    case "object":
      if (schema.properties) return { kind: "object", name: path, fields: new LazyFields(schema.properties, path) };
      return mapOf(string, schema.additionalProperties ? builtInType(schema.additionalProperties, `${path}.@elem`) : dyn);
    case "array":
      return listOf(schema.items ? builtInType(schema.items, `${path}.@idx`) : dyn);
    case "string":
      return schema.format === "byte" ? bytes : schema.format === "date-time" ? timestamp : string;
    case "integer":
      return int;
    case "number":
      return double;
    case "boolean":
      return bool;
    default:
      return schema.properties ? { kind: "object", name: path, fields: new LazyFields(schema.properties, path) } : dyn;
  }
}
