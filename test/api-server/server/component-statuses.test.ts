import { type Json, Tank } from "./tank";

const path = "/api/v1/componentstatuses";

describe("kubectl get componentstatuses", () => {
  const tank = new Tank({ etcd: 3 });
  const renewed = () => {
    const { creationTimestamp } = tank.create("/api/v1/namespaces/default/configmaps", { metadata: { generateName: "now-" } }).body
      .metadata;
    return creationTimestamp.replace("Z", ".000000Z");
  };
  const lease = (name: string) => ({
    metadata: { name },
    spec: { holderIdentity: "a", leaseDurationSeconds: 15, renewTime: renewed() },
  });
  const shown = () =>
    tank
      .get(path)
      .body.items.map(
        ({ metadata, conditions }: Json) => `${metadata.name} ${conditions[0].type}=${conditions[0].status}: ${conditions[0].message}`,
      );

  it("says of each member of etcd, and of those who lead, whether they do their work", () => {
    tank.create("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", lease("kube-scheduler"));
    expect(shown()).toEqual([
      "controller-manager Healthy=False: nobody holds the Lease kube-system/kube-controller-manager",
      ...["etcd-0", "etcd-1", "etcd-2"].map((name) => `${name} Healthy=True: ok`),
      "scheduler Healthy=True: ok",
    ]);
    tank.simulation.runFor(20_000);
    expect(shown().at(-1)).toMatch(/^scheduler Healthy=False: the Lease kube-system\/kube-scheduler has not been renewed since 20/);
  });

  it("notices a member that is gone, by its name too, and says that it is deprecated", () => {
    tank.simulation.crashHost("etcd-2");
    const one = tank.get(`${path}/etcd-2`);
    expect([one.code, one.body.conditions[0].status]).toEqual([200, "False"]);
    expect(one.body.metadata).toEqual({ name: "etcd-2" });
    expect(one.headers.get("Warning")).toBe('299 - "v1 ComponentStatus is deprecated in v1.19+"');
    expect(tank.get(`${path}/etcd-1`).body.conditions[0].status).toBe("True");
    expect(tank.get(`${path}/nobody`).code).toBe(404);
    const table = tank.get(path, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" }).body;
    expect(table.rows.map(({ cells }: Json) => cells.slice(0, 2).join(" "))).toContain("etcd-2 Unhealthy");
  });

  it("is for reading", () => {
    expect(tank.create(path, { metadata: { name: "x" } }).code).toBe(405);
    expect(tank.delete(`${path}/etcd-0`).code).toBe(405);
  });
});
