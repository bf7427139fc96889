import type { ApiMessage, ApiRequest } from "../../protocol/api";
import { isTunnelMessage } from "../../protocol/tunnel";
import type { Actor } from "../../runtime/actor";
import { chosenPlugins } from "./admission/index";
import { aggregationTimer, checkApiServices } from "./aggregation/availability";
import { registerGroupVersions } from "./aggregation/registration";
import { apiServicesResource, newAggregation } from "./aggregation/remote";
import { streamEnded } from "./audit/audit";
import { newOidc } from "./authentication/oidc/provider";
import { newAuthorizers } from "./authorization-chain";
import { forgetDecisions } from "./authorization-memo";
import { bootstrap, bootstrapTimer, newBootstrap } from "./bootstrap";
import type { Exchange } from "./call";
import { type ApiServerConfig, knobsOf } from "./config";
import { definitionsTimer, isCleanedUp, newDefinitions, serveDefinitions, tendDefinitions } from "./custom-resources/lifecycle";
import { servedKinds } from "./custom-resources/served-kinds";
import { flowCallerGone, flowObjectsChanged, newFlowControl, onFlowTimer, startFlowControl } from "./flow-control/flow-control";
import { flowUpkeepTimer, tendFlowObjects, tendFlowObjectsSoon } from "./flow-control/upkeep";
import { confirmMembership, membershipTimer, newMembership } from "./membership";
import { newMetrics, observe } from "./metrics";
import { serve } from "./pipeline";
import { cidrOf } from "./registry/cidr";
import { newPieces, onPieceTimer } from "./registry/pieces";
import { repairServiceAddresses, serviceRepairTimer } from "./registry/service-repair";
import { ToldLists } from "./registry/told-lists";
import { bookmarkTimer, closeAllWatches, newWatchers, noteSlowWatcher, onWatchTimer, tellWatchers, watcherGone } from "./registry/watchers";
import { relayCallerGone } from "./relays";
import { newReloads, reload } from "./reload";
import { beginShutdown, drain, isOwnDoor, sayGoodbye, shutdownTimer } from "./shutdown";
import type { Ctx, ServerState } from "./state";
import { compact, compactTimer, newCompactor, startCompactor } from "./storage/compactor";
import { EncryptionFigures } from "./storage/encryption/figures";
import { kmsTimer, pollPlugins } from "./storage/encryption/kms";
import { Vault } from "./storage/encryption/vault";
import { EtcdFigures } from "./storage/etcd-figures";
import { etcdMembersTimer, followEtcdMembers } from "./storage/etcd-members";
import { newEventLease } from "./storage/event-lease";
import { type FeedListener, firstList, newFeed, onFeedTimer, relist, startFeed } from "./storage/feed";
import { freshnessTimer, gatherTimer, newFreshness, onFreshnessTimer, onGatherTimer, wakeWaiting } from "./storage/freshness";
import { definitionsResource } from "./storage/keys";
import { passToKubelet } from "./subresources/tunnel";

/**
 * The API server, kube-apiserver's part: everybody's only way to the objects in etcd. It keeps nothing on disk and caches everything by
 * watching etcd; any number of them work side by side, since every write is decided by a compare-and-swap in etcd.
 */
