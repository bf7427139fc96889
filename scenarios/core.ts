import { type HostName, roleOf } from "../protocol/address";
import type { Tank } from "./tank";
import type { HostFacts, Role } from "./target";

/**
 * The hosts that stay dead in a calm that heals a core only (TigerBeetle's simulator judges liveness so): of the control plane a random part is enough for the
 * cluster to work, a quorum of etcd, an API server and a host with controllers. Of the others each stays dead or not by a draw in [0, 1).
 * Hosts that are down for another reason count with the dead. Nodes are not among them: what they run would have to be done elsewhere, which is another matter.
 */
export function deadInCalm(
  hosts: readonly HostFacts[],
  isSpared: (host: HostName) => boolean,
  draw: (host: HostName, purpose: string) => number,
): readonly HostName[] {
  return (["etcd", "apiserver", "control"] as const).flatMap((role) => {
    const all = hosts.filter((host) => host.role === role);
    const mayDie = all.length - coreOf(role, all.length);
    const dead = all.filter(({ up }) => !up).length;
    const inOrder = all
      .filter(({ name, up }) => up && !isSpared(name))
      .map(({ name }) => ({ name, place: draw(name, "place in the core") }))
      .sort((a, b) => a.place - b.place);
    return inOrder
      .slice(0, Math.max(0, mayDie - dead))
      .map(({ name }) => name)
      .filter((name) => draw(name, "stays dead") < 0.5);
  });
}

const coreOf = (role: Role, count: number) => (role === "etcd" ? Math.floor(count / 2) + 1 : 1);

/** Kills what a core has to do without, and answers with it. Members of etcd whose data or votes are still being put in order are not to be had for that. */
export function leaveCore(tank: Tank, isMended: boolean, draw: (host: HostName, purpose: string) => number): readonly HostName[] {
  const hosts = tank.hosts();
  const members = hosts.filter(({ role }) => role === "etcd").map(({ name }) => name);
  const isSingle = (host: HostName) => tank.residentsOf(host).filter((actor) => roleOf(actor) === "etcd").length === 1;
  const inOrder = isMended && members.every(isSingle);
  const dead = deadInCalm(hosts, (host) => !inOrder && members.includes(host), draw);
  for (const host of dead) tank.crashHost(host, draw(host, "silently") < 0.5);
  return dead;
}
