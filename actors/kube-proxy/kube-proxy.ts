import { type Address, address } from "../../protocol/address";
import type { ComponentGetRequest, NetRequest, NetResponse } from "../../protocol/cluster";
import type { Message } from "../../protocol/codec";
import type { EndpointSlice, Node, Service } from "../../protocol/kinds/generated";
import { keyOf, objectKey } from "../../protocol/kinds/object";
import type { Actor, Answer, Context, RequestRef } from "../../runtime/actor";
import { ApiClient, type Change, endpointSlices, type Informer, nodes, services } from "../client";
import { componentGet } from "../metrics/component";
import type { DnsAnswer } from "../network/dns";
import { Routes } from "../network/routes";
import { ProxyFigures } from "./figures";
import { type Affinity, forward } from "./forward";
import { type Portal, portalsOf } from "./forwarding-table";
import { answerOf, lookUpName } from "./name-lookup";

export interface KubeProxyConfig {
  readonly node: string;
  /** In order of preference. */
  readonly apiServers: readonly Address[];
}

interface State {
  readonly config: KubeProxyConfig;
  readonly node: string;
  readonly client: ApiClient<State>;
  readonly services: Informer<State, Service>;
  readonly slices: Informer<State, EndpointSlice>;
  readonly ownNode: Informer<State, Node>;
  /** Routes to pods and nodes elsewhere. Only addresses that are dialled directly need them, so nodes are not followed before the first of those. */
  allNodes: Informer<State, Node> | undefined;
  /** Slices of headless Services: only names lead to their pods, so they are not followed before somebody asks for one. */
  headlessSlices: Informer<State, EndpointSlice> | undefined;
  /** Requests that wait for the table, for routes or for the pods of headless Services. */
  readonly held: { readonly asked: NetRequest; readonly request: RequestRef; readonly untilMs: number }[];
  readonly routes: Routes;
  /** By address: what this node forwards. */
  readonly portals: Map<string, Portal>;
  /** By Service: its portals and its addresses, to take them back. */
  readonly programmed: Map<string, { readonly portals: readonly Portal[]; readonly ips: readonly string[] }>;
  readonly serviceIps: Set<string>;
  readonly affinities: Map<string, Affinity>;
  /** Services whose portals are to be made anew with the next programming. */
  readonly dirty: Set<string>;
  programming: boolean;
  /** Since when it is, in monotonic ms. */
  programmingSinceMs: number;
  readonly figures: ProxyFigures;
  /** The first table is programmed. */
  ready: boolean;
}

type Ctx = Context<State>;

const serviceNameLabel = "kubernetes.io/service-name";
const headlessLabel = "service.kubernetes.io/headless";
const noProxyLabel = "service.kubernetes.io/service-proxy-name";
const byService = "service";
/** Changes that come together are programmed together. */
const programDelayMs = 10;
const affinitiesMax = 10_000;

/**
 * Makes Services work on a node: follows Services and EndpointSlices, keeps the table of what is forwarded where, and carries each request that starts here
 * to a pod, on whichever node that is.
 */
export const kubeProxy: Actor<KubeProxyConfig, State, NetRequest | ComponentGetRequest> = {
  role: "kube-proxy",

  start(config, ctx) {
    const client = new ApiClient<State>({ apiServers: config.apiServers, userAgent: "kube-proxy/v1.36.0" });
    const state: State = {
      config,
      node: config.node,
      client,
      services: client.informer(services, { labelSelector: `!${headlessLabel},!${noProxyLabel}` }),
      slices: client.informer(endpointSlices, {
        labelSelector: `!${headlessLabel},!${noProxyLabel}`,
        indexes: { [byService]: (slice) => [serviceOf(slice)] },
      }),
      ownNode: client.informer(nodes, { fieldSelector: `metadata.name=${config.node}` }),
      allNodes: undefined,
      headlessSlices: undefined,
      held: [],
      routes: new Routes(),
      portals: new Map(),
      programmed: new Map(),
      serviceIps: new Set(),
      affinities: new Map(),
      dirty: new Set(),
      programming: false,
      programmingSinceMs: 0,
      figures: new ProxyFigures(client.figures.registry),
      ready: false,
    };
    state.services.addHandler(({ object }, later) => {
      state.figures.changed("services");
      return markDirty(state, keyOf(object), later);
    });
    state.slices.addHandler(({ object }, later) => {
      state.figures.changed("endpoints");
      return markDirty(state, serviceOf(object), later);
    });
    state.ownNode.addHandler((change, later) => {
      noteRoutes(state, change);
      // Its own zone decides which hints it follows.
      if (change.type !== "updated" || zoneOf(change.old) !== zoneOf(change.object))
        for (const key of state.programmed.keys()) markDirty(state, key, later);
      return undefined;
    });
    for (const informer of [state.services, state.slices]) informer.onProgress((later) => whenSynced(state, later));
    for (const informer of [state.services, state.slices, state.ownNode]) informer.start(ctx);
    return state;
  },

  receive(state, input, ctx) {
    if (input.type === "timer") {
      if (state.client.onTimer(input.name, ctx)) return undefined;
      state.programming = false;
      program(state, ctx);
    } else if (input.type === "request") {
      if (input.body.kind === "net.request") carry(state, input.body, input.request, input.deadlineMs, ctx);
      else if (input.body.kind === "component.get")
        ctx.reply(
          input.request,
          componentGet(input.body.path, () => state.client.figures.text(ctx.monotonicUs() / 1000)),
        );
      else ctx.refuse(input.request, `a kube-proxy does not answer ${JSON.stringify((input.body as Message).kind)}`);
    } else if (input.type === "opened") ctx.close(input.stream, "refused", "a kube-proxy has no streams");
    return undefined;
  },
};

