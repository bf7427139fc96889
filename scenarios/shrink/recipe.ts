import type { ClusterShape } from "../cluster";
import type { Params } from "../language/steps";
import type { ScheduledStep } from "../storm";

/** A workload of a run: which of the scenario's, with what parameters, and when in the storm it sends. */
export interface RecordedLoad {
  /** Its place under `load` in the scenario. */
  readonly place: number;
  readonly params: Params;
  /** Since the storm began; null where it goes on to the end. */
  readonly fromUs: number;
  readonly toUs: number | null;
}

/** Everything that decides a run beside its scenario and its seed, and that can be made smaller. */
export interface Recipe {
  readonly schedule: readonly ScheduledStep[];
  readonly load: readonly RecordedLoad[];
  /** Ids of the objects that are applied; null for all of the manifests. */
  readonly objects: readonly string[] | null;
  readonly shape: ClusterShape;
  /** How long the storm lasted; null where it did not end. */
  readonly stormUs: number | null;
  /** Whether the calm heals no more than a core; as the scenario says where this is left out. */
  readonly coreOnly?: boolean;
}

/** How big a recipe is, in what people count. */
export interface Size {
  readonly steps: number;
  /** Steps and workloads: what delta debugging takes away. */
  readonly parts: number;
  readonly loads: number;
  readonly requestsPerSecond: number;
  readonly hosts: number;
  readonly objects: number;
  readonly stormSeconds: number;
  /** For how long faults are going on, added up. */
  readonly faultSeconds: number;
}

export function sizeOf({ schedule, load, objects, shape, stormUs }: Recipe, allObjects: number): Size {
  /** Of less than a second two digits are told, however small it is. */
  const round = (us: number) => (us < 1e6 ? Number((us / 1e6).toPrecision(2)) : Math.round(us / 1e5) / 10);
  const rate = (params: Params) => (typeof params.requestsPerSecond === "number" ? params.requestsPerSecond : 0);
  return {
    steps: schedule.length,
    parts: schedule.length + load.length,
    loads: load.length,
    requestsPerSecond: load.reduce((sum, { params }) => sum + rate(params), 0),
    hosts: shape.etcd + shape.apiServers + shape.controllers + shape.nodes,
    objects: objects?.length ?? allObjects,
    stormSeconds: round(stormUs ?? 0),
    faultSeconds: round(
      schedule.reduce((sum, { atUs, forUs, type }) => sum + (type === "fault" ? (forUs ?? (stormUs ?? atUs) - atUs) : 0), 0),
    ),
  };
}
