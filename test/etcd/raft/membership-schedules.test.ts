import fc from "fast-check";
import { isJoint } from "../../../actors/etcd/raft/configuration";
import { Checks } from "./checks";
import { Network } from "./network";

/**
 * Random schedules as in schedules.test.ts, in which servers also join, learn, vote and leave, one or several at a time, while leaders
 * crash in the middle of it.
 */

const founders = 3;
const joiners = 4;

/** One number decides one step: what happens, and to whom. */
function act(network: Network, checks: Checks, draw: number, serial: number): void {
  const { ids } = network;
  const id = ids[draw % ids.length]!;
  const what = Math.floor(draw / ids.length) % 100;
  const pick = Math.floor(draw / (ids.length * 100));
  const flight = network.flights[pick % Math.max(1, network.flights.length)];
  const member = network.member(id);
  if (what < 48) {
    if (flight) checks.cutOff.has(flight.from) === checks.cutOff.has(flight.to) ? network.deliver(flight) : network.drop(flight);
  } else if (what < 67) for (const other of ids) network.persist(other);
  else if (what < 68) part(network, checks, pick);
  else if (what < 71) flight && network.drop(flight);
  else if (what < 73) flight && network.duplicate(flight);
  else if (what < 79) {
    network.nowMs += pick % 400;
    network.step(id, { type: "wake" });
  } else if (what < 84) network.propose(leaderOr(network, id), `value ${serial}`);
  else if (what < 91) change(network, leaderOr(network, id), pick);
  else if (what < 93) {
    checks.beforeRead(serial);
    network.step(leaderOr(network, id), { type: "read", request: serial });
  } else if (what < 95) network.compact(id, pick % 3);
  else if (what < 96) network.step(leaderOr(network, id), { type: "transfer", to: ids[pick % ids.length]! });
  else if (member.node && pick % 3 === 0) {
    network.crash(id);
    checks.reached.crashes++;
  }
  if (!member.node && what >= 60 && what < 95) network.start(id);
}

/** From now on only those on the same side hear each other; every other time all do. */
function part(network: Network, checks: Checks, pick: number): void {
  checks.cutOff.clear();
  if (pick % 2 === 1) return;
  for (const [i, id] of network.ids.entries()) if ((pick >> (i + 1)) % 2 === 0) checks.cutOff.add(id);
}

function leaderOr(network: Network, id: string): string {
  return network.leaders().at(-1) ?? id;
}

/** Each server becomes a voter, a learner, or neither: most often only one of them changes. */
function change(network: Network, id: string, pick: number): void {
  const { node } = network.member(id);
  if (!node) return;
  const { latest } = node.configurations;
  const roles = new Map(network.ids.map((other) => [other, latest.voters.includes(other) ? 2 : latest.learners.includes(other) ? 1 : 0]));
  let draw = pick;
  for (let changes = 1 + (draw % 3 === 0 ? 4 : 0); changes > 0; changes--) {
    roles.set(network.ids[draw % network.ids.length]!, Math.floor(draw / 16) % 3);
    draw = Math.floor(draw / 5);
  }
  const inRole = (role: number) => network.ids.filter((other) => roles.get(other) === role);
  if (inRole(2).length > 0) network.configure(id, inRole(2), inRole(1));
}

function runSchedule(draws: readonly number[]): Checks["reached"] {
  let chance = 1;
  const network = new Network(founders, { maxInflightMessages: 3 }, () => (chance = (chance * 48271) % 2147483647) / 2147483647);
  for (let n = 0; n < joiners; n++) network.join(`m${founders + n}`);
  const checks = new Checks(network);
  for (const [serial, draw] of draws.entries()) act(network, checks, draw, serial);
  checks.everythingDurable();
  // Calm: everybody is up, nothing is lost, the change under way is finished, and the logs converge.
  for (const id of network.ids) if (!network.member(id).node) network.start(id);
  network.settle();
  network.runUntil(() => converged(network, checks), 120_000);
  checks.everythingDurable();
  return checks.reached;
}

function converged(network: Network, checks: Checks): boolean {
  const { voters, learners } = checks.configuration;
  const leaders = network.leaders().filter((id) => voters.includes(id));
  if (leaders.length !== 1 || isJoint(checks.configuration)) return false;
  const { log, configurations } = network.node(leaders[0]!);
  const last = log.lastIndex;
  return configurations.latestIndex <= log.commit && [...voters, ...learners].every((id) => network.member(id).applied.length === last);
}

const schedules = fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 800, maxLength: 2000, size: "max" });

describe("the properties of figure 3 hold while the membership changes (thesis, chapter 4)", () => {
  const total = { elections: 0, committed: 0, truncated: 0, snapshots: 0, reads: 0, crashes: 0, joint: 0, configurations: 0 };

  test("under random schedules of a cluster that grows, shrinks and replaces its members", () => {
    fc.assert(
      fc.property(schedules, (draws) => {
        const reached = runSchedule(draws);
        for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += reached[key];
      }),
      { numRuns: 150, seed: 4, endOnFailure: true },
    );
  });

  test("and the schedules reach elections, truncations, snapshots, reads, crashes and configurations, joint ones among them", () => {
    for (const [name, count] of Object.entries(total)) expect([name, count > 50]).toEqual([name, true]);
  });
});
