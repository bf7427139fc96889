import { spawnSync } from "node:child_process";
import { ActorSide } from "./etcd/actor-side";
import { DoorSide, RealSide } from "./etcd/grpc-side";
import { keysMeasured, ourMemoryBytes, realMemoryBytes } from "./etcd/memory";
import { fanOut, type Measured, measure, type Side } from "./etcd/side";
import { commitOrderFigures, searchFigure } from "./linearizability";

const value = Buffer.alloc(256, 7);
const clientCounts = [1, 16, 128, 1_000];
const seconds = 2;
const watchers = 1_000;

type Say = (name: string, figure: string, method: string) => void;

/**
 * etcd's section: our members beside Debian's etcd-server, in turn on the same machine, each with three members and fsync. Asked in messages, ours and
 * their clients share one process; behind gRPC ours are one process together, the real ones a process each, and the clients are another.
 */
export async function etcdSection(say: Say): Promise<void> {
  const judged = 1_000_000;
  const { operationsPerSecond, keptMost, heapGrowthBytes } = commitOrderFigures(judged);
  say(
    "linearizability, by the commit order",
    `${whole(operationsPerSecond)}/s`,
    `${whole(judged)} operations of 16 clients on 100 keys; at most ${keptMost} kept at once, the heap grew by ${(heapGrowthBytes / 2 ** 20).toFixed(1)} MiB`,
  );
  say("linearizability, by search", `${whole(searchFigure(50_000))}/s`, "50,000 of the same, from calls and answers alone");
  const version = spawnSync("etcd", ["--version"], { encoding: "utf8" });
  const has = version.status === 0;
  if (!has)
    say("etcd beside", "skipped", "the program etcd is not here (Debian's package etcd-server has it): only our own figures follow");
  const starts: readonly (() => Promise<Side>)[] = [
    () => new ActorSide().start(),
    () => DoorSide.start(),
    ...(has ? [() => RealSide.start()] : []),
  ];
  const sides: Side[] = [];
  try {
    for (const start of starts) sides.push(await start());
    for (const clients of clientCounts)
      await compare(say, `put 256 B, ${clients} clients`, "three members with fsync, through the leader", sides, (side) =>
        measure(clients, seconds, (client, n) => side.put(`put/${client}/${n % 100}`, value, client)),
      );
    for (const serializable of [false, true])
      await compare(say, `${serializable ? "serializable" : "linearizable"} get, 128 clients`, "one key of 256 B", sides, (side) =>
        measure(128, seconds, (client) => side.get(`put/${client}/0`, serializable, client)),
      );
    for (const side of sides) {
      const { eventsPerSecond, lastMs } = await fanOut(side, watchers, 20);
      say(
        `watch fan-out, ${side.name}`,
        `${whole(eventsPerSecond)}/s`,
        `${whole(watchers)} watchers of one key; the last hears of a put after ${lastMs.toFixed(1)} ms`,
      );
    }
    for (const side of sides.filter(({ name }) => name !== "actors, gRPC")) {
      await side.findLeader();
      say(
        `new leader, ${side.name}`,
        `${whole(await side.failover())} ms`,
        "from killing the leader until another member has written; election time-out 1,000 ms",
      );
    }
  } finally {
    for (const side of sides) await side.close();
  }
  const keys = `resident memory of one member's process with ${whole(keysMeasured)} keys of 256 B`;
  const ours = await ourMemoryBytes();
  say("memory, actors", `${whole(ours / 2 ** 20)} MiB`, keys);
  if (!has) return;
  const real = await realMemoryBytes();
  say("memory, etcd", `${whole(real / 2 ** 20)} MiB`, `${keys}; ours / etcd ${(ours / real).toFixed(2)} ×`);
}

async function compare(
  say: Say,
  name: string,
  method: string,
  sides: readonly Side[],
  run: (side: Side) => Promise<Measured>,
): Promise<void> {
  const measured = new Map<string, Measured>();
  for (const side of sides) {
    await side.findLeader();
    const one = await run(side);
    measured.set(side.name, one);
    say(`${name}, ${side.name}`, `${whole(one.perSecond)}/s`, `${method}; p50 ${one.p50Ms.toFixed(1)} ms, p99 ${one.p99Ms.toFixed(1)} ms`);
  }
  const real = measured.get("etcd");
  if (real === undefined) return;
  const ratios = [...measured]
    .filter(([side]) => side !== "etcd")
    .map(([side, one]) => `${side} ${(one.perSecond / real.perSecond).toFixed(2)} ×`);
  say(`${name}, ours / etcd`, ratios[0]!.split(" ").slice(-2).join(" "), ratios.join("; "));
}

function whole(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}
