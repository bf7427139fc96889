import type { ApiServerConfig } from "../../../actors/api-server/config";
import { requestInfo } from "../../../actors/api-server/request-info";
import { apiServer } from "../../../actors/api-server/server";
import type { ServerState } from "../../../actors/api-server/state";
import { etcdMember } from "../../../actors/etcd/member";
import { type Address, address } from "../../../protocol/address";
import type { ApiMessage, ApiRequest, ApiResponse, Credential } from "../../../protocol/api";
import { isFailure } from "../../../protocol/status";
import type { AnyActor, Fact, StreamInput } from "../../../runtime/actor";
import { Simulation } from "../../../runtime/simulated/simulation";

// biome-ignore lint/suspicious/noExplicitAny: tests look into JSON of many shapes
export type Json = any;

export interface Reply {
  readonly code: number;
  readonly body: Json;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

export interface RequestOptions {
  readonly server?: number;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly credential?: Credential;
  readonly deadlineMs?: number;
  readonly impersonation?: ApiRequest["impersonation"];
}

export const admin: Credential = { type: "certificate", commonName: "kubernetes-admin", organizations: ["system:masters"] };

export interface Watched {
  readonly events: { readonly type: string; readonly object: Json }[];
  response: ApiResponse | undefined;
  closed: StreamInput | undefined;
  onClosed: () => void;
  readonly stop: () => void;
}

/** API servers over real etcd members in a simulated world, asked from outside the way a gateway asks. */
export class Tank {
  readonly simulation: Simulation;
  readonly facts: Fact[] = [];
  /** What was logged as a warning or an error. */
  readonly warnings: string[] = [];

  constructor(
    options: {
      readonly servers?: number;
      readonly etcd?: number;
      readonly seed?: number;
      readonly knobs?: Record<string, number>;
      readonly actors?: readonly AnyActor[];
      /** Actors that play webhooks, by the name and port under which they are called; each is placed on a host of its own. */
      readonly web?: Readonly<Record<string, Address>>;
      /** What the API servers are told beside. */
      readonly config?: Partial<ApiServerConfig>;
      /** A bug has been planted in them. */
      readonly mayPanic?: boolean;
    } = {},
  ) {
    const { servers = 1, etcd = 1, seed = 1, knobs = {}, actors = [], web = {}, config = {}, mayPanic = false } = options;
    this.simulation = new Simulation({
      seed,
      actors: [apiServer, etcdMember, ...actors],
      trace: { keepLines: 0 },
      observers: [
        (_nowUs, _host, event) => {
          if (event.type === "fact") this.facts.push(event.fact);
          // Nobody may take a bug for a refusal.
          if (event.type === "fact" && event.fact.kind === "apiserver.panic" && !mayPanic) throw new Error(String(event.fact.error));
          if (event.type === "log" && (event.level === "warn" || event.level === "error")) this.warnings.push(event.message);
          if (event.type === "crashed" && !String(event.error).includes("on purpose")) throw event.error;
        },
      ],
    });
    const members = Array.from({ length: etcd }, (_, n) => address("etcd", n));
    const apiServers = Array.from({ length: servers }, (_, n) => address("apiserver", n));
    for (const [n, member] of members.entries()) {
      this.simulation.addHost({ name: `etcd-${n}`, zone: `z${n}` });
      this.simulation.place(`etcd-${n}`, member, { members });
    }
    for (const [n, server] of apiServers.entries()) {
      this.simulation.addHost({ name: `apiserver-${n}`, zone: `z${n}` });
      const preferred = [...members.slice(n % etcd), ...members.slice(0, n % etcd)];
      this.simulation.place(`apiserver-${n}`, server, {
        etcd: preferred,
        apiServers,
        serviceCidr: "10.96.0.0/16",
        knobs,
        web: { actors: web },
        ...config,
      });
    }
    for (const player of new Set(Object.values(web))) {
      this.simulation.addHost({ name: `web-${player.replace("/", "-")}`, zone: "z0" });
      this.simulation.place(`web-${player.replace("/", "-")}`, player, null);
    }
    this.simulation.start();
    this.simulation.portal();
    for (let n = 0; n < servers; n++) this.until(() => this.state(n)?.bootstrap.done === true, `apiserver/${n} is not ready`);
  }

