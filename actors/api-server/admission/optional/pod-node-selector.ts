import type { Pod } from "../../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../../protocol/kinds/object";
import { forbidden } from "../../../../protocol/status";
import { isOf, type Plugin } from "../admission";
import type { NodeSelectorSettings } from "../configuration";

const annotation = "scheduler.alpha.kubernetes.io/node-selector";

/**
 * The Pods of a namespace run on the nodes that its annotation selects, or the configuration's default, and select by no other labels than the
 * configuration allows there. Source: "Admission Control", PodNodeSelector.
 */
export const podNodeSelector = ({ clusterDefault, allowed }: NodeSelectorSettings = { clusterDefault: "", allowed: {} }): Plugin => ({
  name: "PodNodeSelector",
  mutate(admission) {
    if (admission.operation !== "CREATE" || !isOf(admission, "", "pods")) return admission.object;
    const pod = admission.object as ApiObject & Pod;
    const namespace = admission.cluster.get("", "v1", "namespaces", "", admission.namespace) as Stored<ApiObject> | undefined;
    const selector = readSelector(namespace?.metadata.annotations?.[annotation] ?? clusterDefault);
    const own = pod.spec?.nodeSelector ?? {};
    if (Object.entries(selector).some(([key, value]) => own[key] !== undefined && own[key] !== value))
      return forbidden(
        { group: "", resource: "pods", name: admission.name },
        "pod node label selector conflicts with its namespace node label selector",
      );
    if (Object.keys(selector).length === 0 || !pod.spec) return pod;
    return { ...pod, spec: { ...pod.spec, nodeSelector: { ...selector, ...own } } };
  },
  validate({ operation, kind, subresource, object, name, namespace }) {
    const selectable = readSelector(allowed[namespace] ?? "");
    if (operation !== "CREATE" || !isOf({ kind, subresource }, "", "pods") || Object.keys(selectable).length === 0) return undefined;
    const selected = Object.entries((object as Pod).spec?.nodeSelector ?? {});
    return selected.every(([key, value]) => selectable[key] === value)
      ? undefined
      : forbidden({ group: "", resource: "pods", name }, "pod node label selector labels conflict with its namespace whitelist");
  },
});

/** "zone=a,disk=ssd" */
function readSelector(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").map((pair) => pair.split("=").map((part) => part.trim()));
  return Object.fromEntries(pairs.filter(([key, value]) => key && value !== undefined).map(([key, value]) => [key!, value!]));
}
