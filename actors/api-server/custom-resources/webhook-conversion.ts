import type { CustomFacts } from "../../../protocol/kinds/custom";
import type { ApiObject, JsonObject, Stored } from "../../../protocol/kinds/object";
import { apiVersionOf, type Kind } from "../../../protocol/kinds/registry";
import { type Failure, failure, isFailure } from "../../../protocol/status";
import { isObject } from "../objects/decode";
import { toStored } from "../registry/conversion";
import type { Ctx, ServerState } from "../state";
import { type Entry, sameJson } from "../storage/entry";
import type { Decision, Later } from "../storage/guaranteed-update";
import type { StoredResource } from "../storage/keys";
import { postJson } from "../web/call";
import { needsWebhook } from "./conversion";
import { asConverted, asRead } from "./objects";

/**
 * Conversion by a webhook: ConversionReviews, as "Versions in CustomResourceDefinitions" in the documentation has them. What was converted is
 * remembered with the entry, so that everything else goes on as if there were no webhook.
 */
type Then<T> = (state: ServerState, outcome: T, ctx: Ctx) => undefined;

const timeoutMs = 30_000;

/** Whether objects of the kind may have to be converted by a webhook. */
export function hasConversionWebhook(kind: Kind): boolean {
  return kind.custom?.conversion.strategy === "Webhook";
}

/** Goes on once all entries can be had in the version of the kind; with a Failure where the webhook did not convert them. */
export function awaitConverted(
  state: ServerState,
  ctx: Ctx,
  kind: Kind,
  entries: readonly Entry[],
  then: Then<Failure | undefined>,
): undefined {
  const { custom } = kind;
  const open = custom ? [...new Set(entries)].filter((entry) => needsWebhook(kind, custom, entry)) : [];
  if (!custom || open.length === 0) return then(state, undefined, ctx);
  const objects = open.map(({ object }) => asRead(custom, object as unknown as JsonObject) as unknown as ApiObject);
  return convertByWebhook(state, ctx, kind, custom, objects, (state, converted, ctx) => {
    if (isFailure(converted)) return then(state, converted, ctx);
    for (const [index, entry] of open.entries()) {
      const object = asConverted(custom, converted[index] as unknown as JsonObject) as unknown as Stored<ApiObject>;
      entry.remember(custom.revision, kind.version, object);
    }
    return then(state, undefined, ctx);
  });
}

/** The decision about an object that a webhook has to convert first: made once that is done. Undefined where nothing is to be converted. */
export function convertedFirst(kind: Kind, entry: Entry, decide: () => Decision | Later<ServerState>): Later<ServerState> | undefined {
  const { custom } = kind;
  if (!custom || !needsWebhook(kind, custom, entry)) return undefined;
  return {
    type: "later",
    ask: (state, ctx, then) =>
      awaitConverted(state, ctx, kind, [entry], (state, refusal, ctx) =>
        then(state, refusal ? { type: "refuse", status: refusal } : decide(), ctx),
      ),
  };
}

/** Whether an object of this kind must be converted by a webhook before it can be stored. */
export function storesThroughWebhook(kind: Kind, resource: StoredResource): boolean {
  return hasConversionWebhook(kind) && kind.version !== resource.kind.version;
}

/** Goes on with the object in the version in which it is stored. */
export function convertForStorage(
  state: ServerState,
  ctx: Ctx,
  kind: Kind,
  resource: StoredResource,
  object: ApiObject,
  then: Then<ApiObject | Failure>,
): undefined {
  const storage = resource.kind;
  if (!storesThroughWebhook(kind, resource) || !storage.custom) return then(state, toStored(kind, resource, object), ctx);
  const { custom } = storage;
  return convertByWebhook(state, ctx, storage, custom, [object], (state, converted, ctx) => {
    if (isFailure(converted)) return then(state, converted, ctx);
    return then(state, asConverted(custom, converted[0] as unknown as JsonObject) as unknown as ApiObject, ctx);
  });
}

