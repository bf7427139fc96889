import type { LabelSelector, MatchResources, ParamKind, ParamRef } from "../../../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../../../protocol/kinds/label-selector";
import type { ApiObject, JsonObject, Stored } from "../../../../protocol/kinds/object";
import { groupVersionOf, type Kind } from "../../../../protocol/kinds/registry";
import { isFailure } from "../../../../protocol/status";
import { awaitConverted } from "../../custom-resources/webhook-conversion";
import { servedObject } from "../../registry/conversion";
import type { Ctx, ServerState } from "../../state";
import type { Entry } from "../../storage/entry";
import { cacheOf } from "../../storage/feed";
import { keyOfObject, prefixOfList, resourceNamed, type StoredResource } from "../../storage/keys";
import { matchResources } from "./matching";
import type { Match, Review } from "./review";
import { inTurn, type Run } from "./run";

/** What both kinds of policies have in common: bindings, what they match, and their parameters. */

export interface Policy extends ApiObject {
  readonly spec?: {
    readonly failurePolicy?: string;
    readonly matchConstraints?: MatchResources;
    readonly paramKind?: ParamKind;
  };
}

export interface Binding extends ApiObject {
  readonly spec?: { readonly policyName?: string; readonly matchResources?: MatchResources; readonly paramRef?: ParamRef };
}

const resource = (plural: string) => resourceNamed("admissionregistration.k8s.io", "v1", plural);
export const validatingPolicies = [resource("validatingadmissionpolicies"), resource("validatingadmissionpolicybindings")] as const;
export const mutatingPolicies = [resource("mutatingadmissionpolicies"), resource("mutatingadmissionpolicybindings")] as const;

/** A policy that is to be asked under a binding, once for each of the parameters; null stands for having none. */
export interface Invocation<P, B> {
  readonly type: "invoke";
  readonly policy: Stored<P>;
  readonly binding: Stored<B>;
  readonly match: Match;
  readonly params: readonly (JsonObject | null)[];
}

/** A policy that cannot be asked: its failure policy says what that means. */
export interface Misconfigured<P, B> {
  readonly type: "misconfigured";
  readonly policy: Stored<P>;
  readonly binding: Stored<B> | undefined;
  readonly error: string;
}

type Found<P, B> = Invocation<P, B> | Misconfigured<P, B>;

/** Whether there is anything that could be asked: a policy without a binding is not. */
export function arePoliciesBound({ feed }: ServerState, [policies, bindings]: readonly [StoredResource, StoredResource]): boolean {
  return cacheOf(feed, policies).size > 0 && cacheOf(feed, bindings).size > 0;
}

/** What is to be asked about a request: policies by name, each with its bindings by name. */
export function invocationsFor<P extends Policy, B extends Binding>(
  state: ServerState,
  ctx: Ctx,
  review: Review,
  run: Run,
  [policies, bindings]: readonly [StoredResource, StoredResource],
  then: (state: ServerState, found: readonly Found<P, B>[], ctx: Ctx) => undefined,
): undefined {
  const found: Found<P, B>[] = [];
  const bound = all<B>(state, bindings);
  const pairs: { readonly policy: Stored<P>; readonly binding: Stored<B>; readonly match: Match }[] = [];
  for (const policy of all<P>(state, policies)) {
    const own = bound.filter(({ spec }) => spec?.policyName === policy.metadata.name);
    if (own.length === 0) continue;
    const match = matchResources(review, policy.spec?.matchConstraints ?? {}, run.around);
    if (match === undefined) continue;
    const { paramKind } = policy.spec ?? {};
    const misconfigured = isFailure(match)
      ? match.message
      : paramKind && !kindOfParams(state, paramKind)
        ? `failed to find resource referenced by paramKind: '${kindText(paramKind)}'`
        : undefined;
    if (misconfigured !== undefined || isFailure(match)) {
      found.push({ type: "misconfigured", policy, binding: undefined, error: `failed to configure policy: ${misconfigured}` });
      continue;
    }
    for (const binding of own) pairs.push({ policy, binding, match });
  }
  return inTurn<(typeof pairs)[number], never>(
    state,
    ctx,
    pairs,
    (state, ctx, { policy, binding, match }, next) => {
      const fail = (error: string) =>
        found.push({ type: "misconfigured", policy, binding, error: `failed to configure binding: ${error}` });
      const limits = binding.spec?.matchResources;
      const bindingMatch = limits ? matchResources(review, limits, run.around) : match;
      if (bindingMatch === undefined) return next(state, ctx);
      if (isFailure(bindingMatch)) {
        fail(bindingMatch.message);
        return next(state, ctx);
      }
      return paramsOf(state, ctx, policy.spec?.paramKind, binding.spec?.paramRef, review.namespace, (state, params, ctx) => {
        if (typeof params === "string") fail(params);
        else found.push({ type: "invoke", policy, binding, match, params });
        return next(state, ctx);
      });
    },
    (state, ctx) => then(state, found, ctx),
  );
}

function all<T>({ feed }: ServerState, resource: StoredResource): readonly Stored<T>[] {
  return cacheOf(feed, resource)
    .list(prefixOfList(resource, ""))
    .map(({ object }) => object as unknown as Stored<T>);
}

function kindOfParams({ served }: ServerState, { apiVersion = "", kind = "" }: ParamKind): Kind | undefined {
  return served.kindOf(apiVersion, kind);
}

function kindText({ apiVersion = "", kind = "" }: ParamKind): string {
  const { group, version } = groupVersionOf(apiVersion);
  return `${group}/${version}, Kind=${kind}`;
}

/** The parameters that a binding names; the text says what is wrong with them. */
function paramsOf(
  state: ServerState,
  ctx: Ctx,
  paramKind: ParamKind | undefined,
  reference: ParamRef | undefined,
  requestNamespace: string,
  then: (state: ServerState, params: readonly (JsonObject | null)[] | string, ctx: Ctx) => undefined,
): undefined {
  if (!paramKind || !reference) return then(state, [null], ctx);
  const kind = kindOfParams(state, paramKind);
  const stored = kind && state.served.storedResourceOf(kind);
  if (!kind || !stored) return then(state, `paramKind kind \`${kindText(paramKind)}\` not known`, ctx);
  const { name = "", namespace: own = "", selector, parameterNotFoundAction } = reference;
  const namespace = kind.namespaced ? own || requestNamespace : "";
  if (kind.namespaced && namespace === "")
    return then(state, "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources", ctx);
  if (!kind.namespaced && own !== "") return then(state, "paramRef.namespace must not be provided for a cluster-scoped `paramKind`", ctx);
  const entries = entriesOf(state, stored, namespace, name, selector);
  if (entries.length === 0 && parameterNotFoundAction === "Deny")
    return then(state, "no params found for policy binding with `Deny` parameterNotFoundAction", ctx);
  return awaitConverted(state, ctx, kind, entries, (state, refusal, ctx) =>
    then(state, refusal ? refusal.message : entries.map((entry) => servedObject(kind, stored, entry) as unknown as JsonObject), ctx),
  );
}

function entriesOf(
  { feed }: ServerState,
  resource: StoredResource,
  namespace: string,
  name: string,
  selector: LabelSelector | undefined,
): readonly Entry[] {
  const cache = cacheOf(feed, resource);
  if (name !== "") {
    const entry = cache.get(keyOfObject(resource, namespace, name));
    return entry ? [entry] : [];
  }
  return cache.list(prefixOfList(resource, namespace)).filter(({ object }) => matchesLabelSelector(selector ?? {}, object.metadata.labels));
}
