import { nameOf } from "../../protocol/address";
import type { EndpointSlice, Endpoints } from "../../protocol/kinds/generated";
import type { ApiObject } from "../../protocol/kinds/object";
import { createOwn } from "./bootstrap";
import { kubernetesService } from "./bootstrap-objects";
import type { ApiServerConfig } from "./config";
import type { Ctx, ServerState } from "./state";
import { type Entry, encodeStored, sameJson } from "./storage/entry";
import { writeEtcd } from "./storage/etcd-client";
import { cacheOf } from "./storage/feed";
import { type Decision, guaranteedUpdate } from "./storage/guaranteed-update";
import { keyBytes, keyOfObject, registryPrefix, resourceNamed } from "./storage/keys";

/**
 * Which API servers live. Each holds a key with a lease in etcd, which ends when the server does; the endpoints of the `kubernetes`
 * Service are the addresses of those whose keys are there.
 */
export interface Membership {
  readonly advertised: { readonly ip: string; readonly port: number };
  readonly intervalMs: number;
  /** The lease under the own key; 0 while there is none. */
  lease: number;
  /** The server is going: its key is taken away, and it does not come back. */
  left: boolean;
}

export const membershipTimer = "membership";
const prefix = `${registryPrefix}masterleases/`;

export function newMembership(config: ApiServerConfig, self: string, intervalMs: number): Membership {
  const number = Number(nameOf(self as Parameters<typeof nameOf>[0]));
  // Where nothing was said the server stands on a network of its own, by its number.
  const ip = `172.18.0.${10 + (Number.isInteger(number) ? number % 240 : 0)}`;
  return { advertised: config.advertise ?? { ip, port: 6443 }, intervalMs, lease: 0, left: false };
}

/** On the timer: confirms the own key, then brings the endpoints in line with the keys there are. */
export function confirmMembership(state: ServerState, ctx: Ctx): undefined {
  const { intervalMs, lease, left } = state.membership;
  if (left) return;
  ctx.setTimer(membershipTimer, intervalMs);
  if (lease === 0) return join(state, ctx);
  const keepAlive = { kind: "etcd.lease.keepAlive", id: lease } as const;
  return writeEtcd(state, ctx, keepAlive, ctx.monotonicUs() + intervalMs * 1000, (state, outcome, ctx) => {
    const gone =
      outcome.type === "failed" ? outcome.error.code === "NotFound" : outcome.type === "done" && outcome.response.ttlSeconds <= 0;
    if (gone) return join(state, ctx);
    return reconcile(state, ctx);
  });
}

/** Takes the own key away, and the own address out of the endpoints, where others remain. */
export function leaveMembership(state: ServerState, ctx: Ctx): undefined {
  const { advertised } = state.membership;
  state.membership.left = true;
  ctx.cancelTimer(membershipTimer);
  if (members(state).length > 0) reconcile(state, ctx);
  const key = keyBytes(prefix + advertised.ip);
  const remove = { kind: "etcd.delete", key, rangeEnd: new Uint8Array(), prevKv: false } as const;
  return writeEtcd(state, ctx, remove, ctx.monotonicUs() + 5e6, () => undefined);
}

function join(state: ServerState, ctx: Ctx): undefined {
  const { intervalMs, advertised } = state.membership;
  state.membership.lease = 0;
  const deadlineUs = ctx.monotonicUs() + intervalMs * 1000;
  const grant = { kind: "etcd.lease.grant", id: 0, ttlSeconds: Math.ceil((intervalMs / 1000) * 1.5) } as const;
  return writeEtcd(state, ctx, grant, deadlineUs, (state, granted, ctx) => {
    if (granted.type !== "done") return;
    const lease = granted.response.id;
    const value = keyBytes(JSON.stringify({ ip: advertised.ip, port: advertised.port }));
    const put = { kind: "etcd.put", key: keyBytes(prefix + advertised.ip), value, lease, prevKv: false } as const;
    return writeEtcd(state, ctx, put, deadlineUs, (state, outcome, ctx) => {
      if (outcome.type !== "done") return;
      state.membership.lease = lease;
      return reconcile(state, ctx);
    });
  });
}

interface Member {
  readonly ip: string;
  readonly port: number;
}

/** The API servers whose keys are there, this one included, in the order of their addresses. */
function members(state: ServerState): readonly Member[] {
  const { advertised } = state.membership;
  const { left } = state.membership;
  const found = new Map<string, Member>(left ? [] : [[advertised.ip, advertised]]);
  for (const [key, value] of state.feed.others) {
    if (!key.startsWith(prefix)) continue;
    const { ip, port } = JSON.parse(Buffer.from(value).toString("utf8")) as Member;
    if (!left || ip !== advertised.ip) found.set(ip, { ip, port });
  }
  return [...found.values()].sort((a, b) => (a.ip < b.ip ? -1 : 1));
}

function reconcile(state: ServerState, ctx: Ctx): undefined {
  const living = members(state);
  // Somebody may have deleted the Service by which everybody finds the API servers.
  const services = resourceNamed("", "v1", "services");
  if (state.bootstrap.done && !cacheOf(state.feed, services).get(keyOfObject(services, "default", "kubernetes")))
    createOwn(state, ctx, kubernetesService(state.config.serviceCidr), () => undefined);
  ensure(state, ctx, endpoints(living));
  return ensure(state, ctx, endpointSlice(living));
}

function ensure(state: ServerState, ctx: Ctx, wanted: ApiObject): undefined {
  const resource =
    wanted.kind === "Endpoints" ? resourceNamed("", "v1", "endpoints") : resourceNamed("discovery.k8s.io", "v1", "endpointslices");
  const key = keyOfObject(resource, "default", "kubernetes");
  const cached = cacheOf(state.feed, resource).get(key);
  if (cached && agrees(cached.object, wanted)) return;
  if (!cached) return createOwn(state, ctx, wanted, () => undefined);
  const change = (current: Entry | undefined): Decision => {
    if (!current || agrees(current.object, wanted)) return { type: "keep" };
    const { metadata, ...fields } = wanted;
    return {
      type: "put",
      stored: encodeStored({
        ...current.object,
        ...fields,
        metadata: { ...current.object.metadata, labels: metadata.labels },
      } as ApiObject),
    };
  };
  return guaranteedUpdate(state, ctx, { key, cached, change, deadlineUs: ctx.monotonicUs() + 5e6 }, () => undefined);
}

function agrees(found: ApiObject, wanted: ApiObject): boolean {
  const { metadata: _, ...fields } = wanted;
  return Object.entries(fields).every(([field, value]) => sameJson((found as unknown as Record<string, unknown>)[field], value));
}

const service = { name: "kubernetes", namespace: "default" };

function endpoints(living: readonly Member[]): ApiObject {
  const ports = [...new Set(living.map(({ port }) => port))];
  const subsets: Endpoints["subsets"] = ports.map((port) => ({
    addresses: living.filter((member) => member.port === port).map(({ ip }) => ({ ip })),
    ports: [{ name: "https", port, protocol: "TCP" }],
  }));
  return {
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { ...service, labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } },
    subsets,
  } as ApiObject;
}

function endpointSlice(living: readonly Member[]): ApiObject {
  const slice: Partial<EndpointSlice> = {
    addressType: "IPv4",
    endpoints: living.map(({ ip }) => ({ addresses: [ip], conditions: { ready: true } })),
    ports: [{ name: "https", port: living[0]?.port ?? 6443, protocol: "TCP" }],
  };
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...service, labels: { "kubernetes.io/service-name": "kubernetes" } },
    ...slice,
  } as ApiObject;
}
