import type { ClusterRole, ClusterRoleBinding, PolicyRule, RbacV1Subject } from "../../../protocol/kinds/generated";
import type { ApiObject } from "../../../protocol/kinds/object";
import { sameJson } from "../storage/entry";
import { notCovered } from "./rules";

/**
 * What an API server adds to default roles and bindings at its start: rules, subjects and labels that they lack, and nothing is ever taken away.
 * Those whose annotation autoupdate says "false" are left alone. Source: "Using RBAC Authorization", auto-reconciliation.
 */
type RbacObject = ApiObject & Partial<Pick<ClusterRole, "rules" | "aggregationRule"> & Pick<ClusterRoleBinding, "subjects" | "roleRef">>;

const autoupdate = "rbac.authorization.kubernetes.io/autoupdate";

/** Whether an object is one that is reconciled. */
export function isReconciled({ kind, apiVersion }: ApiObject): boolean {
  return apiVersion === "rbac.authorization.k8s.io/v1" && (kind.endsWith("Role") || kind.endsWith("RoleBinding"));
}

/** The stored object with what the default one has and it lacks; the same object where that is nothing. */
export function reconciled(stored: ApiObject, wanted: ApiObject): ApiObject {
  const [found, standard] = [stored as RbacObject, wanted as RbacObject];
  if (found.metadata.annotations?.[autoupdate] === "false") return stored;
  const metadata = {
    ...found.metadata,
    labels: { ...standard.metadata.labels, ...found.metadata.labels },
    annotations: { ...standard.metadata.annotations, ...found.metadata.annotations },
  };
  const merged = {
    ...found,
    metadata,
    ...(found.kind.endsWith("Binding") ? { subjects: subjectsOf(found, standard) } : rulesOf(found, standard)),
  };
  return sameJson(merged, found) ? stored : (merged as ApiObject);
}

function rulesOf(found: RbacObject, standard: RbacObject): object {
  const selectors = found.aggregationRule?.clusterRoleSelectors ?? [];
  const missing = (standard.aggregationRule?.clusterRoleSelectors ?? []).filter(
    (each) => !selectors.some((other) => sameJson(each, other)),
  );
  // What an aggregated role holds is worked out from others.
  if (standard.aggregationRule) return { aggregationRule: { clusterRoleSelectors: [...selectors, ...missing] } };
  const rules: readonly PolicyRule[] = found.rules ?? [];
  return { rules: [...rules, ...notCovered(rules, standard.rules ?? [])] };
}

function subjectsOf(found: RbacObject, standard: RbacObject): readonly RbacV1Subject[] | undefined {
  const subjects = found.subjects ?? [];
  if ((standard.subjects ?? []).length === 0) return found.subjects;
  const isThere = (subject: RbacV1Subject) =>
    subjects.some(
      (other) => other.kind === subject.kind && other.name === subject.name && (other.namespace ?? "") === (subject.namespace ?? ""),
    );
  return [...subjects, ...(standard.subjects ?? []).filter((subject) => !isThere(subject))];
}
