import { type Address, roleOf } from "../../protocol/address";
import { replaceMember } from "./etcd-members";
import { type Fault, listed } from "./fault";

const withinMs = 60_000;

export const replaceMemberFault: Fault = {
  name: "replace-member",
  what: "The hosts of etcd members lose power and their disks are gone. When the fault ends each is replaced: the old member is removed from the cluster, a new one added with an empty disk as a learner, and promoted when it has caught up.",
  params: {},
  required: [],
  silences: true,
  damages: true,
  swarm: { roles: ["etcd"] },
  begin(tank, hosts) {
    const members = new Map<string, Address>();
    for (const host of hosts) {
      const member = tank.residentsOf(host).find((actor) => roleOf(actor) === "etcd");
      if (member !== undefined) members.set(host, member);
      tank.crashHost(host, true);
      tank.wipeDisk(host);
    }
    let replaced = 0;
    return {
      end() {
        // One after the other: etcd takes one learner at a time.
        const left = [...members];
        const next = () => {
          const one = left.shift();
          if (one !== undefined)
            replaceMember(tank, one[0], one[1], withinMs, () => {
              replaced++;
              next();
            });
        };
        next();
        return listed(...[...members].map(([host, member]) => `${member} on ${host} lost its disk and is replaced`));
      },
      isMended: () => replaced === members.size,
    };
  },
};
