import type {
  CustomResourceDefinition,
  MutatingAdmissionPolicy,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
} from "../../../protocol/kinds/generated";
import { groupVersionOf, kindOf } from "../../../protocol/kinds/registry";
import { invalid } from "../../../protocol/status";
import type { Attributes } from "../authorization/attributes";
import { authorize } from "../authorization/rbac";
import type { Admission, ClusterView, Plugin } from "./admission";
import { rbacIn } from "./rbac-view";

/**
 * Whoever writes an admission policy may read all parameters of its kind, and whoever binds it those that the binding names: otherwise its messages
 * would tell them what they must not know. In Kubernetes the registry of these objects sees to it.
 */
export const paramAccess: Plugin = {
  name: "ParamAccess",
  validate(admission) {
    const { operation, kind, subresource, name } = admission;
    if (operation === "DELETE" || kind.group !== group || subresource !== "" || !kind.kind.includes("AdmissionPolicy")) return undefined;
    const wrong = kind.kind.endsWith("Binding") ? boundTooMuch(admission) : readsTooMuch(admission);
    if (!wrong) return undefined;
    const [field, why] = wrong;
    const causes = [{ reason: "FieldValueForbidden", field, message: `Forbidden: ${why}` }];
    return invalid({ group, resource: kind.plural, kind: kind.kind, name }, causes);
  },
};

const group = "admissionregistration.k8s.io";

type Wrong = readonly [field: string, why: string] | undefined;

function readsTooMuch({ object, user, cluster }: Admission): Wrong {
  const { paramKind } = (object as ValidatingAdmissionPolicy | MutatingAdmissionPolicy).spec ?? {};
  if (!paramKind || may(cluster, user, { ...placeOf(paramKind, cluster), verb: "get", name: "*" })) return undefined;
  const { kind, apiVersion } = paramKind;
  return [
    "spec.paramKind",
    `user ${shown(user)} must have "get" permission on all objects of the referenced paramKind (kind=${kind}, apiVersion=${apiVersion})`,
  ];
}

function boundTooMuch({ object, user, kind, cluster }: Admission): Wrong {
  const { policyName = "", paramRef } =
    (object as { readonly spec?: { readonly policyName?: string; readonly paramRef?: ParamRef } }).spec ?? {};
  if (!paramRef) return undefined;
  const policies = kind.plural.replace(/policybindings$/, "policies");
  const policy = cluster.get(group, "v1", policies, "", policyName) as ValidatingAdmissionPolicy | undefined;
  const { name = "", namespace = "" } = paramRef;
  const verb = paramRef.selector ? "list" : "get";
  const place = placeOf(policy?.spec?.paramKind, cluster);
  if (may(cluster, user, { ...place, verb, name: paramRef.selector ? "" : name, namespace })) return undefined;
  return ["spec.paramRef", `user ${shown(user)} does not have "${verb}" permission on the object referenced by paramRef`];
}

/** The resource of a kind; any where that is not known. */
function placeOf(paramKind: ParamKind | undefined, cluster: ClusterView): Pick<Attributes, "group" | "version" | "resource"> {
  if (!paramKind) return { group: "*", version: "*", resource: "*" };
  const { apiVersion = "", kind = "" } = paramKind;
  const { group, version } = groupVersionOf(apiVersion);
  const definitions = cluster.list("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  const custom = (definitions as unknown as readonly CustomResourceDefinition[]).find(
    ({ spec }) => spec.group === group && spec.names.kind === kind,
  );
  return { group, version, resource: kindOf(apiVersion, kind)?.plural ?? custom?.spec.names.plural ?? "*" };
}

/** Without a namespace: in all of them, which only a role of the whole cluster grants. */
function may(cluster: ClusterView, user: Admission["user"], wanted: Partial<Attributes>): boolean {
  const nothing = { verb: "", isResource: true, group: "", version: "", resource: "", subresource: "", namespace: "", name: "", path: "" };
  return authorize(user, { ...nothing, ...wanted }, rbacIn(cluster)).allowed;
}

/** A user as Go prints one: what real servers put into these messages. */
function shown({ name, uid, groups, extra }: Admission["user"]): string {
  const more = Object.entries(extra).map(([key, values]) => `${key}:[${values.join(" ")}]`);
  return `&{${name} ${uid} [${groups.join(" ")}] map[${more.join(" ")}]}`;
}
