import type { Address } from "../../protocol/address";
import type { ApiMessage, ApiRequest, ApiResponse, Verb } from "../../protocol/api";
import type { DeleteOptions } from "../../protocol/kinds/generated";
import type { JsonObject, Stored } from "../../protocol/kinds/object";
import { type Failure, internalError, isFailure, serviceUnavailable, timeout } from "../../protocol/status";
import type { Answer, Context, StreamInput, StreamRef } from "../../runtime/actor";
import { decodeObject, encodeObject } from "./decode";
import { ClientFigures } from "./figures";
import { Informer, type InformerOptions } from "./informer";
import type { Resource } from "./resource";
import { Timers } from "./timers";

/**
 * What became of a request. `unknown` says that a write may have been carried out all the same, or may yet be: nobody answered, or the server could
 * not tell. The client never sends a request twice that may have been carried out; who wants to try again reads first.
 */
export type Result<T> =
  | { readonly ok: true; readonly object: T }
  | { readonly ok: false; readonly status: Failure; readonly unknown: boolean };

export interface ObjectList<T> {
  readonly items: readonly Stored<T>[];
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number };
}

export type PatchType = "json" | "merge" | "strategic" | "apply";

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

export type Query = Readonly<Record<string, string>>;

/** Where an object is: its resource, "" as the namespace of what has none, and its name. */
export interface Target {
  readonly namespace: string;
  readonly name: string;
  readonly subresource?: string;
}

export interface ApiClientOptions {
  /** In order of preference. */
  readonly apiServers: readonly Address[];
  readonly userAgent: string;
  /** For each request but watches; 10 s unless told. */
  readonly deadlineMs?: number;
}

/** The servers there are, and which of them is used. */
interface Servers {
  readonly addresses: readonly Address[];
  current: number;
}

type Then<S, T> = (state: S, result: Result<T>, ctx: Context<S>) => undefined;

/**
 * An actor's way to the API servers, kept in its state. It talks to one server until that one cannot be reached, then to the next in the list.
 * Components made from it (informers, work queues, electors, recorders) use timers of the actor: pass every timer to `onTimer` first.
 */
export class ApiClient<S> {
  readonly timers: Timers<S>;
  readonly userAgent: string;
  readonly servers: Servers;
  readonly figures: ClientFigures;
  private readonly deadlineMs: number;

  constructor(
    options: ApiClientOptions,
    shared?: { readonly timers: Timers<S>; readonly servers: Servers; readonly figures: ClientFigures },
  ) {
    if (options.apiServers.length === 0) throw new Error("a client needs the address of at least one API server");
    this.servers = shared?.servers ?? { addresses: options.apiServers, current: 0 };
    this.timers = shared?.timers ?? new Timers<S>();
    this.figures = shared?.figures ?? new ClientFigures();
    this.userAgent = options.userAgent;
    this.deadlineMs = options.deadlineMs ?? 10_000;
  }

  /** The server that the next request goes to. */
  get server(): Address {
    return this.servers.addresses[this.servers.current]!;
  }

  /** The same client with another deadline: it shares timers and the choice of the server. */
  withDeadline(deadlineMs: number): ApiClient<S> {
    return new ApiClient<S>({ apiServers: this.servers.addresses, userAgent: this.userAgent, deadlineMs }, this);
  }

  /** True when the timer belonged to the client or one of its components and has been dealt with. */
  onTimer(name: string, ctx: Context<S>): boolean {
    return this.timers.fire(name, ctx);
  }

  /** A cache of a resource that follows the API; start it with `start(ctx)`. */
  informer<T>(resource: Resource<T>, options: InformerOptions<T> = {}): Informer<S, T> {
    return new Informer<S, T>(this, resource, options);
  }

  get<T>(ctx: Context<S>, resource: Resource<T>, target: Target, then: Then<S, Stored<T>>): void {
    this.request(ctx, requestFor("get", resource, target), then);
  }

