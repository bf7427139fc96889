import { type ServerWritableStream, status } from "@grpc/grpc-js";
import { sendBackup } from "./backup";
import { isSameId, noId } from "./identity";
import { clamped, type Int64 } from "./int64";
import type { MemberLink } from "./member-link";
import { Refusal, unimplemented } from "./refusal";
import { failStream, type Handlers, unary } from "./serve";

/** The release of etcd whose API this is. */
const etcdVersion = "3.5.30";

/** AlarmRequest.AlarmAction. */
const activateAlarm = 1;
const leaderPollMs = 20;

interface AlarmFields {
  readonly action: number;
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
    Status: unary<object>(link, async () => {
      const { header, leader, appliedIndex, committedIndex, sizeBytes } = await link.ask("etcd.status.response", { kind: "etcd.status" });
      return {
        header: link.header(header),
        version: etcdVersion,
        dbSize: sizeBytes,
        dbSizeInUse: sizeBytes,
        leader: leader === "" ? noId : link.idOfMember(leader),
        raftIndex: committedIndex,
        raftAppliedIndex: appliedIndex,
        raftTerm: header.term,
        errors: leader === "" ? ["etcdserver: no leader"] : [],
      };
    }),
    // A member that is full refuses writes for as long as it is and remembers nothing of it: no alarm is ever raised, and none to disarm.
    Alarm: unary<AlarmFields>(link, async ({ message }) => {
      if (message.action === activateAlarm) throw unimplemented("raising alarms");
      return { header: link.header(await link.currentHeader()) };
    }),
    // Nothing is kept in pages that could be half empty.
    Defragment: unary<object>(link, async () => ({ header: link.header(await link.currentHeader()) })),
    HashKV: unary<HashFields>(link, async ({ message }) => {
      const answer = await link.ask("etcd.hashKv.response", { kind: "etcd.hashKv", revision: clamped(message.revision) });
      return { header: link.header(answer.header), hash: answer.hash, compact_revision: answer.compactRevision };
    }),
    Hash: unary<object>(link, async () => {
      const { header, hash } = await link.ask("etcd.hashKv.response", { kind: "etcd.hashKv", revision: 0 });
      return { header: link.header(header), hash };
    }),
    Snapshot: (call: ServerWritableStream<unknown, object>) => {
      sendBackup(link, call).catch((error: unknown) => failStream(link, call, error));
    },
    MoveLeader: unary<MoveLeaderFields>(link, async ({ message }) => {
      const target = link.options.members().find(({ address }) => isSameId(link.idOfMember(address), message.targetID));
      if (target === undefined) throw new Refusal(status.FAILED_PRECONDITION, "etcdserver: bad leader transferee");
      const { header } = await link.ask("etcd.moveLeader.response", { kind: "etcd.moveLeader", to: target.address });
      await leaderIs(link, target.address);
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
