import type { ValidatingAdmissionPolicySpec, Validation } from "../../../../protocol/kinds/generated";
import { bool, nullType, string } from "../../cel/types";
import { typeNameOf } from "../../cel/values";
import {
  conditionsOf,
  type Expression,
  evaluate,
  expressionOf,
  meetsConditions,
  type NamedExpression,
  OutOfBudget,
  policyBudget,
  variablesIn,
  withOwnVariables,
} from "./expressions";
import { type Scene, type ScopeOptions, scopeOf, variablesOf } from "./scope";

/** The expressions of a ValidatingAdmissionPolicy, compiled, and what they say of a request. */

interface CompiledValidation {
  readonly validation: Validation;
  readonly expression: Expression;
  readonly message: Expression | undefined;
}

interface Program {
  readonly conditions: readonly NamedExpression[];
  readonly variables: readonly NamedExpression[];
  readonly validations: readonly CompiledValidation[];
  readonly annotations: readonly NamedExpression[];
}

/** Filled as policies are met; a function of the policy's spec alone. */
const programs = new WeakMap<object, Program>();

function programOf(spec: ValidatingAdmissionPolicySpec): Program {
  const known = programs.get(spec);
  if (known) return known;
  const options: ScopeOptions = { params: spec.paramKind !== undefined };
  const { compiled, types } = variablesIn(spec.variables ?? [], options);
  const environment = scopeOf({ ...options, variables: types });
  const ofMessages = scopeOf({ ...options, variables: types, authorizer: false });
  const program: Program = {
    conditions: conditionsOf(spec.matchConditions, options),
    variables: compiled,
    validations: (spec.validations ?? []).map((validation) => ({
      validation,
      expression: expressionOf(environment, validation.expression, bool),
      message: validation.messageExpression ? expressionOf(ofMessages, validation.messageExpression, string) : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      name: key,
      ...expressionOf(environment, valueExpression, string, nullType),
    })),
  };
  programs.set(spec, program);
  return program;
}

/** What one validation came to. `error` says that its expression had no value. */
export interface PolicyDecision {
  readonly allowed: boolean;
  readonly error: boolean;
  readonly reason: string;
  readonly message: string;
  /** How long its expression took. */
  readonly tookUs: number;
}

export interface PolicyResult {
  readonly decisions: readonly PolicyDecision[];
  /** Those to publish; an error denies the request. */
  readonly annotations: readonly Annotation[];
}

export type Annotation = { readonly key: string; readonly value: string } | { readonly error: string };

/** What a policy says of a request under one of the binding's parameters; pure. */
export function validatePolicy(
  spec: ValidatingAdmissionPolicySpec,
  scene: Scene,
  params: unknown,
  nowUs: () => number = () => 0,
): PolicyResult {
  const program = programOf(spec);
  const fails = spec.failurePolicy !== "Ignore";
  const failed = (message: string, tookUs = 0): PolicyDecision => ({ allowed: !fails, error: true, reason: "", message, tookUs });
  if (program.conditions.length > 0) {
    const met = meetsConditions(program.conditions, variablesOf({ ...scene, namespace: undefined }, params), spec.failurePolicy);
    if ("error" in met) return { decisions: [failed(met.error)], annotations: [] };
    if (!met.matches) return { decisions: [], annotations: [] };
  }
  const outer = variablesOf(scene, params);
  try {
    const account = { left: policyBudget };
    const variables = withOwnVariables(outer, program.variables, account);
    const outcomes = program.validations.map((each) => {
      const fromUs = nowUs();
      const outcome = evaluate(each.expression, variables, account);
      return { ...each, outcome, tookUs: nowUs() - fromUs };
    });
    const decisions = outcomes.map(({ validation, message, outcome, tookUs }): PolicyDecision => {
      if (!outcome.ok) return failed(outcome.error, tookUs);
      if (outcome.value === true) return { allowed: true, error: false, reason: "", message: "", tookUs };
      const said = message && saidBy(message, variables, account);
      const text = said || validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
      return { allowed: false, error: false, reason: validation.reason ?? "Invalid", message: text, tookUs };
    });
    const spare = { left: policyBudget };
    return { decisions, annotations: annotationsOf(program, withOwnVariables(outer, program.variables, spare), spare, fails) };
  } catch (error) {
    if (!(error instanceof OutOfBudget)) throw error;
    return { decisions: [failed(error.message)], annotations: [] };
  }
}

const messageBytesMax = 5 * 1024;

/** What a message expression says; "" where that cannot be shown. */
function saidBy(message: Expression, variables: ReturnType<typeof variablesOf>, account: { left: number }): string {
  const outcome = evaluate(message, variables, account);
  if (!outcome.ok || typeof outcome.value !== "string" || Buffer.byteLength(outcome.value) > messageBytesMax) return "";
  const text = outcome.value.trim();
  return /[\n\r]/.test(text) ? "" : text;
}

function annotationsOf(
  { annotations }: Program,
  variables: ReturnType<typeof variablesOf>,
  account: { left: number },
  fails: boolean,
): PolicyResult["annotations"] {
  return annotations.flatMap((annotation): readonly Annotation[] => {
    const outcome = evaluate(annotation, variables, account);
    const error = outcome.ok
      ? outcome.value === null || typeof outcome.value === "string"
        ? undefined
        : `valueExpression '${annotation.source}' resulted in unsupported return type: ${typeNameOf(outcome.value)}. Return type must be either string or null.`
      : outcome.error;
    if (error !== undefined) return fails ? [{ error }] : [];
    const value = outcome.ok && typeof outcome.value === "string" ? outcome.value.trim() : "";
    return value === "" ? [] : [{ key: annotation.name, value }];
  });
}