export const apiServer: Actor<ApiServerConfig, ServerState, ApiMessage> = {
  role: "apiserver",

  start(config, ctx) {
    const state = newState(config, ctx.self);
    tendPlugins(state, ctx);
    startFeed(state, ctx, listener);
    startCompactor(state, ctx);
    ctx.setTimer(etcdMembersTimer, state.etcd.syncIntervalMs);
    startFlowControl(state, ctx);
    const nowUs = () => ctx.monotonicUs();
    for (const figures of [state.metrics.admission, state.metrics.expressions, state.etcd.vault.figures])
      if (figures) figures.nowUs = nowUs;
    state.metrics.startedSeconds = ctx.wallUs() / 1e6;
    ctx.setTimer(bookmarkTimer, state.knobs["bookmark-interval"] * (0.5 + ctx.random("bookmarks") / 2));
    return state;
  },

  receive(state, input, ctx) {
    switch (input.type) {
      case "request": {
        const { body, request, from, deadlineMs } = input;
        if (body.kind === "api.shutdown" && isOwnDoor(from)) {
          state.goodbyes.push(request);
          beginShutdown(state, ctx);
          return sayGoodbye(state, ctx);
        }
        if (isApiRequest(body))
          return serve(state, ctx, body, from, { type: "ask", request, exchange: exchangeFor(state, ctx, body) }, deadlineMs);
        ctx.refuse(request, `an API server does not answer ${body.kind}`);
        return;
      }
      case "opened": {
        const { body, stream, from } = input;
        if (isApiRequest(body)) return serve(state, ctx, body, from, { type: "open", stream, exchange: exchangeFor(state, ctx, body) }, 0);
        ctx.close(stream, "refused", `an API server does not stream ${body.kind}`);
        return;
      }
      case "closed":
        if (input.reason === "slow") noteSlowWatcher(state, input.stream);
        flowCallerGone(state, ctx, input.stream.key);
        streamEnded(state, ctx, input.stream.key);
        watcherGone(state, ctx, input.stream);
        return relayCallerGone(state, ctx, input.stream);
      case "timer":
        return onTimer(state, ctx, input.name);
      case "item":
        return isTunnelMessage(input.body) ? passToKubelet(state, ctx, input.stream, input.body) : undefined;
      case "message":
        return isOwnDoor(input.from) ? onDoor(state, ctx, input.body) : undefined;
      // It owns no disk.
      case "persisted":
      case "diskFailed":
        return;
    }
  },
};

function newState(config: ApiServerConfig, self: string): ServerState {
  const knobs = knobsOf(config);
  if (config.etcd.length === 0) throw new Error("etcd: expected the addresses of one member at least");
  cidrOf(config.serviceCidr);
  const metrics = newMetrics(() => state);
  const state: ServerState = {
    config,
    knobs,
    plugins: chosenPlugins(knobs, config.admission),
    etcd: {
      members: config.etcd,
      preferred: config.etcd[0]!,
      readTimeoutMs: knobs["etcd-read-timeout"],
      writeTimeoutMs: knobs["etcd-write-timeout"],
      syncIntervalMs: knobs["etcd-sync-interval"],
      figures: new EtcdFigures(metrics.etcdDurations, metrics.etcdRequests, metrics.etcdErrors),
      vault: new Vault(config.encryption, new EncryptionFigures(metrics.registry, self)),
      ...(config.kms ? { kms: config.kms } : {}),
    },
    feed: newFeed(knobs["default-watch-cache-size"]),
    freshness: newFreshness(),
    watchers: newWatchers(),
    lists: new ToldLists(),
    pieces: newPieces(),
    relays: new Map(),
    eventLease: newEventLease(knobs["event-ttl"] / 1000),
    compactor: newCompactor(knobs["etcd-compaction-interval"]),
    bootstrap: newBootstrap(),
    membership: newMembership(config, self, knobs["endpoint-reconcile-interval"]),
    served: servedKinds([]),
    definitions: newDefinitions(),
    aggregation: newAggregation(),
    documents: new Map(),
    authorizers: newAuthorizers(config.authorizers),
    authorizations: new Map(),
    admissions: new Map(),
    imageVerdicts: new Map(),
    oidc: newOidc(config.jwt),
    metrics,
    flow: newFlowControl(metrics.registry),
    reloads: newReloads(metrics.registry),
    shutdown: "serving",
    goodbyes: [],
    open: new Map(),
  };
  return state;
}

