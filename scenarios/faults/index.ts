import { bandwidth } from "./bandwidth";
import { clockDrift, clockJump } from "./clock";
import { clog } from "./clog";
import { corrupt } from "./corrupt";
import { crash } from "./crash";
import { crashActor } from "./crash-actor";
import { delay } from "./delay";
import { failingDisk, fullDisk, slowDisk, stalledDisk } from "./disk";
import { duplicate } from "./duplicate";
import type { Fault } from "./fault";
import { isolate } from "./isolate";
import { loss } from "./loss";
import { pause } from "./pause";
import { reorder } from "./reorder";
import { replay } from "./replay";
import { slowCpu } from "./slow-cpu";
import { split } from "./split";
import { swizzle } from "./swizzle";

/** Every fault: of processes, of the network, of clocks, of disks. */
export const faults: readonly Fault[] = [
  crash,
  crashActor,
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
];

export function faultNamed(name: string): Fault | undefined {
  return faults.find((fault) => fault.name === name);
}
