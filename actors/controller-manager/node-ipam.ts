import { isBeingDeleted } from "../../protocol/kinds/object";
import { type Controller, event, fail, nodes, nothingToDo, patch, type Step, watch } from "../client";

const everyNode = "nodes";

/** Gives each Node a range of pod addresses out of the cluster's. All nodes are one key, so that no two are given the same range at once. */
export const nodeIpamController: Controller = {
  name: "node-ipam",
  workers: 1,
  watches: [
    watch(
      nodes,
      () => [everyNode],
      (_old, node) => !node.spec?.podCIDR,
    ),
  ],
  reconcile(_key, view, { settings }) {
    const all = [...view.of(nodes).list()];
    const missing = all.filter((node) => !node.spec?.podCIDR && !isBeingDeleted(node));
    if (missing.length === 0) return nothingToDo;
    const used = new Set(all.flatMap((node) => [...(node.spec?.podCIDRs ?? []), node.spec?.podCIDR ?? ""]));
    const free = freeRanges(settings.clusterCidr, settings.nodeCidrMaskSize, used);
    const steps: Step[] = [];
    for (const node of missing.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
      const next = free.next();
      if (next.done) {
        steps.push(event(node, "Normal", "CIDRNotAvailable", `Node ${node.metadata.name} status is now: CIDRNotAvailable`));
        steps.push(fail(`all ranges of ${settings.clusterCidr} are in use`));
        break;
      }
      const { resourceVersion } = node.metadata;
      steps.push(patch(nodes, node, "merge", { metadata: { resourceVersion }, spec: { podCIDR: next.value, podCIDRs: [next.value] } }));
    }
    return { steps };
  },
};

/** The ranges of `maskSize` within an IPv4 CIDR that are not in use, lowest first. Throws an Error when the CIDR is none, or smaller than one range. */
export function* freeRanges(clusterCidr: string, maskSize: number, used: ReadonlySet<string>): Generator<string, void> {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(clusterCidr);
  if (!match) throw new Error(`cluster-cidr ${JSON.stringify(clusterCidr)}: expected an IPv4 range such as 10.244.0.0/16`);
  const [a, b, c, d, size] = match.slice(1).map(Number) as [number, number, number, number, number];
  if ([a, b, c, d].some((part) => part > 255) || size > maskSize || maskSize > 30)
    throw new Error(`cluster-cidr ${clusterCidr}: cannot be cut into ranges of /${maskSize}`);
  const step = 2 ** (32 - maskSize);
  const base = ((a * 256 + b) * 256 + c) * 256 + d;
  for (let at = 0; at < 2 ** (maskSize - size); at++) {
    const start = base + at * step;
    const range = `${[start >>> 24, (start >>> 16) & 255, (start >>> 8) & 255, start & 255].join(".")}/${maskSize}`;
    if (!used.has(range)) yield range;
  }
}
