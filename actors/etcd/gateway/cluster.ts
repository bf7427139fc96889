import type { MemberLink } from "./member-link";
import { unimplemented } from "./refusal";
import { type Handlers, unary } from "./serve";

/** etcd's Cluster service. Who the members are is settled when a cluster is made. */
export function clusterService(link: MemberLink): Handlers {
  const fixed = unary<object>(link, async () => {
    throw unimplemented("changing the members");
  });
  return {
    MemberList: unary<object>(link, async () => {
      const header = link.header(await link.currentHeader());
      const members = link.options.members().map(({ address, name, clientUrls }) => ({
        ID: link.idOfMember(address),
        name,
        // Members speak in messages between actors, to addresses like this one.
        peerURLs: [address],
        clientURLs: clientUrls,
      }));
      return { header, members };
    }),
    MemberAdd: fixed,
    MemberRemove: fixed,
    MemberUpdate: fixed,
    MemberPromote: fixed,
  };
}
