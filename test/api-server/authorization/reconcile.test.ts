import { controlled } from "../certificates/controlled";
import type { Json } from "../server/tank";

const rbac = "/apis/rbac.authorization.k8s.io/v1";

describe("default roles", () => {
  const tank = controlled(["clusterrole-aggregation"]);
  const restart = () => {
    tank.simulation.crashHost("apiserver-0");
    tank.simulation.startHost("apiserver-0");
    tank.until(() => tank.state()?.bootstrap.done === true, "apiserver/0 does not come back");
    tank.simulation.runFor(2_000);
  };

  // Source: "Using RBAC Authorization", auto-reconciliation.
  it("get back at the start of an API server what they lack, keep what was added, and are left alone where they say so", () => {
    const dns = tank.get(`${rbac}/clusterroles/system:kube-dns`).body;
    const more = { apiGroups: ["shop.example.com"], resources: ["widgets"], verbs: ["get"] };
    tank.put(`${rbac}/clusterroles/system:kube-dns`, { ...dns, rules: [...dns.rules.slice(1), more] });
    tank.patch(`${rbac}/clusterroles/system:node-problem-detector`, "merge", {
      metadata: { annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } },
      rules: [],
    });
    const binding = tank.get(`${rbac}/clusterrolebindings/system:node-proxier`).body;
    const guest = { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "guest" };
    tank.put(`${rbac}/clusterrolebindings/system:node-proxier`, { ...binding, subjects: [guest] });
    tank.delete(`${rbac}/clusterroles/system:heapster`);
    const untouched = tank.get(`${rbac}/clusterroles/system:kube-scheduler`).body.metadata.resourceVersion;
    restart();
    const { rules } = tank.get(`${rbac}/clusterroles/system:kube-dns`).body;
    expect(rules).toContainEqual(more);
    for (const resource of ["endpoints", "services"])
      for (const verb of ["list", "watch"]) expect(rules).toContainEqual({ apiGroups: [""], resources: [resource], verbs: [verb] });
    expect(tank.get(`${rbac}/clusterroles/system:node-problem-detector`).body.rules).toEqual([]);
    expect(tank.get(`${rbac}/clusterrolebindings/system:node-proxier`).body.subjects.map(({ name }: Json) => name)).toEqual([
      "guest",
      "system:kube-proxy",
    ]);
    expect(tank.get(`${rbac}/clusterroles/system:heapster`).code).toBe(200);
    expect(tank.get(`${rbac}/clusterroles/system:kube-scheduler`).body.metadata.resourceVersion).toBe(untouched);
  });

  it("show in their rules what other roles add to them by their labels", () => {
    const rule = { apiGroups: ["shop.example.com"], resources: ["widgets"], verbs: ["get", "list", "watch"] };
    const labels = { "rbac.authorization.k8s.io/aggregate-to-view": "true" };
    const holds = (name: string) =>
      tank.get(`${rbac}/clusterroles/${name}`).body.rules.some((each: Json) => each.resources?.includes("widgets"));
    tank.create(`${rbac}/clusterroles`, { metadata: { name: "widgets", labels }, rules: [rule] });
    tank.simulation.runFor(5_000);
    // view is a part of edit, and edit of admin.
    expect(["view", "edit", "admin", "cluster-admin"].map(holds)).toEqual([true, true, true, false]);
    tank.delete(`${rbac}/clusterroles/widgets`);
    tank.simulation.runFor(5_000);
    expect(["view", "edit", "admin"].map(holds)).toEqual([false, false, false]);
  });
});
