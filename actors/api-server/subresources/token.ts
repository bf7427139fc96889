import type { AuthenticationV1TokenRequest, Pod, ServiceAccount, TokenRequestSpec } from "../../../protocol/kinds/generated";
import { type Stored, timestamp } from "../../../protocol/kinds/object";
import { badRequest, conflict, type Failure, forbidden, internalError, invalid, isFailure, notFound } from "../../../protocol/status";
import type { ClusterView, Needed } from "../admission/admission";
import { admitSubresource } from "../admission/dynamic/subresource";
import { assembleToken, type BoundObject, type TokenClaims, tokenToSign } from "../authentication/token";
import { serviceAccountName } from "../authentication/user";
import { nodeOf } from "../authorization/node";
import { type ResourceCall, refuse, respondObject } from "../call";
import { tokenIssuer, tokenKey } from "../identity";
import { decodeAs } from "../objects/decode";
import { parseBody } from "../registry/body";
import { fetchNeeded } from "../registry/cluster-view";
import { subjectOf } from "../registry/update";
import type { Ctx, ServerState } from "../state";
import { encodeJson } from "../storage/entry";

type TokenRequest = AuthenticationV1TokenRequest & { readonly spec: TokenRequestSpec };

const defaultSeconds = 3_600;
const leastSeconds = 600;

