import type { JsonObject } from "../../../../protocol/kinds/object";
import { isReview, type Kind } from "../../../../protocol/kinds/registry";
import { type Failure, isFailure } from "../../../../protocol/status";
import type { Ctx, ServerState } from "../../state";
import { cacheOf } from "../../storage/feed";
import { imagePolicyOf, reviewImages } from "./image-policy";
import { runMutatingPolicies } from "./mutating-policies";
import { runMutatingWebhooks } from "./mutating-webhooks";
import { arePoliciesBound, mutatingPolicies, validatingPolicies } from "./policies";
import { Reinvocable, Reinvocation } from "./reinvocation";
import type { Notes, Review } from "./review";
import { beginRun } from "./run";
import { runValidatingPolicies } from "./validating-policies";
import { runValidatingWebhooks } from "./validating-webhooks";
import { mutatingWebhooks, validatingWebhooks } from "./webhook";

export { Notes, type Review, reviewOf, writeOptions } from "./review";

/**
 * Admission by what users have configured: MutatingAdmissionPolicies and mutating webhooks after the server's own plug-ins, and after validation
 * ValidatingAdmissionPolicies and validating webhooks. Source: "Dynamic Admission Control" and "Validating Admission Policy" in the documentation.
 */

const exempt: ReadonlySet<string> = new Set([
  "validatingwebhookconfigurations",
  "mutatingwebhookconfigurations",
  "validatingadmissionpolicies",
  "validatingadmissionpolicybindings",
  "mutatingadmissionpolicies",
  "mutatingadmissionpolicybindings",
]);

/** What admission is made of goes past webhooks and policies: otherwise nobody could take back one that refuses everything. */
function isExempt({ group, plural }: Kind): boolean {
  return group === "admissionregistration.k8s.io" && exempt.has(plural);
}

/** Whether anybody might want to change objects of the kind on their way in. */
export function mayMutate(state: ServerState, kind: Kind): boolean {
  return !isExempt(kind) && (callsMutating(state) || areAsked(state, kind, mutatingPolicies));
}

/** Whether anybody might want to refuse objects of the kind. */
export function mayValidate(state: ServerState, kind: Kind): boolean {
  return !isExempt(kind) && (callsValidating(state) || areAsked(state, kind, validatingPolicies) || asksOfImages(state, kind));
}

/** Whether there are webhooks to be called, and calling them has not been turned off. */
const callsMutating = (state: ServerState) =>
  state.knobs["admission-plugin-MutatingAdmissionWebhook"] === 1 && cacheOf(state.feed, mutatingWebhooks).size > 0;
const callsValidating = (state: ServerState) =>
  state.knobs["admission-plugin-ValidatingAdmissionWebhook"] === 1 && cacheOf(state.feed, validatingWebhooks).size > 0;

const asksOfImages = (state: ServerState, { group, plural }: Kind) =>
  group === "" && plural === "pods" && imagePolicyOf(state) !== undefined;

/** Questions such as SubjectAccessReviews are shown to webhooks, but to no policy. */
function areAsked(state: ServerState, kind: Kind, policies: Parameters<typeof arePoliciesBound>[1]): boolean {
  const plugin = policies === mutatingPolicies ? "MutatingAdmissionPolicy" : "ValidatingAdmissionPolicy";
  return !isReview(kind) && state.knobs[`admission-plugin-${plugin}`] === 1 && arePoliciesBound(state, policies);
}

interface Asking {
  readonly notes: Notes;
  readonly deadlineUs: number;
}

/**
 * The object as policies and webhooks make it. Where one of them changed it, those before it that want that are asked again; `plugins` is what the
 * server's own plug-ins make of it in between.
 */
export function admitMutating(
  state: ServerState,
  ctx: Ctx,
  given: Review,
  { notes, deadlineUs, plugins }: Asking & { readonly plugins: (object: JsonObject) => JsonObject | Failure },
  then: (state: ServerState, object: JsonObject | undefined | Failure, ctx: Ctx) => undefined,
): undefined {
  if (!mayMutate(state, given.kind)) return then(state, given.object, ctx);
  const reinvocation = new Reinvocation();
  const again = { reinvocation, policies: new Reinvocable(), webhooks: new Reinvocable() };
  return beginRun(state, ctx, given, { notes, deadlineUs }, (state, run, ctx) => {
    if (isFailure(run)) return then(state, run, ctx);
    return round(state, ctx, given.object);

    function round(state: ServerState, ctx: Ctx, object: JsonObject | undefined): undefined {
      const policies = areAsked(state, given.kind, mutatingPolicies) ? runMutatingPolicies : passOver;
      return policies(state, ctx, { ...given, object }, run as Exclude<typeof run, Failure>, again, (state, object, ctx) => {
        if (isFailure(object)) return then(state, object, ctx);
        const webhooks = callsMutating(state) ? runMutatingWebhooks : passOver;
        return webhooks(state, ctx, { ...given, object }, run as Exclude<typeof run, Failure>, again, (state, object, ctx) => {
          if (isFailure(object) || !reinvocation.isNeeded || reinvocation.round > 0) return then(state, object, ctx);
          reinvocation.round = 1;
          const next = object && plugins(object);
          return isFailure(next) ? then(state, next, ctx) : round(state, ctx, next);
        });
      });
    }
  });
}

const passOver: typeof runMutatingPolicies = (state, ctx, { object }, _run, _again, then) => then(state, object, ctx);

/** The first refusal of a policy or webhook. */
export function admitValidating(
  state: ServerState,
  ctx: Ctx,
  review: Review,
  asking: Asking,
  then: (state: ServerState, refusal: Failure | undefined, ctx: Ctx) => undefined,
): undefined {
  if (!mayValidate(state, review.kind)) return then(state, undefined, ctx);
  return reviewImages(state, ctx, review, asking, (state, refusal, ctx) =>
    refusal ? then(state, refusal, ctx) : askUsers(state, ctx, review, asking, then),
  );
}

/** What those say whom users have configured. */
function askUsers(
  state: ServerState,
  ctx: Ctx,
  review: Review,
  { notes, deadlineUs }: Asking,
  then: (state: ServerState, refusal: Failure | undefined, ctx: Ctx) => undefined,
): undefined {
  return beginRun(state, ctx, review, { notes, deadlineUs }, (state, run, ctx) => {
    if (isFailure(run)) return then(state, run, ctx);
    const webhooks: typeof runValidatingWebhooks = (state, ctx, ...rest) =>
      callsValidating(state) ? runValidatingWebhooks(state, ctx, ...rest) : then(state, undefined, ctx);
    if (!areAsked(state, review.kind, validatingPolicies)) return webhooks(state, ctx, review, run, then);
    return runValidatingPolicies(state, ctx, review, run, (state, refusal, ctx) => {
      if (refusal) return then(state, refusal, ctx);
      return webhooks(state, ctx, review, run, then);
    });
  });
}

/** Has all of them look at the body of a request that goes no further way through the registry: an Eviction, a Binding, options of exec. */
export function admitBody(
  state: ServerState,
  ctx: Ctx,
  review: Review,
  asking: Asking,
  then: (state: ServerState, object: JsonObject | undefined | Failure, ctx: Ctx) => undefined,
): undefined {
  return admitMutating(state, ctx, review, { ...asking, plugins: (object) => object }, (state, object, ctx) => {
    if (isFailure(object)) return then(state, object, ctx);
    return admitValidating(state, ctx, { ...review, object }, asking, (state, refusal, ctx) => then(state, refusal ?? object, ctx));
  });
}
