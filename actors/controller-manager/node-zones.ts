import type { Node } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { conditionOf } from "./condition";

/**
 * How fast nodes of a zone may be emptied. When many nodes of a zone fail at once the fault is more likely between them and us than in them; when all zones
 * have failed it is us that are cut off, and nothing is emptied. Source: "Nodes" in the documentation, rate limits on eviction.
 */
export type ZoneState = "normal" | "partial" | "full";

export interface EvictionRates {
  /** node-eviction-rate, per second. */
  readonly perSecond: number;
  /** secondary-node-eviction-rate, per second. */
  readonly secondaryPerSecond: number;
  /** unhealthy-zone-threshold. */
  readonly unhealthyShare: number;
  /** large-cluster-size-threshold. */
  readonly largeZone: number;
}

export function zoneOf(node: Stored<Node>): string {
  const { labels = {} } = node.metadata;
  return `${labels["topology.kubernetes.io/region"] ?? ""}/${labels["topology.kubernetes.io/zone"] ?? ""}`;
}

/** `nodes` are those of one zone. */
export function zoneState(nodes: readonly Stored<Node>[], unhealthyShare: number): ZoneState {
  const ready = nodes.filter((node) => conditionOf(node.status?.conditions, "Ready")?.status === "True").length;
  const notReady = nodes.length - ready;
  if (ready === 0 && notReady > 0) return "full";
  return notReady > 2 && notReady / nodes.length >= unhealthyShare ? "partial" : "normal";
}

/** Nodes per second of a zone in this state; `allFull` when no zone is any better. */
export function evictionRate(state: ZoneState, zoneSize: number, allFull: boolean, rates: EvictionRates): number {
  if (allFull) return 0;
  if (state !== "partial") return rates.perSecond;
  return zoneSize > rates.largeZone ? rates.secondaryPerSecond : 0;
}

/** A bucket that holds one token: when the last was taken decides about the next. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** The bucket as it is now. */
export function refill(bucket: Bucket | undefined, perSecond: number, monotonicMs: number): Bucket {
  if (!bucket) return { tokens: 1, atMs: monotonicMs };
  return { tokens: Math.min(1, bucket.tokens + ((monotonicMs - bucket.atMs) / 1000) * perSecond), atMs: monotonicMs };
}
