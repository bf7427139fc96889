import type { EtcdError, LeaseResponse, ResponseHeader } from "../../protocol/etcd";
import { leaseResponse } from "./commands";
import { enqueue } from "./requests";
import { type MemberContext, type MemberState, nowMs } from "./state";
import { LeaseExpiry } from "./store/expiry";

/** etcd revokes no more than this many leases a second. */
const revokesMax = 1000;

/** The clocks run on the leader only, and only once it has applied everything that earlier leaders granted. */
export function keepLeases(state: MemberState, ctx: MemberContext): void {
  const { node } = state;
  const leads = node.role.name === "leader" && node.log.termAt(state.appliedIndex) === node.term;
  if (!leads) {
    if (node.role.name !== "leader" && state.expiry) {
      state.expiry = null;
      state.revoking.clear();
      ctx.cancelTimer("lease");
      ctx.cancelTimer("checkpoint");
    }
    return;
  }
  if (state.expiry) return;
  const leases = [...state.store.leases.all.values()];
  const resumed = leases.filter(({ remainingTtlSeconds }) => remainingTtlSeconds > 0).length;
  if (leases.length > 0) ctx.record({ kind: "etcd.leaseClocks", resumed, anew: leases.length - resumed });
  state.expiry = new LeaseExpiry(state.store.leases, nowMs(ctx), state.settings.electionTimeoutMs);
  armLeases(state, ctx);
  ctx.setTimer("checkpoint", state.settings.leaseCheckpointIntervalMs);
}

/** The time of a lease may be over: propose its end, which removes its keys on all members. */
export function leaseTimer(state: MemberState, ctx: MemberContext): void {
  const { expiry } = state;
  if (!expiry) return;
  for (const id of expiry.expired(nowMs(ctx)).slice(0, revokesMax)) {
    if (state.revoking.has(id)) continue;
    state.revoking.add(id);
    enqueue(state, { kind: "etcd.lease.revoke", id }, null, (state) => state.revoking.delete(id));
  }
  armLeases(state, ctx);
}

/** Writes down what is left of long leases, so that a new leader does not begin them anew. */
export function checkpointTimer(state: MemberState, ctx: MemberContext): void {
  const { expiry, settings, store } = state;
  if (!expiry) return;
  const checkpoints = expiry.checkpoints(store.leases, settings.leaseCheckpointIntervalMs, nowMs(ctx));
  if (checkpoints.length > 0)
    enqueue(state, { kind: "etcd.lease.checkpoint", checkpoints }, null, (_state, outcome, later) =>
      later.record({ kind: "etcd.leaseCheckpoint", leases: checkpoints.length, kept: outcome.kind !== "etcd.error" }),
    );
  ctx.setTimer("checkpoint", settings.leaseCheckpointIntervalMs);
}

/** A lease was granted here: its clock starts. */
export function beginLease(state: MemberState, id: number, ctx: MemberContext): void {
  if (!state.expiry) return;
  state.expiry.restart(state.store.leases.get(id)!, nowMs(ctx));
  // Where one is overdue the timer is on its way already; leases that are granted all the time must not put it off for ever.
  if (state.expiry.nextDueMs()! > nowMs(ctx)) armLeases(state, ctx);
}

/** A lease's full time begins again. A checkpoint of less has to go first, or the next leader would count from that. */
export function renewLease(
  state: MemberState,
  id: number,
  header: ResponseHeader,
  done: (response: LeaseResponse | EtcdError, ctx: MemberContext) => void,
  ctx: MemberContext,
): void {
  const lease = state.store.leases.get(id);
  if (!lease || !state.expiry || state.expiry.hasRunOut(id, nowMs(ctx))) {
    done(leaseResponse(header, id, -1, 0), ctx);
    return;
  }
  state.expiry.restart(lease, nowMs(ctx));
  const response = leaseResponse(header, id, lease.grantedTtlSeconds, lease.grantedTtlSeconds);
  if (lease.remainingTtlSeconds === 0) {
    done(response, ctx);
    return;
  }
  enqueue(state, { kind: "etcd.lease.checkpoint", checkpoints: [{ id, remainingTtlSeconds: 0 }] }, null, (_state, outcome, ctx) => {
    done(outcome.kind === "etcd.error" ? outcome : response, ctx);
  });
}

/** One timer, for the lease that ends next. */
function armLeases(state: MemberState, ctx: MemberContext): void {
  const next = state.expiry?.nextDueMs() ?? null;
  if (next === null) return;
  const now = nowMs(ctx);
  // What is overdue is being revoked already; look again soon in case that was lost.
  ctx.setTimer("lease", next <= now ? 500 : next - now);
}
