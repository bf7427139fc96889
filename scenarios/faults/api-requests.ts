import { authenticate } from "../../actors/api-server/authentication/authenticate";
import { type Address, roleOf } from "../../protocol/address";
import type { ApiRequest } from "../../protocol/api";
import { decode } from "../../protocol/codec";
import type { Envelope } from "../../protocol/envelope";
import type { JsonSchema } from "../schema";
import type { Tank } from "../tank";
import type { Params } from "./fault";

/** Which requests to an API server a fault is about: what is asked, of what, and by whom. */

const texts = (description: string): JsonSchema => ({ type: "array", items: { type: "string" }, minItems: 1, description });

/** Who asks. */
export const clientParams: Readonly<Record<string, JsonSchema>> = {
  user: {
    type: "string",
    description: 'only requests of this user, such as "system:kube-scheduler" or "system:serviceaccount:shop:operator"',
  },
  userAgent: { type: "string", description: "only requests of clients whose User-Agent begins so" },
  actors: texts('only requests of these actors, such as ["controller-manager/0"]; an actor\'s role alone means all of that role'),
  address: { type: "string", description: "only requests that come from this IP address, of clients outside of the cluster's own actors" },
};

/** What is asked, and who asks. */
export const requestParams: Readonly<Record<string, JsonSchema>> = {
  verbs: {
    type: "array",
    items: { enum: ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "connect"] },
    minItems: 1,
    description: "only requests of these verbs",
  },
  resources: texts('only requests for these resources: "pods", "deployments.apps", "pods/status"'),
  namespace: { type: "string", description: "only requests in this namespace" },
  object: { type: "string", description: "only requests for the object of this name" },
  ...clientParams,
};

/** The request that an envelope brings to an API server, where it is one that the parameters mean. */
export type RequestFilter = (envelope: Envelope) => ApiRequest | undefined;

/** A filter for what reaches the API servers of a host; fields that are not given let everything through. */
export function requestFilter(tank: Tank, host: string, params: Params): RequestFilter {
  const { user, userAgent, namespace, object, address } = params as Readonly<Record<string, string | undefined>>;
  const { verbs, resources, actors } = params as Readonly<Record<string, readonly string[] | undefined>>;
  const staticTokens = tank.actorsOn(host).flatMap((actor) => staticTokensOf(tank.configOf(actor)));
  return (envelope) => {
    if (envelope.kind !== "api.request" || (envelope.operation !== "ask" && envelope.operation !== "open")) return undefined;
    if (roleOf(envelope.to) !== "apiserver") return undefined;
    if (actors && !actors.includes(envelope.from) && !actors.includes(roleOf(envelope.from))) return undefined;
    const request = decode(envelope.body) as ApiRequest;
    const named = request.subresource === "" ? request.resource : `${request.resource}/${request.subresource}`;
    const fits =
      (!verbs || verbs.includes(request.verb)) &&
      (!resources || resources.includes(named) || resources.includes(`${named}.${request.group}`)) &&
      (namespace === undefined || request.namespace === namespace) &&
      (object === undefined || request.name === object) &&
      (userAgent === undefined || request.userAgent.startsWith(userAgent)) &&
      (address === undefined || request.sourceIp === address) &&
      (user === undefined || userOf(request, envelope.from, staticTokens) === user);
    return fits ? request : undefined;
  };
}

type StaticTokens = Parameters<typeof authenticate>[2];

function staticTokensOf(config: unknown): StaticTokens {
  return (config as { readonly staticTokens?: StaticTokens } | undefined)?.staticTokens ?? [];
}

/** Who a request says it is; whether that is true is the API server's to find out. */
function userOf({ credential }: ApiRequest, from: Address, staticTokens: StaticTokens): string | undefined {
  const said = authenticate(credential, from, staticTokens);
  if (said.type === "user") return said.user.name;
  return said.type === "token" ? said.token.claims.sub : undefined;
}
