import type { ApiMessage, ApiRequest, ApiResponse, EventType } from "../../protocol/api";
import type { ObjectMeta } from "../../protocol/kinds/generated";
import { matchesLabels, parseLabelSelector } from "../../protocol/kinds/label-selector";
import { keyOf, timestamp } from "../../protocol/kinds/object";
import { alreadyExists, type Failure, modifiedConflict, notFound, tooOldResourceVersion } from "../../protocol/status";
import type { Actor, Context, RequestRef, StreamRef } from "../../runtime/actor";

/** An object while it lies in the fake store. */
export interface Kept {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

interface Change {
  readonly version: number;
  readonly resource: string;
  readonly type: EventType;
  readonly object: Kept;
}

/** What several fake servers share, as real ones share etcd. */
export class FakeStore {
  version = 100;
  readonly objects = new Map<string, Map<string, Kept>>();
  readonly history: Change[] = [];
  /** Watches from before this version are told that they are too old. */
  compacted = 0;
  /** Requests seen, "create pods". */
  readonly requests: string[] = [];
  readonly listeners = new Set<(change: Change) => void>();

  of(resource: string): Map<string, Kept> {
    const known = this.objects.get(resource);
    if (known) return known;
    const made = new Map<string, Kept>();
    this.objects.set(resource, made);
    return made;
  }

  put(resource: string, type: "ADDED" | "MODIFIED", object: Kept): Kept {
    this.version += 1;
    const kept = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } };
    this.of(resource).set(keyOf(kept), kept);
    this.tell({ version: this.version, resource, type, object: kept });
    return kept;
  }

  remove(resource: string, object: Kept): Kept {
    this.version += 1;
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } };
    this.of(resource).delete(keyOf(object));
    this.tell({ version: this.version, resource, type: "DELETED", object: last });
    return last;
  }

  private tell(change: Change): void {
    this.history.push(change);
    for (const listener of this.listeners) listener(change);
  }
}

export interface FakeConfig {
  readonly store: FakeStore;
  /** Answers instead of the server where it answers at all: to inject refusals. "silence" never answers but carries the request out, "lost" does not even do that. */
  readonly intercept?: (request: ApiRequest) => Failure | "silence" | "lost" | undefined;
  /** While true for a resource, nothing new of it is told to watchers. */
  readonly holds?: (resource: string) => boolean;
}

interface State {
  readonly config: FakeConfig;
  readonly watchers: Map<string, { readonly stream: StreamRef; readonly request: ApiRequest; next: number }>;
}

type Outcome = { readonly code: number; readonly body: object };
type Ctx = Context<State>;

const json = (body: object) => Buffer.from(JSON.stringify(body));
const response = ({ code, body }: Outcome): ApiResponse => ({
  kind: "api.response",
  code,
  contentType: "application/json",
  headers: [],
  body: json(body),
});
const fail = (status: Failure): Outcome => ({ code: status.code, body: status });

/** A store with the API's manners, for tests of clients: optimistic concurrency, finalizers, selectors, watches from a version. No defaults, no validation. */
export const fakeApiServer: Actor<FakeConfig, State, ApiMessage> = {
  role: "apiserver",
  start(config, ctx) {
    const state: State = { config, watchers: new Map() };
    ctx.setTimer("tell", 10);
    return state;
  },
  receive(state, input, ctx) {
    if (input.type === "request") onRequest(state, input.body as ApiRequest, input.request, ctx);
    else if (input.type === "opened") {
      const request = input.body as ApiRequest;
      state.config.store.requests.push(`watch ${request.resource}`);
      const from = Number(request.query.resourceVersion);
      const intercepted = state.config.intercept?.(request);
      if (typeof intercepted === "object") {
        ctx.push(input.stream, response(fail(intercepted)));
        ctx.close(input.stream);
      } else if (from < state.config.store.compacted) {
        ctx.push(input.stream, response(fail(tooOldResourceVersion(from, state.config.store.compacted))));
        ctx.close(input.stream);
      } else {
        ctx.push(input.stream, response({ code: 200, body: {} }));
        const next = state.config.store.history.findIndex((change) => change.version > from);
        state.watchers.set(input.stream.key, { stream: input.stream, request, next: next < 0 ? state.config.store.history.length : next });
      }
    } else if (input.type === "closed") state.watchers.delete(input.stream.key);
    else if (input.type === "timer") {
      ctx.setTimer("tell", 10);
      tell(state, ctx);
    }
    return undefined;
  },
};

