import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
  MutatingAdmissionPolicySpec,
} from "../../../../protocol/kinds/generated";
import type { JsonObject } from "../../../../protocol/kinds/object";
import type { Kind } from "../../../../protocol/kinds/registry";
import { type Failure, forbidden, internalError, isFailure } from "../../../../protocol/status";
import { withAccess } from "../../authorization-chain";
import { semanticallyEqual } from "../../objects/equality";
import type { Ctx, ServerState } from "../../state";
import { decodedAgain, schemaOfBody } from "./body";
import {
  conditionsOf,
  meetsConditions,
  type NamedExpression,
  OutOfBudget,
  policyBudget,
  variablesIn,
  withOwnVariables,
} from "./expressions";
import { type CompiledMutation, compileMutation, mutated } from "./mutation";
import { type Binding, type Invocation, invocationsFor, mutatingPolicies, type Policy } from "./policies";
import type { Reinvocable, Reinvocation } from "./reinvocation";
import type { Match, Review } from "./review";
import { inTurn, type Run } from "./run";
import { type Scene, type ScopeOptions, variablesOf } from "./scope";
import { subjectOf } from "./validating-policies";
import { converted, inVersionOf } from "./versions";

type MutatingPolicy = MutatingAdmissionPolicy & Policy;
type MutatingBinding = MutatingAdmissionPolicyBinding & Binding;

interface Program {
  readonly conditions: readonly NamedExpression[];
  readonly variables: readonly NamedExpression[];
  readonly mutations: readonly CompiledMutation[];
}

/** Filled as policies are met; a function of the policy's spec alone. */
const programs = new WeakMap<object, Program>();

function programOf(spec: MutatingAdmissionPolicySpec): Program {
  const known = programs.get(spec);
  if (known) return known;
  const options: ScopeOptions = { params: spec.paramKind !== undefined };
  const { compiled, types } = variablesIn(spec.variables ?? [], options);
  const program: Program = {
    conditions: conditionsOf(spec.matchConditions, options),
    variables: compiled,
    mutations: (spec.mutations ?? []).map((mutation) => compileMutation(mutation, { ...options, variables: types })),
  };
  programs.set(spec, program);
  return program;
}

/** Puts a request to the MutatingAdmissionPolicies that match it, one after the other; each sees what those before it made of the object. */
export function runMutatingPolicies(
  state: ServerState,
  ctx: Ctx,
  given: Review,
  run: Run,
  { reinvocation, policies }: { readonly reinvocation: Reinvocation; readonly policies: Reinvocable },
  then: (state: ServerState, object: JsonObject | undefined | Failure, ctx: Ctx) => undefined,
): undefined {
  const { round } = reinvocation;
  let { object } = given;
  const errors: string[] = [];
  policies.begin(round, object);
  return invocationsFor<MutatingPolicy, MutatingBinding>(state, ctx, given, run, mutatingPolicies, (state, found, ctx) => {
    const calls = found.flatMap((each) => {
      if (each.type === "invoke") return each.params.map((param, index) => ({ each, param, uid: uidOf(each, index) }));
      fail(each, each.error);
      return [];
    });
    let versions = new Map<Kind, Pick<Review, "object" | "old">>();
    return inTurn<(typeof calls)[number], Failure>(
      state,
      ctx,
      calls,
      (state, ctx, { each, param, uid }, next) => {
        if (object === undefined || !policies.isAsked(round, uid)) return next(state, ctx);
        const review = { ...given, object };
        return inVersionOf(state, ctx, review, each.match, versions, (state, objects, ctx) => {
          if (isFailure(objects)) return next(state, ctx, internalError(objects.message));
          const before = objects.object!;
          const scene = { review, match: each.match, ...objects, namespace: run.namespace };
          const mutate = (authorize: Scene["authorize"]) => mutatedBy(each.policy.spec ?? {}, { ...scene, authorize }, param);
          return withAccess(state, ctx, run.deadlineUs, mutate, (state, made, ctx) => settled(state, ctx, made, before));
        });

        function settled(state: ServerState, ctx: Ctx, made: JsonObject | string | Failure | undefined, before: JsonObject): undefined {
          if (made === undefined) return next(state, ctx);
          if (typeof made === "string") {
            fail(each, made);
            return next(state, ctx);
          }
          if (isFailure(made)) return next(state, ctx, made);
          if (!semanticallyEqual(made, before)) policies.changed(reinvocation);
          if (each.policy.spec?.reinvocationPolicy === "IfNeeded") policies.wants(uid);
          const settle = (state: ServerState, ctx: Ctx, result: JsonObject): undefined => {
            object = result;
            versions = new Map();
            return next(state, ctx);
          };
          if (each.match.body === given.body) return settle(state, ctx, made);
          return converted(state, ctx, each.match.kind, given.kind, [made], (state, back, ctx) =>
            isFailure(back) ? next(state, ctx, internalError(back.message)) : settle(state, ctx, back[0]!),
          );
        }
      },
      (state, ctx, refusal) => {
        policies.end(object);
        return then(state, refusal ?? refused(given, errors) ?? object, ctx);
      },
    );
  });

  function fail(
    { policy, binding }: { readonly policy: MutatingPolicy; readonly binding: MutatingBinding | undefined },
    error: string,
  ): void {
    if (policy.spec?.failurePolicy === "Ignore") return;
    const name = policy.metadata?.name;
    errors.push(
      binding
        ? `policy '${name}' with binding '${binding.metadata?.name}' denied request: ${error}`
        : `policy ${JSON.stringify(name)} denied request: ${error}`,
    );
  }
}

function uidOf({ policy, binding }: Invocation<MutatingPolicy, MutatingBinding>, index: number): string {
  return `${policy.metadata.name}/${binding.metadata.name}/${index}`;
}

/** The object as a policy makes it; undefined where its conditions do not hold, a text where it comes to nothing. */
function mutatedBy(spec: MutatingAdmissionPolicySpec, scene: Scene, params: unknown): JsonObject | string | Failure | undefined {
  const { conditions, variables, mutations } = programOf(spec);
  if (conditions.length > 0) {
    const met = meetsConditions(conditions, variablesOf({ ...scene, namespace: undefined }, params), spec.failurePolicy);
    if ("error" in met) return met.error;
    if (!met.matches) return undefined;
  }
  let object = scene.object!;
  try {
    for (const mutation of mutations) {
      const account = { left: policyBudget };
      const known = withOwnVariables(variablesOf({ ...scene, object }, params), variables, account);
      const made = mutated(mutation, schemaOfBody(scene.match), object, known, account);
      if (typeof made === "string") return made;
      const again = decodedAgain(scene.match as Match, made);
      if (isFailure(again)) return again;
      object = again;
    }
  } catch (error) {
    if (error instanceof OutOfBudget) return error.message;
    throw error;
  }
  return object;
}

function refused(review: Review, errors: readonly string[]): Failure | undefined {
  const [first] = errors;
  if (first === undefined) return undefined;
  const status = forbidden(subjectOf(review), "");
  const causes = errors.map((message) => ({ message }));
  return { ...status, message: first, reason: "Invalid", details: { ...status.details, causes } };
}
