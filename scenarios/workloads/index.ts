import { apiWatches } from "./api-watches";
import { bank } from "./bank";
import { churn } from "./churn";
import { counters } from "./counters";
import { elections } from "./elections";
import { http } from "./http";
import { lists } from "./lists";
import { locks } from "./locks";
import { registers } from "./registers";
import { sets } from "./sets";
import { watches } from "./watches";
import type { Workload } from "./workload";

/** Every workload. */
export const workloads: readonly Workload[] = [http, registers, sets, lists, counters, bank, locks, elections, watches, apiWatches, churn];

export function workloadNamed(name: string): Workload | undefined {
  return workloads.find((workload) => workload.name === name);
}
