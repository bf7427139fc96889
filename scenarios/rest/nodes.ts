import type { Node } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { HostFacts } from "../target";
import type { Objects } from "./reasons";

const passing = new Set(["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]);

/** What is wrong with nodes whose hosts live. */
export function nodeReasons(objects: Objects, hosts: readonly HostFacts[]): readonly string[] {
  const reasons: string[] = [];
  for (const { name, role, up } of hosts) {
    if (role !== "node" || !up) continue;
    const node = objects.get(`Node ${name}`) as Stored<Node> | undefined;
    if (!node) {
      reasons.push(`Node ${name} has not registered`);
      continue;
    }
    const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
    const taints = (node.spec?.taints ?? []).map(({ key }) => key).filter((key) => passing.has(key));
    if (ready?.status !== "True") reasons.push(`Node ${name} is not Ready${ready?.message ? `: ${ready.message}` : ""}`);
    else if (taints.length > 0) reasons.push(`Node ${name} still has the taint ${taints.join(", ")}`);
  }
  return reasons;
}
