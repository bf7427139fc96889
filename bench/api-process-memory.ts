import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, makeClientConstructor } from "@grpc/grpc-js";
import { serviceDefinition } from "../actors/etcd/gateway/rpc";
import { benchPod, podsOfMemory } from "./api-memory";
import { send, sessionTo, type Up, up } from "./live-cluster";

/**
 * What the whole process of a cluster takes for 100,000 pods: three etcd members, the watch caches of two API servers, the informers of the
 * controllers and of the scheduler. The pods are put into etcd as API servers put them there, which takes a minute where creating them takes five.
 */

type Say = (name: string, figure: string, method: string) => void;

const perTransaction = 20;
const underWay = 4;
const megabytes = (bytes: number) => `${Math.round(bytes / 1e6).toLocaleString("en-US")} MB`;

export async function processMemorySection(say: Say): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-memory-"));
  // Without a directory the disks of the members are memory too.
  const cluster = await up(["--control-plane-only", "--data", join(directory, "data")]);
  const session = sessionTo(cluster.server, cluster);
  try {
    while ((await send(session, "GET", "/api/v1/namespaces/default/serviceaccounts/default")).code !== 200) await wait(50);
    await wait(2_000);
    const before = residentBytes(cluster.pid);
    const bytes = await fill(cluster);
    const list = async () => JSON.parse((await send(session, "GET", "/api/v1/pods?limit=1", undefined, 200)).body.toString());
    while ((await list()).metadata.remainingItemCount !== podsOfMemory - 1) await wait(200);
    await wait(5_000);
    const after = residentBytes(cluster.pid);
    const count = podsOfMemory.toLocaleString("en-US");
    say(
      `API memory, the process with ${count} pods`,
      megabytes(after),
      `resident; ${megabytes(before)} before them, so ${Math.round((after - before) / podsOfMemory).toLocaleString("en-US")} B a pod of ` +
        `${Math.round(bytes / podsOfMemory).toLocaleString("en-US")} B: 3 etcd members, 2 API servers, controllers, scheduler; no garbage was collected on purpose`,
    );
  } finally {
    session.destroy();
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Puts the pods into etcd; answers how many bytes they are. None has an owner, a node or a scheduler: else controllers would take them away. */
async function fill({ output }: Up): Promise<number> {
  const access = /etcdctl --endpoints=([^, ]+)\S* --cacert=(\S+) --cert=(\S+) --key=(\S+)/.exec(output);
  if (access === null) throw new Error(`wavetank up did not say how etcd is reached:\n${output}`);
  const [endpoint = "", ca, cert, key] = access.slice(1);
  const files = [ca, key, cert].map((file) => readFileSync(file!)) as [Buffer, Buffer, Buffer];
  const client = new (makeClientConstructor(serviceDefinition("KV"), "KV"))(
    endpoint.replace("https://", ""),
    credentials.createSsl(...files),
  );
  let next = 0;
  let bytes = 0;
  const put = (n: number) => {
    const { ownerReferences: _, ...metadata } = benchPod(n).metadata as { ownerReferences?: unknown; name: string };
    const { nodeName: __, ...spec } = (benchPod(n) as unknown as { spec: { nodeName?: string } }).spec;
    const pod = { ...benchPod(n), metadata: { ...metadata, namespace: "default" }, spec: { ...spec, schedulerName: "nobody" } };
    const value = Buffer.from(JSON.stringify(pod));
    bytes += value.length;
    return { request_put: { key: Buffer.from(`/registry/pods/default/${metadata.name}`), value } };
  };
  const lane = async () => {
    for (let from = next; from < podsOfMemory; from = next) {
      next += perTransaction;
      const success = Array.from({ length: perTransaction }, (_, i) => put(from + i));
      await new Promise<void>((resolve, reject) => client.Txn!({ success }, (error: Error | null) => (error ? reject(error) : resolve())));
    }
  };
  await Promise.all(Array.from({ length: underWay }, lane));
  client.close();
  return bytes;
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
