import { apps, controllerOf, core, labelled, podSpec, type World, workload } from "../world";

/** What goes with what: owners, namespaces and what every namespace is given. */
export function collection(w: World): void {
  describe("Garbage collector", () => {
    test("should delete RS created by deployment when not orphaning; should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan", () => {
      const ns = w.namespace();
      w.post(apps(ns, "deployments"), workload("Deployment", "goes", 1));
      w.post(apps(ns, "deployments"), workload("Deployment", "leaves", 1));
      const sets = (app: string) => w.items(`${apps(ns, "replicasets")}?${labelled(app)}`);
      w.until(() => sets("goes").length === 1 && sets("leaves").length === 1, "both have a ReplicaSet");
      w.delete(apps(ns, "deployments/goes"), { propagationPolicy: "Background" });
      w.delete(apps(ns, "deployments/leaves"), { propagationPolicy: "Orphan" });
      w.until(() => sets("goes").length === 0 && w.pods(ns, "goes").length === 0, "all that it owned is gone");
      w.until(() => w.gone(apps(ns, "deployments/leaves")), "the other is gone");
      w.simulation.runFor(30_000);
      expect(sets("leaves").map(controllerOf)).toEqual([undefined]);
      expect(w.pods(ns, "leaves").map((pod) => controllerOf(pod).kind)).toEqual(["ReplicaSet"]);
    });

    test("should delete pods created by rc when not orphaning; should orphan pods created by rc if delete options say so", () => {
      const ns = w.namespace();
      for (const name of ["goes", "leaves"]) w.post(core(ns, "replicationcontrollers"), workload("ReplicationController", name, 2));
      w.until(() => w.running(ns, "goes", 2)() && w.running(ns, "leaves", 2)(), "the pods run");
      w.delete(core(ns, "replicationcontrollers/goes"), { propagationPolicy: "Background" });
      w.delete(core(ns, "replicationcontrollers/leaves"), { propagationPolicy: "Orphan" });
      w.until(() => w.pods(ns, "goes").length === 0 && w.gone(core(ns, "replicationcontrollers/leaves")), "both went");
      w.simulation.runFor(30_000);
      expect(w.pods(ns, "leaves").map(controllerOf)).toEqual([undefined, undefined]);
    });

    test("should keep the rc around until all its pods are deleted if the deleteOptions says so; should not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted", () => {
      const ns = w.namespace();
      w.post(core(ns, "replicationcontrollers"), workload("ReplicationController", "goes", 4));
      const stays = w.post(core(ns, "replicationcontrollers"), workload("ReplicationController", "stays", 0));
      w.until(w.running(ns, "goes", 4), "the pods run");
      const shared = w
        .pods(ns, "goes")
        .slice(0, 2)
        .map(({ metadata }) => metadata.name);
      const owner = { apiVersion: "v1", kind: "ReplicationController", name: "stays", uid: stays.metadata.uid };
      for (const name of shared) w.patch(core(ns, `pods/${name}`), { metadata: { ownerReferences: [owner] } }, "strategic-merge");
      w.delete(core(ns, "replicationcontrollers/goes"), { propagationPolicy: "Foreground" });
      const marked = w.get(core(ns, "replicationcontrollers/goes"));
      expect(marked.metadata.finalizers).toContain("foregroundDeletion");
      w.until(() => w.gone(core(ns, "replicationcontrollers/goes")), "it went after its pods");
      const left = w.pods(ns, "goes");
      expect(left.map(({ metadata }) => metadata.name)).toEqual(shared.sort());
      expect(left.map(({ metadata }) => [metadata.deletionTimestamp, metadata.ownerReferences])).toEqual(
        shared.map(() => [undefined, [owner]]),
      );
    });

    test("should not be blocked by dependency circle", () => {
      const ns = w.namespace();
      const made = [1, 2, 3].map((n) =>
        w.post(core(ns, "pods"), { metadata: { name: `pod${n}`, labels: { app: "circle" } }, spec: podSpec() }),
      );
      for (const [n, { metadata }] of made.entries()) {
        const { name, uid } = made[(n + 2) % 3]!.metadata;
        const reference = { apiVersion: "v1", kind: "Pod", name, uid, controller: true, blockOwnerDeletion: true };
        w.patch(core(ns, `pods/${metadata.name}`), { metadata: { ownerReferences: [reference] } });
      }
      w.delete(core(ns, "pods/pod1"), { propagationPolicy: "Foreground" });
      w.until(() => w.pods(ns, "circle").length === 0, "all three are gone");
    });
  });

  describe("Namespaces", () => {
    test("should ensure that all pods and services are removed when a namespace is deleted; should apply a finalizer to a Namespace", () => {
      const ns = w.namespace();
      w.post(core(ns, "pods"), { metadata: { name: "a", labels: { app: "a" } }, spec: podSpec() });
      w.post(core(ns, "services"), { metadata: { name: "a" }, spec: { ports: [{ port: 80 }] } });
      w.until(w.running(ns, "a", 1), "the pod runs");
      const finalize = (finalizers: string[]) =>
        w.put(`/api/v1/namespaces/${ns}/finalize`, { ...w.get(`/api/v1/namespaces/${ns}`), spec: { finalizers } });
      const held = ["kubernetes", "conformance.test/held"];
      expect(finalize(held).spec.finalizers).toEqual(held);
      w.delete(`/api/v1/namespaces/${ns}`);
      w.until(() => w.items(core(ns, "pods")).length === 0 && w.items(core(ns, "services")).length === 0, "pods and services are gone");
      w.until(() => !w.get(`/api/v1/namespaces/${ns}`).spec.finalizers.includes("kubernetes"), "Kubernetes' own finalizer is gone");
      const { status } = w.get(`/api/v1/namespaces/${ns}`);
      expect(status.phase).toBe("Terminating");
      expect(w.try("POST", core(ns, "configmaps"), { metadata: { name: "late" } }).code).toBe(403);
      finalize([]);
      w.until(() => w.gone(`/api/v1/namespaces/${ns}`), "the namespace is gone");
    });
  });

  describe("ServiceAccounts", () => {
    test("should guarantee kube-root-ca.crt exist in any namespace", () => {
      const ns = w.namespace();
      const at = core(ns, "configmaps/kube-root-ca.crt");
      w.until(() => !w.gone(at), "it is made");
      const { data } = w.get(at);
      w.delete(at);
      w.until(() => !w.gone(at), "it is made again");
      w.update(at, (object) => {
        object.data = { "ca.crt": "" };
      });
      w.until(() => w.get(at).data["ca.crt"] === data["ca.crt"], "it is put right");
    });
  });
}
