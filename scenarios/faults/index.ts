import { apiError } from "./api-error";
import { apiLatency } from "./api-latency";
import { apiThrottle } from "./api-throttle";
import { bandwidth } from "./bandwidth";
import { clockDrift, clockJump } from "./clock";
import { clog } from "./clog";
import { corrupt } from "./corrupt";
import { crash } from "./crash";
import { crashActor } from "./crash-actor";
import { crashAt } from "./crash-at";
import { delay } from "./delay";
import { failingDisk, fullDisk, slowDisk, stalledDisk } from "./disk";
import { duplicate } from "./duplicate";
import type { Fault } from "./fault";
import { forcedRelist } from "./forced-relist";
import { isolate } from "./isolate";
import { loss } from "./loss";
import { pause } from "./pause";
import { reorder } from "./reorder";
import { replay } from "./replay";
import { slowCpu } from "./slow-cpu";
import { split } from "./split";
import { staleApiServer } from "./stale-api-server";
import { swizzle } from "./swizzle";
import { watchCut } from "./watch-cut";
import { watchGap } from "./watch-gap";

/** Every fault: of processes, of the network, of clocks, of disks, of the API. */
export const faults: readonly Fault[] = [
  crash,
  crashActor,
  crashAt,
  pause,
  slowCpu,
  isolate,
  split,
  loss,
  delay,
  duplicate,
  replay,
  reorder,
  corrupt,
  bandwidth,
  clog,
  swizzle,
  clockJump,
  clockDrift,
  slowDisk,
  stalledDisk,
  fullDisk,
  failingDisk,
  apiError,
  apiLatency,
  apiThrottle,
  staleApiServer,
  watchCut,
  watchGap,
  forcedRelist,
];

export function faultNamed(name: string): Fault | undefined {
  return faults.find((fault) => fault.name === name);
}
