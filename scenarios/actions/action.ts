import type { JsonObject } from "../../protocol/kinds/object";
import type { JsonSchema } from "../schema";

export type Params = Readonly<Record<string, unknown>>;

/** One object of the API by its names; what an operator's task is about. */
export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** What the operator does through the API, tried again until it is done or its time is over. All of it may be repeated without harm. */
export type Task =
  /** Server-side apply of the objects, in order. */
  | { readonly type: "apply"; readonly objects: readonly JsonObject[] }
  | {
      readonly type: "patch";
      readonly object: ObjectName;
      readonly patchType: "merge" | "strategic" | "json";
      readonly patch: unknown;
      readonly subresource: string;
    }
  | { readonly type: "delete"; readonly object: ObjectName }
  /** Evicts the pods of a node, as kubectl drain does after cordoning it; refused evictions are tried again, until `withinMs` where given. */
  | { readonly type: "drain"; readonly node: string; readonly withinMs?: number };

/** Something that an operator of the cluster does during a storm: a rollout, a scaling, a drain. One file each; a line in index.ts makes it known. */
export interface Action {
  readonly name: string;
  readonly what: string;
  /** JSON Schema properties of what a step may say beside `at`. */
  readonly params: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
  /** How long it may take, where that is not the usual two minutes. */
  withinMs?(params: Params): number;
  /** The object it is about, to be held against the manifests; undefined where it names none. */
  about(params: Params): ObjectName | undefined;
  /** `objects` are those of the files that it names. `nowUs` is virtual time since the run began. */
  tasks(params: Params, objects: readonly JsonObject[], nowUs: number): readonly Task[];
}

/** "namespace/name" of a Deployment. */
export const deploymentSchema: JsonSchema = { type: "string", pattern: "^[^/]+/[^/]+$", description: 'a Deployment, "namespace/name"' };

export function deploymentNamed(text: unknown): ObjectName {
  const [namespace = "", name = ""] = String(text).split("/");
  return { apiVersion: "apps/v1", kind: "Deployment", namespace, name };
}
