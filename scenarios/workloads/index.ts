import { http } from "./http";
import type { Workload } from "./workload";

/** Every workload. */
export const workloads: readonly Workload[] = [http];

export function workloadNamed(name: string): Workload | undefined {
  return workloads.find((workload) => workload.name === name);
}
