import fc from "fast-check";
import { quorumOf } from "../../../actors/etcd/raft/quorum";
import { type Member, Network } from "./network";

/**
 * Random schedules of deliveries, losses, duplicates, crashes and disk writes over pure members. After every step the properties of
 * figure 3 of the Raft paper are looked up in the members' logs and disks, which the test can see and the members cannot.
 */
class Checks {
  private readonly leaders = new Map<number, string>();
  /** Term of every entry that anybody has taken for committed, by index. */
  private readonly committed: number[] = [0];
  private readonly readFloors = new Map<number, number>();
  /** Members that no message reaches or leaves. */
  readonly cutOff = new Set<string>();
  reached = { elections: 0, committed: 0, truncated: 0, snapshots: 0, reads: 0, crashes: 0 };

  constructor(private readonly network: Network) {
    network.observe = (member, ready) => {
      this.electionSafety(member);
      this.stateMachineSafety(member);
      this.logMatching(member);
      for (const read of ready.reads) this.linearizableRead(read);
      if (ready.truncated) this.reached.truncated++;
      if (ready.install) this.reached.snapshots++;
    };
  }

  /** What a read that is asked for now must see at least. */
  beforeRead(request: number): void {
    this.readFloors.set(request, this.committed.length - 1);
  }

  /** At most one leader can be elected in a given term; and it holds every committed entry (leader completeness). */
  private electionSafety(member: Member): void {
    const node = member.node!;
    if (node.role.name !== "leader" || this.leaders.get(node.term) === member.id) return;
    must(!this.leaders.has(node.term), `${member.id} and ${this.leaders.get(node.term)} both lead in term ${node.term}`);
    this.leaders.set(node.term, member.id);
    this.reached.elections++;
    for (let index = node.log.firstIndex; index < this.committed.length; index++) {
      must(node.log.termAt(index) === this.committed[index], `leader ${member.id} lacks committed entry ${index}`);
    }
  }

  /** What one member has committed no other ever sees differently, and a majority of disks holds it. */
  private stateMachineSafety(member: Member): void {
    const { log } = member.node!;
    for (let index = this.committed.length; index <= log.commit; index++) {
      this.committed[index] = log.termAt(index) ?? log.snapshot.term;
      this.reached.committed++;
      this.durable(index);
    }
    member.applied.forEach((entry, i) => {
      must(entry.index === i + 1 && entry.term === this.committed[entry.index], `${member.id} applied another entry ${entry.index}`);
    });
  }

  durable(index: number): void {
    const holds = (member: Member) =>
      member.disk.snapshot.index >= index ||
      member.disk.entries.some((entry) => entry.index === index && entry.term === this.committed[index]);
    const copies = [...this.network.members.values()].filter(holds).length;
    must(copies >= quorumOf(this.network.members.size), `committed entry ${index} is on ${copies} disks`);
  }

  everythingDurable(): void {
    for (let index = 1; index < this.committed.length; index++) this.durable(index);
  }

  /** If two logs hold an entry with the same index and term, they are identical up to it. */
  private logMatching(member: Member): void {
    const { log } = member.node!;
    for (const other of this.network.members.values()) {
      if (!other.node || other === member) continue;
      const theirs = other.node.log;
      const first = Math.max(log.firstIndex, theirs.firstIndex);
      let index = Math.min(log.lastIndex, theirs.lastIndex);
      while (index >= first && log.termAt(index) !== theirs.termAt(index)) index--;
      for (; index >= first; index--)
        must(log.termAt(index) === theirs.termAt(index), `the logs of ${member.id} and ${other.id} differ at ${index}`);
    }
  }

  private linearizableRead(read: { request: number; index: number }): void {
    this.reached.reads++;
    must(read.index >= this.readFloors.get(read.request)!, `read ${read.request} at ${read.index} misses what was committed before it`);
  }
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

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
