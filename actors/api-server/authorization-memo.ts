import type { ClusterRole, ClusterRoleBinding, Pod, Role, RoleBinding } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import type { User } from "./authentication/user";
import type { Attributes } from "./authorization/attributes";
import { defaultClusterRoles } from "./authorization/default-roles";
import { authorizeNode, type NodeView, nodeOf } from "./authorization/node";
import { authorize, type Decision, type RbacObjects } from "./authorization/rbac";
import { allows } from "./authorization/rules";
import type { ServerState } from "./state";
import { cacheOf } from "./storage/feed";
import { keyOfObject, prefixOfList, resourceNamed, type StoredResource } from "./storage/keys";

/**
 * What was decided since the RBAC objects last changed. Kubelets and controllers ask the same few things over and over,
 * and each question otherwise walks all bindings.
 */
export type AuthorizationMemo = Map<string, Decision>;

const memoSizeMax = 20_000;
const rbac = (plural: string) => resourceNamed("rbac.authorization.k8s.io", "v1", plural);
const pods = resourceNamed("", "v1", "pods");
const clusterRoles = rbac("clusterroles");
const clusterRoleBindings = rbac("clusterrolebindings");
const roles = rbac("roles");
const roleBindings = rbac("rolebindings");
const rbacResources: ReadonlySet<StoredResource> = new Set([clusterRoles, clusterRoleBindings, roles, roleBindings]);

/** What the Node authorizer says: a kubelet may do what its node needs, and of others it has no opinion. */
export function decideByNode(
  state: ServerState,
  user: User,
  wanted: Attributes,
): { readonly type: "allow" | "none"; readonly reason: string } {
  const node = nodeOf(user);
  if (node === undefined) return noOpinion;
  const verdict = authorizeNode(node, wanted, nodeView(state));
  if (verdict === "allowed") return { type: "allow", reason: "" };
  // What the Node authorizer has no opinion of, the rules of its role grant; what it refuses, somebody after it may still allow.
  if (verdict === "noOpinion") return nodeRules.some((rule) => allows(rule, wanted)) ? { type: "allow", reason: "" } : noOpinion;
  return { type: "none", reason: verdict.refused };
}

const noOpinion = { type: "none", reason: "" } as const;
const nodeRules = defaultClusterRoles.find(({ metadata }) => metadata?.name === "system:node")?.rules ?? [];

function nodeView({ feed }: ServerState): NodeView {
  const one = <T>(group: string, plural: string, namespace: string, name: string) => {
    const resource = resourceNamed(group, "v1", plural);
    return cacheOf(feed, resource).get(keyOfObject(resource, namespace, name))?.object as unknown as T | undefined;
  };
  return {
    podsOn: (node, namespace) =>
      cacheOf(feed, pods)
        .list(prefixOfList(pods, namespace))
        .map(({ object }) => object as unknown as Stored<Pod>)
        .filter(({ spec }) => spec?.nodeName === node),
    claim: (namespace, name) => one("", "persistentvolumeclaims", namespace, name),
    volume: (name) => one("", "persistentvolumes", "", name),
    slice: (name) => one("resource.k8s.io", "resourceslices", "", name),
    attachment: (name) => one("storage.k8s.io", "volumeattachments", "", name),
  };
}

/** What the RBAC objects in the caches allow. */
export function decideByRoles(state: ServerState, user: User, wanted: Attributes): Decision {
  const { verb, isResource, group, resource, subresource, namespace, name, path } = wanted;
  const question = [user.name, ...user.groups, verb, isResource, group, resource, subresource, namespace, name, path].join("\n");
  const known = state.authorizations.get(question);
  if (known) return known;
  const decision = authorize(user, wanted, rbacObjects(state));
  if (state.authorizations.size >= memoSizeMax) state.authorizations.clear();
  state.authorizations.set(question, decision);
  return decision;
}

/** To be called for each change of a cache: what was decided by roles that have changed is decided anew. */
export function forgetDecisions(state: ServerState, resource: StoredResource): void {
  if (rbacResources.has(resource)) state.authorizations.clear();
}

/** The RBAC objects as the caches have them. */
export function rbacObjects({ feed }: ServerState): RbacObjects {
  const all = <T>(resource: StoredResource, namespace = "") =>
    cacheOf(feed, resource)
      .list(prefixOfList(resource, namespace))
      .map((entry) => entry.object as unknown as T);
  const one = <T>(resource: StoredResource, namespace: string, name: string) =>
    cacheOf(feed, resource).get(keyOfObject(resource, namespace, name))?.object as unknown as T | undefined;
  return {
    clusterRole: (name) => one<ClusterRole>(clusterRoles, "", name),
    clusterRoles: () => all<ClusterRole>(clusterRoles),
    role: (namespace, name) => one<Role>(roles, namespace, name),
    clusterRoleBindings: () => all<ClusterRoleBinding>(clusterRoleBindings),
    roleBindings: (namespace) => all<RoleBinding>(roleBindings, namespace),
  };
}
