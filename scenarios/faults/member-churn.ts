import { address, type HostName } from "../../protocol/address";
import type { Cancel } from "../../runtime/world";
import { durationSchema } from "../schema";
import { microseconds } from "./delay";
import { addMember, removeMember } from "./etcd-members";
import { count, type Fault, listed } from "./fault";

const withinMs = 60_000;

export const memberChurn: Fault = {
  name: "member-churn",
  what: "The members of etcd change while it works: another member is added on each target as a learner, given another peer URL (every other one), promoted when it has caught up, and removed again `period` later, over and over until the fault ends.",
  params: { period: { ...durationSchema, description: "how long each stays a member with a vote; 3s where not given" } },
  required: [],
  // The host has two votes for a while, so that losing it would cost more than one.
  silences: true,
  doublesVotes: true,
  swarm: { roles: ["etcd"], params: (d) => ({ period: `${Math.round(500 + d * 5_500)}ms` }) },
  begin(tank, hosts, params, id) {
    const periodMs = microseconds(params.period ?? "3s") / 1000;
    let added = 0;
    let removed = 0;
    let over = false;
    /** Whether another member may be there: asked for, and not known to be gone. */
    let doubled = false;
    let rounds = 0;
    const waiting = new Set<Cancel>();
    const churn = (host: HostName) => {
      if (over) return;
      const member = address("etcd", `${id.replaceAll(/[^A-Za-z0-9]+/g, ".")}-${rounds++}`);
      const joined = (done: boolean) => {
        if (done) added++;
        const leave = () =>
          removeMember(tank, member, withinMs, (gone) => {
            if (gone) removed++;
            doubled = !gone;
            churn(host);
          });
        if (over) return leave();
        const cancel = tank.after(periodMs, () => {
          waiting.delete(cancel);
          leaving.delete(leave);
          leave();
        });
        waiting.add(cancel);
        leaving.add(leave);
      };
      doubled = true;
      addMember(tank, host, member, withinMs, joined, rounds % 2 === 1 ? `${member}.moved` : undefined);
    };
    /** What is due when the fault ends: whoever is a member then has to go. */
    const leaving = new Set<() => void>();
    // One at a time: etcd takes one learner.
    churn(hosts[0]!);
    return {
      end() {
        over = true;
        for (const cancel of waiting) cancel.cancel();
        for (const leave of leaving) leave();
        return listed(count(added, "member", "added and promoted"), count(removed, "member", "removed"));
      },
      isMended: () => !doubled,
    };
  },
};
