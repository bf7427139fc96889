import type { ClientHttp2Session } from "node:http2";
import { loadSection, objectsOfLoad } from "./api-load";
import { memorySection } from "./api-memory";
import { processMemorySection } from "./api-process-memory";
import { median, startBare } from "./bare";
import { cpuUsOf, type Pace, paceOf, send, sessionTo, type Up, up } from "./live-cluster";

/**
 * The API server over HTTP/2 and TLS, each figure beside a bare node:http2 server that sends the same bytes. What counts is the processor time
 * for each request: rates depend on who else is at work. Ours is that of the whole process, three etcd members and two API servers, less what
 * it uses at rest; the bare server's is that of a process of its own.
 */

type Say = (name: string, figure: string, method: string) => void;

const whole = (n: number) => Math.round(n).toLocaleString("en-US");
const listed = 500;
const watchers = 1_000;
/** Streams that are opened on one connection. */
const perSession = 100;
const changes = 20;
const rounds = 3;
const pods = "/api/v1/namespaces/default/pods";
const maps = "/api/v1/namespaces/default/configmaps";

interface Measured {
  readonly cluster: Up;
  readonly session: ClientHttp2Session;
  /** What the process uses each second when nobody asks it anything. */
  readonly restUs: number;
}

const parts = ["reads", "writes", "watch", "load", "memory"] as const;

/** `part` is one of reads, writes, watch, load and memory; all of them where it is absent. `objects`: how many the server of `load` holds. */
export async function apiSection(say: Say, part?: string, objects = objectsOfLoad): Promise<void> {
  const wanted = part === undefined ? parts : parts.filter((each) => each === part);
  if (!(objects >= 100)) throw new Error("expected 100 objects or more");
  if (wanted.length === 0) throw new Error(`${part}: expected one of ${parts.join(", ")}`);
  if (wanted.includes("memory")) {
    memorySection(say);
    await processMemorySection(say);
  }
  if (wanted.every((each) => each === "memory")) return;
  const cluster = await up(["--control-plane-only"]);
  const session = sessionTo(cluster.server, cluster);
  try {
    while ((await send(session, "GET", "/api/v1/namespaces/default/serviceaccounts/default")).code !== 200) await wait(50);
    await wait(2_000);
    const before = cpuUsOf(cluster.pid);
    await wait(3_000);
    const measured = { cluster, session, restUs: (cpuUsOf(cluster.pid) - before) / 3 };
    say(
      "API server at rest",
      `${whole(measured.restUs / 1000)} ms/s`,
      "processor time of the process: 3 etcd members, 2 API servers, controllers",
    );
    if (wanted.includes("writes")) await writes(say, measured);
    if (wanted.includes("reads")) await reads(say, measured);
    if (wanted.includes("watch")) await fanOut(say, measured);
    if (wanted.includes("load")) await loadSection(say, cluster, session, objects);
  } finally {
    session.destroy();
    await cluster.stop();
  }
}

const podNamed = (name: string) => ({
  metadata: { name, labels: { app: "bench" } },
  spec: {
    schedulerName: "nobody",
    containers: [{ name: "a", image: "example.com/a:1", env: [{ name: "A", value: "1" }], ports: [{ containerPort: 80 }] }],
  },
});

async function writes(say: Say, measured: Measured): Promise<void> {
  const { session } = measured;
  let made = 0;
  const create = (to: ClientHttp2Session) => () => send(to, "POST", pods, podNamed(`w${made++}`));
  const { body } = await send(session, "POST", pods, podNamed("first"), 201);
  await compare(say, measured, { name: "API create", method: "pods, 16 under way", inFlight: 16, body, one: create });
  let turn = 0;
  const label = (to: ClientHttp2Session) => () => {
    const n = turn++;
    return send(to, "PATCH", `${pods}/w${n % 200}`, { metadata: { labels: { round: String(n) } } });
  };
  await compare(say, measured, {
    name: "API patch",
    method: "a label of a pod by a merge patch, 16 under way",
    inFlight: 16,
    body,
    one: label,
  });
}

async function reads(say: Say, measured: Measured): Promise<void> {
  const { session } = measured;
  for (let n = 0; n < listed; n++) await send(session, "POST", pods, podNamed(`p${n}`));
  const cases = [
    {
      name: "API GET",
      path: "/api/v1/namespaces/kube-system",
      method: "one namespace, linearizable, 32 under way; aim 1.5 ×",
      inFlight: 32,
    },
    {
      name: "API GET, resourceVersion=0",
      path: "/api/v1/namespaces/kube-system?resourceVersion=0",
      method: "the same from the watch cache",
      inFlight: 32,
    },
    { name: `API LIST of ${listed} pods`, path: `${pods}?`, method: "linearizable, 4 under way", inFlight: 4 },
    {
      name: `API LIST of ${listed} pods, resourceVersion=0`,
      path: `${pods}?resourceVersion=0`,
      method: "from the watch cache, 4 under way",
      inFlight: 4,
    },
  ];
  for (const { name, path, method, inFlight } of cases) {
    const { body } = await send(session, "GET", path, undefined, 200);
    const one = (to: ClientHttp2Session) => () => send(to, "GET", path, undefined, 200);
    await compare(say, measured, { name, method: `${method}; ${whole(body.length)} B`, inFlight, body, one });
  }
}