/** Asks the webhook of a definition for objects in the version `to`. */
export function convertByWebhook(
  state: ServerState,
  ctx: Ctx,
  to: Kind,
  { conversion }: CustomFacts,
  objects: readonly ApiObject[],
  then: Then<readonly ApiObject[] | Failure>,
): undefined {
  const { webhook } = conversion;
  const versions = webhook?.conversionReviewVersions ?? [];
  const version = versions.find((each) => each === "v1" || each === "v1beta1");
  const what = `${to.group}/${to.version}, Kind=${to.kind}`;
  const fail = (detail: string) => failure("InternalError", `conversion webhook for ${what} ${detail}`);
  const client = webhook?.clientConfig;
  if (!client || version === undefined)
    return then(state, fail(`does not support any of the conversion review versions v1, v1beta1: ${versions.join(", ")}`), ctx);
  const uid = ctx.uuid();
  const desiredAPIVersion = apiVersionOf(to);
  const review = { kind: "ConversionReview", apiVersion: `apiextensions.k8s.io/${version}`, request: { uid, desiredAPIVersion, objects } };
  const target = {
    ...(client.url === undefined ? {} : { url: client.url }),
    ...(client.service === undefined ? {} : { service: client.service }),
    ...(client.caBundle === undefined ? {} : { caBundle: client.caBundle }),
  };
  return postJson(state, ctx, target, review, timeoutMs, (state, outcome, ctx) => {
    if (!outcome.ok)
      return then(
        state,
        fail(
          `failed: Post ${JSON.stringify(client.url ?? `https://${client.service?.name}.${client.service?.namespace}.svc`)}: ${outcome.detail}`,
        ),
        ctx,
      );
    const { code, body } = outcome.response;
    if (code < 200 || code >= 300)
      return then(state, fail(`failed: the server answered with status ${code}: ${Buffer.from(body).toString("utf8", 0, 200)}`), ctx);
    const read = readReview(body, uid, desiredAPIVersion, objects);
    return then(state, typeof read === "string" ? fail(read) : read, ctx);
  });
}

/** The converted objects, or what is wrong with the answer. */
function readReview(body: Uint8Array, uid: string, desired: string, objects: readonly ApiObject[]): readonly ApiObject[] | string {
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return `failed: the answer is no JSON: ${error.message}`;
    throw error;
  }
  const response = isObject(answer) && answer.kind === "ConversionReview" && isObject(answer.response) ? answer.response : undefined;
  if (!response) return "failed: the answer is no ConversionReview with a response";
  if (response.uid !== uid) return `failed: expected response.uid ${JSON.stringify(uid)}, got ${JSON.stringify(response.uid)}`;
  const result = isObject(response.result) ? response.result : {};
  if (result.status !== "Success")
    return `failed: ${String(result.message ?? (result.status === undefined ? "no response.result.status was given" : "failed with no message"))}`;
  const converted = Array.isArray(response.convertedObjects) ? response.convertedObjects : [];
  if (converted.length !== objects.length) return `returned ${converted.length} objects, expected ${objects.length}`;
  const checked: ApiObject[] = [];
  for (const [index, object] of converted.entries()) {
    const merged = withOwnMetadata(objects[index]!, object, desired);
    if (typeof merged === "string") return `returned invalid converted object at index ${index}: ${merged}`;
    checked.push(merged);
  }
  return checked;
}

/** Of the metadata a webhook may change labels and annotations; who the object is it must leave alone. */
function withOwnMetadata(original: ApiObject, converted: unknown, desired: string): ApiObject | string {
  if (!isObject(converted)) return "it is no object";
  if (converted.apiVersion !== desired) return `invalid groupVersion (expected ${desired}, received ${String(converted.apiVersion)})`;
  if (converted.kind !== original.kind) return `invalid kind (expected ${original.kind}, received ${String(converted.kind)})`;
  const given = isObject(converted.metadata) ? converted.metadata : {};
  for (const field of ["name", "namespace", "uid"] as const)
    if (!sameJson(given[field] ?? "", original.metadata[field] ?? "")) return `invalid metadata.${field}: must not be changed`;
  const { labels: _labels, annotations: _annotations, ...kept } = original.metadata;
  const metadata = {
    ...kept,
    ...(isObject(given.labels) ? { labels: given.labels } : {}),
    ...(isObject(given.annotations) ? { annotations: given.annotations } : {}),
  };
  return { ...converted, metadata } as unknown as ApiObject;
}
