import type { MatchCondition, Variable } from "../../../../protocol/kinds/generated";
import { type CelEnvironment, type CelVariables, type Compiled, compile, perCallLimit } from "../../cel/environment";
import { CostExceeded } from "../../cel/evaluate";
import { bool, type CelType, dyn } from "../../cel/types";
import { CelFault, type CelValue } from "../../cel/values";
import { type ScopeOptions, scopeOf } from "./scope";

/** Expressions of webhooks and policies: compiled once, evaluated for each request within a budget. */

export interface Expression {
  readonly source: string;
  readonly compiled: Compiled;
}

export function expressionOf(environment: CelEnvironment, source: string, ...wanted: readonly CelType[]): Expression {
  return { source, compiled: compile(environment, source, ...wanted) };
}

/** What all expressions of one policy may cost together for a request, and its match conditions by themselves. Source: Kubernetes' limits. */
export const policyBudget = 10_000_000;
export const conditionsBudget = 2_500_000;

/** What is left of a budget. */
export interface Account {
  left: number;
}

export type Outcome = { readonly ok: true; readonly value: CelValue } | { readonly ok: false; readonly error: string };

/** The expressions together cost more than they may. */
export class OutOfBudget extends Error {
  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
  }
}

/** The value of an expression, or why it has none; throws OutOfBudget. */
export function evaluate({ source, compiled }: Expression, variables: CelVariables, account: Account): Outcome {
  if (!compiled.ok) return { ok: false, error: `compilation error: ${compiled.message}` };
  const budget = { left: Math.min(perCallLimit, account.left) };
  const given = budget.left;
  try {
    return { ok: true, value: compiled.program.evaluate(variables, budget) };
  } catch (error) {
    if (error instanceof CostExceeded && given < perCallLimit) throw new OutOfBudget();
    if (error instanceof CelFault || error instanceof CostExceeded)
      return { ok: false, error: `expression '${source}' resulted in error: ${error.message}` };
    throw error;
  } finally {
    account.left -= given - Math.max(0, budget.left);
  }
}

export interface NamedExpression extends Expression {
  readonly name: string;
}

/** A policy's own variables: each may use those before it. Their types are for the environment of everything else. */
export function variablesIn(
  variables: readonly Variable[],
  options: ScopeOptions,
): { readonly compiled: readonly NamedExpression[]; readonly types: ReadonlyMap<string, CelType> } {
  const types = new Map<string, CelType>();
  const compiled: NamedExpression[] = [];
  for (const { name, expression } of variables) {
    const found = expressionOf(scopeOf({ ...options, variables: new Map(types) }), expression);
    compiled.push({ name, ...found });
    types.set(name, found.compiled.ok ? found.compiled.program.type : dyn);
  }
  return { compiled, types };
}

/** The value of `variables`: each is worked out when it is first asked for. */
export class LazyVariables extends Map<CelValue, CelValue> {
  private readonly known = new Map<CelValue, Outcome>();

  constructor(
    private readonly expressions: ReadonlyMap<string, NamedExpression>,
    private readonly outer: CelVariables,
    private readonly account: Account,
  ) {
    super();
  }

  override get(name: CelValue): CelValue | undefined {
    const expression = this.expressions.get(String(name));
    if (!expression) return undefined;
    let outcome = this.known.get(name);
    if (!outcome) {
      outcome = evaluate(expression, this.outer, this.account);
      this.known.set(name, outcome);
    }
    if (!outcome.ok) throw new CelFault(`composited variable ${JSON.stringify(name)} fails to evaluate: ${outcome.error}`);
    return outcome.value;
  }
}

/** The variables with a policy's own under `variables`. */
export function withOwnVariables(outer: CelVariables, own: readonly NamedExpression[], account: Account): CelVariables {
  const all = new Map(outer);
  all.set("variables", new LazyVariables(new Map(own.map((each) => [each.name, each])), all, account));
  return all;
}

export function conditionsOf(conditions: readonly MatchCondition[] | undefined, options: ScopeOptions): readonly NamedExpression[] {
  if (!conditions || conditions.length === 0) return [];
  const environment = scopeOf(options);
  return conditions.map(({ name, expression }) => ({ name, ...expressionOf(environment, expression, bool) }));
}

/** Whether all match conditions hold. One that is false decides, whatever became of the others; errors count as the failure policy says. */
export function meetsConditions(
  conditions: readonly NamedExpression[],
  variables: CelVariables,
  failurePolicy: string | undefined,
): { readonly matches: boolean } | { readonly error: string } {
  const account = { left: conditionsBudget };
  const errors: string[] = [];
  const fails = failurePolicy !== "Ignore";
  try {
    for (const condition of conditions) {
      const outcome = evaluate(condition, variables, account);
      if (!outcome.ok) errors.push(outcome.error);
      else if (outcome.value !== true) return { matches: false };
    }
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    return fails ? { error: error.message } : { matches: false };
  }
  if (errors.length === 0) return { matches: true };
  return fails ? { error: aggregate(errors) } : { matches: false };
}

/** Several errors as Kubernetes writes them together. */
export function aggregate(errors: readonly string[]): string {
  const [first = ""] = errors;
  return errors.length === 1 ? first : `[${errors.join(", ")}]`;
}
