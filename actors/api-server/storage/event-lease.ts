import type { Context } from "../../../runtime/actor";
import type { Then } from "./etcd-client";
import { type EtcdOutcome, type HasEtcd, writeEtcd } from "./etcd-client";
import type { StoredResource } from "./keys";

/**
 * Events vanish an hour after they were written: they hang on an etcd lease. One lease serves the events of a minute,
 * as etcd would otherwise have a lease for each; so an event may live up to that much longer.
 */
export interface EventLease {
  readonly ttlSeconds: number;
  id: number;
  /** Monotonic; from then on a new lease is taken. */
  sharedUntilUs: number;
}

export interface HasEventLease extends HasEtcd {
  readonly eventLease: EventLease;
}

const sharedSeconds = 60;

export function newEventLease(ttlSeconds: number): EventLease {
  return { ttlSeconds, id: 0, sharedUntilUs: 0 };
}

/** Goes on with the lease for a write to the resource: 0 for all but events, or the outcome that kept it from being granted. */
export function withEventLease<S extends HasEventLease>(
  state: S,
  ctx: Context<S>,
  resource: StoredResource,
  deadlineUs: number,
  then: Then<S, number | Exclude<EtcdOutcome<never>, { readonly type: "done" }>>,
): undefined {
  const { eventLease } = state;
  if (resource.name !== "events") return then(state, 0, ctx);
  if (ctx.monotonicUs() < eventLease.sharedUntilUs) return then(state, eventLease.id, ctx);
  const request = { kind: "etcd.lease.grant", id: 0, ttlSeconds: eventLease.ttlSeconds + sharedSeconds } as const;
  return writeEtcd(state, ctx, request, deadlineUs, (state, outcome, ctx) => {
    if (outcome.type !== "done") return then(state, outcome, ctx);
    state.eventLease.id = outcome.response.id;
    state.eventLease.sharedUntilUs = ctx.monotonicUs() + sharedSeconds * 1e6;
    return then(state, outcome.response.id, ctx);
  });
}
