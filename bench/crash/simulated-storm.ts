import { etcdMember } from "../../actors/etcd/member";
import { address } from "../../protocol/address";
import { Simulation } from "../../runtime/simulated/simulation";
import { Load } from "./load";

export interface SimulatedStormFigures {
  readonly crashes: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly violations: readonly string[];
}

const settings = { "snapshot-count": 60, "snapshot-catchup-entries": 10 };

/** The load of the crash storm on a simulated replica set: crashes, power cuts, cuts in the network, loss and slow disks, all of it from the seed. */
export function simulatedStorm(seed: number, stormMs = 15_000): SimulatedStormFigures {
  const members = Array.from({ length: seed % 3 === 0 ? 5 : 3 }, (_, n) => address("etcd", n));
  const panics: string[] = [];
  const simulation = new Simulation({
    seed,
    actors: [etcdMember],
    trace: { keepLines: 0 },
    observers: [
      (_nowUs, _host, event) => {
        if (event.type === "crashed") panics.push(`${event.actor} crashed: ${String(event.error)}`);
      },
    ],
  });
  for (const [n, member] of members.entries()) {
    simulation.addHost({ name: `etcd-${n}`, zone: `z${n}` });
    simulation.place(`etcd-${n}`, member, { members, settings });
  }
  simulation.start();
  simulation.portal();
  const load = new Load({
    members,
    ask: (member, request, deadlineMs, then) => simulation.ask(member, request, deadlineMs, then),
    after: (delayMs, callback) => void simulation.schedule(Math.round(delayMs * 1000), callback),
    draw: (purpose, index) => simulation.random.draw("load", purpose, index),
  });
  let draws = 0;
  let crashes = 0;
  const draw = (purpose: string) => simulation.random.draw("storm", purpose, draws++);
  const hosts = members.map((_, n) => `etcd-${n}`);
  const heal = () => {
    for (const id of ["cut out", "cut in", "loss"]) simulation.removeRule(id);
    for (const host of hosts) {
      simulation.host(host).disk.faults.slowdown = 1;
      if (!simulation.host(host).host.up) simulation.startHost(host);
    }
  };
  simulation.runFor(2_000);
  load.start(6);
  const endUs = simulation.now() + stormMs * 1000;
  while (simulation.now() < endUs) {
    simulation.runFor(100 + draw("pause") * 1_500);
    const host = hosts[Math.floor(draw("host") * hosts.length)]!;
    const kind = Math.floor(draw("fault") * 6);
    if (kind === 0) {
      for (const one of hosts) simulation.crashHost(one);
      for (const one of hosts) simulation.startHost(one);
      crashes += hosts.length;
    } else if (kind === 1) heal();
    else if (kind === 2) {
      const others = hosts.filter((other) => other !== host);
      simulation.addRule({ id: "cut out", from: [host], to: others, kinds: null, effect: { type: "block" } });
      simulation.addRule({ id: "cut in", from: others, to: [host], kinds: null, effect: { type: "block" } });
    } else if (kind === 3)
      simulation.addRule({ id: "loss", from: null, to: null, kinds: ["raft."], effect: { type: "loss", probability: 0.2 } });
    else if (kind === 4) simulation.host(host).disk.faults.slowdown = draw("slowdown") < 0.5 ? 30 : 300;
    else if (simulation.host(host).host.up) {
      simulation.crashHost(host);
      crashes++;
    } else simulation.startHost(host);
  }
  heal();
  simulation.runFor(5_000);
  load.stop();
  simulation.runFor(20_000, () => load.idle);
  let violations: readonly string[] | undefined;
  if (load.idle) load.verdict((found) => (violations = found));
  simulation.runFor(20_000, () => violations !== undefined);
  const told = violations ?? ["after the storm requests are without an answer"];
  return {
    crashes,
    acknowledged: load.counts.acknowledged,
    unknown: load.counts.unknown,
    violations: [...told, ...panics].map((why) => `seed ${seed}: ${why}`),
  };
}
