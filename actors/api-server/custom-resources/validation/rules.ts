import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { cardinalityMax, declaredMax, estimateCost } from "../../cel/estimate";
import type { Findings } from "../../objects/validation/field-error";
import { rulesOf } from "../rules";
import { itemsOf, valuesOf } from "../schema/structural";

/** What one rule may cost by estimate for a whole object, and all rules of a schema together. Source: Kubernetes' own limits. */
const ruleCostMax = 10_000_000;
const schemaCostMax = 100_000_000;

/**
 * Whether the rules of a schema can be compiled, ask for old values only where there can be any, and cost no more than they may. `unchanged`:
 * the schema was accepted before, so that single rules are not held against the limit again.
 */
export function checkRules(schema: JSONSchemaProps, at: string, unchanged: boolean, findings: Findings): void {
  const total = new Total();
  checkNode(schema, at, { cardinality: 1, uncorrelated: undefined, isRoot: true, unchanged }, total, findings);
  if (total.cost <= schemaCostMax) return;
  for (const path of total.dearest())
    findings.forbidden(path, "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema");
  findings.forbidden(
    at,
    overBudget("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema", total.cost, schemaCostMax),
  );
}

interface Place {
  /** How many values of this schema there may be; undefined where nothing bounds them but the size of a request. */
  readonly cardinality: number | undefined;
  /** The list or map in which no old value can be told to be the same one's. */
  readonly uncorrelated: string | undefined;
  readonly isRoot: boolean;
  readonly unchanged: boolean;
}

const dearestMax = 4;

class Total {
  cost = 0;
  private readonly rules: { readonly path: string; readonly cost: number }[] = [];

  add(path: string, cost: number): void {
    this.cost += cost;
    this.rules.push({ path, cost });
  }

  dearest(): readonly string[] {
    return this.rules
      .toSorted((a, b) => b.cost - a.cost)
      .slice(0, dearestMax)
      .map(({ path }) => path);
  }
}

function checkNode(schema: JSONSchemaProps, at: string, place: Place, total: Total, findings: Findings): void {
  const isResource = place.isRoot || schema["x-kubernetes-embedded-resource"] === true;
  for (const [index, compiled] of rulesOf(schema, isResource).entries()) {
    const path = `${at}.x-kubernetes-validations[${index}]`;
    const { rule, error, program, message, messageError, usesOldSelf } = compiled;
    const variable = { schema, isResource };
    const cost = (checked: NonNullable<typeof program>) =>
      estimateCost(checked.checked, { self: variable, oldSelf: variable }) * (place.cardinality ?? cardinalityMax(schema));
    const charge = (what: string, name: string, checked: NonNullable<typeof program>) => {
      const estimated = cost(checked);
      if (!place.unchanged && estimated > ruleCostMax) findings.forbidden(`${path}.${name}`, overBudget(what, estimated, ruleCostMax));
      total.add(`${path}.${name}`, estimated);
    };
    if (program) charge("estimated rule cost", "rule", program);
    else findings.invalid(`${path}.rule`, rule, error ?? "");
    if (messageError !== undefined) findings.invalid(`${path}.messageExpression`, rule, messageError);
    else if (message) charge("estimated messageExpression cost", "messageExpression", message);
    if (usesOldSelf && place.uncorrelated !== undefined)
      findings.invalid(
        `${path}.rule`,
        rule.rule,
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${place.uncorrelated}`,
      );
    if (!usesOldSelf && program && rule.optionalOldSelf !== undefined)
      findings.invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, "may not be set if oldSelf is not used in rule");
  }
  const inner = { ...place, isRoot: false };
  const many = declaredMax(schema);
  const cardinality = place.cardinality === undefined || many === undefined ? undefined : place.cardinality * many;
  const items = itemsOf(schema);
  if (items) {
    const uncorrelated = place.uncorrelated ?? (schema["x-kubernetes-list-type"] === "map" ? undefined : at);
    checkNode(items, `${at}.items`, { ...inner, cardinality, uncorrelated }, total, findings);
  }
  const values = valuesOf(schema);
  if (values && values !== "any") checkNode(values, `${at}.additionalProperties`, { ...inner, cardinality }, total, findings);
  const uncorrelated = place.uncorrelated ?? (schema["x-kubernetes-map-type"] === "atomic" ? at : undefined);
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    checkNode(child, `${at}.properties[${name}]`, { ...inner, uncorrelated }, total, findings);
}

function overBudget(what: string, cost: number, most: number): string {
  const factor = cost / most;
  const shown = factor > 100 ? "more than 100x" : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
