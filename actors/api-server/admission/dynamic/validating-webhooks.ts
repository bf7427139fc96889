import type { ValidatingWebhook } from "../../../../protocol/kinds/generated";
import type { Kind } from "../../../../protocol/kinds/registry";
import { type Failure, internalError, isFailure } from "../../../../protocol/status";
import { withAccess } from "../../authorization-chain";
import type { Ctx, ServerState } from "../../state";
import { callWebhook } from "./call-webhook";
import { tallyWebhook } from "./counts";
import type { Match, Review } from "./review";
import { inTurn, outOfTime, type Run } from "./run";
import type { Scene } from "./scope";
import { inVersionOf } from "./versions";
import { concerns, hasConditions, holds, validatingWebhooks, type Webhook, webhooksOf } from "./webhook";

interface Asked {
  readonly hook: Webhook<ValidatingWebhook>;
  readonly index: number;
  readonly match: Match;
  readonly objects: Pick<Review, "object" | "old">;
}

/** Asks all validating webhooks that are concerned at once, and waits for every answer; the first refusal that comes is the request's. */
export function runValidatingWebhooks(
  state: ServerState,
  ctx: Ctx,
  review: Review,
  run: Run,
  then: (state: ServerState, refusal: Failure | undefined, ctx: Ctx) => undefined,
): undefined {
  const versions = new Map<Kind, Pick<Review, "object" | "old">>();
  const asked: Asked[] = [];
  const all = webhooksOf<ValidatingWebhook>(state, validatingWebhooks).map((hook, index) => ({ hook, index }));
  return inTurn<(typeof all)[number], Failure>(
    state,
    ctx,
    all,
    (state, ctx, { hook, index }, next) => {
      const match = concerns(hook, review, run.around);
      if (match === undefined) return next(state, ctx);
      if (isFailure(match)) return next(state, ctx, match);
      return inVersionOf(state, ctx, review, match, versions, (state, objects, ctx) => {
        if (isFailure(objects)) return next(state, ctx, internalError(objects.message));
        const judge = (authorize: Scene["authorize"]) => !hasConditions(hook) || holds(hook, { review, match, ...objects, authorize });
        return withAccess(state, ctx, run.deadlineUs, judge, (state, met, ctx) => {
          if (isFailure(met)) return next(state, ctx, met);
          if (met) asked.push({ hook, index, match, objects });
          return next(state, ctx);
        });
      });
    },
    (state, ctx, refusal) => (refusal || asked.length === 0 ? then(state, refusal, ctx) : askAll(state, ctx, review, run, asked, then)),
  );
}

function askAll(
  state: ServerState,
  ctx: Ctx,
  review: Review,
  { notes, deadlineUs }: Run,
  asked: readonly Asked[],
  then: (state: ServerState, refusal: Failure | undefined, ctx: Ctx) => undefined,
): undefined {
  let open = asked.length;
  const fromUs = ctx.monotonicUs();
  let refusal: Failure | undefined;
  for (const { hook, index, match, objects } of asked) {
    const { webhook } = hook;
    callWebhook(state, ctx, webhook, { review, match, objects }, { mutating: false, notes, deadlineUs }, (state, answer, ctx) => {
      tallyWebhook(state, webhook, "validating", review.operation, answer, ctx.monotonicUs() - fromUs);
      if (answer.type === "denied") refusal ??= answer.status;
      if (answer.type === "failed") {
        if (webhook.failurePolicy !== "Ignore") refusal ??= internalError(answer.message);
        else {
          notes.annotate(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`, webhook.name);
          if (ctx.monotonicUs() >= deadlineUs) refusal ??= outOfTime();
        }
      }
      open -= 1;
      if (open === 0) return then(state, refusal, ctx);
      return;
    });
  }
  return;
}
