import { unschedulableMessage } from "../../actors/scheduler/diagnosis";
import type { NodeInfo, PodInfo, Snapshot } from "../../actors/scheduler/framework";
import { plugins } from "../../actors/scheduler/plugins";
import { nodeInfo, podInfo } from "../../actors/scheduler/pod-info";
import { type Placement, schedulePod } from "../../actors/scheduler/schedule";
import type { Node, Pod, PodSpec } from "../../protocol/kinds/generated";

type Spec = Partial<PodSpec> & { readonly cpu?: string; readonly memory?: string };

export function pod(name: string, { cpu, memory, ...spec }: Spec = {}, labels: Readonly<Record<string, string>> = {}): Pod {
  const requests = { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) };
  const metadata = { name, namespace: "shop", uid: `uid-${name}`, labels };
  return { metadata, spec: { containers: [{ name: "main", image: `${name}:1`, resources: { requests } }], ...spec } };
}

export const info = (...parameters: Parameters<typeof pod>): PodInfo => podInfo(pod(...parameters));

interface NodeShape {
  readonly zone?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Node["spec"];
  readonly images?: NonNullable<Node["status"]>["images"];
  readonly running?: readonly Pod[];
}

export function nodeObject(
  name: string,
  { zone, cpu = "4", memory = "8Gi", pods = 110, labels = {}, spec = {}, images = [] }: NodeShape = {},
): Node {
  return {
    metadata: { name, labels: { "kubernetes.io/hostname": name, ...(zone ? { "topology.kubernetes.io/zone": zone } : {}), ...labels } },
    spec,
    status: { allocatable: { cpu, memory, pods: String(pods) }, images },
  };
}

export const node = (name: string, shape: NodeShape = {}): NodeInfo =>
  nodeInfo(nodeObject(name, shape), (shape.running ?? []).map(podInfo));

export function snapshot(nodes: readonly NodeInfo[], rest: Partial<Snapshot> = {}): Snapshot {
  return { nodes, namespaceLabels: new Map(), claim: () => undefined, siblings: () => undefined, ...rest };
}

export function place(incoming: PodInfo, nodes: readonly NodeInfo[], rest: Partial<Snapshot> = {}): Placement {
  return schedulePod(incoming, snapshot(nodes, rest), plugins, { startAt: 0, draw: () => 0 });
}

/** The node chosen, or the text of why there is none. */
export function outcome(incoming: PodInfo, nodes: readonly NodeInfo[], rest: Partial<Snapshot> = {}): string {
  const placement = place(incoming, nodes, rest);
  return placement.outcome === "placed" ? placement.node : unschedulableMessage(placement.diagnosis);
}
