import type { FlowSchema } from "../../../protocol/kinds/generated";
import { type ApiObject, type Stored, timestamp } from "../../../protocol/kinds/object";
import { createOwn } from "../bootstrap";
import { semanticallyEqual } from "../objects/equality";

import { tracked } from "../registry/objects";
import type { Ctx, ServerState } from "../state";
import { type Entry, encodeStored } from "../storage/entry";
import { cacheOf } from "../storage/feed";
import { type Decision, guaranteedUpdate } from "../storage/guaranteed-update";
import { keyOfObject, prefixOfList, resourceNamed } from "../storage/keys";
import { autoUpdateAnnotation, mandatoryLevels, mandatorySchemas, standardFlowObjects } from "./standard-objects";

/**
 * Keeps the standard flow control objects as they should be and says in each FlowSchema's status whether its level exists. Every API server does
 * both; whoever is second finds nothing left to do.
 */

export const flowUpkeepTimer = "flow-upkeep";
const upkeepIntervalMs = 60_000;
const deadlineUs = 10_000_000;

const schemas = resourceNamed("flowcontrol.apiserver.k8s.io", "v1", "flowschemas");
const levels = resourceNamed("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations");
const mandatoryNames: ReadonlySet<string> = new Set(
  [...mandatoryLevels, ...mandatorySchemas].map(({ kind, metadata }) => `${kind}/${metadata.name}`),
);
const statusManager = "api-priority-and-fairness-config-consumer-v1";

/** Soon, but not all servers at the same moment: the objects have changed. */
export function tendFlowObjectsSoon(ctx: Ctx): void {
  ctx.setTimer(flowUpkeepTimer, 100 + 900 * ctx.random("flow-upkeep"));
}

/** On the timer. */
export function tendFlowObjects(state: ServerState, ctx: Ctx): undefined {
  ctx.setTimer(flowUpkeepTimer, upkeepIntervalMs * (0.9 + 0.2 * ctx.random("flow-upkeep")));
  if (!state.bootstrap.done) return;
  for (const wanted of standardFlowObjects) restore(state, ctx, wanted);
  for (const { object, key } of cacheOf(state.feed, schemas).list(prefixOfList(schemas, ""))) {
    const schema = object as unknown as Stored<FlowSchema>;
    const status = statusOf(state, schema, ctx.wallUs() / 1000);
    if (status === undefined) continue;
    change(state, ctx, schemas, key, (current, nowMs) => {
      const wanted = statusOf(state, current as unknown as Stored<FlowSchema>, nowMs);
      if (wanted === undefined) return undefined;
      const writer = { manager: statusManager, subresource: "status", nowMs };
      return tracked(schemas.kind, current, { ...current, status: wanted } as unknown as ApiObject, writer);
    });
  }
}

/** Makes a standard object that is missing, and puts right one that differs, unless its annotation says that it belongs to the operators. */
function restore(state: ServerState, ctx: Ctx, wanted: ApiObject): void {
  const resource = wanted.kind === "FlowSchema" ? schemas : levels;
  const key = keyOfObject(resource, "", wanted.metadata.name ?? "");
  const cached = cacheOf(state.feed, resource).get(key);
  if (!cached) {
    createOwn(state, ctx, wanted, () => undefined);
    return;
  }
  if (repaired(cached.object, wanted) === undefined) return;
  change(state, ctx, resource, key, (current) => repaired(current, wanted));
}

/** The object as it should be; undefined where it is so already. */
function repaired(current: ApiObject, wanted: ApiObject): ApiObject | undefined {
  const mandatory = mandatoryNames.has(`${wanted.kind}/${wanted.metadata.name}`);
  const automatic = current.metadata.annotations?.[autoUpdateAnnotation];
  if (!mandatory && automatic !== undefined && automatic !== "true") return undefined;
  const { spec } = wanted as { readonly spec?: unknown };
  const same = semanticallyEqual((current as { readonly spec?: unknown }).spec, spec);
  // Of a mandatory object the annotation is kept true; a suggested one without it was written by somebody else, and gets it if it is the same.
  if (same && automatic === "true") return undefined;
  if (!mandatory && automatic === undefined && !same) return undefined;
  const annotations = { ...current.metadata.annotations, [autoUpdateAnnotation]: "true" };
  const generation = ((current.metadata as { readonly generation?: number }).generation ?? 1) + (same ? 0 : 1);
  return { ...current, metadata: { ...current.metadata, annotations, generation }, spec } as unknown as ApiObject;
}

/** The status that the schema should have; undefined where it has it. */
function statusOf(state: ServerState, { spec, status }: Stored<FlowSchema>, nowMs: number): FlowSchema["status"] | undefined {
  const name = spec?.priorityLevelConfiguration.name ?? "";
  const exists = cacheOf(state.feed, levels).get(keyOfObject(levels, "", name)) !== undefined;
  const references = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)}`;
  const message = exists ? `${references} and it exists` : `${references} but there is no such object`;
  const dangling = { type: "Dangling", status: exists ? "False" : "True", reason: exists ? "Found" : "NotFound", message };
  const conditions = status?.conditions ?? [];
  const found = conditions.find(({ type }) => type === "Dangling");
  if (found?.status === dangling.status && found.message === message && found.reason === dangling.reason) return undefined;
  const lastTransitionTime = found?.status === dangling.status ? found.lastTransitionTime : timestamp(nowMs);
  const others = conditions.filter(({ type }) => type !== "Dangling");
  return { conditions: [...others, { ...dangling, lastTransitionTime }] } as FlowSchema["status"];
}

function change(
  state: ServerState,
  ctx: Ctx,
  resource: typeof schemas,
  key: string,
  make: (current: ApiObject, nowMs: number) => ApiObject | undefined,
): void {
  const cached = cacheOf(state.feed, resource).get(key);
  const decide = (current: Entry | undefined, nowMs: number): Decision => {
    const made = current && make(current.object, nowMs);
    return made === undefined ? { type: "keep" } : { type: "put", stored: encodeStored(made) };
  };
  guaranteedUpdate(state, ctx, { key, cached, change: decide, deadlineUs: ctx.monotonicUs() + deadlineUs }, (_state, outcome, ctx) => {
    if (outcome.type !== "put") return;
    const name = outcome.entry.object.metadata.name;
    ctx.record({
      ...{ kind: "api.write", verb: "update", object: `flowcontrol.apiserver.k8s.io/${resource.kind.plural}/${name}` },
      ...{ resourceVersion: String(outcome.entry.revision), user: "system:apiserver" },
    });
  });
}
