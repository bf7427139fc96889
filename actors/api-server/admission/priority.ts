import type { Pod, PriorityClass } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { forbidden } from "../../../protocol/status";
import { type Admission, isOf, type Plugin } from "./admission";

/** A Pod's priority is what its PriorityClass says, or the default class's, or 0; nobody writes the number. */
export const priority: Plugin = {
  name: "Priority",
  needs(admission) {
    if (admission.operation !== "CREATE" || !isOf(admission, "", "pods")) return [];
    const name = (admission.object as ApiObject & Pod).spec?.priorityClassName;
    return name ? [{ group: "scheduling.k8s.io", version: "v1", plural: "priorityclasses", namespace: "", name }] : [];
  },
  mutate(admission) {
    const { operation, object } = admission;
    if (operation !== "CREATE" || !isOf(admission, "", "pods")) return object;
    const pod = object as ApiObject & Pod;
    const spec = pod.spec ?? { containers: [] };
    const found = spec.priorityClassName ? named(admission, spec.priorityClassName) : defaultClass(admission);
    const subject = { group: "", resource: "pods", name: admission.name };
    if (spec.priorityClassName && !found) return forbidden(subject, `no PriorityClass with name ${spec.priorityClassName} was found`);
    const value = found?.value ?? 0;
    if (spec.priority !== undefined && spec.priority !== value)
      return forbidden(
        subject,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    const preemptionPolicy = spec.preemptionPolicy ?? found?.preemptionPolicy ?? "PreemptLowerPriority";
    const className = found ? { priorityClassName: found.metadata.name } : {};
    return { ...pod, spec: { ...spec, ...className, priority: value, preemptionPolicy } };
  },
};

function named({ cluster }: Admission, name: string): Stored<PriorityClass> | undefined {
  return cluster.get("scheduling.k8s.io", "v1", "priorityclasses", "", name) as Stored<PriorityClass> | undefined;
}

/** Of several default classes the lowest counts. */
function defaultClass({ cluster }: Admission): Stored<PriorityClass> | undefined {
  const defaults = (cluster.list("scheduling.k8s.io", "v1", "priorityclasses") as readonly Stored<PriorityClass>[]).filter(
    (each) => each.globalDefault,
  );
  return defaults.reduce<Stored<PriorityClass> | undefined>(
    (lowest, each) => (lowest && (lowest.value ?? 0) <= (each.value ?? 0) ? lowest : each),
    undefined,
  );
}
