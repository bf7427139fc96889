import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from "../../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../../protocol/kinds/object";
import { type Failure, forbidden } from "../../../../protocol/status";
import type { ServerState } from "../../state";
import { cacheOf } from "../../storage/feed";
import { prefixOfList, resourceNamed } from "../../storage/keys";
import { conditionsOf, meetsConditions, type NamedExpression } from "./expressions";
import { matchRequest, type Surroundings } from "./matching";
import type { Match, Review } from "./review";
import { type Scene, variablesOf } from "./scope";

/** A webhook with the configuration that it stands in. */
export interface Webhook<W extends ValidatingWebhook | MutatingWebhook = ValidatingWebhook | MutatingWebhook> {
  readonly configuration: string;
  /** Its place in the configuration and its name, by which it is told from all others. */
  readonly uid: string;
  readonly webhook: W;
}

export const validatingWebhooks = resourceNamed("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations");
export const mutatingWebhooks = resourceNamed("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations");

/** All webhooks in the order in which they are asked: configurations by name, webhooks as they stand. */
export function webhooksOf<W extends ValidatingWebhook | MutatingWebhook>(
  { feed }: ServerState,
  resource: typeof validatingWebhooks,
): readonly Webhook<W>[] {
  return cacheOf(feed, resource)
    .list(prefixOfList(resource, ""))
    .flatMap(({ object }) => {
      const { metadata, webhooks = [] } = object as Stored<ApiObject> & (ValidatingWebhookConfiguration | MutatingWebhookConfiguration);
      return webhooks.map((webhook, index) => ({
        configuration: metadata.name!,
        uid: `${metadata.name}/${webhook.name}/${index}`,
        webhook: webhook as W,
      }));
    });
}

/** Filled as webhooks are met; a function of the webhook alone. */
const conditions = new WeakMap<object, readonly NamedExpression[]>();

function conditionsOfWebhook(webhook: ValidatingWebhook | MutatingWebhook): readonly NamedExpression[] {
  let found = conditions.get(webhook);
  if (!found) {
    found = conditionsOf(webhook.matchConditions, {});
    conditions.set(webhook, found);
  }
  return found;
}

/** Whether rules and selectors make a webhook one to be asked about a request. */
export function concerns({ webhook }: Webhook, review: Review, around: Surroundings): Match | Failure | undefined {
  const { rules = [], matchPolicy, namespaceSelector, objectSelector } = webhook;
  return matchRequest(
    review,
    {
      rules,
      ...(matchPolicy ? { matchPolicy } : {}),
      ...(namespaceSelector ? { namespaceSelector } : {}),
      ...(objectSelector ? { objectSelector } : {}),
    },
    around,
  );
}

export function hasConditions({ webhook }: Webhook): boolean {
  return (webhook.matchConditions ?? []).length > 0;
}

/** Whether the webhook's match conditions hold for the request; a 403 where that cannot be said and the webhook must not be passed over. */
export function holds({ webhook }: Webhook, scene: Omit<Scene, "namespace">): boolean | Failure {
  const met = meetsConditions(conditionsOfWebhook(webhook), variablesOf({ ...scene, namespace: undefined }), webhook.failurePolicy);
  if ("matches" in met) return met.matches;
  const { kind, name } = scene.review;
  return forbidden({ group: kind.group, resource: kind.plural, name }, met.error);
}
