import fc from "fast-check";
import { Checks } from "./checks";
import { Network } from "./network";

/** Random schedules of deliveries, losses, duplicates, crashes and disk writes over pure members. */

/** One number decides one step: what happens, and to whom. */
function act(network: Network, checks: Checks, draw: number, serial: number): void {
  const ids = network.ids;
  const id = ids[draw % ids.length]!;
  const what = Math.floor(draw / ids.length) % 100;
  const pick = Math.floor(draw / (ids.length * 100));
  const flight = network.flights[pick % Math.max(1, network.flights.length)];
  const member = network.member(id);
  if (what < 42)
    flight && (checks.cutOff.has(flight.from) || checks.cutOff.has(flight.to) ? network.drop(flight) : network.deliver(flight));
  else if (what < 65) network.persist(id);
  else if (what < 68) flight && network.drop(flight);
  else if (what < 71) flight && network.duplicate(flight);
  else if (what < 79) {
    network.nowMs += pick % 400;
    network.step(id, { type: "wake" });
  } else if (what < 89) network.propose(id, `value ${serial}`);
  else if (what < 93) {
    checks.beforeRead(serial);
    network.step(id, { type: "read", request: serial });
  } else if (what < 96) network.compact(id, pick % 3);
  else if (what < 97) network.step(id, { type: "transfer", to: ids[pick % ids.length]! });
  else if (member.node && pick % 3 === 0) {
    network.crash(id);
    checks.reached.crashes++;
  }
  if (!member.node && what >= 65 && what < 90) network.start(id);
}

function runSchedule(size: number, draws: readonly number[]): Checks["reached"] {
  let chance = 1;
  const network = new Network(size, { maxInflightMessages: 3 }, () => (chance = (chance * 48271) % 2147483647) / 2147483647);
  const checks = new Checks(network);
  for (const [serial, draw] of draws.entries()) act(network, checks, draw, serial);
  checks.everythingDurable();
  // Calm: everybody is up, nothing is lost, and the logs converge.
  for (const id of network.ids) if (!network.member(id).node) network.start(id);
  network.settle();
  network.runUntil(() => network.leaders().length === 1 && converged(network), 120_000);
  checks.everythingDurable();
  return checks.reached;
}

function converged(network: Network): boolean {
  const applied = [...network.members.values()].map((member) => member.applied.length);
  const leader = network.node(network.leaders()[0]!);
  return applied.every((length) => length === leader.log.lastIndex);
}

const schedules = fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 600, maxLength: 2000, size: "max" });

describe("the properties of figure 3 hold under random schedules", () => {
  const total = { elections: 0, committed: 0, truncated: 0, snapshots: 0, reads: 0, crashes: 0 };
  for (const size of [3, 5])
    test(`with ${size} members`, () => {
      fc.assert(
        fc.property(schedules, (draws) => {
          const reached = runSchedule(size, draws);
          for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += reached[key];
        }),
        { numRuns: 400, seed: 20 + size, endOnFailure: true },
      );
    });

  test("and the schedules reach elections, truncations, snapshots, reads and crashes", () => {
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(20);
  });
});