function tell(state: State, ctx: Ctx): void {
  const { history } = state.config.store;
  for (const watcher of state.watchers.values()) {
    if (state.config.holds?.(watcher.request.resource)) continue;
    for (; watcher.next < history.length; watcher.next++) {
      const change = history[watcher.next]!;
      if (change.resource !== watcher.request.resource || !selects(watcher.request, change.object)) continue;
      ctx.push(watcher.stream, { kind: "api.event", type: change.type, object: json(change.object) } as ApiMessage);
    }
  }
}

function selects(request: ApiRequest, object: Kept): boolean {
  if (request.namespace !== "" && object.metadata.namespace !== request.namespace) return false;
  const parsed = parseLabelSelector(request.query.labelSelector ?? "");
  return parsed.ok && matchesLabels(parsed.requirements, object.metadata.labels);
}

function onRequest(state: State, request: ApiRequest, reference: RequestRef, ctx: Ctx): void {
  const { store, intercept } = state.config;
  store.requests.push(`${request.verb} ${request.resource}${request.subresource ? `/${request.subresource}` : ""}`);
  const intercepted = intercept?.(request);
  if (intercepted === "lost") return;
  const outcome = typeof intercepted === "object" ? fail(intercepted) : carryOut(store, request, ctx);
  if (intercepted !== "silence") ctx.reply(reference, response(outcome));
}

function carryOut(store: FakeStore, request: ApiRequest, ctx: Ctx): Outcome {
  const objects = store.of(request.resource);
  const subject = { group: request.group, resource: request.resource, name: request.name };
  const key = request.namespace ? `${request.namespace}/${request.name}` : request.name;
  const found = objects.get(key);
  const body = request.body.length > 0 ? JSON.parse(Buffer.from(request.body).toString()) : {};
  switch (request.verb) {
    case "list": {
      const items = [...objects.values()].filter((object) => selects(request, object)).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
      return { code: 200, body: { kind: "List", apiVersion: "v1", metadata: { resourceVersion: String(store.version) }, items } };
    }
    case "create": {
      if (request.subresource !== "") {
        if (!found) return fail(notFound(subject));
        if (request.subresource === "eviction") store.remove(request.resource, found);
        return { code: 201, body: { kind: "Status", apiVersion: "v1", status: "Success" } };
      }
      const name = body.metadata.name ?? `${body.metadata.generateName}${ctx.randomSuffix(5)}`;
      const metadata = { ...body.metadata, name, ...(request.namespace ? { namespace: request.namespace } : {}) };
      if (objects.has(keyOf({ metadata }))) return fail(alreadyExists({ ...subject, name }));
      const stamped = { ...metadata, uid: ctx.uuid(), generation: 1, creationTimestamp: timestamp(ctx.wallUs() / 1000) };
      return { code: 201, body: store.put(request.resource, "ADDED", { ...body, metadata: stamped }) };
    }
    case "get":
      return found ? { code: 200, body: found } : fail(notFound(subject));
    case "update":
    case "patch": {
      if (!found) return fail(notFound(subject));
      const asked = body.metadata?.resourceVersion;
      if (asked !== undefined && asked !== found.metadata.resourceVersion) return fail(modifiedConflict(subject));
      return { code: 200, body: change(store, request, found, body) };
    }
    case "deletecollection": {
      const items = [...objects.values()].filter((object) => selects(request, object));
      for (const object of items) remove(store, request, object, body, ctx);
      return { code: 200, body: { kind: "List", apiVersion: "v1", metadata: { resourceVersion: String(store.version) }, items } };
    }
    case "delete":
      return found ? remove(store, request, found, body, ctx) : fail(notFound(subject));
    default:
      throw new Error(`the fake server does not know ${request.verb}`);
  }
}

