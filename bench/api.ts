import type { ClientHttp2Session } from "node:http2";
import { median, startBare } from "./bare";
import { bodyOf, getsPerSecond, sessionTo, type Up, up } from "./live-cluster";

/** The API server over HTTP/2 and TLS, each figure beside a bare node:http2 server that sends the same bytes. */

type Say = (name: string, figure: string, method: string) => void;

const whole = (n: number) => Math.round(n).toLocaleString("en-US");
const listed = 500;
const watchers = 1_000;
/** Streams that are opened on one connection. */
const perSession = 100;
const changes = 20;
const pods = "/api/v1/namespaces/default/pods";
const maps = "/api/v1/namespaces/default/configmaps";

export async function apiSection(say: Say): Promise<void> {
  const cluster = await up(["--control-plane-only"]);
  const session = sessionTo(cluster.server, cluster);
  try {
    while ((await send(session, "GET", "/api/v1/namespaces/default/serviceaccounts/default")).code !== 200) await wait(50);
    await writes(say, session);
    await reads(say, session);
    await fanOut(say, cluster, session);
  } finally {
    session.destroy();
    await cluster.stop();
  }
}

async function writes(say: Say, session: ClientHttp2Session): Promise<void> {
  const pod = (name: string) => ({
    metadata: { name, labels: { app: "bench" } },
    spec: {
      schedulerName: "nobody",
      containers: [{ name: "a", image: "example.com/a:1", env: [{ name: "A", value: "1" }], ports: [{ containerPort: 80 }] }],
    },
  });
  const created = await rate(listed, 16, (n) => send(session, "POST", pods, pod(`p${n}`), 201));
  say("API create", `${whole(created)}/s`, `${listed} pods, 16 under way`);
  const patch = (n: number) => send(session, "PATCH", `${pods}/p${n}`, { metadata: { labels: { round: String(n) } } }, 200);
  say("API patch", `${whole(await rate(listed, 16, patch))}/s`, "a label of each of them by a merge patch, 16 under way");
}

async function reads(say: Say, session: ClientHttp2Session): Promise<void> {
  const cases = [
    {
      name: "API GET",
      path: "/api/v1/namespaces/kube-system",
      method: "one namespace, linearizable (a quorum is asked), 32 under way; aim 1.5 ×",
      inFlight: 32,
    },
    {
      name: "API GET, resourceVersion=0",
      path: "/api/v1/namespaces/kube-system?resourceVersion=0",
      method: "the same from the watch cache",
      inFlight: 32,
    },
    { name: `API LIST of ${listed} pods`, path: pods, method: "linearizable, 4 under way", inFlight: 4 },
    {
      name: `API LIST of ${listed} pods, resourceVersion=0`,
      path: `${pods}?resourceVersion=0`,
      method: "from the watch cache, 4 under way",
      inFlight: 4,
    },
  ];
  for (const { name, path, method, inFlight } of cases) {
    const bare = await startBare(await bodyOf(session, path));
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < 3; round++) {
      ours.push(await getsPerSecond(session, path, inFlight, 2));
      theirs.push(await getsPerSecond(bare.session, path, inFlight, 2));
    }
    bare.stop();
    say(name, `${whole(median(ours))}/s`, method);
    say(
      `${name}, bare / ours`,
      `${(median(theirs) / median(ours)).toFixed(2)} ×`,
      `bare node:http2, same bytes: ${whole(median(theirs))}/s; medians of three rounds in turn`,
    );
  }
}

async function fanOut(say: Say, cluster: Up, session: ClientHttp2Session): Promise<void> {
  const sessions = Array.from({ length: watchers / perSession }, () => sessionTo(cluster.server, cluster));
  let events = 0;
  let open = 0;
  const { body } = await send(session, "GET", `${maps}?limit=1`);
  const from = JSON.parse(body).metadata.resourceVersion;
  for (const one of sessions)
    for (let n = 0; n < perSession; n++) {
      const stream = one.request({ ":path": `${maps}?watch=true&resourceVersion=${from}`, accept: "application/json" });
      stream.on("response", () => {
        open++;
      });
      stream.on("error", () => undefined);
      stream.on("data", (chunk: Buffer) => {
        for (const byte of chunk) if (byte === 10) events++;
      });
    }
  while (open < watchers) await wait(20);
  const startedMs = performance.now();
  for (let n = 0; n < changes; n++) await send(session, "POST", maps, { metadata: { name: `c${n}` }, data: { a: "x".repeat(1_000) } }, 201);
  while (events < watchers * changes) await wait(5);
  const seconds = (performance.now() - startedMs) / 1000;
  say(
    `API watch, ${whole(watchers)} watchers`,
    `${whole(events / seconds)} events/s`,
    `${changes} ConfigMaps of 1 KB, made one after the other, until everybody has heard of all`,
  );
  for (const one of sessions) one.destroy();
}

async function send(
  session: ClientHttp2Session,
  method: string,
  path: string,
  json?: object,
  expected?: number,
): Promise<{ readonly code: number; readonly body: string }> {
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const stream = session.request(
    { ":method": method, ":path": path, accept: "application/json", ...(json ? { "content-type": type } : {}) },
    { endStream: json === undefined },
  );
  if (json) stream.end(JSON.stringify(json));
  let code = 0;
  stream.on("response", (head) => {
    code = Number(head[":status"]);
  });
  let body = "";
  for await (const chunk of stream) body += chunk;
  if (expected !== undefined && code !== expected) throw new Error(`${method} ${path}: ${code} ${body.slice(0, 300)}`);
  return { code, body };
}

/** How many a second there are of so many, with so many under way. */
async function rate(count: number, inFlight: number, one: (n: number) => Promise<unknown>): Promise<number> {
  let next = 0;
  const startedMs = performance.now();
  const lane = async () => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return count / ((performance.now() - startedMs) / 1000);
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
