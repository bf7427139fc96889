import type { JsonObject } from "../../protocol/kinds/object";
import type { Moment } from "./moments";

/** API objects by kind and name: "Pod shop/web-*". A star stands for any letters. */
export interface ObjectPattern {
  readonly kind: string;
  /** "" where the kind has none. */
  readonly namespace: string;
  readonly name: string;
}

/** What a value must be. */
export interface ValueTest {
  readonly is?: unknown;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Whether there is a value at all. */
  readonly exists?: boolean;
}

/**
 * What storms wait for and branch on. Some speak of how things stand and can hold and not hold again; those that speak of what happens (moments, lines,
 * transitions, messages) hold from when it has happened `times` times since somebody began to wait.
 */
export type Condition =
  | { readonly type: "all" | "any"; readonly of: readonly Condition[] }
  | { readonly type: "not"; readonly of: Condition }
  | {
      readonly type: "moment";
      readonly moment: Moment;
      /** The actor or host; a pattern. */
      readonly actor: string;
      /** Fields of the fact, as patterns. */
      readonly where: Readonly<Record<string, string>>;
      readonly times: number;
    }
  /** A line of the timeline; a pattern for a part of its text. */
  | { readonly type: "line"; readonly text: string; readonly times: number }
  | {
      readonly type: "transition";
      readonly change: "created" | "updated" | "deleted" | "changed";
      readonly object: ObjectPattern;
      /** Of "changed": the field, and what it was before and is after. */
      readonly field: string;
      readonly from: ValueTest | undefined;
      readonly to: ValueTest | undefined;
      readonly times: number;
    }
  /** A request that changes something reached an API server from the actor (a pattern), or an event of a watch reached it. */
  | {
      readonly type: "message";
      readonly message: "write" | "watch event";
      readonly actor: string;
      /** Plural of what it is about, and for writes the verb; patterns. */
      readonly resource: string;
      readonly verb: string;
      readonly times: number;
    }
  /** Some object of the pattern has a field like that. */
  | { readonly type: "object"; readonly object: ObjectPattern; readonly field: string; readonly test: ValueTest }
  /** So many objects of the pattern have fields like these. */
  | { readonly type: "count"; readonly object: ObjectPattern; readonly where: JsonObject; readonly test: ValueTest }
  | { readonly type: "host"; readonly host: string; readonly up: boolean }
  /** Since the storm began. */
  | { readonly type: "elapsed"; readonly us: number }
  /** Everything that is asked for is so. */
  | { readonly type: "rest" }
  /** Whether a check of the scenario is violated so far. */
  | { readonly type: "check"; readonly check: string; readonly violated: boolean };

/** A pattern with stars as an expression for whole texts. */
export function glob(pattern: string): RegExp {
  return new RegExp(`^${pattern.split("*").map(escapeRegExp).join(".*")}$`, "s");
}

/** The same for a part of a text. */
export function partGlob(pattern: string): RegExp {
  return new RegExp(pattern.split("*").map(escapeRegExp).join(".*"), "s");
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** "Pod shop/web-*". */
export function patternText({ kind, namespace, name }: ObjectPattern): string {
  return namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** The value at a path such as "status.phase", "status.conditions[Ready].status" or "spec.containers[0].image"; undefined where there is none. */
export function valueAt(object: unknown, field: string): unknown {
  let value: unknown = object;
  for (const part of field.match(/[^.[\]]+|\[[^\]]*\]/g) ?? []) {
    if (typeof value !== "object" || value === null) return undefined;
    const key = part.startsWith("[") ? part.slice(1, -1) : part;
    value = Array.isArray(value) ? elementOf(value, key) : (value as JsonObject)[key];
  }
  return value;
}

/** By place, or by its `type` or `name`. */
function elementOf(list: readonly unknown[], key: string): unknown {
  if (/^\d+$/.test(key)) return list[Number(key)];
  return list.find((one) => {
    const { type, name } = (one ?? {}) as { readonly type?: unknown; readonly name?: unknown };
    return type === key || name === key;
  });
}

/** Whether a value is as the test wants it; numbers and texts compare by what is written. */
export function passes(value: unknown, { is, atLeast, atMost, exists }: ValueTest): boolean {
  if (exists !== undefined && (value !== undefined && value !== null) !== exists) return false;
  if (is !== undefined && !alike(value, is)) return false;
  if (atLeast !== undefined && !(Number(value ?? 0) >= atLeast)) return false;
  return atMost === undefined || Number(value ?? 0) <= atMost;
}

function alike(value: unknown, wanted: unknown): boolean {
  if (typeof wanted === "object" && wanted !== null) return JSON.stringify(value) === JSON.stringify(wanted);
  return value !== undefined && String(value) === String(wanted);
}
