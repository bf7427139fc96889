import type { Admission } from "../../../actors/api-server/admission/admission";
import { mutate, validate } from "../../../actors/api-server/admission/index";
import { authenticated } from "../../../actors/api-server/authentication/user";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { isFailure } from "../../../protocol/status";
import { admin, admission, shop } from "./admissions";
import { type Json, pod } from "./tank";

const admitted = (object: object, cluster: Readonly<Record<string, object>> = shop, more: Partial<Admission> = {}): Json =>
  mutate(admission(object, cluster, more));

describe("admission of Pods (kube-apiserver's default plug-ins)", () => {
  test("ServiceAccount: the default account, its pull secrets, and its token where clients look for it", () => {
    const { spec } = admitted(pod("p"));
    expect(spec).toMatchObject({ serviceAccountName: "default", serviceAccount: "default", imagePullSecrets: [{ name: "registry" }] });
    expect(spec.volumes).toMatchObject([
      {
        name: "kube-api-access-abcde",
        projected: { sources: [{ serviceAccountToken: { path: "token" } }, { configMap: { name: "kube-root-ca.crt" } }, {}] },
      },
    ]);
    expect(spec.containers[0].volumeMounts).toEqual([
      { name: "kube-api-access-abcde", readOnly: true, mountPath: "/var/run/secrets/kubernetes.io/serviceaccount" },
    ]);
  });

  test("ServiceAccount: no token where the Pod or else the account does not want one; no Pod without its account", () => {
    expect(admitted(pod("p", { automountServiceAccountToken: false })).spec.volumes).toBeUndefined();
    const shy = { ...shop, "serviceaccounts/shop/default": { metadata: { name: "default" }, automountServiceAccountToken: false } };
    expect(admitted(pod("p"), shy).spec.volumes).toBeUndefined();
    expect(admitted(pod("p", { automountServiceAccountToken: true }), shy).spec.volumes).toHaveLength(1);
    expect(admitted(pod("p", { serviceAccountName: "robot" }))).toMatchObject({
      code: 403,
      message: expect.stringContaining('serviceaccount "robot" not found'),
    });
  });

  test("DefaultTolerationSeconds: five minutes on nodes that are not ready or unreachable, unless the Pod says otherwise", () => {
    expect(admitted(pod("p")).spec.tolerations).toEqual([
      { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
      { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
    ]);
    const own = { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 7 };
    expect(admitted(pod("p", { tolerations: [own] })).spec.tolerations).toHaveLength(2);
    expect(admitted(pod("p", { tolerations: [{ operator: "Exists" }] })).spec.tolerations).toHaveLength(1);
  });

  test("Priority: the class's number, the default class's, or 0; nobody writes the number", () => {
    const classes = { ...shop, "priorityclasses//high": { metadata: { name: "high" }, value: 1000 } };
    expect(admitted(pod("p"), classes).spec).toMatchObject({ priority: 0, preemptionPolicy: "PreemptLowerPriority" });
    expect(admitted(pod("p", { priorityClassName: "high" }), classes).spec.priority).toBe(1000);
    expect(admitted(pod("p", { priorityClassName: "none" }), classes)).toMatchObject({ code: 403 });
    expect(admitted(pod("p", { priority: 5 }), classes)).toMatchObject({ code: 403 });
    const withDefault = { ...classes, "priorityclasses//usual": { metadata: { name: "usual" }, value: 10, globalDefault: true } };
    expect(admitted(pod("p"), withDefault).spec).toMatchObject({ priority: 10, priorityClassName: "usual" });
  });

  test("NodeRestriction: a kubelet touches only Pods of its node", () => {
    const user = authenticated("system:node:a", ["system:nodes"]);
    const mine = { ...pod("p"), spec: { nodeName: "a", containers: [] } };
    const others = { ...pod("p"), spec: { nodeName: "b", containers: [] } };
    const update = (old: object) =>
      mutate(admission(old, shop, { operation: "UPDATE", subresource: "status", old: old as Stored<ApiObject>, user }));
    expect(isFailure(update(mine))).toBe(false);
    expect(update(others)).toMatchObject({ code: 403 });
    expect(admitted(pod("p"), shop, { user })).toMatchObject({ code: 403, message: expect.stringContaining("mirror") });
  });
});

describe("admission of others", () => {
  test("NamespaceLifecycle: nothing new in a namespace that is ending", () => {
    const ending = {
      "namespaces//shop": { metadata: { name: "shop", deletionTimestamp: "2026-01-01T00:00:00Z" }, status: { phase: "Terminating" } },
    };
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" } };
    expect(admitted(map, ending)).toMatchObject({ code: 403, details: { causes: [{ reason: "NamespaceTerminating" }] } });
    expect(isFailure(admitted(map, ending, { operation: "UPDATE" }))).toBe(false);
  });

  test("TaintNodesByCondition: a new Node takes no Pods yet", () => {
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n" } };
    expect(admitted(node).spec.taints).toEqual([{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }]);
    expect(admitted(node, shop, { operation: "UPDATE" }).spec).toBeUndefined();
  });

  test("nobody grants by a role or a binding what they do not hold (RBAC: privilege escalation prevention)", () => {
    const jane = authenticated("jane", []);
    const role = (verbs: string[]) => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "r" },
      rules: [{ apiGroups: [""], resources: ["pods"], verbs }],
    });
    const held = {
      "clusterroles//reader": { ...role(["get"]), metadata: { name: "reader" } },
      "clusterrolebindings//b": {
        metadata: { name: "b" },
        subjects: [{ kind: "User", name: "jane" }],
        roleRef: { kind: "ClusterRole", name: "reader" },
      },
      "clusterroles//writer": { ...role(["delete"]), metadata: { name: "writer" } },
    };
    const checked = (object: object, user = jane) => validate(admission(object, held, { user, namespace: "" }));
    const binding = (name: string) => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "x" },
      subjects: [],
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
    });
    expect(checked(role(["get"]))).toBeUndefined();
    expect(checked(role(["delete"]))).toMatchObject({ code: 403 });
    expect(checked(role(["delete"]), admin)).toBeUndefined();
    expect(checked(binding("reader"))).toBeUndefined();
    expect(checked(binding("writer"))).toMatchObject({ code: 403 });
  });
});
