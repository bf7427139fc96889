import { attributesOf } from "../../../actors/api-server/authorization/attributes";
import { bindingEscalation, roleEscalation } from "../../../actors/api-server/authorization/escalation";
import { authorize, forbiddenRequest, rulesOf } from "../../../actors/api-server/authorization/rbac";
import { notCovered } from "../../../actors/api-server/authorization/rules";
import { type RequestInfo, requestInfo } from "../../../actors/api-server/request-info";
import type { PolicyRule } from "../../../protocol/kinds/generated";
import { binding, rbacWorld, user, want } from "./world";

const jane = user("jane");
const role = (rules: readonly PolicyRule[]) => ({ metadata: { name: "r", namespace: "shop" }, rules });
const may = (rules: readonly PolicyRule[], wanted: string, namespace = "shop") =>
  authorize(jane, want(wanted, namespace), rbacWorld({ roles: [role(rules)], roleBindings: [binding("Role/r", "User/jane")] })).allowed;

// Source: "Using RBAC Authorization".
test("what no rule allows is refused, and a rule in one namespace means nothing in another", () => {
  const rules = [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }];
  expect(may(rules, "get pods")).toBe(true);
  expect(may(rules, "get pods", "other")).toBe(false);
  expect(may(rules, "get pods", "")).toBe(false);
  expect(may(rules, "list pods")).toBe(false);
  expect(may(rules, "get pods.metrics.k8s.io")).toBe(false);
});

test("subresources are named apart from their resource", () => {
  expect(may([{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }], "get pods/log")).toBe(false);
  expect(may([{ verbs: ["get"], apiGroups: [""], resources: ["pods/log"] }], "get pods/log")).toBe(true);
  expect(may([{ verbs: ["get"], apiGroups: [""], resources: ["pods/log"] }], "get pods")).toBe(false);
  expect(may([{ verbs: ["get"], apiGroups: ["*"], resources: ["*/scale"] }], "get deployments/scale.apps")).toBe(true);
  expect(may([{ verbs: ["get"], apiGroups: ["*"], resources: ["*/scale"] }], "get deployments.apps")).toBe(false);
  expect(may([{ verbs: ["get"], apiGroups: ["*"], resources: ["*"] }], "get pods/log")).toBe(true);
});

test("a rule about names allows only those, and so neither lists nor creates", () => {
  const rules = [{ verbs: ["get", "list", "create"], apiGroups: [""], resources: ["pods"], resourceNames: ["web-1"] }];
  expect(may(rules, "get pods:web-1")).toBe(true);
  expect(may(rules, "get pods:web-2")).toBe(false);
  expect(may(rules, "list pods")).toBe(false);
  expect(may(rules, "create pods")).toBe(false);
});

test("a list by the field selector metadata.name counts as being about that name", () => {
  const list = requestInfo(
    "GET",
    "/api/v1/namespaces/shop/pods?watch=1&fieldSelector=metadata.name%3Dweb-1%2Cspec.nodeName%3Dn",
  ) as RequestInfo;
  expect(attributesOf(list)).toMatchObject({ verb: "watch", name: "web-1" });
  expect(attributesOf(requestInfo("GET", "/api/v1/pods?fieldSelector=metadata.name!%3Dx") as RequestInfo).name).toBe("");
});

test("a RoleBinding of a ClusterRole grants it in its namespace only", () => {
  const world = rbacWorld({ roleBindings: [binding("ClusterRole/view", "User/jane")] });
  expect(authorize(jane, want("list pods"), world)).toEqual({
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "b/shop" of ClusterRole "view" to User "jane"',
  });
  expect(authorize(jane, want("list pods", ""), world).allowed).toBe(false);
  expect(authorize(jane, want("list secrets"), world).allowed).toBe(false);
});

test("a service account without a namespace in a RoleBinding is one of that namespace", () => {
  const world = rbacWorld({ roleBindings: [binding("ClusterRole/view", "ServiceAccount/web")] });
  expect(authorize(user("system:serviceaccount:shop:web"), want("list pods"), world).allowed).toBe(true);
  expect(authorize(user("system:serviceaccount:other:web"), want("list pods"), world).allowed).toBe(false);
});

test("a binding to a role that does not exist grants nothing, and the refusal says so", () => {
  const world = rbacWorld({ roleBindings: [binding("Role/gone", "User/jane")] });
  expect(authorize(jane, want("get pods"), world)).toEqual({
    allowed: false,
    reason: 'RBAC: role.rbac.authorization.k8s.io "gone" not found',
  });
});

test("members of system:masters may do everything, whatever the roles say", () => {
  const none = {
    clusterRole: () => undefined,
    clusterRoles: () => [],
    role: () => undefined,
    clusterRoleBindings: () => [],
    roleBindings: () => [],
  };
  expect(authorize(user("root", "system:masters"), want("escalate clusterroles.rbac.authorization.k8s.io", ""), none).allowed).toBe(true);
});

test("URLs are allowed one by one, or all below a prefix", () => {
  const nobody = { name: "system:anonymous", uid: "", groups: ["system:unauthenticated"], extra: {} };
  const world = rbacWorld();
  expect(authorize(nobody, want("get /readyz"), world).allowed).toBe(true);
  expect(authorize(nobody, want("get /readyz/etcd"), world).allowed).toBe(false);
  expect(authorize(nobody, want("get /apis/apps/v1"), world).allowed).toBe(false);
  expect(authorize(jane, want("get /apis/apps/v1"), world).allowed).toBe(true);
  expect(authorize(jane, want("get /metrics"), world).allowed).toBe(false);
});

