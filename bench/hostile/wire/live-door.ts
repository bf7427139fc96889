import { readFileSync } from "node:fs";
import { request } from "node:https";
import { type Up, up } from "../../live-cluster";
import type { Door } from "./siege";

const namespace = "default";

export interface LiveDoor {
  readonly door: Door;
  /** What the cluster's process holds of memory, in MiB; 0 where the system does not say. */
  residentMiB(): number;
  stop(): Promise<void>;
}

/** A live cluster in a process of its own with a pod that serves, and the door to it. */
export async function liveDoor(): Promise<LiveDoor> {
  const cluster = await up(["--nodes", "1", "--api-servers", "1", "--etcd", "1"]);
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const box = { metadata: { name: "box" }, spec: { containers: [{ name: "box", image: "busybox", args: ["serve"] }] } };
  // The namespace's ServiceAccount comes a moment after the namespace.
  while ((await call(cluster, "POST", pods, box)).code !== 201) await new Promise((resolve) => setTimeout(resolve, 100));
  while (!(await isReady(cluster, `${pods}/box`))) await new Promise((resolve) => setTimeout(resolve, 100));
  const { hostname: host, port } = new URL(cluster.server);
  const door: Door = {
    host,
    port: Number(port),
    tls: cluster,
    namespace,
    pod: "box",
    async configMaps() {
      const { code, text } = await call(cluster, "GET", `/api/v1/namespaces/${namespace}/configmaps`);
      if (code !== 200) throw new Error(`a list was answered with ${code}: ${text}`);
      return (JSON.parse(text).items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
    },
  };
  return { door, residentMiB: () => residentMiB(cluster.pid), stop: () => cluster.stop() };
}

function residentMiB(pid: number): number {
  try {
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

async function isReady(cluster: Up, path: string): Promise<boolean> {
  const { status } = JSON.parse((await call(cluster, "GET", path)).text) as {
    status?: { containerStatuses?: readonly { ready: boolean }[] };
  };
  return status?.containerStatuses?.every(({ ready }) => ready) ?? false;
}

function call(
  { server, ca, cert, key }: Up,
  method: string,
  path: string,
  body?: object,
): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${server}${path}`, { method, ca, cert, key, headers: { "content-type": "application/json" } }, (reply) => {
      let text = "";
      reply.on("data", (chunk: Buffer) => {
        text += chunk;
      });
      reply.on("end", () => resolve({ code: reply.statusCode ?? 0, text }));
    });
    sent.on("error", reject);
    sent.end(body && JSON.stringify(body));
  });
}