function change(store: FakeStore, request: ApiRequest, found: Kept, body: Kept): Kept {
  let next: Kept;
  if (request.verb === "patch") next = merge(found, body) as Kept;
  else if (request.subresource === "status")
    next = {
      ...found,
      status: body.status,
      metadata: { ...found.metadata, ...(body.metadata.annotations ? { annotations: body.metadata.annotations } : {}) },
    };
  else if (request.subresource === "finalize") next = { ...found, spec: body.spec };
  else
    next = {
      ...body,
      status: found.status,
      metadata: { ...body.metadata, uid: found.metadata.uid, deletionTimestamp: found.metadata.deletionTimestamp } as ObjectMeta,
    };
  if (JSON.stringify(next.spec) !== JSON.stringify(found.spec) && request.subresource === "")
    next = { ...next, metadata: { ...next.metadata, generation: (found.metadata.generation ?? 0) + 1 } };
  if (JSON.stringify(next) === JSON.stringify(found)) return found;
  const isDone = next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0;
  const namespaceDone = request.subresource === "finalize" && ((next.spec as { finalizers?: string[] })?.finalizers ?? []).length === 0;
  if (isDone && (request.resource !== "namespaces" || namespaceDone)) return store.remove(request.resource, next);
  return store.put(request.resource, "MODIFIED", next);
}

function remove(
  store: FakeStore,
  request: ApiRequest,
  found: Kept,
  options: { preconditions?: { uid?: string }; propagationPolicy?: string; gracePeriodSeconds?: number },
  ctx: Ctx,
): Outcome {
  const subject = { group: request.group, resource: request.resource, name: request.name };
  if (options.preconditions?.uid && options.preconditions.uid !== found.metadata.uid) return fail(modifiedConflict(subject));
  const extra =
    options.propagationPolicy === "Orphan" ? ["orphan"] : options.propagationPolicy === "Foreground" ? ["foregroundDeletion"] : [];
  const finalizers = [...(found.metadata.finalizers ?? []), ...extra];
  const namespaceFinalizers = (found.spec as { finalizers?: string[] } | undefined)?.finalizers ?? [];
  const runs =
    request.resource === "pods" && (found.spec as { nodeName?: string } | undefined)?.nodeName && options.gracePeriodSeconds !== 0;
  const stays = finalizers.length > 0 || runs || (request.resource === "namespaces" && namespaceFinalizers.length > 0);
  // Asked once more it changes nothing.
  if (stays && found.metadata.deletionTimestamp && extra.length === 0) return { code: 200, body: found };
  if (stays) {
    const metadata = {
      ...found.metadata,
      ...(finalizers.length > 0 ? { finalizers } : {}),
      deletionTimestamp: found.metadata.deletionTimestamp ?? timestamp(ctx.wallUs() / 1000),
    };
    return { code: 200, body: store.put(request.resource, "MODIFIED", { ...found, metadata }) };
  }
  store.remove(request.resource, found);
  return { code: 200, body: { kind: "Status", apiVersion: "v1", status: "Success", details: { uid: found.metadata.uid } } };
}

function merge(target: unknown, patch: unknown): unknown {
  // Whole lists take the place of lists: what is to be deleted from them is not in them then.
  if (Array.isArray(patch)) return patch.filter((each) => (each as { readonly $patch?: string } | null)?.$patch !== "delete");
  if (typeof patch !== "object" || patch === null) return patch;
  const merged: Record<string, unknown> = typeof target === "object" && target !== null && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    const listed = "$deleteFromPrimitiveList/";
    if (key.startsWith(listed)) {
      const name = key.slice(listed.length);
      merged[name] = ((merged[name] as unknown[] | undefined) ?? []).filter((each) => !(value as unknown[]).includes(each));
    } else if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}