test("a new ClusterRole that says it is part of admin, edit or view is", () => {
  const widgets = {
    metadata: { name: "widgets", labels: { "rbac.authorization.k8s.io/aggregate-to-view": "true" } },
    rules: [{ verbs: ["get"], apiGroups: ["example.org"], resources: ["widgets"] }],
  };
  const world = rbacWorld({ clusterRoles: [widgets], roleBindings: [binding("ClusterRole/view", "User/jane")] });
  expect(authorize(jane, want("get widgets.example.org"), world).allowed).toBe(true);
});

test("the refusal is worded as users know it", () => {
  expect(forbiddenRequest(jane, want("list deployments.apps", ""))).toMatchObject({
    code: 403,
    message: 'deployments.apps is forbidden: User "jane" cannot list resource "deployments" in API group "apps" at the cluster scope',
    details: { group: "apps", kind: "deployments" },
  });
  expect(forbiddenRequest(jane, want("get pods/log:web-1")).message).toBe(
    'pods "web-1" is forbidden: User "jane" cannot get resource "pods/log" in API group "" in the namespace "shop"',
  );
  expect(forbiddenRequest(jane, want("get /metrics")).message).toBe('forbidden: User "jane" cannot get path "/metrics"');
});

// Source: "Using RBAC Authorization", privilege escalation prevention.
test("nobody may write a role with more than they hold, unless they may escalate", () => {
  const pods = { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] };
  const world = rbacWorld({ roles: [role([pods])], roleBindings: [binding("Role/r", "User/jane")] });
  const written = (rules: readonly PolicyRule[]) =>
    roleEscalation(jane, { metadata: { name: "new", namespace: "shop" }, rules }, "shop", world);
  expect(written([{ ...pods, verbs: ["get"] }])).toBeUndefined();
  expect(written([{ ...pods, resourceNames: ["web-1"] }])).toBeUndefined();
  expect(written([{ ...pods, verbs: ["get", "delete"] }])).toContain('"delete"');
  expect(written([{ ...pods, resources: ["*"] }])).toContain("not currently held");
  expect(roleEscalation(jane, { metadata: { name: "c" }, rules: [pods] }, "", world)).toContain("not currently held");
  const escalator = { verbs: ["escalate"], apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles"] };
  const trusting = rbacWorld({ roles: [role([escalator])], roleBindings: [binding("Role/r", "User/jane")] });
  expect(
    roleEscalation(jane, { metadata: { name: "new", namespace: "shop" }, rules: [{ ...pods, resources: ["*"] }] }, "shop", trusting),
  ).toBeUndefined();
});

test("an aggregation rule could select anything, so it takes everything to write one", () => {
  const aggregated = { metadata: { name: "a" }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] } };
  expect(roleEscalation(jane, aggregated, "", rbacWorld())).toContain("not currently held");
  expect(roleEscalation(user("root", "system:masters"), aggregated, "", rbacWorld())).toBeUndefined();
});

test("nobody may bind a role with more than they hold, unless they may bind it", () => {
  const world = rbacWorld({ roleBindings: [binding("ClusterRole/edit", "User/jane")] });
  expect(bindingEscalation(jane, binding("ClusterRole/view", "User/joe"), "shop", world)).toBeUndefined();
  expect(bindingEscalation(jane, binding("ClusterRole/admin", "User/joe"), "shop", world)).toContain("not currently held");
  expect(bindingEscalation(jane, binding("Role/gone", "User/joe"), "shop", world)).toContain("not found");
  const binder = { verbs: ["bind"], apiGroups: ["rbac.authorization.k8s.io"], resources: ["clusterroles"], resourceNames: ["admin"] };
  const trusting = rbacWorld({ roles: [role([binder])], roleBindings: [binding("Role/r", "User/jane")] });
  expect(bindingEscalation(jane, binding("ClusterRole/admin", "User/joe"), "shop", trusting)).toBeUndefined();
  expect(bindingEscalation(jane, binding("ClusterRole/cluster-admin", "User/joe"), "shop", trusting)).toContain("not currently held");
});

test("wildcards are covered by wildcards alone", () => {
  const all = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
  expect(notCovered([{ verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["pods"] }], [all])).toHaveLength(1);
  expect(notCovered([all], [all])).toEqual([]);
  expect(notCovered([{ verbs: ["get"], nonResourceURLs: ["/a/*"] }], [{ verbs: ["get"], nonResourceURLs: ["/a/b", "/c"] }])).toEqual([
    { verbs: ["get"], nonResourceURLs: ["/c"] },
  ]);
});

test("the rules of a user are those of the cluster and of the namespace", () => {
  const world = rbacWorld({ roleBindings: [binding("ClusterRole/view", "User/jane"), binding("Role/gone", "User/jane")] });
  const { rules, incomplete } = rulesOf(jane, "shop", world);
  expect(incomplete).toBe(true);
  expect(rules).toContainEqual(expect.objectContaining({ resources: expect.arrayContaining(["selfsubjectaccessreviews"]) }));
  expect(rules).toContainEqual(expect.objectContaining({ resources: expect.arrayContaining(["configmaps"]) }));
  expect(rulesOf(jane, "", world).rules).not.toContainEqual(expect.objectContaining({ resources: expect.arrayContaining(["configmaps"]) }));
});
