import type { Address } from "../../protocol/address";
import type { ApiRequest, ApiResponse } from "../../protocol/api";
import { isReview } from "../../protocol/kinds/registry";
import { type Failure, failure, isFailure, methodNotAllowed, serviceUnavailable } from "../../protocol/status";
import { proxy } from "./aggregation/proxy";
import { remoteGroupVersions, remoteOfPath } from "./aggregation/remote";
import { remoteDocuments, remoteOfOpenApi } from "./aggregation/remote-openapi";
import { audit, nameForAudit, noteDecision } from "./audit/audit";
import { letsInAnonymous } from "./authentication/anonymous";
import type { User } from "./authentication/user";
import { attributesOf } from "./authorization/attributes";
import { askAccess, refuseAccess } from "./authorization-chain";
import { type Call, type Caller, type ResourceCall, refuse, respond } from "./call";
import { serveComponentStatuses } from "./component-statuses";
import { isCleanedUp } from "./custom-resources/lifecycle";
import { timeLimitMs } from "./deadline";
import { deprecationWarning } from "./deprecated";
import { discover } from "./discovery/discovery";
import type { ServedDocument } from "./discovery/document";
import { dumpOf } from "./flow-control/dump";
import { throttle } from "./flow-control/flow-control";
import { isHealthPath, serveHealth } from "./health";
import { identify } from "./identity";
import { isIssuerPath, serveIssuer } from "./issuer";
import { healthMetrics, metrics } from "./metrics";
import { openApi } from "./openapi/openapi";
import { recovering } from "./panics";
import { create } from "./registry/create";
import { remove } from "./registry/delete";
import { removeCollection } from "./registry/delete-collection";
import { patch } from "./registry/patch";
import { get, list } from "./registry/read";
import { update } from "./registry/update";
import { watch } from "./registry/watchers";
import { tooLate } from "./shutdown";
import type { Ctx, ServerState } from "./state";
import { isSynced } from "./storage/feed";
import { awaitConsistent } from "./storage/freshness";
import { learnStorageSize } from "./storage/storage-sizes";
import { answerReview } from "./subresources/reviews";
import { serveSubresource } from "./subresources/subresources";
import { zpage } from "./zpages";

/**
 * The way of each request through the server: authenticate → wait for seats → authorize → (per verb) admit, validate, compare and swap.
 * `deadlineMs` is how long the caller waits, 0 if for ever.
 */
export function serve(state: ServerState, ctx: Ctx, request: ApiRequest, from: Address, caller: Caller, deadlineMs: number): undefined {
  const isStranger = request.credential.type === "anonymous" && !letsInAnonymous(state.config.anonymous, request.path);
  if (!request.isResource && isHealthPath(request.path) && !isStranger) return serveHealth(state, ctx, { caller }, request);
  const late = tooLate(state, request);
  if (late) return respond(ctx, { caller }, late);
  if (!isSynced(state.feed))
    return refuse(ctx, { caller }, serviceUnavailable("the server is starting: it has not read its objects from etcd yet"));
  nameForAudit(state, ctx, request, from, caller);
  return recovering(ctx, request, caller, () => identifyAndServe(state, ctx, request, from, caller, deadlineMs));
}

function identifyAndServe(state: ServerState, ctx: Ctx, request: ApiRequest, from: Address, caller: Caller, deadlineMs: number): undefined {
  return identify(state, ctx, request, from, (state, user, ctx, original) => {
    const asker = original ?? (isFailure(user) ? nobody : user);
    const known = { user: asker, impersonated: original && !isFailure(user) ? user : undefined };
    return audit(state, ctx, request, caller, known, (state, ctx) => {
      state.metrics.authentications.add([isFailure(user) ? "failure" : "success"]);
      if (isFailure(user)) return refuse(ctx, { caller }, user);
      const timeLimit = timeLimitMs(request, state.knobs["request-timeout"]);
      if (isFailure(timeLimit)) return refuse(ctx, { caller }, timeLimit);
      const limitMs = Math.min(deadlineMs || Number.POSITIVE_INFINITY, timeLimit as number);
      const call: Call = { request, from, caller, user, deadlineUs: ctx.monotonicUs() + limitMs * 1000 };
      // Whose turn it is may begin when another's answer has been given.
      const proceed = (state: ServerState, ctx: Ctx) => recovering(ctx, request, caller, () => authorizeAndServe(state, ctx, call));
      return throttle(state, ctx, call, proceed);
    });
  });
}

/** Whose credential was not believed. */
const nobody: User = { name: "", uid: "", groups: [], extra: {} };

function authorizeAndServe(state: ServerState, ctx: Ctx, call: Call): undefined {
  const { request, user } = call;
  const wanted = attributesOf(request);
  return askAccess(state, ctx, user, wanted, call.deadlineUs, (state, decision, ctx) => {
    noteDecision(call.caller, decision);
    state.metrics.authorizations.add([decision.allowed ? "allowed" : "denied"]);
    return decision.allowed ? serveAllowed(state, ctx, call) : refuseAccess(ctx, call, wanted, decision);
  });
}

function serveAllowed(state: ServerState, ctx: Ctx, call: Call): undefined {
  const { request } = call;
  const elsewhere = remoteOfPath(state, request.path);
  if (elsewhere) return proxy(state, ctx, call, elsewhere);
  return request.isResource ? serveResource(state, ctx, call) : serveDocument(state, ctx, call);
}

