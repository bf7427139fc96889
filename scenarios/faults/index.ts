import { apiError } from "./api-error";
import { apiLatency } from "./api-latency";
import { apiThrottle } from "./api-throttle";
import { bandwidth } from "./bandwidth";
import { clockDrift, clockJump, clockOffset, clockStrobe } from "./clock";
import { clog } from "./clog";
import { containerCrash, oomKill } from "./containers";
import { corrupt } from "./corrupt";
import { corruptObject } from "./corrupt-object";
import { crash } from "./crash";
import { crashActor } from "./crash-actor";
import { crashAt } from "./crash-at";
import { crashBetweenWrites } from "./crash-between-writes";
import { corruptDisk, misdirectingDisk } from "./damaged-disk";
import { delay } from "./delay";
import { failingDisk, fullDisk, slowDisk, stalledDisk } from "./disk";
import { dnsFailure } from "./dns-failure";
import { duplicate } from "./duplicate";
import { failingProbe } from "./failing-probe";
import type { Fault } from "./fault";
import { forcedRelist } from "./forced-relist";
import { gracefulRestart } from "./graceful-restart";
import { imagePullFailure } from "./image-pull-failure";
import { isolate } from "./isolate";
import { loss } from "./loss";
import { memberChurn } from "./member-churn";
import { memoryPressure } from "./memory-pressure";
import { diskFill, memoryHog } from "./node-pressure";
import { cordonFault, drainFault, loseNode, taintFault } from "./nodes";
import { pause } from "./pause";
import { podKill } from "./pod-kill";
import { powerLoss } from "./power-loss";
import { compactionPressure, writePressure } from "./pressure";
import { priorities } from "./priorities";
import { reorder } from "./reorder";
import { replaceMemberFault } from "./replace-member";
import { replay } from "./replay";
import { restoreBackup } from "./restore-backup";
import { slowCpu } from "./slow-cpu";
import { split } from "./split";
import { staleApiServer } from "./stale-api-server";
import { kubeletStop, stopActor } from "./stop-actor";
import { swizzle } from "./swizzle";
import { upgrade } from "./upgrade";
import { watchCut } from "./watch-cut";
import { watchGap } from "./watch-gap";
import { wrongAnswers } from "./wrong-answers";

/** Every fault: of processes, of the network, of clocks, of disks, of etcd, of the API, of nodes, of pods. */
export const faults: readonly Fault[] = [
  crash,
  powerLoss,
  crashActor,
  crashAt,
  crashBetweenWrites,
  stopActor,
  gracefulRestart,
  pause,
  slowCpu,
  upgrade,
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
  priorities,
  clockJump,
  clockOffset,
  clockDrift,
  clockStrobe,
  slowDisk,
  stalledDisk,
  fullDisk,
  failingDisk,
  corruptDisk,
  misdirectingDisk,
  replaceMemberFault,
  memberChurn,
  restoreBackup,
  compactionPressure,
  writePressure,
  corruptObject,
  apiError,
  apiLatency,
  apiThrottle,
  staleApiServer,
  watchCut,
  watchGap,
  forcedRelist,
  wrongAnswers,
  cordonFault,
  taintFault,
  drainFault,
  kubeletStop,
  loseNode,
  memoryPressure,
  memoryHog,
  diskFill,
  imagePullFailure,
  dnsFailure,
  podKill,
  containerCrash,
  oomKill,
  failingProbe,
];

export function faultNamed(name: string): Fault | undefined {
  return faults.find((fault) => fault.name === name);
}