  /** `namespace` "" means all of them. Selectors, limit, continue and resourceVersion go into `query`. */
  list<T>(ctx: Context<S>, resource: Resource<T>, namespace: string, query: Query, then: Then<S, ObjectList<T>>): void {
    this.request(ctx, { ...requestFor("list", resource, { namespace, name: "" }), query }, then);
  }

  /** Asks what a group version has in it: an APIResourceList, of whoever serves it. */
  discover(ctx: Context<S>, { group, version }: Pick<Resource, "group" | "version">, then: Then<S, JsonObject>): void {
    const blank = { group: "", version: "", apiVersion: "", kind: "", plural: "", namespaced: false };
    const request = requestFor("get", blank, { namespace: "", name: "" });
    this.request(ctx, { ...request, isResource: false, path: `/apis/${group}/${version}` }, then);
  }

  create<T>(ctx: Context<S>, resource: Resource<T>, namespace: string, object: T, then: Then<S, Stored<T>>): void {
    this.request(ctx, { ...requestFor("create", resource, { namespace, name: "" }), body: encodeObject(typed(resource, object)) }, then);
  }

  /** Replaces an object; a resourceVersion in its metadata makes the server refuse (Conflict) when it has changed since. */
  update<T>(ctx: Context<S>, resource: Resource<T>, object: Stored<T>, then: Then<S, Stored<T>>, subresource = ""): void {
    const { namespace = "", name } = object.metadata;
    const request = requestFor("update", resource, { namespace, name, subresource });
    this.request(ctx, { ...request, body: encodeObject(typed(resource, object)) }, then);
  }

  updateStatus<T>(ctx: Context<S>, resource: Resource<T>, object: Stored<T>, then: Then<S, Stored<T>>): void {
    this.update(ctx, resource, object, then, "status");
  }

  /** `query` may carry fieldManager and force, which "apply" needs. */
  patch<T>(
    ctx: Context<S>,
    resource: Resource<T>,
    target: Target,
    type: PatchType,
    patch: unknown,
    then: Then<S, Stored<T>>,
    query: Query = {},
  ): void {
    const request = { ...requestFor("patch", resource, target), contentType: patchContentTypes[type], query };
    this.request(ctx, { ...request, body: encodeObject(patch) }, then);
  }

  /** Answers with the object as it is now (still there with finalizers or grace) or with a Status when it is gone. */
  delete<T>(ctx: Context<S>, resource: Resource<T>, target: Target, options: DeleteOptions, then: Then<S, JsonObject>): void {
    this.request(
      ctx,
      { ...requestFor("delete", resource, target), body: encodeObject({ kind: "DeleteOptions", apiVersion: "v1", ...options }) },
      then,
    );
  }

  deleteCollection<T>(
    ctx: Context<S>,
    resource: Resource<T>,
    namespace: string,
    query: Query,
    options: DeleteOptions,
    then: Then<S, JsonObject>,
  ): void {
    const request = requestFor("deletecollection", resource, { namespace, name: "" });
    this.request(ctx, { ...request, query, body: encodeObject({ kind: "DeleteOptions", apiVersion: "v1", ...options }) }, then);
  }

  /** Posts to a subresource: binding, eviction, token. */
  createSubresource<T>(
    ctx: Context<S>,
    resource: Resource<T>,
    target: Target & { readonly subresource: string },
    object: unknown,
    then: Then<S, JsonObject>,
  ): void {
    this.request(ctx, { ...requestFor("create", resource, target), body: encodeObject(object) }, then);
  }

  /** Opens a watch; the first item is an ApiResponse, then come ApiEvents. Says which server it was opened on. */
  watch(
    ctx: Context<S>,
    resource: Resource,
    namespace: string,
    query: Query,
    then: (state: S, input: StreamInput<ApiMessage>, ctx: Context<S>) => undefined,
  ): { readonly stream: StreamRef; readonly server: Address } {
    const server = this.server;
    const request = {
      ...requestFor("watch", resource, { namespace, name: "" }),
      query: { ...query, watch: "true" },
      userAgent: this.userAgent,
    };
    return { stream: ctx.open<ApiMessage>(server, request, then), server };
  }

