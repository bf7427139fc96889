import type { ObjectReference } from "../../protocol/kinds/generated";

/**
 * Which Event a happening becomes: a new one, a higher count on an old one, a summary, or nothing. The figures are those of client-go's EventCorrelator:
 * ten alike (but for their messages) within ten minutes are summed up in one; one source may speak about one object 25 times at once and then once in five minutes.
 */

export interface Happening {
  readonly reference: ObjectReference;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly source: string;
}

export interface RecordedEvent extends Happening {
  /** Under which it is counted. */
  readonly key: string;
  /** "" until it is named. */
  readonly name: string;
  readonly count: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly action: string;
}

export interface EventMemory {
  readonly names: Map<string, RecordedEvent>;
  readonly alike: Map<string, { readonly messages: Set<string>; lastMs: number }>;
  readonly buckets: Map<string, { tokens: number; lastMs: number }>;
}

const remembered = 4096;
const alikeMax = 10;
const alikeWindowMs = 600_000;
const burst = 25;
const refillMs = 300_000;

export function newEventMemory(): EventMemory {
  return { names: new Map(), alike: new Map(), buckets: new Map() };
}

/** What to write about a happening, with `memory` brought up to date; undefined when it is one too many. */
export function aggregate(memory: EventMemory, happening: Happening, nowMs: number): RecordedEvent | undefined {
  const { reference, type, reason, source } = happening;
  const about = [source, reference.kind, reference.namespace, reference.name, reference.uid, reference.apiVersion].join("|");
  if (!takeToken(memory, about, nowMs)) return undefined;

  const alikeKey = [about, type, reason].join("|");
  const alike = memory.alike.get(alikeKey);
  const group = alike && nowMs - alike.lastMs <= alikeWindowMs ? alike : { messages: new Set<string>(), lastMs: nowMs };
  group.lastMs = nowMs;
  if (group.messages.size < alikeMax) group.messages.add(happening.message);
  memory.alike.set(alikeKey, group);
  forgetOldest(memory.alike);
  const summed = group.messages.size >= alikeMax;

  const message = summed ? `(combined from similar events): ${happening.message}` : happening.message;
  const key = summed ? alikeKey : [alikeKey, happening.message].join("|");
  const before = memory.names.get(key);
  if (!before) return { ...happening, message, key, name: "", count: 1, firstMs: nowMs, lastMs: nowMs, action: "" };
  memory.names.delete(key);
  return { ...before, message, count: before.count + 1, lastMs: nowMs };
}

/** Keeps a map at its bound by dropping what was entered first. */
export function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= remembered) return;
    map.delete(key);
  }
}

function takeToken(memory: EventMemory, about: string, nowMs: number): boolean {
  const known = memory.buckets.get(about);
  const tokens = known ? Math.min(burst, known.tokens + (nowMs - known.lastMs) / refillMs) : burst;
  memory.buckets.delete(about);
  memory.buckets.set(about, { tokens: tokens >= 1 ? tokens - 1 : tokens, lastMs: nowMs });
  forgetOldest(memory.buckets);
  return tokens >= 1;
}
