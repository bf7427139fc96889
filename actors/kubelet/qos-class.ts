import type { Pod } from "../../protocol/kinds/generated";
import { quantityMilliValue } from "../../protocol/kinds/quantity";

/** Guaranteed: every container has limits for CPU and memory and asks for just those; BestEffort: none asks for anything; Burstable: all others. */
export function qosClass(pod: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const lists = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map(({ resources }) => resources);
  const judged = pod.spec?.resources ? [pod.spec.resources] : lists;
  const amount = (list: Readonly<Record<string, string | number>> | undefined, name: string) =>
    list?.[name] === undefined ? 0 : quantityMilliValue(list[name]);
  const names = ["cpu", "memory"];
  if (judged.every((resources) => names.every((name) => amount(resources?.requests, name) + amount(resources?.limits, name) === 0)))
    return "BestEffort";
  const guaranteed = judged.every((resources) =>
    names.every((name) => {
      const limit = amount(resources?.limits, name);
      return limit > 0 && (resources?.requests?.[name] === undefined || amount(resources.requests, name) === limit);
    }),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
