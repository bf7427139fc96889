import { microseconds } from "../faults/delay";
import { durationSchema } from "../schema";
import type { Check } from "./check";
import { factOf } from "./raft/history";
import { Standstill } from "./raft/standstill";
import { known } from "./watch/told";

type Called = NonNullable<ReturnType<typeof known<"lease.called">>>;
type Returned = NonNullable<ReturnType<typeof known<"lease.returned">>>;

interface Lease {
  readonly ttlUs: number;
  /** It has to live until then, by what its clients were told. */
  earliestUs: number;
  /** It may live until then, by whatever may have renewed it and whoever has led. */
  latestUs: number;
  /** Renewals under way or without an answer: who knows when they took effect. */
  renewals: number;
  revocation: boolean;
  readonly keys: Set<string>;
  ended: { readonly atUs: number; readonly revision: number } | undefined;
}

/** So long a request may be under way in the cluster when whoever asked has given up. */
const lateUs = 2_000_000;
/** A revocation takes a while: it goes through the log, and so only while entries can be committed. */
const graceUs = 3_000_000;

/** A lease's life: from the grant until its time is over, counted from the last renewal; neither shorter nor, where a leader keeps the time, much longer. */
export const leaseLife: Check = {
  name: "lease-life",
  claim:
    "A lease lives at least its time to live from when the last renewal that was answered had been sent, unless it is revoked; it ends with all of its keys in one revision, and nothing is put under it after that; and it lives no longer than that time, but for what a change of leader costs (one checkpoint interval and the time without a leader) and the time in which a leader can get nothing committed.",
  source:
    "etcd documentation, Lease API: leases are kept by the leader; checkpoints of remaining time (--lease-checkpoint-interval); etcd-io/etcd#17132",
  params: {
    checkpointInterval: {
      ...durationSchema,
      description: "the cluster's etcd.lease-checkpoint-interval; where not given, leases may begin anew with each leader",
    },
  },
  required: [],
  begin({ checkpointInterval }) {
    const intervalUs = checkpointInterval === undefined ? Number.POSITIVE_INFINITY : microseconds(checkpointInterval);
    const leases = new Map<number, Lease>();
    const open = new Map<string, { readonly called: Called; readonly atUs: number }>();
    const leaseOf = new Map<string, number>();
    const standstill = new Standstill();
    let committedUs = 0;
    let leaderSinceUs = 0;
    let ended = 0;
    let answers = 0;

    const changeLeader = (atUs: number) => {
      leaderSinceUs = atUs;
      // What is left of a lease was written down at least an interval before the last that the old leader committed.
      for (const lease of leases.values()) lease.latestUs += Math.max(0, atUs - committedUs) + intervalUs + lateUs;
    };
    const overdue = (atUs: number): string | undefined => {
      for (const [id, lease] of leases) {
        if (
          lease.ended ||
          lease.renewals > 0 ||
          lease.keys.size === 0 ||
          atUs <= lease.latestUs + graceUs ||
          leaderSinceUs > lease.latestUs ||
          standstill.sinceUs(lease.latestUs, atUs) <= graceUs
        )
          continue;
        return `lease ${id} should have ended ${((atUs - lease.latestUs) / 1e6).toFixed(1)} s ago, and ${[...lease.keys][0]} is still there`;
      }
      return undefined;
    };
    const changed = (key: string, deleted: boolean, revision: number, atUs: number): string | undefined => {
      const id = leaseOf.get(key);
      const lease = id === undefined ? undefined : leases.get(id);
      if (!lease) return undefined;
      if (!deleted) {
        lease.keys.add(key);
        return lease.ended
          ? `${key} was put under lease ${id} at revision ${revision}, which had ended at ${lease.ended.revision}`
          : undefined;
      }
      lease.keys.delete(key);
      if (lease.ended)
        return lease.ended.revision === revision
          ? undefined
          : `the keys of lease ${id} ended at revisions ${lease.ended.revision} and ${revision}`;
      lease.ended = { atUs, revision };
      ended++;
      return lease.revocation || atUs >= lease.earliestUs
        ? undefined
        : `lease ${id} ended ${((lease.earliestUs - atUs) / 1e6).toFixed(1)} s before its time, and nobody had revoked it`;
    };
    const returned = (
      { outcome, lease: id, ttlSeconds }: Returned,
      { called, atUs: calledUs }: { readonly called: Called; readonly atUs: number },
      atUs: number,
    ) => {
      const done = outcome === "done";
      if (called.action === "grant" && done) {
        const ttlUs = ttlSeconds * 1e6;
        leases.set(id, {
          ttlUs,
          earliestUs: calledUs + ttlUs,
          latestUs: atUs + ttlUs,
          renewals: 0,
          revocation: false,
          keys: new Set(),
          ended: undefined,
        });
      }
      const lease = leases.get(id);
      if (!lease) return undefined;
      if (called.action === "keepAlive") {
        lease.renewals--;
        // One that was refused may have been done all the same, by a leader who could not say so.
        if (!done || ttlSeconds > 0) lease.latestUs = Math.max(lease.latestUs, atUs + (done ? 0 : lateUs) + lease.ttlUs);
        if (done && ttlSeconds > 0) {
          answers++;
          lease.earliestUs = Math.max(lease.earliestUs, calledUs + lease.ttlUs);
          const early = lease.ended && !lease.revocation && lease.ended.atUs < calledUs + lease.ttlUs;
          if (early)
            return `lease ${id} was renewed for ${ttlSeconds} s, and had ended ${((atUs - lease.ended!.atUs) / 1e6).toFixed(1)} s before the answer`;
        }
      }
      if (called.action === "timeToLive" && done && ttlSeconds > 0) {
        answers++;
        // Told in whole seconds, rounded up.
        const excessUs = calledUs + (ttlSeconds - 1) * 1e6 - lease.latestUs - graceUs;
        if (lease.renewals === 0 && excessUs > 0)
          return `lease ${id} was said to have ${ttlSeconds} s left, ${(excessUs / 1e6).toFixed(1)} s more than can be`;
      }
      return undefined;
    };

    return {
      see(event) {
        standstill.see(event);
        if (event.type === "store") return changed(event.key, event.deleted, event.revision, event.atUs);
        if (event.type !== "fact") return undefined;
        const { atUs } = event;
        if (factOf(event, "raft.leader")) changeLeader(atUs);
        if (factOf(event, "raft.committed")) {
          committedUs = atUs;
          return overdue(atUs);
        }
        const called = known(event, "lease.called");
        if (called) {
          open.set(called.call, { called, atUs });
          if (called.action === "put") leaseOf.set(called.key, called.lease);
          const lease = leases.get(called.lease);
          if (lease && called.action === "keepAlive") lease.renewals++;
          if (lease && called.action === "revoke") lease.revocation = true;
        }
        const answer = known(event, "lease.returned");
        const opened = answer && open.get(answer.call);
        if (!answer || !opened) return undefined;
        open.delete(answer.call);
        return returned(answer, opened, atUs);
      },
      end() {
        for (const [id, lease] of leases)
          if (lease.ended && lease.keys.size > 0)
            return {
              violation: `lease ${id} ended at revision ${lease.ended.revision}, and ${[...lease.keys][0]} stayed`,
              detail: "",
              reached: ended,
            };
        return {
          detail: `${leases.size} leases, of which ${ended} ended in their time, and ${answers} answers on what is left of them`,
          reached: ended + answers,
        };
      },
    };
  },
};
