import { type Address, address, type HostName, nameOf, roleOf } from "../../protocol/address";
import type { EtcdRequest, EtcdResponse, MembersResponse } from "../../protocol/etcd";
import type { Tank } from "../tank";

/** What an operator of etcd does with etcdctl: asks, adds, promotes and removes members. Every step is tried again until the list of members says that it is so. */

const tryMs = 3_000;
const retryMs = 500;
type Members = MembersResponse["members"];

/** The members that run, wherever they were placed. */
export function runningMembers(tank: Tank): readonly Address[] {
  return tank
    .hosts()
    .flatMap(({ name }) => tank.actorsOn(name))
    .filter((actor) => roleOf(actor) === "etcd");
}

/** Asks one member after the other until one answers without an error, for `withinMs` at most; then undefined. */
export function askEtcd(tank: Tank, request: EtcdRequest, withinMs: number, then: (answer: EtcdResponse | undefined) => void): void {
  const untilUs = tank.nowUs() + withinMs * 1000;
  let tries = 0;
  const attempt = () => {
    const members = runningMembers(tank);
    const again = () => {
      if (tank.nowUs() < untilUs) tank.after(retryMs, attempt);
      else then(undefined);
    };
    const member = members[tries++ % members.length];
    if (member === undefined) return again();
    tank.ask<EtcdResponse>(member, request, tryMs, (answer) => {
      if (answer.ok && answer.body.kind !== "etcd.error") then(answer.body);
      else again();
    });
  };
  attempt();
}

/** Makes a change of the members until it is so; `then` hears whether it came to that. */
function change(
  tank: Tank,
  request: EtcdRequest,
  isSo: (members: Members) => boolean,
  withinMs: number,
  then: (done: boolean) => void,
): void {
  const untilUs = tank.nowUs() + withinMs * 1000;
  const look = () =>
    askEtcd(tank, { kind: "etcd.member.list", linearizable: true }, withinMs, (listed) => {
      if (listed?.kind === "etcd.member.response" && isSo(listed.members)) return then(true);
      if (tank.nowUs() >= untilUs) return then(false);
      // Refused or not, the list is what counts: an answer may be lost.
      askEtcd(tank, request, retryMs, () => void tank.after(retryMs, look));
    });
  look();
}

/**
 * Adds a member on a host: a learner at first, which gets a vote when it has caught up. Its disk must be empty. With `peerUrl` it is given another
 * address in between, as one whose machine moved.
 */
export function addMember(
  tank: Tank,
  host: HostName,
  member: Address,
  withinMs: number,
  then: (done: boolean) => void,
  peerUrl?: string,
): void {
  const founder = runningMembers(tank)
    .map((one) => tank.configOf(one))
    .find((config) => config !== undefined);
  const add = { kind: "etcd.member.add", member, name: "", peerUrls: [], isLearner: true } as const;
  change(
    tank,
    add,
    (members) => members.some(({ id }) => id === member),
    withinMs,
    (added) => {
      if (!added) return then(false);
      tank.placeActor(host, member, { ...(founder as object), join: true });
      tank.startHost(host);
      const votes = (members: Members) => members.some(({ id, isLearner }) => id === member && !isLearner);
      const promote = () => change(tank, { kind: "etcd.member.promote", member }, votes, withinMs, then);
      if (peerUrl === undefined) return promote();
      const moved = (members: Members) => members.some(({ id, peerUrls }) => id === member && peerUrls.includes(peerUrl));
      change(tank, { kind: "etcd.member.update", member, peerUrls: [peerUrl] }, moved, withinMs, (done) =>
        done ? promote() : then(false),
      );
    },
  );
}

/** Takes a member out of the cluster and off its host. */
export function removeMember(tank: Tank, member: Address, withinMs: number, then: (done: boolean) => void): void {
  change(
    tank,
    { kind: "etcd.member.remove", member },
    (members) => !members.some(({ id }) => id === member),
    withinMs,
    (removed) => {
      if (removed) tank.removeActor(member);
      then(removed);
    },
  );
}

/** An address that no member has had: one that was removed is not taken again. */
export function nextAddress(member: Address): Address {
  const [first = "0", generation = "0"] = nameOf(member).split("-");
  return address("etcd", `${first}-${Number(generation) + 1}`);
}

/**
 * Puts a fresh member in the place of one whose copy of the data is gone: its host is wiped, the old member removed, a new one added, and the API servers
 * are told, one after the other, where it is. `then` hears whether the cluster is whole again.
 */
export function replaceMember(tank: Tank, host: HostName, member: Address, withinMs: number, then: (done: boolean) => void): void {
  const config = tank.configOf(member);
  const fresh = nextAddress(member);
  tank.crashHost(host, false);
  tank.wipeDisk(host);
  // Whoever may still have a vote and has forgotten what it was for does not begin again, not even where another fault's end starts the host.
  tank.removeActor(member);
  removeMember(tank, member, withinMs, (removed) => {
    if (!removed || config === undefined) {
      // A host is not left dead.
      tank.startHost(host);
      return then(false);
    }
    addMember(tank, host, fresh, withinMs, (added) => introduce(tank, member, fresh, () => then(added)));
  });
}

/** Restarts every API server with the new member in the place of the old one in its list, one at a time. */
function introduce(tank: Tank, old: Address, fresh: Address, then: () => void): void {
  const servers = tank
    .hosts()
    .flatMap(({ name, role }) => (role === "apiserver" ? tank.actorsOn(name).map((server) => ({ name, server })) : []));
  const next = (i: number): void => {
    const one = servers[i];
    if (one === undefined) return then();
    const config = tank.configOf(one.server) as { readonly etcd?: readonly Address[] } | undefined;
    if (!config?.etcd?.includes(old)) return next(i + 1);
    const etcd = config.etcd.map((member) => (member === old ? fresh : member));
    tank.placeActor(one.name, one.server, { ...config, etcd });
    tank.after(2_000, () => next(i + 1));
  };
  next(0);
}
