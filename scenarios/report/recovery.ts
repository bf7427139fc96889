import type { HostName } from "../../protocol/address";
import type { Band, RunSeries } from "./recorder";

/** What one fault meant to one Service, and how the cluster took it. Times since the fault began; undefined where it did not happen. */
export interface Recovery {
  readonly fault: Band;
  /** The first thing that the cluster did about what was hit. */
  readonly detected: { readonly afterUs: number; readonly what: string } | undefined;
  readonly services: readonly ServiceRecovery[];
}

export interface ServiceRecovery {
  readonly service: string;
  readonly failed: number;
  /** Until requests were answered again, for good; 0 where none failed, -1 where they never were. */
  readonly answeredAfterUs: number;
  /** Until as many endpoints were ready as before; 0 where none were missing, -1 where they never were. */
  readonly endpointsAfterUs: number;
}

/** What happens up to so long after a fault's end still counts as its doing. */
const aftermathUs = 10_000_000;

/** For each fault, in the order in which they began: when it was noticed, and when each Service had recovered from it. */
export function recoveries({ faults, reactions, outages, endpoints, load }: RunSeries): readonly Recovery[] {
  const services = [...new Set([...load.map(({ service }) => service), ...endpoints.map(({ service }) => service)])];
  return [...faults]
    .sort((a, b) => a.fromUs - b.fromUs)
    .map((fault) => {
      const hit = new Set(hostsHit(fault));
      const untilUs = fault.toUs + aftermathUs;
      const first = reactions.find(({ atUs, host }) => hit.has(host) && atUs >= fault.fromUs && atUs <= untilUs);
      return {
        fault,
        detected: first && { afterUs: first.atUs - fault.fromUs, what: first.what },
        services: services.map((service) => {
          const own = outages.filter(
            (one) =>
              one.service === service &&
              one.fromUs <= untilUs &&
              (one.toUs < 0 || one.toUs > fault.fromUs) &&
              one.fromUs >= fault.fromUs - 1_000_000,
          );
          const last = own.some(({ toUs }) => toUs < 0) ? -1 : Math.max(0, ...own.map(({ toUs }) => toUs - fault.fromUs));
          const ready = endpoints.find((one) => one.service === service)?.ready ?? [];
          return {
            service,
            failed: own.reduce((sum, { failed }) => sum + failed, 0),
            answeredAfterUs: last,
            endpointsAfterUs: endpointsBack(ready, fault),
          };
        }),
      };
    });
}

/** The hosts of a fault's band. */
export function hostsHit({ hosts, row }: Band): readonly HostName[] {
  return hosts ?? row.split(", ");
}

/** By the second: from the fault's beginning until as many were ready as then. */
function endpointsBack(ready: readonly number[], fault: Band): number {
  const begin = Math.floor(fault.fromUs / 1e6);
  const before = ready[Math.max(0, begin - 1)] ?? 0;
  const until = Math.ceil((fault.toUs + aftermathUs) / 1e6);
  const dip = ready.findIndex((count, second) => second >= begin && second <= until && count < before);
  if (dip < 0) return 0;
  const back = ready.findIndex((count, second) => second > dip && count >= before);
  return back < 0 ? -1 : back * 1e6 - fault.fromUs;
}
