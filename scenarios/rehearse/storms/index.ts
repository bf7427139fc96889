import { crashLoop, imagePullFailure, lateCrash } from "./bad-versions";
import { calm } from "./calm";
import { apiServerLost, apiServersCutOff, controllerLost, etcdMemberLost, slowDisks } from "./control-plane";
import { drain } from "./drain";
import { leaderLostInRollout } from "./leader-lost-in-rollout";
import { nodeLost, zoneLost } from "./lost-nodes";
import type { StandardStorm } from "./storm";

/** Every storm of a rehearsal, in the order in which they are taken. */
export const storms: readonly StandardStorm[] = [
  calm,
  nodeLost,
  zoneLost,
  etcdMemberLost,
  apiServerLost,
  controllerLost,
  leaderLostInRollout,
  apiServersCutOff,
  slowDisks,
  drain,
  imagePullFailure,
  crashLoop,
  lateCrash,
];

export function stormNamed(name: string): StandardStorm | undefined {
  return storms.find((storm) => storm.name === name);
}
