import { cpus } from "node:os";
import { apiSection } from "./api";
import { median } from "./bare";
import { etcdSection } from "./etcd";
import { explorationSection } from "./exploration";
import { up } from "./live-cluster";
import { localMessagesPerSecond, webSocketMessagesPerSecond } from "./live-messages";
import { virtualSecondsPerSecond } from "./simulated-cluster";
import { simulatedEventsPerSecond } from "./simulated-events";

// Prints figures, each with how it was measured. Machines are noisy: compare ratios that were measured side by side, not single rates.

const say = (name: string, figure: string, method: string) =>
  process.stdout.write(`${name.padEnd(46)} ${figure.padStart(16)}   ${method}\n`);
const whole = (n: number) => Math.round(n).toLocaleString("en-US");

async function main(): Promise<void> {
  const only = process.argv[2];
  if (only !== undefined && only !== "etcd" && only !== "api" && only !== "exploration")
    throw new Error(`${only}: expected nothing, for all figures, or "etcd", "api" or "exploration", for that section alone`);
  process.stdout.write(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "processor"}\n\n`);
  if (only === "etcd") return etcdSection(say);
  if (only === "exploration") return explorationSection(say, process.argv[3]);
  if (only === "api") return apiSection(say, process.argv[3], process.argv[4] === undefined ? undefined : Number(process.argv[4]));

  simulatedEventsPerSecond(5_000);
  say("simulated events", `${whole(simulatedEventsPerSecond(30_000).perSecond)}/s`, "two actors, datagrams of 200 B, with codec and trace");
  const idle = virtualSecondsPerSecond("idle.yaml", 600);
  say(
    "flagship cluster, idle",
    `${whole(idle.ratio)} × real`,
    `600 virtual s at rest, ${whole(idle.eventsPerVirtualSecond)} events in each; aim 300`,
  );
  const small = virtualSecondsPerSecond("clusters/small-idle.yaml", 600);
  say(
    "3 etcd, 2 API servers, 10 nodes, 50 pods, idle",
    `${whole(small.ratio)} × real`,
    `600 virtual s at rest, ${whole(small.eventsPerVirtualSecond)} events in each; aim 1,000`,
  );
  const load = virtualSecondsPerSecond("load.yaml", 180);
  say(
    "flagship cluster, under load",
    `${whole(load.ratio)} × real`,
    `180 virtual s with 60 requests/s, ${whole(load.eventsPerVirtualSecond)} events in each`,
  );

  await explorationSection(say);

  say(
    "live messages, local",
    `${whole(await localMessagesPerSecond(3))}/s`,
    "asks and answers of 200 B, 64 under way, nact, two hosts of one process",
  );
  say(
    "live messages, WebSocket",
    `${whole(await webSocketMessagesPerSecond(3))}/s`,
    "the same over wss on loopback, both ends in one process",
  );

  const plane: number[] = [];
  for (let i = 0; i < 3; i++) {
    const cluster = await up(["--control-plane-only"]);
    plane.push(cluster.readyMs);
    await cluster.stop();
  }
  say("wavetank up --control-plane-only to ready", `${whole(median(plane))} ms`, "median of three processes, from spawn to the ready line");
  const cluster = await up([]);
  say("wavetank up to ready", `${whole(cluster.readyMs)} ms`, "three etcd members, two API servers, three nodes Ready; aim 3,000");

  await cluster.stop();

  await apiSection(say);

  await etcdSection(say);
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
