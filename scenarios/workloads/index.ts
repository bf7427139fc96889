import { apiWatches } from "./api-watches";
import { bank } from "./bank";
import { churn } from "./churn";
import { counters } from "./counters";
import { elections } from "./elections";
import { http } from "./http";
import { leases } from "./leases";
import { lists } from "./lists";
import { locks } from "./locks";
import { maintenance } from "./maintenance";
import { registers } from "./registers";
import { sets } from "./sets";
import { users } from "./users";
import { watches } from "./watches";
import type { Workload } from "./workload";

/** Every workload. */
export const workloads: readonly Workload[] = [
  http,
  registers,
  sets,
  lists,
  counters,
  bank,
  leases,
  locks,
  elections,
  users,
  maintenance,
  watches,
  apiWatches,
  churn,
];

export function workloadNamed(name: string): Workload | undefined {
  return workloads.find((workload) => workload.name === name);
}
