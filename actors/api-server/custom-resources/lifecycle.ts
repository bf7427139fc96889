import type { ApiObject } from "../../../protocol/kinds/object";
import { forgetChanged } from "../discovery/document";
import { closeWatchesOf } from "../registry/watchers";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeStored, sameJson } from "../storage/entry";
import { cacheOf, followCustomResources } from "../storage/feed";
import { type Decision, guaranteedUpdate } from "../storage/guaranteed-update";
import { definitionsResource, type StoredResource } from "../storage/keys";
import { customResourceOf, type Definition, servesSame } from "./definition";
import { awaitsCleanup, cleaned, cleaning } from "./finalizing";
import { removeInstances } from "./instances";
import { namedStatus } from "./naming";
import { type CustomResource, servedKinds } from "./served-kinds";

/** What this server makes of the definitions in its cache. */
export interface Definitions {
  /** By the definition's name: what is served, and the definition from which that follows. */
  readonly known: Map<string, { readonly definition: Definition; readonly resource: CustomResource | undefined }>;
  /** Definitions whose status this server is writing. */
  readonly underWay: Set<string>;
}

export const definitionsTimer = "custom-resource-definitions";
const retryMs = 1_000;

export function newDefinitions(): Definitions {
  return { known: new Map(), underWay: new Set() };
}

/** All definitions in this server's cache. */
export function allDefinitions(state: ServerState): readonly Definition[] {
  return cacheOf(state.feed, definitionsResource)
    .list(definitionsResource.prefix)
    .map(({ object }) => object as unknown as Definition);
}

/**
 * To be called when definitions have changed: serves what they say from now on. Those who watch a resource that is served otherwise than before
 * are sent away to begin anew, as Kubernetes does.
 */
export function serveDefinitions(state: ServerState, ctx: Ctx): undefined {
  const { known } = state.definitions;
  const definitions = allDefinitions(state);
  const names = new Set(definitions.map(({ metadata }) => metadata.name));
  let changed = false;
  for (const name of known.keys())
    if (!names.has(name)) {
      known.delete(name);
      changed = true;
    }
  for (const definition of definitions) {
    const before = known.get(definition.metadata.name)?.definition;
    if (before && servesSame(before, definition)) continue;
    known.set(definition.metadata.name, { definition, resource: customResourceOf(definition) });
    changed = true;
  }
  if (!changed) return;
  const custom = [...known.values()].map(({ resource }) => resource).filter((resource) => resource !== undefined);
  const before = state.served.groupVersions;
  state.served = servedKinds(custom);
  forgetChanged(state.documents, before, state.served.groupVersions);
  const resources = custom.map(({ stored }) => stored);
  for (const name of followCustomResources(state.feed, resources)) closeWatchesOf(state, ctx, name);
}

/** Writes what this server finds of the definitions' names and ends. Every API server does; the first one's word is the others' finding. */
export function tendDefinitions(state: ServerState, ctx: Ctx): undefined {
  const all = allDefinitions(state);
  for (const definition of all) tend(state, ctx, definition, all);
}

/** Whether the resource's definition waits for its last object to go. */
export function isCleanedUp(state: ServerState, resource: StoredResource): boolean {
  const entry = cacheOf(state.feed, definitionsResource).get(definitionsResource.prefix + resource.name);
  return entry !== undefined && awaitsCleanup(entry.object as unknown as Definition);
}

function tend(state: ServerState, ctx: Ctx, definition: Definition, all: readonly Definition[]): undefined {
  const { name } = definition.metadata;
  const { underWay } = state.definitions;
  if (underWay.has(name)) return;
  const empty = !awaitsCleanup(definition) || removeInstances(state, ctx, definition) === 0;
  if (sameJson(wanted(all, definition, empty, ctx.wallUs() / 1000), definition)) return;
  underWay.add(name);
  const key = definitionsResource.prefix + name;
  const change = (current: Entry | undefined, nowMs: number): Decision => {
    if (!current) return { type: "keep" };
    const found = current.object as unknown as Definition;
    if (found.metadata.uid !== definition.metadata.uid) return { type: "keep" };
    const next = wanted(all, found, empty, nowMs);
    if (sameJson(next, found)) return { type: "keep" };
    if (next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0) return { type: "delete" };
    return { type: "put", stored: encodeStored(next as unknown as ApiObject) };
  };
  const plan = { key, cached: cacheOf(state.feed, definitionsResource).get(key), change, deadlineUs: ctx.monotonicUs() + 10e6 };
  return guaranteedUpdate(state, ctx, plan, (state, outcome, ctx) => {
    state.definitions.underWay.delete(name);
    if (outcome.type === "put" || outcome.type === "deleted") {
      const { revision } = outcome.entry;
      const verb = outcome.type === "put" ? "update" : "delete";
      const object = `apiextensions.k8s.io/customresourcedefinitions/${name}`;
      ctx.record({ kind: "api.write", verb, object, resourceVersion: String(revision), user: "system:apiserver" });
    } else if (outcome.type !== "kept") ctx.setTimer(definitionsTimer, retryMs);
  });
}

/** The definition as it should be: its names judged, or on its way out. `empty` says whether none of its objects is left. */
function wanted(all: readonly Definition[], definition: Definition, empty: boolean, nowMs: number): Definition {
  if (definition.metadata.deletionTimestamp === undefined) return { ...definition, status: namedStatus(definition, all, nowMs) };
  if (!awaitsCleanup(definition)) return definition;
  return empty ? cleaned(definition, nowMs) : cleaning(definition, nowMs);
}
