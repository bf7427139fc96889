import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import type { Failure } from "../../../protocol/status";
import type { ClusterView, Needed } from "../admission/admission";
import { storageFailure } from "../call";
import type { Knobs } from "../config";
import type { Ctx, ServerState } from "../state";
import { cacheOf } from "../storage/feed";
import { keyOfObject, resourceNamed } from "../storage/keys";
import { readEntry } from "../storage/store";

const nothingFetched: ReadonlyMap<string, Stored<ApiObject>> = new Map();

/** The cluster as the caches have it, plus what was read from etcd because they did not have it. */
export function viewOf(state: ServerState, nowMs: number, fetched: ReadonlyMap<string, Stored<ApiObject>> = nothingFetched): ClusterView {
  return {
    nowMs,
    plugins: state.plugins,
    defaultTolerationSeconds: tolerationsOf(state.knobs),
    figures: state.metrics.admission,
    get(group, version, plural, namespace, name) {
      const resource = resourceNamed(group, version, plural);
      const key = keyOfObject(resource, namespace, name);
      return cacheOf(state.feed, resource).get(key)?.object ?? fetched.get(key);
    },
    list(group, version, plural) {
      const resource = resourceNamed(group, version, plural);
      return cacheOf(state.feed, resource)
        .list(resource.prefix)
        .map((entry) => entry.object);
    },
  };
}

const tolerations = new WeakMap<Knobs, ReadonlyMap<string, number>>();

function tolerationsOf(knobs: Knobs): ReadonlyMap<string, number> {
  const known = tolerations.get(knobs);
  if (known) return known;
  const made = new Map([
    ["node.kubernetes.io/not-ready", knobs["default-not-ready-toleration-seconds"]],
    ["node.kubernetes.io/unreachable", knobs["default-unreachable-toleration-seconds"]],
  ]);
  tolerations.set(knobs, made);
  return made;
}

/** Reads from etcd what is needed and not in a cache: a namespace made a moment ago through another server is there. */
export function fetchNeeded(
  state: ServerState,
  ctx: Ctx,
  needed: readonly Needed[],
  deadlineUs: number,
  then: (state: ServerState, view: ClusterView | Failure, ctx: Ctx) => undefined,
): undefined {
  const fetched = new Map<string, Stored<ApiObject>>();
  return next(state, ctx, 0);

  function next(state: ServerState, ctx: Ctx, from: number): undefined {
    for (let index = from; index < needed.length; index++) {
      const { group, version, plural, namespace, name } = needed[index]!;
      const resource = resourceNamed(group, version, plural);
      const key = keyOfObject(resource, namespace, name);
      if (cacheOf(state.feed, resource).get(key)) continue;
      return readEntry(state, ctx, key, deadlineUs, (state, read, ctx) => {
        if (read.type !== "done") return then(state, storageFailure(read), ctx);
        if (read.entry) fetched.set(key, read.entry.object);
        return next(state, ctx, index + 1);
      });
    }
    return then(state, viewOf(state, ctx.wallUs() / 1000, fetched), ctx);
  }
}
