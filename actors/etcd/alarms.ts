import type { Address } from "../../protocol/address";
import type { EtcdResponse, HashKvRequest } from "../../protocol/etcd";
import type { Alarm, AlarmRequest } from "../../protocol/etcd-auth";
import { enqueue } from "./requests";
import type { MemberContext, MemberState } from "./state";
import { hashKv } from "./store/hash";

/** Has an alarm put into the log, here or by the leader, unless it is raised. Nobody waits for it: what goes wrong again raises it again. */
export function raiseAlarm(state: MemberState, alarm: Alarm, ctx: MemberContext): void {
  const { node, store, settings } = state;
  const name = `${alarm.member} ${alarm.alarm}`;
  if (store.alarms.has(alarm) || state.raising.has(name)) return;
  const request: AlarmRequest = { kind: "etcd.alarm", action: "activate", alarm };
  if (node.role.name === "leader") {
    state.raising.add(name);
    enqueue(state, request, null, (state) => state.raising.delete(name));
  } else if (node.leader !== null) {
    state.raising.add(name);
    ctx.ask<EtcdResponse>(node.leader as Address, request, { deadlineMs: 2 * settings.electionTimeoutMs }, (state) => {
      state.raising.delete(name);
      return undefined;
    });
  }
}

/** Sets the timer for the next comparison of hashes, where they are wanted. */
export function armCorruptCheck({ settings }: MemberState, ctx: MemberContext): void {
  if (settings.corruptCheckTimeMs > 0) ctx.setTimer("corruption", settings.corruptCheckTimeMs);
}

/**
 * The leader asks the others for the hash of its own newest revision. Who has applied that revision, compacted at the same one, and has
 * another hash, has other data: the alarm stops all of them before more is built on it.
 */
export function checkHashes(state: MemberState, ctx: MemberContext): void {
  armCorruptCheck(state, ctx);
  if (state.node.role.name !== "leader") return;
  const { revision, compacted } = state.store;
  const hash = hashKv(state.store, revision);
  for (const member of state.node.configurations.others as readonly Address[]) {
    const deadlineMs = 2 * state.settings.electionTimeoutMs;
    const question: HashKvRequest = { kind: "etcd.hashKv", revision };
    ctx.ask<EtcdResponse>(member, question, { deadlineMs }, (state, got, ctx) => {
      if (!got.ok || got.body.kind !== "etcd.hashKv.response") return undefined;
      if (got.body.compactRevision !== compacted || got.body.hash === hash) return undefined;
      ctx.log("error", "members disagree on what is stored", { member, revision, hash: got.body.hash, leaderHash: hash });
      raiseAlarm(state, { member, alarm: "CORRUPT" }, ctx);
      return undefined;
    });
  }
}
