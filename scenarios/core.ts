import type { HostName } from "../protocol/address";
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
