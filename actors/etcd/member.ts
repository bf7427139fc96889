import type { ComponentGetRequest } from "../../protocol/cluster";
import type { BackupNext, BackupRequest, EtcdRequest, WatchProgressRequest, WatchRequest } from "../../protocol/etcd";
import type { RaftMessage, RemovedNotice } from "../../protocol/raft";
import type { Actor, Input, Recovered } from "../../runtime/actor";
import { armCorruptCheck, checkHashes } from "./alarms";
import { advance, recordRecovered } from "./drive";
import { Durations } from "./durations";
import { memberGet } from "./figures";
import { Journal } from "./journal";
import { checkpointTimer, keepLeases, leaseTimer } from "./lease-keeper";
import { continueBackup, openBackup } from "./maintenance";
import { pursueChanges, retire, retireIfRemoved, servesNot } from "./member-changes";
import { foundingMembership } from "./membership";
import { nextWakeMs, startNode } from "./raft/node";
import { flushQueue, routeWaiting, serveReads, takeRequest } from "./requests";
import { etcdSettings } from "./settings";
import { receiveSnapshotChunk, receiveSnapshotResponse, snapshotChunkWritten, snapshotWhenDue, tendTransfers } from "./snapshots";
import { type EtcdConfig, type MemberContext, type MemberState, momentOf, nowMs } from "./state";
import { scavenge } from "./store/compaction";
import { etcdError } from "./store/errors";
import { Watchers } from "./store/watchers";
import { closeLeaderless, closeWatch, deliver, openWatch, progressTimer, requestProgress } from "./watch-streams";

export type EtcdInput =
  | RaftMessage
  | RemovedNotice
  | EtcdRequest
  | WatchRequest
  | WatchProgressRequest
  | BackupRequest
  | BackupNext
  | ComponentGetRequest;

const scavengedPerTurn = 1_000;

/**
 * One etcd member, "etcd/N": Raft replicates commands, each member applies them to its store, and any member takes requests.
 * Whatever happens, the input is put into Raft or the store first, and `settle` then does what has become possible.
 */
export const etcdMember: Actor<EtcdConfig, MemberState, EtcdInput> = {
  role: "etcd",

  start(config, ctx, recovered) {
    const state = recoverState(config, ctx, recovered);
    recordRecovered(state, ctx);
    // What the disk knows to be committed is applied before anybody asks.
    advance(state, { type: "wake" }, ctx);
    retireIfRemoved(state, ctx);
    settle(state, ctx);
    armCorruptCheck(state, ctx);
    return state;
  },

  receive(state, input, ctx) {
    take(state, input, ctx);
    settle(state, ctx);
  },
};

function take(state: MemberState, input: Input<EtcdInput>, ctx: MemberContext): void {
  if (state.retired && input.type !== "request" && input.type !== "opened") return;
  switch (input.type) {
    case "message": {
      const message = input.body as RaftMessage | RemovedNotice;
      if (input.from.startsWith("etcd/")) state.durations.heard(input.from, input.bytes);
      // Others may know of members that this one has yet to hear of, so whoever is an etcd member may speak.
      if (!input.from.startsWith("etcd/")) ctx.log("warn", "a stranger speaks Raft", { from: input.from, kind: message.kind });
      else if (message.kind === "raft.removed") retire(state, ctx);
      else if (state.membership.removed.has(input.from)) ctx.send(input.from, { kind: "raft.removed" });
      else if (message.kind === "raft.snapshot") receiveSnapshotChunk(state, input.from, message, ctx);
      else if (message.kind === "raft.snapshot.response") receiveSnapshotResponse(state, input.from, message, ctx);
      else {
        if (message.kind === "raft.heartbeat.response") state.durations.answered(input.from, nowMs(ctx));
        advance(state, { type: "message", from: input.from, message }, ctx);
      }
      return;
    }
    case "request":
      if (input.body.kind === "component.get") ctx.reply(input.request, memberGet(state, input.body.path));
      else if (!input.body.kind.startsWith("etcd.") || input.body.kind.startsWith("etcd.watch"))
        ctx.refuse(input.request, `${input.body.kind} cannot be asked of etcd`);
      else {
        const dueMs = input.deadlineMs > 0 ? nowMs(ctx) + input.deadlineMs : Number.POSITIVE_INFINITY;
        const job = { body: input.body as EtcdRequest, request: input.request, from: input.from, dueMs };
        takeRequest(state, job, ctx);
      }
      return;
    case "opened": {
      const why = servesNot(state);
      if (why) ctx.close(input.stream, "refused", etcdError(why).message);
      else if (input.body.kind === "etcd.watch") openWatch(state, input.stream, input.body, ctx);
      else if (input.body.kind === "etcd.backup") openBackup(state, input.stream, input.body, ctx);
      else ctx.close(input.stream, "refused", `${input.body.kind} is no stream of etcd`);
      return;
    }
    case "item":
      if (input.body.kind === "etcd.watch.progress") requestProgress(state, input.stream, ctx);
      else if (input.body.kind === "etcd.backup.next") continueBackup(state, input.stream, ctx);
      return;
    case "closed":
      closeWatch(state, input.stream);
      state.backups.delete(input.stream.key);
      return;
    case "timer":
      takeTimer(state, input.name, ctx);
      return;
    case "persisted":
      state.durations.written(input.token, nowMs(ctx));
      if (input.token.startsWith("raft ")) {
        state.writesUnderWay--;
        advance(state, { type: "persisted", write: Number(input.token.slice(5)) }, ctx);
      } else if (input.token.startsWith("snapshot ")) snapshotChunkWritten(state, input.token === "snapshot end", ctx);
      return;
    case "diskFailed":
      // A member that cannot persist must not go on: it starts again from what the disk holds.
      throw new Error(`etcd: the disk failed: ${input.detail}`);
  }
}