function serviceOf({ metadata }: EndpointSlice): string {
  return objectKey(metadata?.namespace, metadata?.labels?.[serviceNameLabel] ?? "");
}

function noteRoutes(state: State, change: Change<Node>): undefined {
  if (change.type === "deleted") state.routes.delete(change.object.metadata.name);
  else if (change.type === "added" || routesChanged(change.old, change.object)) state.routes.set(change.object);
  return undefined;
}

const zoneOf = (node: Node | undefined) => node?.metadata?.labels?.["topology.kubernetes.io/zone"] ?? "";

function routesChanged(old: Node, now: Node): boolean {
  const shown = ({ spec, status }: Node) => JSON.stringify([spec?.podCIDR, spec?.podCIDRs, status?.addresses]);
  return shown(old) !== shown(now);
}

function markDirty(state: State, key: string, ctx: Ctx): undefined {
  state.dirty.add(key);
  return whenSynced(state, ctx);
}

/** Nothing is programmed before all is known: half a table would refuse what works. */
function whenSynced(state: State, ctx: Ctx): undefined {
  if (state.programming || !state.services.synced || !state.slices.synced || (state.ready && state.dirty.size === 0)) return undefined;
  state.programming = true;
  state.programmingSinceMs = ctx.monotonicUs() / 1000;
  state.figures.queued(ctx.wallUs());
  ctx.setTimer("program", programDelayMs);
  return undefined;
}

function program(state: State, ctx: Ctx): void {
  const node = { name: state.config.node, zone: zoneOf(state.ownNode.store.get(state.config.node)) };
  for (const key of state.dirty) {
    const before = state.programmed.get(key);
    for (const { address: portal } of before?.portals ?? []) state.portals.delete(portal);
    for (const ip of before?.ips ?? []) state.serviceIps.delete(ip);
    const service = state.services.store.get(key);
    if (service === undefined) {
      state.programmed.delete(key);
      continue;
    }
    const portals = portalsOf(service, state.slices.store.byIndex(byService, key), node);
    const ips = (service.spec?.clusterIPs ?? []).filter((ip) => ip !== "None");
    for (const portal of portals) state.portals.set(portal.address, portal);
    for (const ip of ips) state.serviceIps.add(ip);
    state.programmed.set(key, { portals, ips });
  }
  state.dirty.clear();
  state.ready = true;
  state.figures.synced(ctx.wallUs(), ctx.monotonicUs() / 1000 - state.programmingSinceMs);
  let endpoints = 0;
  for (const portal of state.portals.values()) endpoints += portal.endpoints.length;
  ctx.record({ kind: "proxy.programmed", node: state.config.node, services: state.programmed.size, endpoints });
  release(state, ctx);
}

/** Carries a request on, and its answer back. A dropped one is not answered: whoever asked waits until its deadline. */
function carry(state: State, asked: NetRequest, request: RequestRef, deadlineMs: number, ctx: Ctx): void {
  const nowMs = ctx.monotonicUs() / 1000;
  if (!state.ready) {
    state.held.push({ asked, request, untilMs: nowMs + deadlineMs });
    return;
  }
  if (asked.name) {
    carryByName(state, asked, request, deadlineMs, ctx);
    return;
  }
  const { forward: way, chosen } = forward(asked, state, nowMs, () => ctx.random("endpoint"));
  if (chosen) remember(state, chosen.key, chosen.affinity, nowMs);
  switch (way.type) {
    case "pod":
      pass(address("container-runtime", way.node), { ...asked, destinationIp: way.ip, port: way.port }, request, deadlineMs, ctx);
      return;
    case "node":
      pass(address("kube-proxy", way.node), asked, request, deadlineMs, ctx);
      return;
    case "refuse":
      reply(ctx, request, "refused", way.detail);
      return;
    case "unreachable":
      if (state.allNodes?.synced) reply(ctx, request, "unreachable", way.detail);
      else hold(state, asked, request, nowMs + deadlineMs, ctx);
      return;
    case "drop":
  }
}

