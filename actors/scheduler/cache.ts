import type { Node, Pod } from "../../protocol/kinds/generated";
import type { NodeInfo, PodInfo } from "./framework";
import { nodeInfo, podInfo, withoutPod, withPod } from "./pod-info";

/** A pod as the cache knows it: seen bound, or assumed to be bound while the binding is under way. */
interface Placed {
  readonly info: PodInfo;
  readonly node: string;
  readonly assumed: boolean;
}

/**
 * Nodes and the pods on them. Invariant: a pod counts on one node only, whether it was assumed there or seen there; what was seen wins.
 * A pod whose node is unknown is kept, for the node may still come.
 */
export class SchedulerCache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #pods = new Map<string, Placed>();
  #list: NodeInfo[] | undefined;
  readonly #positions = new Map<string, number>();

  /** The nodes, zones taking turns, so that a search that ends early has seen them all. Valid until the next change of the cache. */
  get nodes(): readonly NodeInfo[] {
    if (this.#list === undefined) {
      this.#list = byZoneInTurns([...this.#nodes.values()]);
      this.#positions.clear();
      for (const [at, { name }] of this.#list.entries()) this.#positions.set(name, at);
    }
    return this.#list;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  /** The node on which a pod is, or is assumed to be. */
  nodeOf(uid: string): string | undefined {
    return this.#pods.get(uid)?.node;
  }

  isAssumed(uid: string): boolean {
    return this.#pods.get(uid)?.assumed ?? false;
  }

  get podCount(): number {
    return this.#pods.size;
  }

  get assumedCount(): number {
    let count = 0;
    for (const { assumed } of this.#pods.values()) if (assumed) count += 1;
    return count;
  }

  setNode(node: Node): void {
    const name = node.metadata?.name ?? "";
    const known = this.#nodes.get(name);
    const pods = known ? known.pods : [...this.#pods.values()].filter((placed) => placed.node === name).map((placed) => placed.info);
    this.#nodes.set(name, nodeInfo(node, pods));
    this.#list = undefined;
  }

  /** Pods that were on it stay known: they are deleted by others, and must not be scheduled a second time. */
  deleteNode(name: string): void {
    this.#nodes.delete(name);
    this.#list = undefined;
  }

  /** Counts a pod on a node before the API server has confirmed it. A pod that is there already cannot be assumed again. */
  assume(info: PodInfo, node: string): void {
    const known = this.#pods.get(info.uid);
    if (known) throw new Error(`pod ${info.key} (${info.uid}) is on node ${known.node} already and cannot be assumed on ${node}`);
    this.#put({ info, node, assumed: true });
  }

  /** Takes an assumption back; does nothing where the pod was seen bound in the meantime. */
  forget(uid: string): void {
    if (this.#pods.get(uid)?.assumed) this.deletePod(uid);
  }

  /** A pod was seen with its node. */
  setPod(pod: Pod): void {
    const info = podInfo(pod);
    this.deletePod(info.uid);
    this.#put({ info, node: pod.spec?.nodeName ?? "", assumed: false });
  }

  deletePod(uid: string): void {
    const placed = this.#pods.get(uid);
    if (placed === undefined) return;
    this.#pods.delete(uid);
    const node = this.#nodes.get(placed.node);
    if (node) this.#replace(placed.node, withoutPod(node, uid));
  }

  #put(placed: Placed): void {
    this.#pods.set(placed.info.uid, placed);
    const node = this.#nodes.get(placed.node);
    if (node) this.#replace(placed.node, withPod(node, placed.info));
  }

  /** A node with other pods on it: its place among the nodes stays. */
  #replace(name: string, node: NodeInfo): void {
    this.#nodes.set(name, node);
    if (this.#list) this.#list[this.#positions.get(name)!] = node;
  }
}

function byZoneInTurns(nodes: NodeInfo[]): NodeInfo[] {
  const zones = new Map<string, NodeInfo[]>();
  for (const node of nodes) {
    const zone = `${node.labels["topology.kubernetes.io/region"] ?? ""}/${node.labels["topology.kubernetes.io/zone"] ?? ""}`;
    const members = zones.get(zone);
    if (members) members.push(node);
    else zones.set(zone, [node]);
  }
  if (zones.size <= 1) return nodes;
  const order: NodeInfo[] = [];
  for (let turn = 0; order.length < nodes.length; turn += 1)
    for (const members of zones.values()) if (turn < members.length) order.push(members[turn]!);
  return order;
}
