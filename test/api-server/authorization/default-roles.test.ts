import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  defaultClusterRoleBindings,
  defaultClusterRoles,
  defaultRoleBindings,
  defaultRoles,
} from "../../../actors/api-server/authorization/default-roles";
import { aggregatedRules, authorize } from "../../../actors/api-server/authorization/rbac";
import { binding, rbacWorld, user, want } from "./world";

const world = rbacWorld();

// Source: "Using RBAC Authorization", default roles and role bindings; the walk of a Pod from Deployment to node.
test.each([
  ["system:kube-scheduler", "create pods/binding", true],
  ["system:kube-scheduler", "list nodes", true],
  ["system:kube-scheduler", "update leases.coordination.k8s.io:kube-scheduler", true],
  ["system:kube-scheduler", "create pods", false],
  ["system:kube-scheduler", "get secrets", false],
  ["system:kube-controller-manager", "create replicasets.apps", true],
  ["system:kube-controller-manager", "create pods", true],
  ["system:kube-controller-manager", "update deployments/status.apps", true],
  ["system:kube-controller-manager", "update poddisruptionbudgets/status.policy", true],
  ["system:kube-controller-manager", "create endpointslices.discovery.k8s.io", true],
  ["system:kube-controller-manager", "update namespaces/finalize", true],
  ["system:kube-controller-manager", "create configmaps", true],
  ["system:kube-controller-manager", "create serviceaccounts", true],
  ["system:kube-controller-manager", "delete pods", true],
  ["system:kube-controller-manager", "update nodes", true],
  ["system:kube-controller-manager", "create clusterroles.rbac.authorization.k8s.io", false],
  ["system:kube-proxy", "watch endpointslices.discovery.k8s.io", true],
  ["system:kube-proxy", "list services", true],
  ["system:kube-proxy", "update services", false],
  ["system:serviceaccount:kube-system:replicaset-controller", "create pods", true],
  ["system:serviceaccount:kube-system:replicaset-controller", "create replicasets.apps", false],
])("%s asking to %s is allowed: %s", (name, wanted, expected) => {
  expect(authorize(user(name), want(wanted, "kube-system"), world).allowed).toBe(expected);
});

test("the role of nodes keeps status, Pods' status and Leases, and may not schedule; nobody has it by a binding", () => {
  const node = user("system:node:node-1", "system:nodes");
  expect(authorize(node, want("update nodes/status"), rbacWorld()).allowed).toBe(false);
  const roleRef = { kind: "ClusterRole", name: "system:node" };
  const world = rbacWorld({
    clusterRoleBindings: [{ metadata: { name: "b" }, roleRef, subjects: [{ kind: "Group", name: "system:nodes" }] } as never],
  });
  for (const wanted of [
    "update nodes/status",
    "patch pods/status",
    "update leases.coordination.k8s.io",
    "get secrets",
    "delete pods",
    "create events",
    "create nodes",
  ])
    expect([wanted, authorize(node, want(wanted), world).allowed]).toEqual([wanted, true]);
  for (const wanted of ["create pods/binding", "update secrets", "delete nodes", "create deployments.apps"])
    expect([wanted, authorize(node, want(wanted), world).allowed]).toEqual([wanted, false]);
});

test("view reads but no secrets, edit writes but no roles, admin writes roles but no quotas", () => {
  const as = (role: string, wanted: string) =>
    authorize(user("jane"), want(wanted), rbacWorld({ roleBindings: [binding(`ClusterRole/${role}`, "User/jane")] })).allowed;
  expect([as("view", "list pods"), as("view", "get pods/log"), as("view", "get secrets"), as("view", "create pods")]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect([as("edit", "create deployments.apps"), as("edit", "get secrets"), as("edit", "create roles.rbac.authorization.k8s.io")]).toEqual([
    true,
    true,
    false,
  ]);
  expect([
    as("admin", "create roles.rbac.authorization.k8s.io"),
    as("admin", "create pods/eviction"),
    as("admin", "create resourcequotas"),
  ]).toEqual([true, true, false]);
});

test("what the aggregated roles hold from the start is what aggregation would make of them", () => {
  for (const name of ["admin", "edit", "view"]) {
    const role = defaultClusterRoles.find((r) => r.metadata?.name === name)!;
    const sorted = (rules: readonly unknown[] | undefined) => [...new Set((rules ?? []).map((r) => JSON.stringify(r)))].sort();
    expect(sorted(role.rules)).toEqual(sorted(aggregatedRules(role, () => defaultClusterRoles)));
  }
});

test("every binding leads to a role, and no name is used twice", () => {
  const names = new Set(defaultClusterRoles.map((r) => r.metadata?.name));
  expect(names.size).toBe(defaultClusterRoles.length);
  for (const { roleRef } of defaultClusterRoleBindings) expect(names).toContain(roleRef.name);
  const local = new Set(defaultRoles.map((r) => `${r.metadata?.namespace}/${r.metadata?.name}`));
  expect(local.size).toBe(defaultRoles.length);
  for (const { metadata, roleRef } of defaultRoleBindings) expect(local).toContain(`${metadata?.namespace}/${roleRef.name}`);
});

/** Each role with what it allows, one line for each resource or path; names in brackets. How it is spread over rules does not matter. */
function policyText(): string {
  const roles = [
    ...defaultClusterRoles.map(({ metadata, rules }) => ({ title: `ClusterRole ${metadata?.name}`, rules })),
    ...defaultRoles.map(({ metadata, rules }) => ({ title: `Role ${metadata?.namespace}/${metadata?.name}`, rules })),
  ];
  const blocks = roles
    .filter(({ title }) => !["ClusterRole admin", "ClusterRole edit", "ClusterRole view"].includes(title))
    .map(({ title, rules = [] }) => {
      const allowed = new Map<string, Set<string>>();
      for (const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } of rules) {
        const names = resourceNames.length > 0 ? resourceNames.map((name) => ` [${name}]`) : [""];
        const things = apiGroups.flatMap((group) =>
          resources.flatMap((resource) => names.map((name) => `${group === "" ? "core" : group} ${resource}${name}`)),
        );
        for (const thing of [...things, ...nonResourceURLs]) {
          const known = allowed.get(thing) ?? new Set<string>();
          for (const verb of verbs) known.add(verb);
          allowed.set(thing, known);
        }
      }
      const lines = [...allowed].map(([thing, verbs]) => `  ${thing}: ${[...verbs].sort().join(" ")}`).sort();
      return [title, ...lines].join("\n");
    });
  return `${blocks.sort().join("\n")}\n`;
}

// Compared by hand with Kubernetes' bootstrap policy at the default feature gates of 1.36. UPDATE_FACTS=1 writes the file anew, to be reviewed.
test("the default roles allow what those of Kubernetes 1.36 allow, and nothing else", () => {
  const file = join(__dirname, "default-policy.txt");
  if (process.env.UPDATE_FACTS === "1") writeFileSync(file, policyText());
  expect(policyText()).toBe(readFileSync(file, "utf8"));
});
