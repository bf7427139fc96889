import type { Pod, Toleration } from "../../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../../protocol/kinds/object";
import { badRequest, type Failure, forbidden, isFailure } from "../../../../protocol/status";
import { type Admission, isOf, type Plugin } from "../admission";
import type { TolerationSettings } from "../configuration";

const defaults = "scheduler.alpha.kubernetes.io/defaultTolerations";
const allowed = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";

/**
 * Pods get the tolerations of their namespace, or where it says nothing those of the configuration, and may have no others than it allows. Source:
 * "Admission Control", PodTolerationRestriction.
 */
export const podTolerationRestriction = (settings: TolerationSettings = { defaults: [], allowed: [] }): Plugin => ({
  name: "PodTolerationRestriction",
  mutate(admission) {
    if (admission.operation === "DELETE" || !isOf(admission, "", "pods")) return admission.object;
    const pod = admission.object as ApiObject & Pod;
    if (!pod.spec) return pod;
    const given = admission.operation === "CREATE" ? (annotated(admission, defaults) ?? settings.defaults) : undefined;
    if (isFailure(given)) return given;
    const own = pod.spec.tolerations ?? [];
    const more = (given ?? []).filter((one) => !own.some((other) => sameTaint(one, other)));
    const conflicting = (given ?? []).some((one) => own.some((other) => sameTaint(one, other) && !same(one, other)));
    if (conflicting) return refusal(admission, "namespace tolerations and pod tolerations conflict");
    return more.length === 0 ? pod : { ...pod, spec: { ...pod.spec, tolerations: [...own, ...more] } };
  },
  validate(admission) {
    if (admission.operation === "DELETE" || !isOf(admission, "", "pods")) return undefined;
    const list = annotated(admission, allowed) ?? settings.allowed;
    if (isFailure(list)) return list;
    if (list.length === 0) return undefined;
    const own = (admission.object as Pod).spec?.tolerations ?? [];
    if (own.every((one) => list.some((other) => isWithin(one, other)))) return undefined;
    return refusal(admission, "pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist");
  },
});

function refusal({ name }: Admission, why: string): Failure {
  return forbidden({ group: "", resource: "pods", name }, why);
}

const operatorOf = ({ operator }: Toleration) => operator || "Equal";
const sameTaint = (a: Toleration, b: Toleration) => a.key === b.key && (a.effect ?? "") === (b.effect ?? "");
const same = (a: Toleration, b: Toleration) =>
  operatorOf(a) === operatorOf(b) && (a.value ?? "") === (b.value ?? "") && a.tolerationSeconds === b.tolerationSeconds;

/** Whether what one toleration tolerates the other does as well. */
function isWithin(one: Toleration, other: Toleration): boolean {
  if (other.key && other.key !== one.key) return false;
  if (other.effect && other.effect !== one.effect) return false;
  if (operatorOf(other) === "Exists") return true;
  return operatorOf(one) === "Equal" && (one.value ?? "") === (other.value ?? "");
}

function annotated({ cluster, namespace }: Admission, name: string): readonly Toleration[] | Failure | undefined {
  const found = cluster.get("", "v1", "namespaces", "", namespace) as Stored<ApiObject> | undefined;
  const text = found?.metadata.annotations?.[name];
  if (!text) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list as readonly Toleration[];
  } catch {
    // Said below.
  }
  return badRequest(`namespace ${namespace}: annotation ${name} is no list of tolerations`);
}