/** Puts the address in the place of the name, and carries the request on. */
function carryByName(state: State, asked: NetRequest, request: RequestRef, deadlineMs: number, ctx: Ctx): void {
  const { headlessSlices } = state;
  const slicesOf = headlessSlices?.synced ? (key: string) => headlessSlices.store.byIndex(byService, key) : undefined;
  if (asked.lookUp) {
    const answer = answerOf(asked.name!, state.services.store, slicesOf);
    if (answer !== "notFollowed") return answerName(answer, asked.name!.host, request, ctx);
  }
  const found = lookUpName(asked, state.services.store, slicesOf, () => ctx.random("name"));
  switch (found.is) {
    case "none":
      reply(ctx, request, "unreachable", found.detail);
      return;
    case "notFollowed":
      state.held.push({ asked, request, untilMs: ctx.monotonicUs() / 1000 + deadlineMs });
      followHeadless(state, ctx);
      return;
    case "address": {
      const { name: _, ...rest } = asked;
      carry(state, { ...rest, destinationIp: found.ip, port: found.port }, request, deadlineMs, ctx);
    }
  }
}

/** What the cluster's DNS would say to who asks for a name. */
function answerName(answer: DnsAnswer, host: string, request: RequestRef, ctx: Ctx): void {
  if (!answer.found) return reply(ctx, request, "unreachable", `lookup ${host}: no such host`);
  const { name } = answer;
  const said =
    "cname" in answer
      ? { name, addresses: [], cname: answer.cname }
      : "ports" in answer
        ? { name, addresses: [], ports: answer.ports }
        : { name, addresses: answer.addresses };
  const body = new TextEncoder().encode(JSON.stringify(said));
  const response: NetResponse = { kind: "net.response", outcome: "answered", code: 0, body, servedBy: "", detail: "" };
  ctx.reply(request, response);
}

function followHeadless(state: State, ctx: Ctx): void {
  if (state.headlessSlices) return;
  const indexes = { [byService]: (slice: EndpointSlice) => [serviceOf(slice)] };
  const informer = state.client.informer(endpointSlices, { labelSelector: headlessLabel, indexes });
  state.headlessSlices = informer;
  informer.onProgress((later) => {
    release(state, later);
    return undefined;
  });
  informer.start(ctx);
}

/** Keeps a request for an address that is still unknown until the nodes are known. */
function hold(state: State, asked: NetRequest, request: RequestRef, untilMs: number, ctx: Ctx): void {
  state.held.push({ asked, request, untilMs });
  followNodes(state, ctx);
}

function followNodes(state: State, ctx: Ctx): void {
  if (state.allNodes) return;
  const informer = state.client.informer(nodes);
  state.allNodes = informer;
  informer.addHandler((change) => noteRoutes(state, change));
  informer.onProgress((later) => {
    release(state, later);
    return undefined;
  });
  informer.start(ctx);
}

/** Tries again what was held, as far as it has not run into its deadline meanwhile. */
function release(state: State, ctx: Ctx): void {
  const nowMs = ctx.monotonicUs() / 1000;
  for (const { asked, request, untilMs } of state.held.splice(0))
    if (untilMs > nowMs) carry(state, asked, request, Math.ceil(untilMs - nowMs), ctx);
}

function pass(to: Address, asked: NetRequest, request: RequestRef, deadlineMs: number, ctx: Ctx): void {
  ctx.ask<NetResponse>(to, asked, { deadlineMs }, (_state, answer, later) => {
    if (answer.ok) later.reply(request, answer.body);
    else reply(later, request, outcomeOf(answer), `${to}: ${answer.error}: ${answer.detail}`);
    return undefined;
  });
}

/** What a client sees of a pod's node that gave no answer: packets to a machine that is gone are lost, a connection to one that crashed is reset. */
function outcomeOf(answer: Answer & { readonly ok: false }): NetResponse["outcome"] {
  switch (answer.error) {
    case "timeout":
      return "timeout";
    case "unreachable":
      return "unreachable";
    case "refused":
    case "crashed":
      return "refused";
  }
}

function reply(ctx: Ctx, request: RequestRef, outcome: NetResponse["outcome"], detail: string): void {
  const response: NetResponse = { kind: "net.response", outcome, code: 0, body: new Uint8Array(0), servedBy: "", detail };
  ctx.reply(request, response);
}

function remember(state: State, key: string, affinity: Affinity, nowMs: number): void {
  state.affinities.delete(key);
  state.affinities.set(key, affinity);
  if (state.affinities.size <= affinitiesMax) return;
  for (const [old, { untilMs }] of state.affinities) if (untilMs <= nowMs) state.affinities.delete(old);
  // Still too many: the one that has been quiet for the longest goes.
  if (state.affinities.size > affinitiesMax) state.affinities.delete(state.affinities.keys().next().value!);
}
