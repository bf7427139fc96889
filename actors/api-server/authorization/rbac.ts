import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  RbacV1Subject,
  Role,
  RoleBinding,
  RoleRef,
} from "../../../protocol/kinds/generated";
import { matchesLabelSelector } from "../../../protocol/kinds/label-selector";
import { type Failure, failure, type Subject } from "../../../protocol/status";
import { masters, serviceAccountName, type User } from "../authentication/user";
import type { Attributes } from "./attributes";
import { allows } from "./rules";

/** The RBAC objects as an authorizer reads them: out of a cache, at some revision. */
export interface RbacObjects {
  clusterRole(name: string): ClusterRole | undefined;
  /** Needed only for roles with an aggregation rule. */
  clusterRoles(): Iterable<ClusterRole>;
  role(namespace: string, name: string): Role | undefined;
  clusterRoleBindings(): Iterable<ClusterRoleBinding>;
  roleBindings(namespace: string): Iterable<RoleBinding>;
}

export interface Decision {
  readonly allowed: boolean;
  /** Which binding of which role allowed it; for refusals what went wrong while looking, "" where simply nothing allows it. */
  readonly reason: string;
  /** Somebody said no, so that nobody was asked after. */
  readonly denied?: true;
  /** What went wrong while webhooks were asked; with it a refusal is none of the user's. */
  readonly error?: string;
}

/**
 * Whether a user may do what is wanted: yes for members of system:masters; otherwise where a rule of a role that is bound to the user,
 * in the whole cluster or in the namespace it is about, allows it. There are no rules that forbid.
 */
export function authorize(user: User, wanted: Attributes, objects: RbacObjects): Decision {
  if (user.groups.includes(masters)) return { allowed: true, reason: "" };
  const missing: string[] = [];
  for (const grant of grantsOf(user, wanted.isResource ? wanted.namespace : "", objects)) {
    if (grant.rules === undefined) missing.push(`RBAC: ${roleName(grant.roleRef)} not found`);
    else if (grant.rules.some((rule) => allows(rule, wanted))) return { allowed: true, reason: reasonOf(grant) };
  }
  return { allowed: false, reason: missing.join(", ") };
}

/** All rules that hold for a user in a namespace ("" for the cluster as a whole), and whether some bound role was missing. */
export function rulesOf(
  user: User,
  namespace: string,
  objects: RbacObjects,
): { readonly rules: readonly PolicyRule[]; readonly incomplete: boolean } {
  const rules: PolicyRule[] = [];
  let incomplete = false;
  if (user.groups.includes(masters))
    rules.push({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }, { verbs: ["*"], nonResourceURLs: ["*"] });
  for (const grant of grantsOf(user, namespace, objects)) {
    if (grant.rules === undefined) incomplete = true;
    else rules.push(...grant.rules);
  }
  return { rules, incomplete };
}

/** The rules of a role that is referred to; undefined where there is no such role. */
export function rulesOfRole({ kind, name }: RoleRef, namespace: string, objects: RbacObjects): readonly PolicyRule[] | undefined {
  if (kind === "Role") {
    const role = objects.role(namespace, name);
    return role && (role.rules ?? []);
  }
  const role = objects.clusterRole(name);
  return role && aggregatedRules(role, () => objects.clusterRoles());
}

/** A ClusterRole's rules; one with an aggregation rule has those of all ClusterRoles whose labels it selects. */
export function aggregatedRules(role: ClusterRole, all: () => Iterable<ClusterRole>): readonly PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  if (selectors.length === 0) return role.rules ?? [];
  const rules: PolicyRule[] = [];
  for (const other of all()) {
    if (other.metadata?.name === role.metadata?.name) continue;
    if (selectors.some((selector) => matchesLabelSelector(selector, other.metadata?.labels))) rules.push(...(other.rules ?? []));
  }
  return rules;
}

interface Grant {
  readonly binding: ClusterRoleBinding | RoleBinding;
  readonly subject: RbacV1Subject;
  readonly roleRef: RoleRef;
  /** undefined where the role does not exist. */
  readonly rules: readonly PolicyRule[] | undefined;
}

function* grantsOf(user: User, namespace: string, objects: RbacObjects): Generator<Grant> {
  for (const binding of objects.clusterRoleBindings()) {
    const subject = binding.subjects?.find((s) => isSubject(user, s, ""));
    if (subject !== undefined) yield { binding, subject, roleRef: binding.roleRef, rules: rulesOfRole(binding.roleRef, "", objects) };
  }
  if (namespace === "") return;
  for (const binding of objects.roleBindings(namespace)) {
    const subject = binding.subjects?.find((s) => isSubject(user, s, namespace));
    if (subject !== undefined)
      yield { binding, subject, roleRef: binding.roleRef, rules: rulesOfRole(binding.roleRef, namespace, objects) };
  }
}

function isSubject(user: User, { kind, name, namespace }: RbacV1Subject, bindingNamespace: string): boolean {
  switch (kind) {
    case "User":
      return user.name === name;
    case "Group":
      return user.groups.includes(name);
    case "ServiceAccount": {
      const where = namespace || bindingNamespace;
      return where !== "" && user.name === serviceAccountName(where, name);
    }
    default:
      return false;
  }
}

function reasonOf({ binding, subject, roleRef }: Grant): string {
  const { namespace, name = "" } = binding.metadata ?? {};
  const which = namespace ? `RoleBinding ${JSON.stringify(`${name}/${namespace}`)}` : `ClusterRoleBinding ${JSON.stringify(name)}`;
  const who = subject.kind === "ServiceAccount" && subject.namespace ? `${subject.name}/${subject.namespace}` : subject.name;
  return `RBAC: allowed by ${which} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(who)}`;
}

function roleName({ kind, name }: RoleRef): string {
  return `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)}`;
}

/** The 403 Status for what was not allowed, in the words by which users know it. */
export function forbiddenRequest(user: User, wanted: Attributes, reason = ""): Failure {
  const { verb, isResource, group, resource, subresource, namespace, name, path } = wanted;
  const why = reason === "" ? "" : `: ${reason}`;
  if (!isResource)
    return failure("Forbidden", `forbidden: User ${JSON.stringify(user.name)} cannot ${verb} path ${JSON.stringify(path)}${why}`);
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const subject: Subject = { group, resource, ...(name === "" ? {} : { name }) };
  const about = group === "" ? resource : `${resource}.${group}`;
  const message = `${name === "" ? about : `${about} ${JSON.stringify(name)}`} is forbidden: User ${JSON.stringify(user.name)} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}${why}`;
  return failure("Forbidden", message, { subject });
}
