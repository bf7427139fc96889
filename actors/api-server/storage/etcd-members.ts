import type { Address } from "../../../protocol/address";
import type { ClusterMember, EtcdResponse, MemberListRequest } from "../../../protocol/etcd";
import type { Context } from "../../../runtime/actor";
import type { EtcdClient, HasEtcd } from "./etcd-client";

/** Follows who belongs to etcd: an API server learns of members that were added or removed without being started anew. */
export const etcdMembersTimer = "etcd-members";

/** A quorum is asked: a member that lags, or was removed without hearing of it, would tell of a membership that is past. */
const question: MemberListRequest = { kind: "etcd.member.list", linearizable: true };

/** On the timer. What is not answered is asked again with the next one, whoever is preferred by then; an etcd outside answers none of it. */
export function followEtcdMembers<S extends HasEtcd>(state: S, ctx: Context<S>): undefined {
  const { preferred, readTimeoutMs, syncIntervalMs } = state.etcd;
  if (syncIntervalMs === 0) return;
  ctx.setTimer(etcdMembersTimer, syncIntervalMs);
  ctx.ask<EtcdResponse>(preferred, question, { deadlineMs: readTimeoutMs }, (state, answer, ctx) => {
    if (!answer.ok || answer.body.kind !== "etcd.member.response") return;
    const { members, preferred } = membersAfter(state.etcd, answer.body.members);
    if (members.join() === state.etcd.members.join()) return;
    ctx.log("info", "the members of etcd have changed", { members });
    state.etcd.members = members;
    state.etcd.preferred = preferred;
  });
}

/**
 * Whom to ask from now on, given who belongs to the cluster: those with a vote, for learners answer next to nothing. Known members keep their order and new ones
 * come behind them; who is preferred stays so unless it is gone, then it is the next one that stays.
 */
export function membersAfter(
  { members, preferred }: Pick<EtcdClient, "members" | "preferred">,
  listed: readonly ClusterMember[],
): Pick<EtcdClient, "members" | "preferred"> {
  const voters = listed.filter(({ isLearner }) => !isLearner).map(({ id }) => id as Address);
  if (voters.length === 0) return { members, preferred };
  const next = [...members.filter((one) => voters.includes(one)), ...voters.filter((one) => !members.includes(one))];
  const from = members.indexOf(preferred);
  const inTurn = [...members.slice(from), ...members.slice(0, from)];
  return { members: next, preferred: inTurn.find((one) => next.includes(one)) ?? next[0]! };
}
