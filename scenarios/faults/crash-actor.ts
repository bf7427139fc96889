import { parseAddress, roleOf } from "../../protocol/address";
import type { Fault } from "./fault";

export const crashActor: Fault = {
  name: "crash-actor",
  what: "Makes actors on the hosts lose their memory, as a panic does; their supervisor starts them again after a back-off. Their hosts, disks and neighbours stay.",
  params: {
    role: { type: "string", description: 'only actors of this role, such as "scheduler"; all on the host where not given' },
    one: { type: "boolean", description: "of those on each host only one, which is drawn" },
  },
  required: [],
  silences: false,
  swarm: { roles: ["etcd", "apiserver", "control", "node"], params: (d) => (d < 0.5 ? {} : { one: true }) },
  begin(tank, hosts, params, id) {
    const actors = hosts.flatMap((host, i) => {
      const meant = tank.actorsOn(host).filter((actor) => params.role === undefined || roleOf(parseAddress(actor)) === params.role);
      return params.one === true && meant.length > 1 ? [meant[Math.floor(tank.draw(id, "actor", i) * meant.length)]!] : meant;
    });
    for (const actor of actors) tank.crashActor(actor);
    return { end: () => (actors.length === 0 ? "" : `${actors.join(", ")} crashed`) };
  },
};
