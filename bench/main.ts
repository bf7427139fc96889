import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { Authority, daySeconds } from "../runtime/live/certificates";
import { etcdSection } from "./etcd";
import { explorationSection } from "./exploration";
import { bodyOf, getsPerSecond, sessionTo, up } from "./live-cluster";
import { localMessagesPerSecond, webSocketMessagesPerSecond } from "./live-messages";
import { virtualSecondsPerSecond } from "./simulated-cluster";
import { simulatedEventsPerSecond } from "./simulated-events";

// Prints figures, each with how it was measured. Machines are noisy: compare ratios that were measured side by side, not single rates.

const say = (name: string, figure: string, method: string) =>
  process.stdout.write(`${name.padEnd(46)} ${figure.padStart(16)}   ${method}\n`);
const whole = (n: number) => Math.round(n).toLocaleString("en-US");

async function main(): Promise<void> {
  const only = process.argv[2];
  if (only !== undefined && only !== "etcd")
    throw new Error(`${only}: expected nothing, for all figures, or "etcd", for that section alone`);
  process.stdout.write(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "processor"}\n\n`);
  if (only === "etcd") return etcdSection(say);

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

  const path = "/api/v1/namespaces/kube-system";
  const session = sessionTo(cluster.server, cluster);
  const bare = await startBare(await bodyOf(session, path));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < 3; round++) {
    ours.push(await getsPerSecond(session, path, 32, 3));
    theirs.push(await getsPerSecond(bare.session, path, 32, 3));
  }
  say("API GET", `${whole(median(ours))}/s`, "one namespace over HTTP/2 and TLS, 32 under way, linearizable (a quorum is asked)");
  say("bare node:http2, same bytes", `${whole(median(theirs))}/s`, "in turn with the above, three rounds each");
  say("API GET, bare / ours", `${(median(theirs) / median(ours)).toFixed(2)} ×`, "ratio of the medians");
  session.close();
  bare.stop();
  await cluster.stop();

  await etcdSection(say);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function startBare(body: Buffer) {
  const authority = Authority.create("bench");
  const { certificate, key } = authority.issue({
    subject: { commonName: "bare", organizations: [] },
    usages: ["server"],
    names: ["127.0.0.1"],
    ttlSeconds: daySeconds,
  });
  const directory = mkdtempSync(join(tmpdir(), "wavetank-bare-"));
  const files = { body, cert: Buffer.from(certificate), key: Buffer.from(key) };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
  const child = spawn(process.execPath, [join(__dirname, "bare-server.js"), ...Object.keys(files).map((name) => join(directory, name))], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<string>((resolve) => child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim())));
  const session = sessionTo(`https://127.0.0.1:${port}`, {
    ca: Buffer.from(authority.certificate),
    cert: Buffer.from(certificate),
    key: Buffer.from(key),
  });
  return {
    session,
    stop: () => {
      session.close();
      child.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