  /** Goes on to the next server, unless another request already did so because of the same one. */
  avoid(server: Address): void {
    if (this.server === server) this.servers.current = (this.servers.current + 1) % this.servers.addresses.length;
  }

  private request<T>(ctx: Context<S>, request: ApiRequest, then: Then<S, T>, sentAway = 0): void {
    const server = this.server;
    const body: ApiRequest = { ...request, userAgent: this.userAgent };
    ctx.ask<ApiResponse>(server, body, { deadlineMs: this.deadlineMs }, (state, answer, later) => {
      if (!answer.ok) this.avoid(server);
      this.figures.requests.add([answer.ok ? String(answer.body.code) : "<error>", server, methods[request.verb]]);
      if (answer.ok && isGoing(answer.body)) {
        this.avoid(server);
        // It has done nothing with the request, so that the next server can be given it.
        if (sentAway + 1 < this.servers.addresses.length) return void this.request(later, request, then, sentAway + 1);
      }
      return then(state, resultOf<T>(answer, request.verb), later);
    });
  }
}

/** Whether a server answers that it goes and takes nothing new. */
export function isGoing({ code, headers }: ApiResponse): boolean {
  return code === 429 && headers.some(([name, value]) => name === "Connection" && value === "close");
}

/** The outcome that an answer stands for. */
export function resultOf<T>(answer: Answer<ApiResponse>, verb: Verb): Result<T> {
  const writes = verb !== "get" && verb !== "list" && verb !== "watch";
  if (!answer.ok) {
    const status = answer.error === "timeout" ? timeout(answer.detail) : serviceUnavailable(`${answer.error}: ${answer.detail}`);
    return { ok: false, status, unknown: writes && answer.error !== "refused" };
  }
  const { code, body } = answer.body;
  if (code >= 200 && code < 300) return { ok: true, object: decodeObject(body) as T };
  return { ok: false, status: failureIn(code, body), unknown: writes && code >= 500 && code !== 501 };
}

function failureIn(code: number, body: Uint8Array): Failure {
  try {
    const status = decodeObject(body);
    if (isFailure(status)) return status;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { ...internalError(`the server answered ${code} without a Status`), code };
}

function typed<T>(resource: Resource<T>, object: T): unknown {
  return { apiVersion: resource.apiVersion, kind: resource.kind, ...object };
}

/** As a request's method would be over HTTP. */
const methods: Readonly<Record<Verb, string>> = {
  ...{ get: "GET", list: "GET", watch: "GET", connect: "POST", create: "POST" },
  ...{ update: "PUT", patch: "PATCH", delete: "DELETE", deletecollection: "DELETE" },
};

const nothing = new Uint8Array(0);

function requestFor(verb: Verb, resource: Resource, target: Target): ApiRequest {
  const { namespace, name, subresource = "" } = target;
  return {
    kind: "api.request",
    verb,
    path: pathOf(resource, target),
    isResource: true,
    group: resource.group,
    version: resource.version,
    resource: resource.plural,
    subresource,
    namespace,
    name,
    query: {},
    accept: "application/json",
    contentType: "application/json",
    userAgent: "",
    credential: { type: "actor" },
    impersonation: null,
    body: nothing,
  };
}

/** "/apis/apps/v1/namespaces/shop/deployments/web/status". */
export function pathOf(resource: Resource, { namespace, name, subresource }: Target): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  // A Namespace is addressed by its own name and lies in no other.
  const within = resource.namespaced && namespace !== "" ? `${root}/namespaces/${namespace}` : root;
  return [within, resource.plural, name, subresource].filter((part) => part !== undefined && part !== "").join("/");
}