/** POST serviceaccounts/NAME/token: a token that stands for the account, for a time and, if asked, only as long as a Pod, Node or Secret lives. */
export function requestToken(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const asked = receive(call, state.knobs["service-account-max-token-expiration"] / 1000);
  if (isFailure(asked)) return refuse(ctx, call, asked);
  const body = { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" };
  return admitSubresource(state, ctx, call, "CREATE", body, asked, false, (state, admitted, ctx) =>
    isFailure(admitted)
      ? refuse(ctx, call, admitted)
      : issue(state, ctx, call, { ...admitted.object, spec: { ...asked.spec, ...admitted.object.spec } }),
  );
}

function issue(state: ServerState, ctx: Ctx, call: ResourceCall, asked: TokenRequest): undefined {
  const { namespace, name } = call.request;
  const bound = boundNeed(asked, namespace);
  const account: Needed = { group: "", version: "v1", plural: "serviceaccounts", namespace, name };
  return fetchNeeded(state, ctx, bound ? [account, bound] : [account], call.deadlineUs, (_state, view, ctx) => {
    if (isFailure(view)) return refuse(ctx, call, view);
    const found = view.get("", "v1", "serviceaccounts", namespace, name) as Stored<ServiceAccount> | undefined;
    if (!found) return refuse(ctx, call, notFound(subjectOf(call)));
    const wrong = wrongForNode(call, asked, bound, view);
    if (wrong !== undefined) return refuse(ctx, call, forbidden(subjectOf(call), wrong));
    const nowMs = ctx.wallUs() / 1000;
    const claims = claimsOf(call, asked, found, boundObject(call, asked, bound, view), nowMs, ctx.uuid(), nodeOfPod(bound, view));
    if (isFailure(claims)) return refuse(ctx, call, claims);
    const signed = tokenToSign(claims, tokenKey);
    ctx.sign({ type: "sign", key: tokenKey, bytes: signed }, (_state, result, ctx) => {
      if (!result.ok) return refuse(ctx, call, internalError(`the token could not be signed: ${result.detail}`));
      const status = { token: assembleToken(signed, result.bytes), expirationTimestamp: timestamp(claims.exp * 1000) };
      const metadata = { name, namespace, creationTimestamp: timestamp(nowMs) };
      const answer = {
        kind: "TokenRequest",
        apiVersion: "authentication.k8s.io/v1",
        metadata,
        spec: { ...asked.spec, audiences: claims.aud },
        status,
      };
      return respondObject(ctx, call, 201, encodeJson(answer));
    });
  });
}

function receive({ request }: ResourceCall, mostSeconds: number): TokenRequest | Failure {
  const json = parseBody(request, "TokenRequest");
  if (isFailure(json)) return json;
  const decoded = decodeAs("io.k8s.api.authentication.v1.TokenRequest", json);
  if (!decoded.ok) return badRequest(decoded.message);
  const asked = decoded.value as unknown as TokenRequest;
  const seconds = asked.spec?.expirationSeconds ?? defaultSeconds;
  const wrong =
    seconds < leastSeconds
      ? "may not specify a duration less than 10 minutes"
      : seconds > 2 ** 32
        ? "may not specify a duration larger than 2^32 seconds"
        : undefined;
  if (wrong)
    return invalid({ group: "authentication.k8s.io", resource: "tokenrequests", kind: "TokenRequest", name: request.name }, [
      { reason: "FieldValueInvalid", field: "spec.expirationSeconds", message: `Invalid value: ${seconds}: ${wrong}` },
    ]);
  return { ...asked, spec: { ...asked.spec, expirationSeconds: Math.min(seconds, mostSeconds) } } as TokenRequest;
}

const boundPlurals: ReadonlyMap<string, string> = new Map([
  ["Pod", "pods"],
  ["Secret", "secrets"],
  ["Node", "nodes"],
]);

function boundNeed({ spec }: TokenRequest, namespace: string): Needed | undefined {
  const reference = spec.boundObjectRef;
  const plural = reference && boundPlurals.get(reference.kind ?? "");
  return plural
    ? { group: "", version: "v1", plural, namespace: plural === "nodes" ? "" : namespace, name: reference.name ?? "" }
    : undefined;
}

function boundObject(
  call: ResourceCall,
  { spec }: TokenRequest,
  need: Needed | undefined,
  view: ClusterView,
): BoundObject | Failure | undefined {
  const reference = spec.boundObjectRef;
  if (!reference) return undefined;
  if (!need)
    return badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(call.request.name)} to object of kind ${reference.kind ?? ""}`,
    );
  const found = view.get("", "v1", need.plural, need.namespace, need.name);
  if (!found) return notFound({ group: "", resource: need.plural, name: need.name });
  if (reference.uid && reference.uid !== found.metadata.uid)
    return conflict(
      { group: "", resource: need.plural, name: need.name },
      `the UID in the bound object reference (${reference.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  return { name: need.name, uid: found.metadata.uid };
}

/** Why a kubelet does not get this token: it gets those of Pods on its node, which die with them (NodeRestriction). */
function wrongForNode({ user }: ResourceCall, { spec }: TokenRequest, need: Needed | undefined, view: ClusterView): string | undefined {
  const node = nodeOf(user);
  if (node === undefined) return undefined;
  if (need?.plural !== "pods") return "node requested token not bound to a pod";
  if (!spec.boundObjectRef?.uid) return "node requested token with a pod binding without a uid";
  const pod = view.get("", "v1", "pods", need.namespace, need.name) as Stored<Pod> | undefined;
  const isElsewhere = pod !== undefined && pod.spec?.nodeName !== node;
  return isElsewhere ? "node requested token bound to a pod scheduled on a different node" : undefined;
}

/** The node on which the Pod is to which a token is bound: whoever is shown the token may want to know. */
function nodeOfPod(need: Needed | undefined, view: ClusterView): BoundObject | undefined {
  if (need?.plural !== "pods") return undefined;
  const { spec } = (view.get("", "v1", "pods", need.namespace, need.name) ?? {}) as Partial<Stored<Pod>>;
  const node = spec?.nodeName ? view.get("", "v1", "nodes", "", spec.nodeName) : undefined;
  return node && { name: node.metadata.name, uid: node.metadata.uid };
}

function claimsOf(
  { request }: ResourceCall,
  { spec }: TokenRequest,
  account: Stored<ServiceAccount>,
  bound: BoundObject | Failure | undefined,
  nowMs: number,
  jti: string,
  nodeOfPod: BoundObject | undefined,
): TokenClaims | Failure {
  if (isFailure(bound)) return bound;
  const kind = spec.boundObjectRef?.kind;
  const iat = Math.floor(nowMs / 1000);
  return {
    ...{ iss: tokenIssuer, sub: serviceAccountName(request.namespace, request.name), jti },
    ...{ aud: spec.audiences && spec.audiences.length > 0 ? spec.audiences : [tokenIssuer] },
    ...{ iat, nbf: iat, exp: iat + (spec.expirationSeconds ?? defaultSeconds), namespace: request.namespace },
    serviceAccount: { name: request.name, uid: account.metadata.uid },
    ...{
      pod: kind === "Pod" ? bound : undefined,
      node: kind === "Node" ? bound : kind === "Pod" ? nodeOfPod : undefined,
      secret: kind === "Secret" ? bound : undefined,
    },
  };
}
