import type { ApiObject } from "../../protocol/kinds/object";
import { kindOf } from "../../protocol/kinds/registry";
import { isFailure } from "../../protocol/status";
import { isReconciled, reconciled } from "./authorization/reconcile";
import { clusterObjects } from "./bootstrap-objects";
import { tokenTracking } from "./legacy-token-use";
import { born, complete } from "./registry/objects";
import { allocateForService, holdsItsAddress, isService } from "./registry/service-allocation";
import type { Ctx, ServerState } from "./state";
import { type Entry, encodeStored } from "./storage/entry";
import { cacheOf } from "./storage/feed";
import { type Decision, guaranteedUpdate } from "./storage/guaranteed-update";
import { keyOfObject, storedResourceOf } from "./storage/keys";
import { nothingAlongside, writeGuarded } from "./storage/store";

/** Whether what every cluster has is there. Each API server sees to it at its start; what is there already is left alone. */
export interface Bootstrap {
  done: boolean;
  underWay: number;
}

export const bootstrapTimer = "bootstrap-retry";
const retryMs = 1_000;
/** Writes at a time. */
const atOnce = 32;

export function newBootstrap(): Bootstrap {
  return { done: false, underWay: 0 };
}

/** Creates what is missing; tries again after a second while etcd refuses. */
export function bootstrap(state: ServerState, ctx: Ctx): undefined {
  if (state.bootstrap.done || state.bootstrap.underWay > 0) return;
  const wanted = [...clusterObjects(state.config), tokenTracking(ctx.wallUs() / 1000)];
  for (const object of wanted) reconcile(state, ctx, object);
  const missing = wanted.filter((object) => !isThere(state, object));
  let next = 0;
  let failed = false;
  if (missing.length === 0) {
    state.bootstrap.done = true;
    return;
  }
  const createNext = (state: ServerState, ctx: Ctx): undefined => {
    const object = missing[next];
    if (!object) return;
    next += 1;
    state.bootstrap.underWay += 1;
    return createOwn(state, ctx, object, (state, ok, ctx) => {
      state.bootstrap.underWay -= 1;
      failed ||= !ok;
      createNext(state, ctx);
      if (state.bootstrap.underWay > 0) return;
      if (failed) ctx.setTimer(bootstrapTimer, retryMs);
      else state.bootstrap.done = true;
    });
  };
  for (let i = 0; i < atOnce; i++) createNext(state, ctx);
}

function placeOf(object: ApiObject) {
  const kind = kindOf(object.apiVersion, object.kind);
  const resource = kind && storedResourceOf(kind);
  if (!kind || !resource) throw new Error(`${object.apiVersion} ${object.kind} is no kind that is stored`);
  return { kind, resource, key: keyOfObject(resource, object.metadata.namespace ?? "", object.metadata.name ?? "") };
}

function isThere(state: ServerState, object: ApiObject): boolean {
  const { resource, key } = placeOf(object);
  return cacheOf(state.feed, resource).get(key) !== undefined;
}

/** Gives a default role or binding that is there already what it lacks by now. */
function reconcile(state: ServerState, ctx: Ctx, wanted: ApiObject): undefined {
  if (!isReconciled(wanted)) return;
  const { resource, key } = placeOf(wanted);
  const cached = cacheOf(state.feed, resource).get(key);
  if (!cached || reconciled(cached.object, wanted) === cached.object) return;
  const change = (current: Entry | undefined): Decision => {
    const object = current && reconciled(current.object, wanted);
    return object === undefined || object === current?.object ? { type: "keep" } : { type: "put", stored: encodeStored(object) };
  };
  return guaranteedUpdate(state, ctx, { key, cached, change, deadlineUs: ctx.monotonicUs() + 30e6 }, () => undefined);
}

/** Stores one of the server's own objects unless it is there; `ok` means that it is there now. */
export function createOwn(
  state: ServerState,
  ctx: Ctx,
  object: ApiObject,
  then: (state: ServerState, ok: boolean, ctx: Ctx) => undefined,
): undefined {
  const { kind, key } = placeOf(object);
  const ready = born(kind, complete(kind, object), { uid: ctx.uuid(), nowMs: ctx.wallUs() / 1000 });
  const allocated = isService(kind) ? allocateForService(state, ctx, ready, undefined) : { object: ready, alongside: nothingAlongside };
  if (isFailure(allocated)) {
    // A Service and its address are stored in one transaction: another API server has made it, and this one has seen the address first.
    if (isService(kind) && holdsItsAddress(state, ready)) return then(state, true, ctx);
    ctx.log("warn", "an object of the cluster could not be made", { key, message: allocated.message });
    return then(state, false, ctx);
  }
  const write = { key, expected: 0, stored: encodeStored(allocated.object), lease: 0, alongside: allocated.alongside };
  return writeGuarded(state, ctx, write, ctx.monotonicUs() + 30e6, (state, outcome, ctx) => {
    if (outcome.type === "written") {
      const named = [kind.group, kind.plural, object.metadata.namespace ?? "", object.metadata.name ?? ""].filter((part) => part !== "");
      ctx.record({
        kind: "api.write",
        verb: "create",
        object: named.join("/"),
        resourceVersion: String(outcome.revision),
        user: "system:apiserver",
      });
    }
    return then(state, outcome.type === "written" || (outcome.type === "conflict" && outcome.current !== undefined), ctx);
  });
}
