import { type ServerWritableStream, status } from "@grpc/grpc-js";
import type { AlarmResponse } from "../../../protocol/etcd-auth";
import { etcdVersion } from "../version";
import { sendBackup } from "./backup";
import { decimal, isSameId, noId } from "./identity";
import { clamped, type Int64 } from "./int64";
import type { MemberLink } from "./member-link";
import { Refusal, unimplemented } from "./refusal";
import { invalid } from "./requests";
import { Asker, failStream, type Handlers, unary } from "./serve";

/** AlarmRequest.AlarmAction and AlarmType, by number. */
const alarmActions = ["get", "activate", "deactivate"] as const;
const alarmTypes: readonly string[] = ["NONE", "NOSPACE", "CORRUPT"];
const leaderPollMs = 20;

interface AlarmFields {
  readonly action: number;
  readonly memberID: Int64;
  readonly alarm: number;
}
interface HashFields {
  readonly revision: Int64;
}
interface MoveLeaderFields {
  readonly targetID: Int64;
}

/** etcd's Maintenance service. */
export function maintenanceService(link: MemberLink): Handlers {
  return {
    Status: unary<object>(link, async (_incoming, asker) => {
      const { header, leader, appliedIndex, committedIndex, sizeBytes, diskBytes, isLearner, alarms } = await asker.ask(
        "etcd.status.response",
        {
          kind: "etcd.status",
        },
      );
      return {
        header: link.header(header),
        version: etcdVersion,
        dbSize: Math.max(diskBytes, sizeBytes),
        dbSizeInUse: sizeBytes,
        leader: leader === "" ? noId : link.idOfMember(leader),
        raftIndex: committedIndex,
        raftAppliedIndex: appliedIndex,
        raftTerm: header.term,
        ...(isLearner ? { isLearner } : {}),
        errors: [
          ...(leader === "" ? ["etcdserver: no leader"] : []),
          ...alarms.map(({ member, alarm }) => `memberID:${decimal(link.idOfMember(member))} alarm:${alarm} `),
        ],
      };
    }),
    Alarm: unary<AlarmFields>(link, async ({ message }, asker) => {
      const { header, alarms } = await alarm(link, asker, message);
      return {
        header: link.header(header),
        alarms: alarms.map(({ member, alarm }) => ({ memberID: link.idOfMember(member), alarm: alarmTypes.indexOf(alarm) })),
      };
    }),
    Defragment: unary<object>(link, async (_incoming, asker) => {
      const { header } = await asker.ask("etcd.defragment.response", { kind: "etcd.defragment" });
      return { header: link.header(header) };
    }),
    HashKV: unary<HashFields>(link, async ({ message }, asker) => {
      const answer = await asker.ask("etcd.hashKv.response", { kind: "etcd.hashKv", revision: clamped(message.revision) });
      return { header: link.header(answer.header), hash: answer.hash, compact_revision: answer.compactRevision };
    }),
    Hash: unary<object>(link, async (_incoming, asker) => {
      const { header, hash } = await asker.ask("etcd.hashKv.response", { kind: "etcd.hashKv", revision: 0 });
      return { header: link.header(header), hash };
    }),
    Snapshot: (call: ServerWritableStream<unknown, object>) => {
      Asker.of(link, call)
        .then(({ as }) => sendBackup(link, call, as))
        .catch((error: unknown) => failStream(link, call, error));
    },
    MoveLeader: unary<MoveLeaderFields>(link, async ({ message }, asker) => {
      const { members } = await asker.ask("etcd.member.response", { kind: "etcd.member.list", linearizable: false });
      const target = members.find(({ id }) => isSameId(link.idOfMember(id), message.targetID));
      if (target === undefined) throw new Refusal(status.FAILED_PRECONDITION, "etcdserver: bad leader transferee");
      const { header } = await asker.ask("etcd.moveLeader.response", { kind: "etcd.moveLeader", to: target.id });
      await leaderIs(link, target.id);
      return { header: link.header(header) };
    }),
    Downgrade: unary<object>(link, async () => {
      throw unimplemented("downgrading");
    }),
  };
}

/** Resolves when the member takes that one for leader; gives up as a request does. */
async function leaderIs(link: MemberLink, address: string): Promise<void> {
  const endMs = performance.now() + link.options.requestTimeoutMs;
  while (performance.now() < endMs) {
    const { leader } = await link.ask("etcd.status.response", { kind: "etcd.status" });
    if (leader === address) return;
    await new Promise((resolve) => setTimeout(resolve, leaderPollMs));
  }
  throw new Refusal(status.UNAVAILABLE, "etcdserver: request timed out, leader transfer took too long");
}

/** Lists the alarms, raises one or takes one back. */
async function alarm(link: MemberLink, asker: Asker, { action: number, memberID, alarm: type }: AlarmFields): Promise<AlarmResponse> {
  const action = alarmActions[number];
  const named = alarmTypes[type];
  const listed = await asker.ask("etcd.alarm.response", { kind: "etcd.alarm.list" });
  if (action === "get") return type === 0 ? listed : { ...listed, alarms: listed.alarms.filter(({ alarm }) => alarm === named) };
  if (action === undefined || (named !== "NOSPACE" && named !== "CORRUPT")) throw invalid("etcdserver: invalid alarm");
  const { members } = await asker.ask("etcd.member.response", { kind: "etcd.member.list", linearizable: false });
  const member = members.find(({ id }) => isSameId(link.idOfMember(id), memberID))?.id;
  if (member === undefined) return { ...listed, alarms: [] };
  return asker.ask("etcd.alarm.response", { kind: "etcd.alarm", action, alarm: { member, alarm: named } });
}