function takeTimer(state: MemberState, name: string, ctx: MemberContext): void {
  switch (name) {
    case "raft":
      state.wakeMs = Number.POSITIVE_INFINITY;
      advance(state, { type: "wake" }, ctx);
      tendTransfers(state, ctx);
      if (state.waiting.length > 0) routeWaiting(state, ctx);
      closeLeaderless(state, ctx);
      return;
    case "route":
      routeWaiting(state, ctx);
      return;
    case "lease":
      leaseTimer(state, ctx);
      return;
    case "checkpoint":
      checkpointTimer(state, ctx);
      return;
    case "scavenge":
      if (!scavenge(state.store, scavengedPerTurn)) ctx.setTimer("scavenge", 0);
      return;
    case "progress":
      progressTimer(state, ctx);
      return;
    case "deliver":
      deliver(state, ctx);
      return;
    case "corruption":
      checkHashes(state, ctx);
      return;
  }
}

/** After each input: what changed is noticed, what waited goes on, and the timer is set for what comes next. */
function settle(state: MemberState, ctx: MemberContext): void {
  if (state.retired) return;
  noticeRole(state, ctx);
  keepLeases(state, ctx);
  flushQueue(state, ctx);
  serveReads(state, ctx);
  flushQueue(state, ctx);
  pursueChanges(state, ctx);
  deliver(state, ctx);
  snapshotWhenDue(state, ctx);
  armRaftTimer(state, ctx);
}

function noticeRole(state: MemberState, ctx: MemberContext): void {
  const { seen, node } = state;
  const role = node.role.name === "preCandidate" ? "precandidate" : node.role.name;
  if (role !== seen.role || node.term !== seen.term) {
    seen.role = role;
    seen.term = node.term;
    ctx.record({ kind: "raft.role", role, term: node.term });
    if (role === "leader") ctx.record({ kind: "raft.leader", term: node.term });
  }
  if (node.leader === seen.leader) return;
  seen.leader = node.leader;
  seen.leaderlessMs = node.leader === null ? nowMs(ctx) : Number.POSITIVE_INFINITY;
  if (node.leader === null) return;
  state.durations.leaderChanges.add();
  routeWaiting(state, ctx);
}

/** One timer for all of Raft's deadlines. A deadline that moved away is noticed when the timer fires: re-arming on each heartbeat costs more. */
function armRaftTimer(state: MemberState, ctx: MemberContext): void {
  const due = nextWakeMs(state.node);
  const wanted = state.senders.size > 0 ? Math.min(due ?? Number.POSITIVE_INFINITY, nowMs(ctx) + state.settings.heartbeatIntervalMs) : due;
  if (wanted === null || wanted >= state.wakeMs) return;
  state.wakeMs = wanted;
  ctx.setTimer("raft", Math.max(0, Math.ceil((wanted - nowMs(ctx)) * 1000) / 1000));
}

function recoverState(config: EtcdConfig, ctx: MemberContext, recovered: Recovered): MemberState {
  const settings = etcdSettings(config.settings);
  const { persisted, store, membership, journal } = Journal.recover(recovered);
  const founders = config.join ? [] : config.members;
  const { heartbeatIntervalMs, electionTimeoutMs, preVote } = settings;
  const node = startNode(
    {
      id: ctx.self,
      voters: founders,
      heartbeatIntervalMs,
      electionTimeoutMs,
      preVote,
      checkQuorum: true,
      maxBytesPerAppend: settings.maxSizePerMsg,
      maxInflightMessages: 512,
      maxInflightBytes: 32 * 1024 * 1024,
      maxUncommittedBytes: 1024 ** 3,
    },
    persisted,
    momentOf(ctx),
  );
  // As etcd's initial-election-tick-advance: a start need not wait out a whole time-out first; pre-votes keep a living leader undisturbed.
  node.electionDueMs -= electionTimeoutMs - heartbeatIntervalMs;
  return {
    id: ctx.self,
    membership: membership ?? foundingMembership(founders),
    retired: false,
    changes: [],
    change: null,
    settings,
    node,
    journal,
    store,
    appliedIndex: persisted.snapshot.index,
    recoveredIndex: node.log.lastIndex,
    queue: [],
    writesUnderWay: 0,
    proposed: new Map(),
    nextRead: 1,
    reads: new Map(),
    readsToServe: [],
    waiting: [],
    watchers: new Watchers(),
    streams: new Map(),
    backups: new Map(),
    expiry: null,
    revoking: new Set(),
    raising: new Set(),
    defragmenting: [],
    taking: null,
    senders: new Map(),
    receiver: null,
    arriving: null,
    seen: {
      role: "follower",
      term: node.term,
      leader: null,
      leaderlessMs: nowMs(ctx),
      committed: persisted.snapshot.index,
      vote: node.vote,
      voteTerm: node.term,
    },
    durations: new Durations(),
    wakeMs: Number.POSITIVE_INFINITY,
  };
}
