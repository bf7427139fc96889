import type { Pod, RuntimeClass } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { compareQuantity, parseQuantity } from "../../../protocol/kinds/quantity";
import { forbidden } from "../../../protocol/status";
import { type Admission, isOf, type Plugin } from "./admission";

/** A Pod's RuntimeClass has to be there; what running under it costs, and where it can run, go into the Pod. Source: "Runtime Class", "Pod Overhead". */
export const runtimeClass: Plugin = {
  name: "RuntimeClass",
  needs: (admission) => {
    const name = className(admission);
    return name === "" ? [] : [{ group: "node.k8s.io", version: "v1", plural: "runtimeclasses", namespace: "", name }];
  },
  mutate(admission) {
    const { object, cluster } = admission;
    const name = className(admission);
    const pod = object as ApiObject & Pod;
    const subject = { group: "", resource: "pods", name: admission.name };
    if (name === "") {
      const setsOverhead = isCreatedPod(admission) && Object.keys(pod.spec?.overhead ?? {}).length > 0;
      return setsOverhead
        ? forbidden(subject, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        : object;
    }
    const found = cluster.get("node.k8s.io", "v1", "runtimeclasses", "", name) as Stored<RuntimeClass> | undefined;
    if (!found) return forbidden(subject, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    const overhead = found.overhead?.podFixed;
    const given = pod.spec?.overhead;
    if (given && !sameAmounts(given, overhead ?? {}))
      return forbidden(subject, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    const { nodeSelector = {}, tolerations = [] } = found.scheduling ?? {};
    const clash = Object.entries(nodeSelector).find(([key, value]) => (pod.spec?.nodeSelector?.[key] ?? value) !== value);
    if (clash)
      return forbidden(
        subject,
        `conflict: runtimeClass.scheduling.nodeSelector[${clash[0]}] = ${clash[1]}; pod.spec.nodeSelector[${clash[0]}] = ${pod.spec?.nodeSelector?.[clash[0]]}`,
      );
    const selector = { ...pod.spec?.nodeSelector, ...nodeSelector };
    const own = pod.spec?.tolerations ?? [];
    const added = tolerations.filter((one) => !own.some((other) => JSON.stringify(other) === JSON.stringify(one)));
    return {
      ...pod,
      spec: {
        ...pod.spec,
        ...(overhead ? { overhead } : {}),
        ...(Object.keys(selector).length > 0 ? { nodeSelector: selector } : {}),
        ...(own.length + added.length > 0 ? { tolerations: [...own, ...added] } : {}),
      },
    } as ApiObject;
  },
};

type Asked = Pick<Admission, "operation" | "kind" | "subresource" | "object">;

const isCreatedPod = (admission: Asked) => admission.operation === "CREATE" && isOf(admission, "", "pods");

function className(admission: Asked): string {
  return isCreatedPod(admission) ? ((admission.object as ApiObject & Pod).spec?.runtimeClassName ?? "") : "";
}

type Amounts = Readonly<Record<string, string | number>>;

function sameAmounts(a: Amounts, b: Amounts): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => b[name] !== undefined && compareQuantity(parseQuantity(a[name]!), parseQuantity(b[name])) === 0)
  );
}
