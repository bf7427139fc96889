import type { Namespace, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from "../../../../protocol/kinds/generated";
import type { Kind } from "../../../../protocol/kinds/registry";
import { type Failure, forbidden, isFailure } from "../../../../protocol/status";
import { isObject } from "../../objects/decode";
import type { Ctx, ServerState } from "../../state";
import { tallyPolicy } from "./counts";
import { type Binding, type Invocation, invocationsFor, type Policy, validatingPolicies } from "./policies";
import type { Review } from "./review";
import { authorizeWith, inTurn, type Run } from "./run";
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
          else judge(state, each, review, objects, run, denials, published);
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

/** Evaluates one policy under one binding, for each of its parameters. */
function judge(
  state: ServerState,
  { policy, binding, match, params }: Invocation<ValidatingPolicy, ValidatingBinding>,
  review: Review,
  objects: Pick<Review, "object" | "old">,
  { namespace, notes }: { readonly namespace: Run["namespace"]; readonly notes: Run["notes"] },
  denials: Denial[],
  published: Map<string, string[]>,
): void {
  const [policyName, bindingName] = [policy.metadata.name, binding.metadata.name];
  const actions: readonly string[] = binding.spec?.validationActions ?? [];
  for (const param of params) {
    const { object, old } = objects;
    const scene = {
      review,
      match,
      object,
      old,
      namespace: namespace as (Namespace & typeof namespace) | undefined,
      authorize: authorizeWith(state),
    };
    const result = validatePolicy(policy.spec ?? {}, scene, param);
    for (const [index, decision] of result.decisions.entries()) {
      const error = decision.error ? "invalid_error" : "no_error";
      if (decision.allowed) {
        tallyPolicy(state, policyName, bindingName, "allow", error);
        continue;
      }
      const { reason, message } = decision;
      for (const action of actions) {
        tallyPolicy(state, policyName, bindingName, action.toLowerCase(), error);
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
