import { objectKey } from "../../protocol/kinds/object";
import { byNamespace, type Informer } from "../client";
import type { NodeInfo, PodInfo, Snapshot } from "./framework";
import { withPod } from "./pod-info";
import { siblingsOf } from "./siblings";
import type { State } from "./state";

/** The cluster as this scheduler knows it, for one pod. */
export function snapshotFor(state: State, pod: PodInfo): Snapshot {
  const { cache, informers, nominated } = state;
  const inNamespace = <T>(informer: Informer<State, T>) => informer.store.byIndex(byNamespace, pod.namespace);
  const owners = () => [
    ...inNamespace(informers.replicaSets),
    ...inNamespace(informers.replicationControllers),
    ...inNamespace(informers.statefulSets),
  ];
  // Room that was made for pods at least as important is kept for them.
  const kept = [...nominated.values()].filter(({ info }) => info.uid !== pod.uid && info.priority >= pod.priority);
  const withKept = (node: NodeInfo) => kept.filter((one) => one.node === node.name).reduce((sum, { info }) => withPod(sum, info), node);
  return {
    nodes: kept.length === 0 ? cache.nodes : cache.nodes.map(withKept),
    namespaceLabels: state.namespaceLabels,
    claim: (namespace, name) => informers.claims.store.get(objectKey(namespace, name)),
    siblings: (info) => siblingsOf(info, inNamespace(informers.services), owners()),
  };
}
