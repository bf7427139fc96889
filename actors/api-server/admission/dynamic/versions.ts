import type { ApiObject, JsonObject } from "../../../../protocol/kinds/object";
import { apiVersionOf, type Kind } from "../../../../protocol/kinds/registry";
import { type Failure, isFailure } from "../../../../protocol/status";
import { asConverted } from "../../custom-resources/objects";
import { convertByWebhook } from "../../custom-resources/webhook-conversion";
import { toServed, toStored } from "../../registry/conversion";
import type { Ctx, ServerState } from "../../state";
import type { Match, Review } from "./review";

type Objects = Pick<Review, "object" | "old">;

/** The kinds that show the same objects in other versions. */
export function equivalentsOf({ served }: ServerState, { kind }: Review): readonly Kind[] {
  const resource = served.storedResourceOf(kind);
  if (!resource) return [];
  return served.kinds.filter(
    (each) => each !== kind && apiVersionOf(each) !== apiVersionOf(kind) && served.storedResourceOf(each) === resource,
  );
}

/** The request's objects in the version of a match; made once for each version, which `known` remembers. */
export function inVersionOf(
  state: ServerState,
  ctx: Ctx,
  review: Review,
  match: Match,
  known: Map<Kind, Objects>,
  then: (state: ServerState, objects: Objects | Failure, ctx: Ctx) => undefined,
): undefined {
  const { object, old, kind, body } = review;
  if (match.kind === kind || match.body === body) return then(state, { object, old }, ctx);
  const made = known.get(match.kind);
  if (made) return then(state, made, ctx);
  const both = [object, old].filter((each) => each !== undefined);
  return converted(state, ctx, kind, match.kind, both, (state, objects, ctx) => {
    if (isFailure(objects)) return then(state, objects, ctx);
    const rest = [...objects];
    const result: Objects = { object: object && rest.shift(), old: old && rest.shift() };
    known.set(match.kind, result);
    return then(state, result, ctx);
  });
}

/** Objects of one version as another's; a webhook of the definition may have to be asked. */
export function converted(
  state: ServerState,
  ctx: Ctx,
  from: Kind,
  to: Kind,
  objects: readonly JsonObject[],
  then: (state: ServerState, objects: readonly JsonObject[] | Failure, ctx: Ctx) => undefined,
): undefined {
  if (from === to || objects.length === 0) return then(state, objects, ctx);
  const { custom } = to;
  if (custom?.conversion.strategy === "Webhook")
    return convertByWebhook(state, ctx, to, custom, objects as unknown as readonly ApiObject[], (state, answer, ctx) =>
      then(state, isFailure(answer) ? answer : answer.map((each) => asConverted(custom, each as unknown as JsonObject)), ctx),
    );
  const resource = state.served.storedResourceOf(from)!;
  const one = (object: JsonObject): JsonObject => {
    if (custom) return asConverted(custom, { ...object, apiVersion: apiVersionOf(to), kind: to.kind });
    return toServed(to, resource, toStored(from, resource, object as unknown as ApiObject)) as unknown as JsonObject;
  };
  return then(state, objects.map(one), ctx);
}