/** What only this server's own door may say. */
function onDoor(state: ServerState, ctx: Ctx, body: ApiMessage): undefined {
  if (body.kind === "api.shutdown") return beginShutdown(state, ctx);
  if (body.kind === "api.auditLost") state.metrics.auditErrors.add([body.plugin], body.events);
  if (body.kind !== "api.reload") return;
  const done = reload(state, ctx, body);
  if (body.what === "encryption" && state.etcd.vault.plugins.length > 0) tendPlugins(state, ctx);
  if (done === "readAgain") return relist(state, ctx, listener, "another encryption configuration");
}

/** Asks the key management plug-ins how they are; what could not be decrypted is read again when one decrypts it after all. */
function tendPlugins(state: ServerState, ctx: Ctx): undefined {
  const { vault } = state.etcd;
  if (vault.readAgain) relist(state, ctx, listener, "a key management plug-in decrypts again");
  vault.readAgain = false;
  return pollPlugins(state, ctx, () => undefined);
}

function exchangeFor(state: ServerState, ctx: Ctx, request: ApiRequest): Exchange {
  const exchange: Exchange = { headers: [], annotations: {}, auditId: "", panic: "", onAnswer: [] };
  observe(state, ctx, request, exchange);
  return exchange;
}

const listener: FeedListener<ServerState> = {
  changed(state, ctx, cache, change) {
    state.metrics.cacheEvents.add([cache.resource.kind.group, cache.resource.kind.plural]);
    forgetDecisions(state, cache.resource);
    if (flowObjectsChanged(state, cache.resource)) tendFlowObjectsSoon(ctx);
    // Whoever hears that a definition is established is served what it defines.
    if (cache.resource === definitionsResource) serveDefinitions(state, ctx);
    tellWatchers(state, ctx, cache, change);
    if (cache.resource === definitionsResource || (change.deleted && isCleanedUp(state, cache.resource))) ctx.setTimer(definitionsTimer, 0);
    if (cache.resource === apiServicesResource) ctx.setTimer(aggregationTimer, 0);
    return;
  },
  replaced(state, ctx, why) {
    state.authorizations.clear();
    state.lists.clear();
    state.flow.stale = true;
    closeAllWatches(state, ctx);
    serveDefinitions(state, ctx);
    ctx.setTimer(definitionsTimer, 0);
    ctx.setTimer(aggregationTimer, 0);
    if (why !== firstList) return;
    bootstrap(state, ctx);
    ctx.setTimer(serviceRepairTimer, 10_000);
    tendFlowObjectsSoon(ctx);
    return confirmMembership(state, ctx);
  },
  advanced: (state, ctx) => wakeWaiting(state, ctx),
};

function onTimer(state: ServerState, ctx: Ctx, name: string): undefined {
  switch (name) {
    case freshnessTimer:
      return onFreshnessTimer(state, ctx);
    case gatherTimer:
      return onGatherTimer(state, ctx);
    case compactTimer:
      return compact(state, ctx);
    case definitionsTimer:
      tendDefinitions(state, ctx);
      return registerGroupVersions(state, ctx);
    case aggregationTimer:
      return checkApiServices(state, ctx);
    case shutdownTimer:
      return drain(state, ctx);
    case flowUpkeepTimer:
      return tendFlowObjects(state, ctx);
    case serviceRepairTimer:
      return repairServiceAddresses(state, ctx);
    case bootstrapTimer:
      return bootstrap(state, ctx);
    case membershipTimer:
      return confirmMembership(state, ctx);
    case kmsTimer:
      return tendPlugins(state, ctx);
    case etcdMembersTimer:
      return followEtcdMembers(state, ctx);
    default:
      if (onPieceTimer(state, ctx, name)) return;
      if (!onFeedTimer(state, ctx, name, listener) && !onWatchTimer(state, ctx, name) && !onFlowTimer(state, ctx, name))
        throw new Error(`an API server has no timer ${name}`);
  }
}

function isApiRequest(body: ApiMessage): body is ApiRequest {
  return body.kind === "api.request";
}
