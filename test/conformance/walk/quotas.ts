import { apps, core, podSpec, type World, workload } from "../world";

/** What quotas count, and when. */
export function quotas(w: World): void {
  describe("ResourceQuota", () => {
    const used = (ns: string, name: string) => w.get(core(ns, `resourcequotas/${name}`)).status?.used ?? {};
    const counts = (ns: string, name: string, wanted: Record<string, string>) =>
      w.until(
        () => Object.entries(wanted).every(([resource, amount]) => used(ns, name)[resource] === amount),
        `${name} counts ${JSON.stringify(wanted)}`,
      );

    test("should create a ResourceQuota and capture the life of a configMap, secret, service, replica set, replication controller", () => {
      const ns = w.namespace();
      w.until(() => !w.gone(core(ns, "configmaps/kube-root-ca.crt")), "the namespace has what it is given");
      const hard = {
        ...{
          configmaps: "2",
          secrets: "10",
          services: "10",
          replicationcontrollers: "10",
          resourcequotas: "1",
          "count/replicasets.apps": "5",
        },
        ...{ "services.nodeports": "1", "services.loadbalancers": "1" },
      };
      w.post(core(ns, "resourcequotas"), { metadata: { name: "all" }, spec: { hard } });
      const none = {
        configmaps: "1",
        secrets: "0",
        services: "0",
        replicationcontrollers: "0",
        resourcequotas: "1",
        "count/replicasets.apps": "0",
      };
      counts(ns, "all", none);
      w.post(core(ns, "configmaps"), { metadata: { name: "a" } });
      w.post(core(ns, "secrets"), { metadata: { name: "a" } });
      w.post(core(ns, "services"), { metadata: { name: "a" }, spec: { ports: [{ port: 80 }] } });
      w.post(core(ns, "services"), { metadata: { name: "b" }, spec: { type: "NodePort", ports: [{ port: 80 }] } });
      expect(
        w.try("POST", core(ns, "services"), { metadata: { name: "c" }, spec: { type: "LoadBalancer", ports: [{ port: 80 }] } }).code,
      ).toBe(403);
      w.post(core(ns, "replicationcontrollers"), workload("ReplicationController", "a", 0));
      w.post(apps(ns, "replicasets"), workload("ReplicaSet", "a", 0));
      const one = {
        configmaps: "2",
        secrets: "1",
        services: "2",
        "services.nodeports": "1",
        replicationcontrollers: "1",
        "count/replicasets.apps": "1",
      };
      counts(ns, "all", one);
      const at = ["configmaps/a", "secrets/a", "services/a", "services/b", "replicationcontrollers/a"].map((rest) => core(ns, rest));
      for (const path of [...at, apps(ns, "replicasets/a")]) w.delete(path);
      counts(ns, "all", { ...none, "services.nodeports": "0" });
    });

    test("should create a ResourceQuota and capture the life of a pod; should verify ResourceQuota with best effort scope, with terminating scopes", () => {
      const ns = w.namespace();
      const quota = (name: string, hard: object, scopes?: string[]) =>
        w.post(core(ns, "resourcequotas"), { metadata: { name }, spec: { hard, ...(scopes ? { scopes } : {}) } });
      quota("all", { pods: "5", cpu: "1", memory: "500Mi", "requests.ephemeral-storage": "50Gi", "requests.example.com/dongle": "3" });
      for (const scope of ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating"])
        quota(scope.toLowerCase(), { pods: "5" }, [scope]);
      counts(ns, "all", { pods: "0", cpu: "0" });
      for (const scope of ["besteffort", "notbesteffort", "terminating", "notterminating"]) counts(ns, scope, { pods: "0" });
      const requests = { cpu: "500m", memory: "252Mi", "ephemeral-storage": "30Gi", "example.com/dongle": "2" };
      const body = (name: string, given: object, spec: object = {}) => ({
        metadata: { name },
        spec: podSpec({ resources: { requests: given, limits: { "example.com/dongle": "2" } } }, spec),
      });
      w.post(core(ns, "pods"), body("one", requests));
      counts(ns, "all", {
        pods: "1",
        cpu: "500m",
        memory: "252Mi",
        "requests.ephemeral-storage": "30Gi",
        "requests.example.com/dongle": "2",
      });
      counts(ns, "notbesteffort", { pods: "1" });
      counts(ns, "notterminating", { pods: "1" });
      expect(used(ns, "besteffort").pods).toBe("0");
      expect(used(ns, "terminating").pods).toBe("0");
      expect(w.try("POST", core(ns, "pods"), body("two", { ...requests, cpu: "600m" })).code).toBe(403);
      expect(
        w.try("POST", core(ns, "pods"), body("three", { cpu: "1m", memory: "1Mi", "ephemeral-storage": "1Gi", "example.com/dongle": "2" }))
          .code,
      ).toBe(403);
      const resized = w.try(
        "PATCH",
        core(ns, "pods/one"),
        { spec: { containers: [{ name: "main", resources: { requests: { cpu: "100m" } } }] } },
        "application/strategic-merge-patch+json",
      );
      expect(resized.code).toBe(422);
      w.delete(core(ns, "pods/one"));
      counts(ns, "all", { pods: "0", cpu: "0", "requests.example.com/dongle": "0" });
      w.delete(core(ns, "resourcequotas/all"));
      w.post(core(ns, "pods"), { metadata: { name: "best" }, spec: podSpec({}, { activeDeadlineSeconds: 3600 }) });
      counts(ns, "besteffort", { pods: "1" });
      counts(ns, "terminating", { pods: "1" });
      counts(ns, "notterminating", { pods: "0" });
      counts(ns, "notbesteffort", { pods: "0" });
    });

    test("should apply changes to a resourcequota status", () => {
      const ns = w.namespace();
      const at = core(ns, "resourcequotas/q");
      w.post(core(ns, "resourcequotas"), { metadata: { name: "q" }, spec: { hard: { cpu: "500m", memory: "500Mi" } } });
      counts(ns, "q", { cpu: "0", memory: "0" });
      w.update(`${at}/status`, (object) => {
        object.status.hard = { cpu: "600m", memory: "500Mi" };
      });
      // The controller puts the status right when the spec changes, else with its next round of all.
      const changed = w.patch(at, { spec: { hard: { cpu: "1", memory: "1Gi" } } });
      expect(changed.status.hard.cpu).toBe("600m");
      w.until(() => w.get(`${at}/status`).status.hard.memory === "1Gi", "the new limits are told");
      const patched = w.patch(`${at}/status`, { status: { hard: { cpu: "2" } } });
      expect([patched.status.hard.cpu, patched.spec.hard.cpu]).toEqual(["2", "1"]);
    });
  });
}
