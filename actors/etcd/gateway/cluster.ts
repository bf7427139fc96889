import { status } from "@grpc/grpc-js";
import type { ClusterMember, MemberChangeRequest, MembersResponse } from "../../../protocol/etcd";
import { isSameId } from "./identity";
import type { Int64 } from "./int64";
import type { MemberLink } from "./member-link";
import { Refusal } from "./refusal";
import { invalid } from "./requests";
import { type Asker, type Handlers, unary } from "./serve";

interface IdFields {
  readonly ID: Int64;
  readonly peerURLs: readonly string[];
}
interface AddFields {
  readonly peerURLs: readonly string[];
  readonly isLearner: boolean;
}

/** etcd's Cluster service. */
export function clusterService(link: MemberLink): Handlers {
  // etcd names no revision where no key is concerned.
  const listed = ({ header, members }: MembersResponse) => ({
    header: link.header({ ...header, revision: 0 }),
    members: members.map((member) => writeMember(link, member)),
  });
  const change = (requestOf: (member: string, fields: IdFields) => MemberChangeRequest) =>
    unary<IdFields>(link, async ({ message }, asker) => {
      const request = requestOf(await memberOf(link, asker, message.ID), message);
      return listed(await asker.ask("etcd.member.response", request));
    });
  return {
    MemberList: unary<{ readonly linearizable: boolean }>(link, async ({ message }, asker) =>
      listed(await asker.ask("etcd.member.response", { kind: "etcd.member.list", linearizable: message.linearizable })),
    ),
    MemberAdd: unary<AddFields>(link, async ({ message }, asker) => {
      const { peerURLs: peerUrls, isLearner } = message;
      const response = await asker.ask("etcd.member.response", {
        kind: "etcd.member.add",
        member: addressFrom(peerUrls),
        name: "",
        peerUrls,
        isLearner,
      });
      return { ...listed(response), member: response.member === null ? null : writeMember(link, response.member) };
    }),
    MemberRemove: change((member) => ({ kind: "etcd.member.remove", member })),
    MemberUpdate: change((member, { peerURLs }) => ({ kind: "etcd.member.update", member, peerUrls: peerURLs })),
    MemberPromote: change((member) => ({ kind: "etcd.member.promote", member })),
  };
}

function writeMember(link: MemberLink, { id, name, peerUrls, isLearner }: ClusterMember): object {
  return {
    ID: link.idOfMember(id),
    name,
    peerURLs: peerUrls,
    clientURLs: link.options.clientUrlsOf(id),
    ...(isLearner ? { isLearner } : {}),
  };
}

async function memberOf(link: MemberLink, asker: Asker, id: Int64): Promise<string> {
  const { members } = await asker.ask("etcd.member.response", { kind: "etcd.member.list", linearizable: true });
  const found = members.find((member) => isSameId(link.idOfMember(member.id), id));
  if (found === undefined) throw new Refusal(status.NOT_FOUND, "etcdserver: member not found");
  return found.id;
}

/** Members are actors, on hosts named after them: http://etcd-3:2380 is that of "etcd/3". */
function addressFrom(peerUrls: readonly string[]): string {
  const index = /^https?:\/\/etcd-(\d+)(?::\d+)?$/.exec(peerUrls[0] ?? "")?.[1];
  if (index === undefined)
    throw invalid("etcdserver: given member URLs are invalid: expected http://etcd-N:PORT, of the host of actor etcd/N");
  return `etcd/${index}`;
}
