import { defaultClusterRoles, defaultRoles } from "../../../actors/api-server/authorization/default-roles";
import { authorize } from "../../../actors/api-server/authorization/rbac";
import type { PolicyRule } from "../../../protocol/kinds/generated";
import { allKinds } from "../../../protocol/kinds/registry";
import { rbacWorld, user } from "./world";

// Source: "Using RBAC Authorization", default roles, and the reference of PolicyRule; what a rule allows is worked out here in another way
// than the authorizer does, as one regular expression over a line that says what is wanted.

const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const special = [
  ["impersonate", "", "serviceaccounts"],
  ["escalate", "rbac.authorization.k8s.io", "clusterroles"],
  ["bind", "rbac.authorization.k8s.io", "roles"],
  ["approve", "certificates.k8s.io", "signers"],
  ["sign", "certificates.k8s.io", "signers"],
  ["use", "policy", "podsecuritypolicies"],
] as const;
const urls = ["/", "/api", "/apis/apps", "/healthz", "/healthz/etcd", "/metrics", "/version", "/openid/v1/jwks", "/logs"];

interface Wish {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string;
}

const resources = allKinds().flatMap(({ group, plural, subresources }) => [
  { group, resource: plural },
  ...subresources.map(({ name }) => ({ group, resource: `${plural}/${name}` })),
]);
const wishes: readonly Wish[] = [
  ...resources.flatMap((each) => verbs.map((verb) => ({ ...each, verb, name: "" }))),
  ...special.map(([verb, group, resource]) => ({ verb, group, resource, name: "" })),
];

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
const oneOf = (values: readonly string[], wild: string) =>
  `(?:${values.map((value) => (value === "*" ? wild : escaped(value))).join("|")})`;

/** What the rules allow, as a test of "verb group resource name". */
function allowedBy(rules: readonly PolicyRule[]): (wish: Wish) => boolean {
  const patterns = rules
    .filter(({ resources = [] }) => resources.length > 0)
    .map(({ verbs, apiGroups = [], resources = [], resourceNames = [] }) => {
      const named = resources.map((each) =>
        each.startsWith("*/") ? `[^/ ]+${escaped(each.slice(1))}` : each === "*" ? "[^ ]+" : escaped(each),
      );
      const names = resourceNames.length > 0 ? oneOf(resourceNames, "\\*") : "[^ ]*";
      return new RegExp(`^${oneOf(verbs, "[^ ]+")} ${oneOf(apiGroups, "[^ ]*")} (?:${named.join("|")}) ${names}$`);
    });
  return ({ verb, group, resource, name }) => patterns.some((pattern) => pattern.test(`${verb} ${group} ${resource} ${name}`));
}

const jane = user("jane");

/** The authorizer's answer for somebody who has this role and no other. */
function answers(kind: "ClusterRole" | "Role", roleName: string, namespace: string) {
  const binding = { metadata: { name: "b", namespace }, roleRef: { kind, name: roleName }, subjects: [{ kind: "User", name: "jane" }] };
  const none = { ...rbacWorld(), clusterRoleBindings: () => [] as never[], roleBindings: () => [] as never[] };
  const world = kind === "Role" ? { ...none, roleBindings: () => [binding] } : { ...none, clusterRoleBindings: () => [binding] };
  return ({ verb, group, resource, name }: Wish) => {
    const [plural = "", subresource = ""] = resource.split("/");
    const wanted = { verb, isResource: true, group, version: "v1", resource: plural, subresource, namespace, name, path: "" };
    return authorize(jane, wanted, world).allowed;
  };
}

const roles = [
  ...defaultClusterRoles.map((role) => ["ClusterRole", role.metadata?.name ?? "", "shop", role.rules ?? []] as const),
  ...defaultRoles.map((role) => ["Role", role.metadata?.name ?? "", role.metadata?.namespace ?? "", role.rules ?? []] as const),
];

describe("the authorization matrix", () => {
  it("has every default role, verb, resource and subresource", () => {
    expect(roles.length).toBeGreaterThan(70);
    expect(wishes.length).toBeGreaterThan(700);
  });

  it.each(roles)("%s %s in %s: every answer is the one that its rules give", (kind, name, namespace, rules) => {
    const expected = allowedBy(rules);
    const actual = answers(kind, name, namespace);
    const names = [...new Set(rules.flatMap(({ resourceNames = [] }) => resourceNames)), "of-nobody"];
    const wrong: string[] = [];
    let granted = 0;
    for (const wish of [...wishes, ...names.flatMap((name) => wishes.map((each) => ({ ...each, name })))]) {
      const allowed = actual(wish);
      if (allowed) granted += 1;
      if (allowed !== expected(wish)) wrong.push(`${wish.verb} ${wish.group} ${wish.resource} ${wish.name}: ${allowed}`);
    }
    expect(wrong).toEqual([]);
    // A role that grants nothing here grants paths, or what belongs to nobody's kind.
    const grantsKinds = rules.some(({ resources = [] }) =>
      resources.some((each) => wishes.some(({ resource }) => each === "*" || each === resource)),
    );
    expect(granted > 0).toBe(grantsKinds);
  });

  it.each([
    ["cluster-admin", urls],
    ["system:discovery", ["/api", "/apis/apps", "/healthz", "/version"]],
    ["system:public-info-viewer", ["/healthz", "/version"]],
    ["system:monitoring", ["/healthz", "/healthz/etcd", "/metrics"]],
    ["system:service-account-issuer-discovery", ["/openid/v1/jwks"]],
    ["admin", []],
  ])("%s may get just these paths", (name, expected) => {
    const binding = { metadata: { name: "b" }, roleRef: { kind: "ClusterRole", name }, subjects: [{ kind: "User", name: "jane" }] };
    const world = { ...rbacWorld(), clusterRoleBindings: () => [binding] };
    const none = { verb: "get", isResource: false, group: "", version: "", resource: "", subresource: "", namespace: "", name: "" };
    expect(urls.filter((path) => authorize(jane, { ...none, path }, world).allowed)).toEqual(expected);
  });
});
