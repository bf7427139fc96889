import type { MutatingWebhook } from "../../../../protocol/kinds/generated";
import type { JsonObject } from "../../../../protocol/kinds/object";
import type { Kind } from "../../../../protocol/kinds/registry";
import { type Failure, internalError, isFailure } from "../../../../protocol/status";
import { withAccess } from "../../authorization-chain";
import { semanticallyEqual } from "../../objects/equality";
import { jsonPatch } from "../../objects/patch";
import type { Ctx, ServerState } from "../../state";
import { decodedAgain } from "./body";
import { callWebhook } from "./call-webhook";
import { tallyWebhook } from "./counts";
import type { Reinvocable, Reinvocation } from "./reinvocation";
import type { Match, Review } from "./review";
import { inTurn, outOfTime, type Run } from "./run";
import type { Scene } from "./scope";
import { converted, inVersionOf } from "./versions";
import { concerns, hasConditions, holds, mutatingWebhooks, type Webhook, webhooksOf } from "./webhook";

type Then = (state: ServerState, object: JsonObject | undefined | Failure, ctx: Ctx) => undefined;

/** Asks one mutating webhook after the other; each sees what those before it made of the object. */
export function runMutatingWebhooks(
  state: ServerState,
  ctx: Ctx,
  given: Review,
  run: Run,
  { reinvocation, webhooks }: { readonly reinvocation: Reinvocation; readonly webhooks: Reinvocable },
  then: Then,
): undefined {
  const { round } = reinvocation;
  let { object } = given;
  let versions = new Map<Kind, Pick<Review, "object" | "old">>();
  webhooks.begin(round, object);
  const all = webhooksOf<MutatingWebhook>(state, mutatingWebhooks).map((hook, index) => ({ hook, index }));
  return inTurn<(typeof all)[number], Failure>(
    state,
    ctx,
    all,
    (state, ctx, { hook, index }, next) => {
      const review = { ...given, object };
      const match = concerns(hook, review, run.around);
      if (match === undefined) return next(state, ctx);
      if (isFailure(match)) return next(state, ctx, match);
      if (!webhooks.isAsked(round, hook.uid)) return next(state, ctx);
      return inVersionOf(state, ctx, review, match, versions, (state, objects, ctx) => {
        if (isFailure(objects)) return next(state, ctx, internalError(objects.message));
        if (!hasConditions(hook)) return ask(state, ctx, hook, index, { review, match, objects }, next);
        const judge = (authorize: Scene["authorize"]) => holds(hook, { review, match, ...objects, authorize });
        return withAccess(state, ctx, run.deadlineUs, judge, (state, met, ctx) => {
          if (isFailure(met)) return next(state, ctx, met);
          return met ? ask(state, ctx, hook, index, { review, match, objects }, next) : next(state, ctx);
        });
      });
    },
    (state, ctx, refusal) => {
      webhooks.end(object);
      return then(state, refusal ?? object, ctx);
    },
  );

  function ask(
    state: ServerState,
    ctx: Ctx,
    { webhook, uid, configuration }: Webhook<MutatingWebhook>,
    index: number,
    asked: { readonly review: Review; readonly match: Match; readonly objects: Pick<Review, "object" | "old"> },
    next: (state: ServerState, ctx: Ctx, refusal?: Failure) => undefined,
  ): undefined {
    const { notes, deadlineUs } = run;
    const place = `round_${round}_index_${index}`;
    const settle = (state: ServerState, ctx: Ctx, made: JsonObject | undefined): undefined => {
      const mutated = made !== undefined && !semanticallyEqual(made, object);
      if (made !== undefined) {
        object = made;
        versions = new Map();
      }
      if (mutated) webhooks.changed(reinvocation);
      if (webhook.reinvocationPolicy === "IfNeeded") webhooks.wants(uid);
      notes.annotate(`mutation.webhook.admission.k8s.io/${place}`, JSON.stringify({ configuration, webhook: webhook.name, mutated }));
      return next(state, ctx);
    };
    const fromUs = ctx.monotonicUs();
    return callWebhook(state, ctx, webhook, asked, { mutating: true, notes, deadlineUs }, (state, answer, ctx) => {
      tallyWebhook(state, webhook, "admit", given.operation, answer, ctx.monotonicUs() - fromUs);
      if (answer.type === "denied") return next(state, ctx, answer.status);
      if (answer.type === "failed") {
        if (webhook.failurePolicy !== "Ignore") return next(state, ctx, internalError(answer.message));
        notes.annotate(`failed-open.mutation.webhook.admission.k8s.io/${place}`, webhook.name);
        if (webhook.reinvocationPolicy === "IfNeeded") webhooks.wants(uid);
        return ctx.monotonicUs() >= deadlineUs ? next(state, ctx, outOfTime()) : next(state, ctx);
      }
      if (answer.patch === "") return settle(state, ctx, undefined);
      const patched = applied(webhook.name, asked.match, asked.objects.object, answer.patch);
      if (isFailure(patched)) return next(state, ctx, patched);
      if (patched === undefined) return settle(state, ctx, undefined);
      if (asked.match.body === given.body) return settle(state, ctx, patched);
      return converted(state, ctx, asked.match.kind, given.kind, [patched], (state, back, ctx) =>
        isFailure(back) ? next(state, ctx, internalError(back.message)) : settle(state, ctx, back[0]!),
      );
    });
  }
}

/** The object with a webhook's patch; undefined where the patch is empty. */
function applied(name: string, match: Match, object: JsonObject | undefined, text: string): JsonObject | undefined | Failure {
  let patch: unknown;
  try {
    patch = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return internalError(error.message);
    throw error;
  }
  if (patch === null || (Array.isArray(patch) && patch.length === 0)) return undefined;
  if (object === undefined)
    return internalError(
      `admission webhook ${JSON.stringify(name)} attempted to modify the object, which is not supported for this operation`,
    );
  const patched = jsonPatch(object, patch);
  if (!patched.ok) return internalError(patched.detail ?? patched.failure.message);
  return decodedAgain(match, patched.object);
}