interface Case {
  readonly name: string;
  readonly method: string;
  readonly inFlight: number;
  readonly body: Buffer;
  readonly one: (to: ClientHttp2Session) => () => Promise<unknown>;
}

/** The same requests to ours and to a bare server, in turn. */
async function compare(say: Say, { cluster, session, restUs }: Measured, { name, method, inFlight, body, one }: Case): Promise<void> {
  const bare = await startBare(body);
  const [ours, theirs]: [Pace[], Pace[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const pace = await paceOf(cluster.pid, inFlight, 2, one(session));
    ours.push({ ...pace, cpuUs: pace.cpuUs - restUs / pace.perSecond });
    theirs.push(await paceOf(bare.pid, inFlight, 2, one(bare.session)));
  }
  bare.stop();
  const middle = (paces: readonly Pace[], of: (pace: Pace) => number) => median(paces.map(of));
  const [our, their] = [middle(ours, ({ cpuUs }) => cpuUs), middle(theirs, ({ cpuUs }) => cpuUs)];
  say(name, `${whole(our)} µs`, `processor time for each; ${whole(middle(ours, ({ perSecond }) => perSecond))}/s; ${method}`);
  say(
    `${name}, ours / bare`,
    `${(our / their).toFixed(2)} ×`,
    `bare ${whole(their)} µs; ${whole(middle(theirs, ({ perSecond }) => perSecond))}/s; medians of ${rounds} rounds in turn`,
  );
}

async function fanOut(say: Say, { cluster, session, restUs }: Measured): Promise<void> {
  const { body } = await send(session, "GET", `${maps}?limit=1`);
  const from = JSON.parse(body.toString()).metadata.resourceVersion;
  const map = (n: number) => ({ metadata: { name: `c${n}` }, data: { a: "x".repeat(1_000) } });
  const first = await send(session, "POST", maps, map(changes), 201);
  const line = Buffer.from(`{"type":"ADDED","object":${first.body.toString().trimEnd()}}\n`);
  const bare = await startBare(Buffer.from("{}"));
  // The events of both are the same bytes; the bare server is told each one and passes it on.
  const ours = await fanOutTo(
    cluster.pid,
    () => sessionTo(cluster.server, cluster),
    `${maps}?watch=true&resourceVersion=${from}`,
    1,
    (n) => send(session, "POST", maps, map(n), 201),
  );
  const theirs = await fanOutTo(bare.pid, bare.another, "/?watch=true", 1, () => tell(bare.session, line));
  bare.stop();
  const method = `${changes} ConfigMaps of 1 KB, made one after the other, until ${whole(watchers)} watchers have heard of all`;
  const our = ours.cpuUs - (restUs * ours.seconds) / (watchers * changes);
  say(
    `API watch, ${whole(watchers)} watchers`,
    `${our.toFixed(1)} µs`,
    `processor time for each event; ${whole(ours.perSecond)} events/s; ${method}`,
  );
  say(
    "API watch, ours / bare",
    `${(our / theirs.cpuUs).toFixed(2)} ×`,
    `bare ${theirs.cpuUs.toFixed(1)} µs; ${whole(theirs.perSecond)} events/s of ${whole(line.length)} B`,
  );
}

function tell(session: ClientHttp2Session, line: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": "/tell" });
    stream.on("error", reject);
    stream.on("end", resolve);
    stream.resume();
    stream.end(line);
  });
}

/** Opens the watches, makes the changes, and waits until each watcher has got all events: `already` of them come from before. */
async function fanOutTo(
  pid: number,
  connect: () => ClientHttp2Session,
  path: string,
  already: number,
  change: (n: number) => Promise<unknown>,
): Promise<Pace & { readonly seconds: number }> {
  const sessions = Array.from({ length: watchers / perSession }, connect);
  let events = 0;
  let open = 0;
  for (const one of sessions)
    for (let n = 0; n < perSession; n++) {
      const stream = one.request({ ":path": path, accept: "application/json" });
      stream.on("response", () => {
        open++;
      });
      stream.on("error", () => undefined);
      stream.on("data", (chunk: Buffer) => {
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) events++;
      });
    }
  while (open < watchers || events < watchers * already) await wait(20);
  const [cpuBefore, startedMs, before] = [cpuUsOf(pid), performance.now(), events];
  for (let n = 0; n < changes; n++) await change(n);
  while (events < before + watchers * changes) await wait(5);
  const seconds = (performance.now() - startedMs) / 1000;
  const count = events - before;
  const cpuUs = (cpuUsOf(pid) - cpuBefore) / count;
  for (const one of sessions) one.destroy();
  return { perSecond: count / seconds, cpuUs, seconds };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
