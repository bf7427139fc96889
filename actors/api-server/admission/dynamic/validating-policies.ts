import type { Namespace, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from "../../../../protocol/kinds/generated";
import type { Kind } from "../../../../protocol/kinds/registry";
import { type Failure, forbidden, isFailure } from "../../../../protocol/status";
import { withAccess } from "../../authorization-chain";
import { isObject } from "../../objects/decode";
import type { Ctx, ServerState } from "../../state";
import { tallyPolicy } from "./counts";
import { type Binding, type Invocation, invocationsFor, type Policy, validatingPolicies } from "./policies";
import type { Review } from "./review";
import { inTurn, type Run } from "./run";
import type { Scene } from "./scope";
import { type PolicyDecision, validatePolicy } from "./validating-program";
import { inVersionOf } from "./versions";

type ValidatingPolicy = ValidatingAdmissionPolicy & Policy;
type ValidatingBinding = ValidatingAdmissionPolicyBinding & Binding;

interface Denial {
  readonly policy: string;
  readonly binding: string | undefined;
  readonly reason: string;
  readonly message: string;
}

/** Puts a request to all ValidatingAdmissionPolicies that match it. The first denial is the answer; warnings and audit annotations are noted. */
export function runValidatingPolicies(
  state: ServerState,
  ctx: Ctx,
  review: Review,
  run: Run,
  then: (state: ServerState, refusal: Failure | undefined, ctx: Ctx) => undefined,
): undefined {
  return invocationsFor<ValidatingPolicy, ValidatingBinding>(state, ctx, review, run, validatingPolicies, (state, found, ctx) => {
    const versions = new Map<Kind, Pick<Review, "object" | "old">>();
    const denials: Denial[] = [];
    const published = new Map<string, string[]>();
    const judged = (
      state: ServerState,
      ctx: Ctx,
      each: Invocation<ValidatingPolicy, ValidatingBinding>,
      { object, old }: Pick<Review, "object" | "old">,
      next: (state: ServerState, ctx: Ctx) => undefined,
    ): undefined => {
      const namespace = run.namespace as (Namespace & typeof run.namespace) | undefined;
      const scene = { review, match: each.match, object, old, namespace };
      const judge = (authorize: Scene["authorize"]) =>
        each.params.map((param) => validatePolicy(each.policy.spec ?? {}, { ...scene, authorize }, param, state.metrics.expressions.nowUs));
      return withAccess(state, ctx, run.deadlineUs, judge, (state, results, ctx) => {
        for (const result of results) note(state, each, result, run.notes, denials, published);
        return next(state, ctx);
      });
    };
    return inTurn<(typeof found)[number], never>(
      state,
      ctx,
      found,
      (state, ctx, each, next) => {
        const policy = each.policy.metadata.name;
        const refuse = (message: string) => {
          if (each.policy.spec?.failurePolicy !== "Ignore")
            denials.push({ policy, binding: each.binding?.metadata.name, reason: "", message });
        };
        if (each.type === "misconfigured") {
          refuse(each.error);
          return next(state, ctx);
        }
        return inVersionOf(state, ctx, review, each.match, versions, (state, objects, ctx) => {
          if (isFailure(objects)) refuse(`failed to configure binding: failed to convert object version: ${objects.message}`);
          else return judged(state, ctx, each, objects, next);
          return next(state, ctx);
        });
      },
      (state, ctx) => {
        for (const [key, values] of published) run.notes.annotate(key, values.join(", "));
        return then(state, denials[0] && denied(review, denials[0]), ctx);
      },
    );
  });
}

const annotationLengthMax = 10 * 1024;

/** Notes what came of one policy under one binding and parameter. */
function note(
  state: ServerState,
  { policy, binding }: Invocation<ValidatingPolicy, ValidatingBinding>,
  result: ReturnType<typeof validatePolicy>,
  notes: Run["notes"],
  denials: Denial[],
  published: Map<string, string[]>,
): void {
  const [policyName, bindingName] = [policy.metadata.name, binding.metadata.name];
  const actions: readonly string[] = binding.spec?.validationActions ?? [];
  for (const [index, decision] of result.decisions.entries()) {
    const error = decision.error ? "invalid_error" : "no_error";
    if (decision.allowed) {
      tallyPolicy(state, policyName, bindingName, "allow", error, decision.tookUs);
      continue;
    }
    const { reason, message } = decision;
    for (const action of actions) {
      tallyPolicy(state, policyName, bindingName, action.toLowerCase(), error, decision.tookUs);
      if (action === "Deny") denials.push({ policy: policyName, binding: bindingName, reason, message });
      else if (action === "Warn")
        notes.warn(`Validation failed for ValidatingAdmissionPolicy '${policyName}' with binding '${bindingName}': ${message}`);
      else if (action === "Audit") noteFailure(notes, policyName, bindingName, index, actions, decision);
    }
  }
  for (const annotation of result.annotations) {
    if ("error" in annotation) denials.push({ policy: policyName, binding: bindingName, reason: "", message: annotation.error });
    else {
      const key = `${policyName}/${annotation.key}`;
      const values = published.get(key) ?? [];
      published.set(key, values.includes(annotation.value) ? values : [...values, annotation.value.slice(0, annotationLengthMax)]);
    }
  }
}

function noteFailure(
  notes: Run["notes"],
  policy: string,
  binding: string,
  expressionIndex: number,
  validationActions: readonly string[],
  { message }: PolicyDecision,
): void {
  const failure = [{ message, policy, binding, expressionIndex, validationActions }];
  notes.annotate("validation.policy.admission.k8s.io/validation_failure", JSON.stringify(failure));
}

const codes: ReadonlyMap<string, number> = new Map([
  ["Unauthorized", 401],
  ["Forbidden", 403],
  ["RequestEntityTooLarge", 413],
  ["Invalid", 422],
]);

function denied(review: Review, { policy, binding, reason, message }: Denial): Failure {
  const text =
    binding === undefined
      ? `ValidatingAdmissionPolicy '${policy}' denied request: ${message}`
      : `ValidatingAdmissionPolicy '${policy}' with binding '${binding}' denied request: ${message}`;
  const status = forbidden(subjectOf(review), text);
  return {
    ...status,
    reason: reason || "Invalid",
    code: codes.get(reason || "Invalid") ?? 422,
    details: { ...status.details, causes: [{ message: text }] },
  };
}

/** What a refusal is about: a request without a name by what its object will be called. */
export function subjectOf({ kind, name, object }: Review): { readonly group: string; readonly resource: string; readonly name: string } {
  const metadata = isObject(object?.metadata) ? object.metadata : {};
  const shown = name || (object ? String(metadata.name || metadata.generateName || "Unknown!") : "Unknown!");
  return { group: kind.group, resource: kind.plural, name: shown };
}
