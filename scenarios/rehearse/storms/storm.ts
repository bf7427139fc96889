import type { ImageBehaviour } from "../../../actors/container-runtime/image-behaviour";
import type { HostName } from "../../../protocol/address";
import type { JsonObject } from "../../../protocol/kinds/object";
import type { ClusterPlan, HostPlan } from "../../cluster";
import type { Subjects } from "../subject";

/** A storm of the standard set: what it does, and to whom in turn. One file each; a line in index.ts makes it known. */
export interface StandardStorm {
  readonly name: string;
  /** What happens, in a sentence, for `list storms`. */
  readonly what: string;
  /** Whether it belongs to the set that is taken when none is named. */
  readonly standard: boolean;
  /** Each is one run: one node lost, then another. Empty where there is nothing that it could hit. */
  cases(subjects: Subjects, plan: ClusterPlan): readonly StormCase[];
}

/** One run of a storm. */
export interface StormCase {
  /** Whom it hits: "node-2", "Deployment shop/web"; "" where there is only one. */
  readonly about: string;
  /** What happens, as the past: "node-2 was lost". */
  readonly happened: string;
  /** Hosts that are away; requests do not come in there. */
  readonly lost: readonly HostName[];
  readonly images?: readonly ImageBehaviour[];
  /** Steps as a scenario file has them. The first begins what users may notice. */
  readonly steps: readonly JsonObject[];
  readonly seconds: number;
  /** Whether it takes more than a cluster must survive: all of its API servers, or a zone with most members of etcd. */
  readonly beyondBudget?: boolean;
  readonly requestsPerSecond: number;
}

/** Requests a second to each Service: enough to see an outage of a tenth of a second, and in long storms one of half a second. */
export const often = 10;
export const seldom = 4;

/** When the first step of every storm is taken. */
export const firstStepAt = "2s";
export const firstStepSeconds = 2;

export function hostsOf(plan: ClusterPlan, role: HostPlan["role"]): readonly HostPlan[] {
  return plan.hosts.filter((host) => host.role === role);
}

/** Loses hosts without a word, as when power fails: their peers find out by themselves. */
export function lose(hosts: readonly HostName[], seconds: number): JsonObject {
  return { at: firstStepAt, fault: "crash", target: { hosts }, silent: true, for: `${seconds}s` };
}
