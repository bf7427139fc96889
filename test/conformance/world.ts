import { actors } from "../../actors";
import { address } from "../../protocol/address";
import type { ApiMessage, ApiResponse, Credential } from "../../protocol/api";
import { type TunnelMessage, tunnelChannels } from "../../protocol/tunnel";
import { Simulation } from "../../runtime/simulated/simulation";
import { defaultShape, planCluster } from "../../scenarios/cluster";
import { type Json, message, type Reply, type RequestOptions } from "../api-server/server/tank";

const behaviours = [
  { image: "ends", exitAfterMs: 500, exitCode: 0 },
  { image: "fails", exitAfterMs: 500, exitCode: 1 },
];

/** A small whole cluster in virtual time: real API server, etcd, controllers, scheduler, two nodes; asked the way a client asks. */
export class World {
  readonly simulation: Simulation;
  private namespaces = 0;

  constructor(seed = 7) {
    const shape = { ...defaultShape, etcd: 1, apiServers: 1, controllers: 1, nodes: 2, zones: 1 };
    this.simulation = new Simulation({ seed, actors, trace: { keepLines: 0 } });
    for (const { name, zone, actors: placed } of planCluster(shape, { rootCa: "PEM", behaviours }).hosts) {
      this.simulation.addHost({ name, zone });
      for (const { address: at, config } of placed) this.simulation.place(name, at, config);
    }
    this.simulation.start();
    this.until(() => this.nodesReady() === 2, "both nodes are ready");
  }

  private nodesReady(): number {
    const { body } = this.try("GET", "/api/v1/nodes");
    return (body?.items ?? []).filter(({ status }: Json) =>
      status?.conditions?.some(({ type, status: is }: Json) => type === "Ready" && is === "True"),
    ).length;
  }

  /** Runs, looking twice a second, until it holds; throws after five minutes of virtual time. */
  until(holds: () => boolean, what: string): void {
    for (let i = 0; i < 600; i++) {
      if (holds()) return;
      this.simulation.runFor(500);
    }
    throw new Error(`it did not come to pass that ${what}`);
  }

  /** What comes back, whatever it is. */
  try(method: string, target: string, body?: unknown, contentType = "application/json", credential?: Credential): Reply {
    let reply: Reply | undefined;
    const options: RequestOptions = { ...(body === undefined ? {} : { body }), contentType, ...(credential ? { credential } : {}) };
    this.simulation.ask<ApiResponse>(address("apiserver", 0), message(method, target, options), 10_000, (answer) => {
      const text = answer.ok ? Buffer.from(answer.body.body).toString("utf8") : answer.error;
      const headers = new Map(answer.ok ? answer.body.headers : []);
      reply = { code: answer.ok ? answer.body.code : 0, body: text.startsWith("{") ? JSON.parse(text) : undefined, headers, text };
    });
    this.simulation.runFor(10_100, () => reply !== undefined);
    if (!reply) throw new Error(`no answer to ${method} ${target}`);
    return reply;
  }

  private done(method: string, target: string, body?: unknown, contentType?: string): Json {
    const reply = this.try(method, target, body, contentType);
    if (reply.code >= 300 || reply.code === 0) throw new Error(`${method} ${target}: ${reply.code} ${reply.body?.message ?? reply.text}`);
    return reply.body;
  }

  get = (target: string): Json => this.done("GET", target);
  post = (target: string, body: unknown): Json => this.done("POST", target, body);
  put = (target: string, body: unknown): Json => this.done("PUT", target, body);
  patch = (target: string, body: unknown, kind = "merge"): Json => this.done("PATCH", target, body, `application/${kind}-patch+json`);
  delete = (target: string, options: unknown = {}): Json => this.done("DELETE", target, options);
  gone = (target: string): boolean => this.try("GET", target).code === 404;
  items = (target: string): Json[] => this.get(target).items;

  /** What a command in a pod's container writes, complaints included (kubectl exec). */
  exec(ns: string, pod: string, ...command: readonly string[]): string {
    const words = command.map((word) => `&command=${encodeURIComponent(word)}`).join("");
    const target = core(ns, `pods/${pod}/exec?stdout=true&stderr=true${words}`);
    let said = "";
    let over = false;
    this.simulation.portal().open<ApiMessage | TunnelMessage>(address("apiserver", 0), message("POST", target, {}), (input) => {
      if (input.type === "closed") over = true;
      else if (input.body.kind === "tunnel.data" && input.body.channel !== tunnelChannels.error)
        said += Buffer.from(input.body.bytes).toString("utf8");
      else if (input.body.kind === "api.response" && input.body.code !== 101)
        throw new Error(Buffer.from(input.body.body).toString("utf8"));
    });
    this.simulation.runFor(30_000, () => over);
    if (!over) throw new Error(`no end of ${command.join(" ")}`);
    return said;
  }

  /** Reads, changes and puts, as often as somebody else was faster. */
  update(target: string, change: (object: Json) => void): Json {
    for (let tries = 0; ; tries++) {
      const object = this.get(target);
      change(object);
      const reply = this.try("PUT", target, object);
      if (reply.code === 200) return reply.body;
      if (reply.code !== 409 || tries === 9) throw new Error(`PUT ${target}: ${reply.code} ${reply.body?.message ?? reply.text}`);
    }
  }

  /** The pods of an app, and whether so many of them run. */
  pods = (ns: string, app: string): Json[] => this.items(`${core(ns, "pods")}?${labelled(app)}`);
  running = (ns: string, app: string, count: number) => (): boolean => this.pods(ns, app).filter(isRunning).length === count;

  /** A namespace of its own that Pods can be made in; answers with its name. */
  namespace(): string {
    const name = `ns-${++this.namespaces}`;
    this.post("/api/v1/namespaces", { metadata: { name } });
    this.until(() => !this.gone(`/api/v1/namespaces/${name}/serviceaccounts/default`), "the namespace has its account");
    return name;
  }
}

/** A spec of one container. */
export const podSpec = (container: object = {}, spec: object = {}) => ({
  terminationGracePeriodSeconds: 1,
  ...spec,
  containers: [{ name: "main", image: "app:1", ...container }],
});

/** A template whose pods are named by a label. */
export const template = (app: string, container: object = {}, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: podSpec(container, spec),
});

/** The paths of a namespace's objects. */
export const core = (ns: string, rest: string) => `/api/v1/namespaces/${ns}/${rest}`;
export const apps = (ns: string, rest: string) => `/apis/apps/v1/namespaces/${ns}/${rest}`;
export const labelled = (app: string) => `labelSelector=app%3D${app}`;

export const controllerOf = (object: Json) => object.metadata.ownerReferences?.find(({ controller }: Json) => controller);
export const isRunning = ({ status }: Json) => status?.phase === "Running";

/** A workload whose pods bear its name as a label. */
export function workload(kind: string, name: string, replicas: number, spec: object = {}, container: object = {}) {
  const replication = kind === "ReplicationController";
  const selector = replication ? { app: name } : { matchLabels: { app: name } };
  const scaled = kind === "DaemonSet" ? {} : { replicas };
  return {
    apiVersion: replication ? "v1" : "apps/v1",
    kind,
    metadata: { name, labels: { app: name } },
    spec: { ...scaled, selector, template: template(name, container), ...spec },
  };
}