/** What is no resource: discovery, OpenAPI, version, metrics. */
function serveDocument(state: ServerState, ctx: Ctx, call: Call): undefined {
  const { path, accept, query } = call.request;
  if (isIssuerPath(path)) return serveIssuer(state, ctx, call);
  if (path === "/metrics") return learnStorageSize(state, ctx, (state, ctx) => respond(ctx, call, metrics(state)));
  if (path === "/metrics/slis") return respond(ctx, call, healthMetrics(state));
  const page = zpage(state, ctx, call.request);
  if (page) return respond(ctx, call, page);
  const dump = dumpOf(state, ctx, path, query.includeRequestDetails === "1");
  if (dump) return respond(ctx, call, dump);
  const { ip, port } = state.membership.advertised;
  const groups = state.served.groupVersions;
  const document =
    discover(path, accept, {
      serverAddress: `${ip}:${port}`,
      cache: state.documents,
      groups: [...groups, ...remoteGroupVersions(state)],
    }) ?? openApi(path, accept, query.hash ?? "", { cache: state.documents, groups, remotes: remoteDocuments(state) });
  const describer = document === undefined ? remoteOfOpenApi(state, path) : undefined;
  if (describer) return proxy(state, ctx, call, describer);
  if (document === undefined) return refuse(ctx, call, noSuchPath());
  if (isFailure(document)) return refuse(ctx, call, document);
  return respond(ctx, call, documentResponse(document));
}

function documentResponse({ contentType, headers, body }: ServedDocument): ApiResponse {
  return { kind: "api.response", code: 200, contentType, headers, body };
}

/** What Kubernetes says of a resource or path it does not know. */
function noSuchPath() {
  return failure("NotFound", "the server could not find the requested resource");
}

/**
 * A resource that this server does not know may have been defined through another one a moment ago, and the client may know that: before it is
 * sent away the caches are brought up to date. Only groups with a dot can be a custom resource's.
 */
function serveResource(state: ServerState, ctx: Ctx, asked: Call): undefined {
  const { group, version, resource } = asked.request;
  if (!group.includes(".") || state.served.kindOfResource(group, version, resource)) return serveKnown(state, ctx, asked);
  const untilUs = Math.min(asked.deadlineUs, ctx.monotonicUs() + state.knobs["freshness-timeout"] * 1000);
  return awaitConsistent(state, ctx, untilUs, (state, _revision, ctx) => serveKnown(state, ctx, asked));
}

function serveKnown(state: ServerState, ctx: Ctx, asked: Call): undefined {
  const { group, version, resource: plural, subresource, namespace, name, verb } = asked.request;
  const kind = state.served.kindOfResource(group, version, plural);
  if (!kind) return refuse(ctx, asked, noSuchPath());
  if (verb === "create" && kind.custom && isCleanedUp(state, state.served.storedResourceOf(kind)!))
    return refuse(ctx, asked, terminating(asked));
  // A Namespace's own URL reads as one inside it; whoever reads the one object does not look there.
  const request =
    kind.namespaced || namespace === "" || (verb === "get" && subresource === "") ? asked.request : { ...asked.request, namespace: "" };
  if (!kind.namespaced && namespace !== "" && plural !== "namespaces") return refuse(ctx, asked, noSuchPath());
  if (kind.namespaced && namespace === "" && name !== "") return refuse(ctx, asked, noSuchPath());
  const sub = subresource === "" ? undefined : kind.subresources.find((each) => each.name === subresource);
  if (subresource !== "" && !sub) return refuse(ctx, asked, noSuchPath());
  const verbs: readonly string[] = sub ? sub.verbs : kind.verbs;
  const subject = { group, resource: plural };
  if (!verbs.includes(verb)) return refuse(ctx, asked, methodNotAllowed(subject, verb));
  // Nothing is created at an object's own address.
  const misplaced = verb === "create" && name !== "" && !sub && !isReview(kind);
  if (misplaced || (kind.namespaced && namespace === "" && (verb === "create" || verb === "deletecollection")))
    return refuse(ctx, asked, methodNotAllowed(subject, verb));
  if (isReview(kind)) return answerReview(state, ctx, { ...asked, request }, kind);
  // The cluster's own components have nobody to tell it.
  const deprecation = request.credential.type === "actor" ? undefined : deprecationWarning(kind);
  if (!kind.custom && (deprecation !== undefined || kind.plural === "componentstatuses"))
    state.metrics.deprecated.set([kind.group, kind.version, kind.plural, subresource, ""], 1);
  if (deprecation !== undefined) asked.caller.exchange.headers.push(["Warning", `299 - ${JSON.stringify(deprecation)}`]);
  const resource = state.served.storedResourceOf(kind);
  if (!resource) return serveComponentStatuses(state, ctx, { ...asked, request }, kind);
  const call: ResourceCall = { ...asked, request, kind, resource };
  return sub ? serveSubresource(state, ctx, call, sub) : serveVerb(state, ctx, call);
}

/** Nothing new comes while a definition and its objects are going. */
function terminating({ request: { group, resource, verb } }: Call): Failure {
  const refused = methodNotAllowed({ group, resource }, verb);
  return { ...refused, message: `${verb} not allowed while custom resource definition is terminating` };
}

function serveVerb(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  switch (call.request.verb) {
    case "get":
      return get(state, ctx, call);
    case "list":
      return list(state, ctx, call);
    case "watch":
      return call.caller.type === "open"
        ? watch(state, ctx, call)
        : refuse(ctx, call, failure("BadRequest", "a watch has to be opened as a stream"));
    case "create":
      return create(state, ctx, call);
    case "update":
      return update(state, ctx, call);
    case "patch":
      return patch(state, ctx, call);
    case "delete":
      return remove(state, ctx, call);
    case "deletecollection":
      return removeCollection(state, ctx, call);
    case "connect":
      return refuse(ctx, call, methodNotAllowed({ group: call.kind.group, resource: call.kind.plural }, "connect"));
  }
}
