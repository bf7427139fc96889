import type { ApiObject, JsonObject, Stored } from "../../../protocol/kinds/object";
import { apiVersionOf, type Kind } from "../../../protocol/kinds/registry";
import { servedCustom, storedCustom } from "../custom-resources/conversion";
import type { Entry } from "../storage/entry";
import type { StoredResource } from "../storage/keys";

/**
 * Objects that are served in another version than they are stored in: custom resources, and two built-in kinds: Events of events.k8s.io, which are core Events under other
 * field names, and HorizontalPodAutoscalers of autoscaling/v1, whose one CPU target is a metric of v2. Both ways lose nothing.
 */

/** What lies in etcd in the version asked for: the very same object where nothing is to be done. Made once for each entry. */
export function servedObject(kind: Kind, resource: StoredResource, entry: Entry): Stored<ApiObject> {
  return kind.custom ? servedCustom(kind, kind.custom, entry) : toServed(kind, resource, entry.object);
}

/** An object of a built-in kind in the version asked for; the same object where that is the stored one. */
export function toServed<T extends ApiObject>(kind: Kind, resource: StoredResource, object: T): T {
  if (kind === resource.kind) return object;
  return (kind.kind === "Event" ? renamed(object, eventNames, kind) : horizontalV1(object, kind)) as T;
}

/** The object in the version in which it is stored. */
export function toStored(kind: Kind, resource: StoredResource, object: ApiObject): ApiObject {
  if (kind === resource.kind) return object;
  if (kind.custom && resource.kind.custom) return storedCustom(kind, resource.kind, object);
  return kind.kind === "Event" ? renamed(object, storedEventNames, resource.kind) : horizontalV2(object, resource.kind);
}

/** Whether the bytes that are served may be others than the stored ones. What is stored of a custom resource may be older than its schema. */
export function isConverted(kind: Kind, resource: StoredResource): boolean {
  return kind !== resource.kind || kind.custom !== undefined;
}

/** core/v1 to events.k8s.io/v1. */
const eventNames: ReadonlyMap<string, string> = new Map([
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
]);
const storedEventNames: ReadonlyMap<string, string> = new Map([...eventNames].map(([stored, served]) => [served, stored]));

function renamed(object: ApiObject, names: ReadonlyMap<string, string>, to: Kind): ApiObject {
  const fields = Object.entries(object).map(([field, value]) => [names.get(field) ?? field, value] as const);
  return { ...(Object.fromEntries(fields) as unknown as ApiObject), apiVersion: apiVersionOf(to), kind: to.kind };
}

interface Metric {
  readonly type: string;
  readonly resource?: { readonly name?: string; readonly target?: { readonly type?: string; readonly averageUtilization?: number } };
}

/** What v1 has no field for travels in annotations, as JSON. */
const carried = [
  ["metrics", "spec", "autoscaling.alpha.kubernetes.io/metrics"],
  ["behavior", "spec", "autoscaling.alpha.kubernetes.io/behavior"],
  ["conditions", "status", "autoscaling.alpha.kubernetes.io/conditions"],
  ["currentMetrics", "status", "autoscaling.alpha.kubernetes.io/current-metrics"],
] as const;

function horizontalV1(object: ApiObject, to: Kind): ApiObject {
  const { spec = {}, status = {}, metadata, ...rest } = object as Stored & { readonly spec?: JsonObject; readonly status?: JsonObject };
  const metrics = (spec.metrics ?? []) as readonly Metric[];
  const cpu = metrics.find(
    (metric) => metric.type === "Resource" && metric.resource?.name === "cpu" && metric.resource.target?.type === "Utilization",
  );
  const kept = {
    metrics: metrics.filter((metric) => metric !== cpu),
    behavior: spec.behavior,
    conditions: status.conditions,
    currentMetrics: status.currentMetrics,
  };
  const annotations = new Map(Object.entries(metadata.annotations ?? {}));
  for (const [field, , annotation] of carried) {
    const value = kept[field];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) annotations.set(annotation, JSON.stringify(value));
  }
  const { metrics: _metrics, behavior: _behavior, ...specRest } = spec;
  const { conditions: _conditions, currentMetrics: _current, ...statusRest } = status;
  const target = cpu?.resource?.target?.averageUtilization;
  return {
    ...rest,
    apiVersion: apiVersionOf(to),
    kind: to.kind,
    metadata: annotations.size > 0 ? { ...metadata, annotations: Object.fromEntries(annotations) } : metadata,
    ...{ spec: { ...specRest, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) }, status: statusRest },
  } as ApiObject;
}

function horizontalV2(object: ApiObject, to: Kind): ApiObject {
  const { spec = {}, status, metadata, ...rest } = object as ApiObject & { readonly spec?: JsonObject; readonly status?: JsonObject };
  const annotations = new Map(Object.entries(metadata.annotations ?? {}));
  const restored: Record<"spec" | "status", Record<string, unknown>> = { spec: {}, status: {} };
  for (const [field, part, annotation] of carried) {
    const value = parsed(annotations.get(annotation));
    if (value === undefined) continue;
    restored[part][field] = value;
    annotations.delete(annotation);
  }
  const { targetCPUUtilizationPercentage: target, ...specRest } = spec;
  const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: target } } };
  const metrics = [...(target === undefined ? [] : [cpu]), ...((restored.spec.metrics ?? []) as readonly Metric[])];
  const { annotations: _, ...bare } = metadata;
  return {
    ...rest,
    apiVersion: apiVersionOf(to),
    kind: to.kind,
    metadata: annotations.size > 0 ? { ...bare, annotations: Object.fromEntries(annotations) } : bare,
    spec: { ...specRest, ...restored.spec, ...(metrics.length > 0 ? { metrics } : {}) },
    ...(status || Object.keys(restored.status).length > 0 ? { status: { ...status, ...restored.status } } : {}),
  } as ApiObject;
}

/** A user may write anything into an annotation: what is no JSON stays an annotation. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
