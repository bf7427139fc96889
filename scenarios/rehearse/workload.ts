import type { PodSpec } from "../../protocol/kinds/generated";
import type { JsonObject } from "../../protocol/kinds/object";
import { objectId } from "../history";
import type { Manifest } from "../manifests";
import type { Path } from "../source";

/** An object that makes pods, or a pod itself: what stands behind Services. */
export interface Workload {
  /** "Deployment shop/web". */
  readonly id: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly manifest: Manifest;
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Where the pod's specification stands in the object. */
  readonly podPath: Path;
  readonly podSpec: PodSpec;
  /** Whether a new template is rolled out over its pods. */
  readonly rolls: boolean;
}

const templates: ReadonlyMap<string, Path> = new Map<string, Path>([
  ["Deployment", ["spec", "template"]],
  ["StatefulSet", ["spec", "template"]],
  ["DaemonSet", ["spec", "template"]],
  ["ReplicaSet", ["spec", "template"]],
  ["ReplicationController", ["spec", "template"]],
  ["Job", ["spec", "template"]],
  ["CronJob", ["spec", "jobTemplate", "spec", "template"]],
  ["Pod", []],
]);

const rolled: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "DaemonSet"]);
const counted: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"]);

/** Whether its pods run until they are done, and serve nobody. */
export function runsToItsEnd({ kind }: Workload): boolean {
  return kind === "Job" || kind === "CronJob";
}

/** The workload that a manifest is, if it is one. */
export function workloadOf(manifest: Manifest): Workload | undefined {
  const { object, kind } = manifest;
  const path = templates.get(kind.kind);
  if (path === undefined || (kind.group !== "" && kind.group !== "apps" && kind.group !== "batch")) return undefined;
  const template = partAt(object as unknown as JsonObject, path) as JsonObject | undefined;
  const podSpec = template?.spec as PodSpec | undefined;
  if (!podSpec) return undefined;
  const { replicas = 1 } = ((object as unknown as JsonObject).spec ?? {}) as { readonly replicas?: number };
  const { namespace = "", name = "" } = object.metadata;
  const metadata = template!.metadata as { readonly labels?: Readonly<Record<string, string>> } | undefined;
  return {
    id: objectId(object),
    kind: kind.kind,
    namespace,
    name,
    manifest,
    replicas: counted.has(kind.kind) ? replicas : 1,
    labels: metadata?.labels ?? {},
    podPath: [...path, "spec"],
    podSpec,
    rolls: rolled.has(kind.kind),
  };
}

/** The part of a value at a path; undefined where there is none. */
export function partAt(value: unknown, path: Path): unknown {
  let part = value;
  for (const step of path) part = (part as Readonly<Record<string | number, unknown>> | undefined)?.[step];
  return part;
}

/** The value with another part at the path; what is missing on the way is made, `undefined` takes the part away. */
export function withPart<T>(value: T, [step, ...rest]: Path, part: unknown): T {
  if (step === undefined) return part as T;
  const inner = withPart(partAt(value, [step]), rest, part);
  if (Array.isArray(value)) {
    const items = [...value];
    if (inner === undefined) items.splice(Number(step), 1);
    else items[Number(step)] = inner;
    return items as T;
  }
  if (value === undefined && typeof step === "number") return [inner] as T;
  const { [step as never]: _, ...others } = (value ?? {}) as Record<string, unknown>;
  return (inner === undefined ? others : { ...((value ?? {}) as object), [step]: inner }) as T;
}
