import type { ClientHttp2Session } from "node:http2";
import { send, type Up } from "./live-cluster";

/** An API server that holds many objects while they change: how long requests take, and how long nothing moves at all. */

type Say = (name: string, figure: string, method: string) => void;

/** As many as the aims speak of; a smaller number for a quick look is the argument behind `load`. */
export const objectsOfLoad = 30_000;
const changesPerSecond = 20;
const seconds = 15;
/** As many as clients ask for at a time. */
const page = 500;
const maps = "/api/v1/namespaces/load/configmaps";
const whole = (n: number) => Math.round(n).toLocaleString("en-US");

export async function loadSection(say: Say, cluster: Up, session: ClientHttp2Session, objects: number): Promise<void> {
  await send(session, "POST", "/api/v1/namespaces", { metadata: { name: "load" } }, 201);
  const map = (n: number) => ({ metadata: { name: `m${n}`, labels: { part: String(n % 100) } }, data: { a: "x".repeat(300) } });
  let next = 0;
  const lane = async () => {
    while (next < objects) await send(session, "POST", maps, map(next++), 201);
  };
  // Its start is not what is measured.
  await cluster.longestPauseMs();
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: 32 }, lane));
  say(
    "API load, filling",
    `${whole(objects / ((performance.now() - startedMs) / 1000))}/s`,
    `${whole(objects)} ConfigMaps of 0.5 KB, 32 under way`,
  );
  await pauses(say, cluster, "while filling", `${whole(objects)} creates`);

  const [gets, lists, patches] = await underChanges(session, objects);
  const under = `${whole(objects)} objects, ${changesPerSecond} changes a second for ${seconds} s`;
  say(
    "API load, p99 of GET",
    `${quantile(gets, 0.99).toFixed(1)} ms`,
    `median ${quantile(gets, 0.5).toFixed(1)} ms; linearizable; ${under}`,
  );
  say(
    "API load, p99 of LIST",
    `${quantile(lists, 0.99).toFixed(1)} ms`,
    `median ${quantile(lists, 0.5).toFixed(1)} ms; pages of ${page}; ${under}`,
  );
  say("API load, p99 of patch", `${quantile(patches, 0.99).toFixed(1)} ms`, `median ${quantile(patches, 0.5).toFixed(1)} ms; ${under}`);
  await pauses(say, cluster, "under changes", under);

  const { body } = await send(session, "GET", `${maps}?resourceVersion=0`, undefined, 200);
  await pauses(say, cluster, "a list of all", `${whole(objects)} objects, ${whole(body.length)} B, once`);
  await firstEvents(session, objects);
  await pauses(say, cluster, "a watch's initial events", `${whole(objects)} objects by WatchList, once`);
  await send(session, "GET", `${maps}?labelSelector=part%3D7`, undefined, 200);
  await pauses(say, cluster, "a list by label", `${whole(objects / 100)} of ${whole(objects)} objects`);
}

async function pauses(say: Say, cluster: Up, when: string, method: string): Promise<void> {
  say(
    `API load, longest pause, ${when}`,
    `${whole(await cluster.longestPauseMs())} ms`,
    `processor time without a turn of the event loop, three etcd members included; ${method}; aim 50`,
  );
}

/** Changes at an even pace, reads beside them one after the other, and ten pages of a list a second; milliseconds of each. */
async function underChanges(session: ClientHttp2Session, objects: number): Promise<readonly [number[], number[], number[]]> {
  const [gets, lists, patches]: [number[], number[], number[]] = [[], [], []];
  let running = true;
  const timed = async (into: number[], method: string, path: string, json?: object) => {
    const startedMs = performance.now();
    const { body } = await send(session, method, maps + path, json, 200);
    into.push(performance.now() - startedMs);
    return body;
  };
  const reading = (async () => {
    for (let n = 0; running; n = (n + 7_919) % objects) await timed(gets, "GET", `/m${n}`);
  })();
  const listing = (async () => {
    for (let next = ""; running; ) {
      const body = await timed(lists, "GET", `?limit=${page}&continue=${next}`);
      next = JSON.parse(body.toString()).metadata.continue ?? "";
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  const under: Promise<unknown>[] = [];
  for (let n = 0; n < changesPerSecond * seconds; n++) {
    under.push(timed(patches, "PATCH", `/m${(n * 104_729) % objects}`, { data: { changed: String(n) } }));
    await new Promise((resolve) => setTimeout(resolve, 1000 / changesPerSecond));
  }
  await Promise.all(under);
  running = false;
  await Promise.all([reading, listing]);
  return [gets, lists, patches];
}

/** Opens a watch that begins with the state, and closes it when that was sent. */
function firstEvents(session: ClientHttp2Session, count: number): Promise<void> {
  const query = "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": `${maps}?${query}`, accept: "application/json" });
    let lines = 0;
    stream.on("data", (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
      if (lines > count) stream.close();
    });
    stream.on("error", reject);
    stream.on("close", () => (lines > count ? resolve() : reject(new Error(`the watch ended after ${lines} events`))));
  });
}

function quantile(values: readonly number[], at: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * at)] ?? Number.NaN;
}
