import type { Event } from "../../../../protocol/kinds/generated";
import { type Failure, failure } from "../../../../protocol/status";
import type { Admission, Plugin } from "../admission";

/** One limit of an EventRateLimit Configuration (eventratelimit.admission.k8s.io/v1alpha1). */
export interface EventLimit {
  readonly type: EventLimitType;
  /** Events a second, and at once. */
  readonly qps: number;
  readonly burst: number;
  /** How many keys are remembered; those not seen for longest are forgotten. */
  readonly cacheSize: number;
}

export const eventLimitTypes = ["Server", "Namespace", "User", "SourceAndObject"] as const;
export type EventLimitType = (typeof eventLimitTypes)[number];

/** What is left of a burst, and when that was. */
interface Bucket {
  left: number;
  atMs: number;
}

/**
 * So many Events in a time and no more: of everybody, a namespace, a user, or one source about one object. A limit takes its part whether or not
 * another one refuses. Source: "Admission Control", EventRateLimit.
 */
export function eventRateLimit(limits: readonly EventLimit[]): Plugin {
  const buckets = limits.map((limit) => ({ limit, byKey: new Map<string, Bucket>() }));
  return {
    name: "EventRateLimit",
    validate(admission) {
      if (admission.operation === "DELETE" || admission.kind.kind !== "Event") return undefined;
      let refusal: Failure | undefined;
      for (const { limit, byKey } of buckets) {
        const key = keyOf(limit.type, admission);
        if (!takes(limit, byKey, key, admission.cluster.nowMs))
          refusal = failure("TooManyRequests", `Too many requests: limit reached on type ${limit.type} for key ${key}`);
      }
      return refusal;
    },
  };
}

function takes({ qps, burst, cacheSize }: EventLimit, byKey: Map<string, Bucket>, key: string, nowMs: number): boolean {
  const bucket = byKey.get(key) ?? { left: burst, atMs: nowMs };
  // Put last, so that the first one is the one that was not seen for longest.
  byKey.delete(key);
  byKey.set(key, bucket);
  if (byKey.size > cacheSize) byKey.delete(byKey.keys().next().value!);
  bucket.left = Math.min(burst, bucket.left + (Math.max(0, nowMs - bucket.atMs) / 1000) * qps);
  bucket.atMs = nowMs;
  if (bucket.left < 1) return false;
  bucket.left -= 1;
  return true;
}

function keyOf(type: EventLimitType, { namespace, user, object }: Admission): string {
  switch (type) {
    case "Server":
      return "";
    case "Namespace":
      return namespace;
    case "User":
      return user.name;
    case "SourceAndObject": {
      const { source, involvedObject, ...rest } = object as unknown as Event & { readonly deprecatedSource?: Event["source"] };
      const from = source ?? rest.deprecatedSource;
      const { kind, namespace, name, uid, apiVersion } =
        involvedObject ?? (object as unknown as { regarding?: Event["involvedObject"] }).regarding ?? {};
      return [from?.component, from?.host, kind, namespace, name, uid, apiVersion].map((part) => part ?? "").join("");
    }
  }
}
