import { http } from "./http";
import { registers } from "./registers";
import { watches } from "./watches";
import type { Workload } from "./workload";

/** Every workload. */
export const workloads: readonly Workload[] = [http, registers, watches];

export function workloadNamed(name: string): Workload | undefined {
  return workloads.find((workload) => workload.name === name);
}
