import type { IPAddress, Service } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { createOwn } from "../bootstrap";
import type { Ctx, ServerState } from "../state";
import type { Entry } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { guaranteedUpdate } from "../storage/guaranteed-update";
import { keyOfObject, resourceNamed } from "../storage/keys";
import { addressesOf, managedByAllocator, newAddress } from "./service-allocation";

/**
 * Puts right what somebody has done to IPAddresses by hand: an address that a Service holds gets its object back, one that no Service holds any
 * more goes, so that it can be given out again. Any API server may do it at any time: what is decided on something old is refused by etcd.
 */
export const serviceRepairTimer = "service-repair";
const intervalMs = 180_000;
/** An address whose Service this server has not seen yet is no stray. */
const strayMs = 60_000;

const addresses = resourceNamed("networking.k8s.io", "v1", "ipaddresses");
const services = resourceNamed("", "v1", "services");

/** On the timer. */
export function repairServiceAddresses(state: ServerState, ctx: Ctx): undefined {
  ctx.setTimer(serviceRepairTimer, intervalMs * (0.9 + ctx.random("service-repair") / 5));
  const { missing, strays } = wrongAddresses(state, ctx.wallUs() / 1000);
  for (const { ip, service } of missing) {
    ctx.log("warn", "the cluster IP is not allocated; repairing", {
      ip,
      service: `${service.metadata.namespace}/${service.metadata.name}`,
    });
    createOwn(state, ctx, newAddress(ip, service.metadata.namespace ?? "", service.metadata.name), () => undefined);
  }
  for (const stray of strays) {
    ctx.log("warn", "an address is allocated and no Service holds it; cleaning up", { key: stray.key });
    const change = (current: Entry | undefined) =>
      current?.revision === stray.revision ? ({ type: "delete" } as const) : ({ type: "keep" } as const);
    guaranteedUpdate(state, ctx, { key: stray.key, cached: stray, change, deadlineUs: ctx.monotonicUs() + 5e6 }, () => undefined);
  }
}

/** What is wrong by the caches: addresses of Services without an object, and objects of the allocator's without a Service. */
export function wrongAddresses(
  { feed }: ServerState,
  nowMs: number,
): { readonly missing: readonly { readonly ip: string; readonly service: Stored<Service> }[]; readonly strays: readonly Entry[] } {
  const known = cacheOf(feed, addresses);
  const all = cacheOf(feed, services)
    .list(services.prefix)
    .map(({ object }) => object as Stored<ApiObject> & Service);
  const held = all.flatMap((service) => addressesOf(service.spec ?? {}).map((ip) => ({ ip, service })));
  const missing = held.filter(({ ip }) => known.get(keyOfObject(addresses, "", ip)) === undefined);
  const holders = new Set(held.map(({ ip, service }) => `${ip} ${service.metadata.namespace}/${service.metadata.name}`));
  const strays = known.list(addresses.prefix).filter(({ object }) => {
    const { metadata, spec } = object as Stored<IPAddress>;
    const { resource, namespace, name } = spec?.parentRef ?? {};
    if (!managedByAllocator(metadata.labels) || nowMs - Date.parse(metadata.creationTimestamp) < strayMs) return false;
    return resource !== "services" || !holders.has(`${metadata.name} ${namespace}/${name}`);
  });
  return { missing, strays };
}
