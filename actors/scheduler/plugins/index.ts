import type { Plugin } from "../framework";
import { imageLocality } from "./image-locality";
import { interPodAffinity } from "./inter-pod-affinity";
import { nodeAffinity } from "./node-affinity";
import { nodeName } from "./node-name";
import { nodePorts } from "./node-ports";
import { nodeResourcesBalancedAllocation } from "./node-resources-balanced-allocation";
import { nodeResourcesFit } from "./node-resources-fit";
import { nodeUnschedulable } from "./node-unschedulable";
import { podTopologySpread } from "./pod-topology-spread";
import { schedulingGates } from "./scheduling-gates";
import { taintToleration } from "./taint-toleration";
import { volumeBinding } from "./volume-binding";

/** The default profile, in the order in which filters run: the first that rejects a node gives the reason. PrioritySort orders the queue (queue.ts). */
export const plugins: readonly Plugin[] = [
  schedulingGates,
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  volumeBinding,
  podTopologySpread,
  interPodAffinity,
  nodeResourcesBalancedAllocation,
  imageLocality,
];