  state(server = 0): ServerState | undefined {
    return this.simulation.stateOf<ServerState>(address("apiserver", server));
  }

  /** Runs until it holds; throws after a minute of virtual time. */
  until(holds: () => boolean, what: string): void {
    for (let i = 0; i < 60_000 && !holds(); i++) this.simulation.runFor(1);
    if (!holds()) throw new Error(what);
  }

  request(method: string, target: string, options: RequestOptions = {}): Reply {
    let reply: Reply | undefined;
    this.ask(method, target, options, (got) => {
      reply = got;
    });
    this.until(() => reply !== undefined, `no answer to ${method} ${target}`);
    return reply!;
  }

  ask(method: string, target: string, options: RequestOptions, then: (reply: Reply) => void): void {
    const { server = 0, deadlineMs = 30_000 } = options;
    this.simulation.ask<ApiResponse>(address("apiserver", server), message(method, target, options), deadlineMs, (answer) => {
      if (!answer.ok) return then({ code: 0, body: answer, headers: new Map(), text: answer.error });
      const text = Buffer.from(answer.body.body).toString("utf8");
      then({
        code: answer.body.code,
        body: text.startsWith("{") ? JSON.parse(text) : undefined,
        headers: new Map(answer.body.headers),
        text,
      });
    });
  }

  message(method: string, target: string, options: RequestOptions = {}): ApiRequest {
    return message(method, target, options);
  }

  get(target: string, options: RequestOptions = {}): Reply {
    return this.request("GET", target, options);
  }

  create(target: string, body: unknown, options: RequestOptions = {}): Reply {
    return this.request("POST", target, { ...options, body });
  }

  put(target: string, body: unknown, options: RequestOptions = {}): Reply {
    return this.request("PUT", target, { ...options, body });
  }

  patch(target: string, type: string, body: unknown, options: RequestOptions = {}): Reply {
    return this.request("PATCH", target, {
      ...options,
      body,
      contentType: type === "apply" ? "application/apply-patch+yaml" : `application/${type}-patch+json`,
    });
  }

  delete(target: string, body?: unknown, options: RequestOptions = {}): Reply {
    return this.request("DELETE", target, { ...options, ...(body === undefined ? {} : { body }) });
  }

  /** Opens a watch and waits for its answer. */
  watch(target: string, options: RequestOptions = {}): Watched {
    const watched = this.open(target, options);
    this.until(() => watched.response !== undefined || watched.closed !== undefined, `the watch ${target} was not answered`);
    return watched;
  }

  /** Opens a watch; `hear` is called with each event. */
  open(target: string, options: RequestOptions = {}, hear: (type: string, object: Json) => void = () => undefined): Watched {
    const watched: Watched = { events: [], response: undefined, closed: undefined, onClosed: () => undefined, stop: () => stream.close() };
    const stream = this.simulation
      .portal()
      .open<ApiMessage>(address("apiserver", options.server ?? 0), message("GET", target, options), (input) => {
        if (input.type === "closed") {
          watched.closed = input;
          watched.onClosed();
        } else if (input.body.kind === "api.response") watched.response = input.body;
        else if (input.body.kind === "api.event") {
          const event = { type: input.body.type, object: JSON.parse(Buffer.from(input.body.object).toString("utf8")) };
          watched.events.push(event);
          hear(event.type, event.object);
        }
      });
    return watched;
  }

  /** A namespace with the service account that Pods in it need. */
  namespace(name: string): void {
    this.create("/api/v1/namespaces", { metadata: { name } });
    this.create(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: "default" } });
  }
}

export function message(method: string, target: string, options: RequestOptions): ApiRequest {
  const info = requestInfo(method, target);
  if (isFailure(info)) throw new Error(info.message);
  const { body, accept = "", contentType = "application/json", credential = admin, impersonation = null } = options;
  const bytes =
    body === undefined
      ? new Uint8Array()
      : body instanceof Uint8Array
        ? body
        : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return { kind: "api.request", ...info, accept, contentType, userAgent: "test/1.0", credential, impersonation, body: bytes };
}

export const configMap = (name: string, data: Record<string, string> = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...metadata },
  data,
});

export const pod = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...metadata },
  spec: { containers: [{ name: "main", image: "app:1" }], ...spec },
});
