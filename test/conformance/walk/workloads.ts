import type { Json } from "../../api-server/server/tank";
import { apps, controllerOf, core, isRunning, labelled, podSpec, template, type World, workload } from "../world";

/** What the controllers of workloads do. */
export function workloads(w: World): void {
  const batch = (ns: string, rest: string) => `/apis/batch/v1/namespaces/${ns}/${rest}`;
  const images = (ns: string, app: string) => w.pods(ns, app).map(({ spec }) => spec.containers[0].image);
  const job = (name: string, spec: object, container: object = {}, pod: object = {}) => ({
    metadata: { name },
    spec: { ...spec, template: template(name, container, { restartPolicy: "Never", ...pod }) },
  });

  describe("ReplicationController, ReplicaSet", () => {
    test.each([
      ["ReplicationController", core, "replicationcontrollers"],
      ["ReplicaSet", apps, "replicasets"],
    ] as const)("%s should adopt matching pods on creation and release no longer matching pods", (kind, group, plural) => {
      const ns = w.namespace();
      w.post(core(ns, "pods"), { metadata: { name: "orphan", labels: { app: "adopts" } }, spec: podSpec() });
      const { metadata } = w.post(group(ns, plural), workload(kind, "adopts", 1));
      w.until(() => controllerOf(w.get(core(ns, "pods/orphan")))?.uid === metadata.uid, "the orphan is adopted");
      expect(w.pods(ns, "adopts")).toHaveLength(1);
      w.patch(core(ns, "pods/orphan"), { metadata: { labels: { app: "no longer".replace(" ", "-") } } });
      w.until(() => controllerOf(w.get(core(ns, "pods/orphan"))) === undefined, "it is released");
      w.until(() => w.pods(ns, "adopts").length === 1, "it is replaced");
    });

    test("ReplicationController should surface a failure condition on a common issue like exceeded quota", () => {
      const ns = w.namespace();
      w.post(core(ns, "resourcequotas"), { metadata: { name: "few" }, spec: { hard: { pods: "2" } } });
      w.until(() => w.get(core(ns, "resourcequotas/few")).status?.used?.pods === "0", "the quota is counted");
      w.post(core(ns, "replicationcontrollers"), workload("ReplicationController", "many", 3));
      const failure = () =>
        w.get(core(ns, "replicationcontrollers/many")).status.conditions?.find(({ type }: Json) => type === "ReplicaFailure");
      w.until(() => failure()?.reason === "FailedCreate", "the condition is told");
      w.update(core(ns, "replicationcontrollers/many"), (object) => {
        object.spec.replicas = 2;
      });
      w.until(() => failure() === undefined, "the condition is gone");
    });

    test("ReplicaSet Replace and Patch tests", () => {
      const ns = w.namespace();
      w.post(apps(ns, "replicasets"), workload("ReplicaSet", "web", 1));
      w.until(w.running(ns, "web", 1), "one runs");
      w.update(apps(ns, "replicasets/web/scale"), (object) => {
        object.spec.replicas = 2;
      });
      w.until(w.running(ns, "web", 2), "two run");
      const body = {
        metadata: { labels: { "test-rs": "patched" } },
        spec: { replicas: 3, template: { spec: { containers: [{ name: "main", image: "app:2" }] } } },
      };
      expect(w.patch(apps(ns, "replicasets/web"), body, "strategic-merge").metadata.labels).toMatchObject({ "test-rs": "patched" });
      w.until(() => w.get(apps(ns, "replicasets/web")).status.readyReplicas === 3, "three are ready");
      expect(images(ns, "web").sort()).toEqual(["app:1", "app:1", "app:2"]);
    });
  });

  describe("Deployment", () => {
    test("should run the lifecycle of a Deployment; deployment should support rollover", () => {
      const ns = w.namespace();
      const at = apps(ns, "deployments/web");
      w.post(apps(ns, "deployments"), workload("Deployment", "web", 2));
      w.until(() => w.get(at).status.readyReplicas === 2, "it is there");
      w.patch(
        at,
        {
          metadata: { labels: { stage: "patched" } },
          spec: { replicas: 1, template: { spec: { containers: [{ name: "main", image: "app:bad" }] } } },
        },
        "strategic-merge",
      );
      w.patch(at, { spec: { template: { spec: { containers: [{ name: "main", image: "app:3" }] } } } }, "strategic-merge");
      w.until(() => w.get(at).status.updatedReplicas === 1 && w.get(at).status.replicas === 1, "the last template has won");
      w.until(() => images(ns, "web").join() === "app:3", "the others' pods are gone");
      const revisions = w
        .items(`${apps(ns, "replicasets")}?${labelled("web")}`)
        .map(({ metadata }) => metadata.annotations["deployment.kubernetes.io/revision"]);
      expect(revisions.sort()).toEqual(["1", "2", "3"].slice(0, revisions.length));
      const patched = w.patch(
        `${at}/status`,
        { metadata: { labels: { stage: "not by status" } }, status: { readyReplicas: 0, availableReplicas: 0 } },
        "strategic-merge",
      );
      expect([patched.metadata.labels.stage, patched.status.readyReplicas]).toEqual(["patched", 0]);
      w.until(() => w.get(at).status.readyReplicas === 1, "the controller puts it right");
      w.delete(`${apps(ns, "deployments")}?labelSelector=stage%3Dpatched`);
      w.until(() => w.items(apps(ns, "replicasets")).length === 0 && w.pods(ns, "web").length === 0, "everything is gone");
    });
  });

  describe("Daemon set", () => {
    test("should run and stop simple daemon, complex daemon; should retry creating failed daemon pods", () => {
      const ns = w.namespace();
      const node = w.items("/api/v1/nodes")[0].metadata.name;
      const at = apps(ns, "daemonsets/d");
      w.post(apps(ns, "daemonsets"), workload("DaemonSet", "d", 0));
      w.until(w.running(ns, "d", 2), "one runs on each node");
      w.delete(core(ns, `pods/${w.pods(ns, "d")[0].metadata.name}`));
      w.until(() => w.running(ns, "d", 2)() && w.pods(ns, "d").length === 2, "the pod is revived");
      const [pod] = w.pods(ns, "d");
      w.patch(core(ns, `pods/${pod.metadata.name}/status`), { status: { phase: "Failed" } });
      w.until(() => w.gone(core(ns, `pods/${pod.metadata.name}`)) && w.running(ns, "d", 2)(), "the failed one is made anew");
      w.patch(at, { spec: { template: { spec: { nodeSelector: { color: "blue" } } }, updateStrategy: { type: "RollingUpdate" } } });
      w.until(() => w.pods(ns, "d").length === 0, "no node is blue");
      w.patch(`/api/v1/nodes/${node}`, { metadata: { labels: { color: "blue" } } });
      w.until(() => w.running(ns, "d", 1)() && w.get(at).status.numberReady === 1, "the blue node runs it");
      expect(w.pods(ns, "d")[0].spec.nodeName).toBe(node);
      w.patch(`/api/v1/nodes/${node}`, { metadata: { labels: { color: null } } });
      w.until(() => w.pods(ns, "d").length === 0, "it runs no more");
      w.delete(at, { propagationPolicy: "Background" });
    });

    test("should rollback without unnecessary restarts; ControllerRevision should manage the lifecycle of a ControllerRevision", () => {
      const ns = w.namespace();
      const at = apps(ns, "daemonsets/d");
      const image = (name: string) =>
        w.patch(at, { spec: { template: { spec: { containers: [{ name: "main", image: name }] } } } }, "strategic-merge");
      const revisions = () => w.items(`${apps(ns, "controllerrevisions")}?${labelled("d")}`);
      w.post(apps(ns, "daemonsets"), workload("DaemonSet", "d", 0));
      w.until(w.running(ns, "d", 2), "one runs on each node");
      const [first] = revisions();
      expect(revisions()).toHaveLength(1);
      expect(controllerOf(first)).toMatchObject({ kind: "DaemonSet", name: "d" });
      image("broken:1");
      w.until(() => images(ns, "d").includes("broken:1"), "the update has begun");
      const kept = w
        .pods(ns, "d")
        .filter(({ spec }) => spec.containers[0].image === "app:1")
        .map(({ metadata }) => metadata.uid);
      image("app:1");
      w.until(() => images(ns, "d").join() === "app:1,app:1" && w.running(ns, "d", 2)(), "it is rolled back");
      expect(w.pods(ns, "d").map(({ metadata }) => metadata.uid)).toEqual(expect.arrayContaining(kept));
      w.until(() => revisions().length === 2, "both revisions are there");
      expect(Math.max(...revisions().map(({ revision }) => revision))).toBe(3);
      const { metadata, data } = first;
      const own = {
        apiVersion: "apps/v1",
        kind: "ControllerRevision",
        revision: 9,
        data,
        metadata: { name: "extra", labels: metadata.labels },
      };
      w.post(apps(ns, "controllerrevisions"), { ...own, metadata: { ...own.metadata, ownerReferences: metadata.ownerReferences } });
      expect(revisions()).toHaveLength(3);
      expect(w.try("PATCH", apps(ns, "controllerrevisions/extra"), { data: { a: 1 } }, "application/merge-patch+json").code).toBe(422);
      w.delete(apps(ns, "controllerrevisions/extra"));
      expect(revisions()).toHaveLength(2);
      w.delete(at);
    });
  });

  describe("Job", () => {
    const status = (ns: string, name: string) => w.get(batch(ns, `jobs/${name}`)).status;

    test("should adopt matching orphans and release non-matching pods; should delete a job", () => {
      const ns = w.namespace();
      const { metadata } = w.post(batch(ns, "jobs"), job("j", { parallelism: 2, completions: 4 }));
      w.until(w.running(ns, "j", 2), "two run");
      const [pod] = w.pods(ns, "j");
      const at = core(ns, `pods/${pod.metadata.name}`);
      w.patch(at, { metadata: { ownerReferences: null } });
      w.until(() => controllerOf(w.get(at))?.uid === metadata.uid, "it is adopted again");
      w.patch(at, { metadata: { labels: { "batch.kubernetes.io/controller-uid": null, "controller-uid": null, "job-name": null } } });
      w.until(() => controllerOf(w.get(at)) === undefined, "it is released");
      expect(w.get(at).metadata.finalizers ?? []).toEqual([]);
      w.until(() => w.pods(ns, "j").filter(controllerOf).filter(isRunning).length === 2, "another runs in its place");
      w.delete(batch(ns, "jobs/j"), { propagationPolicy: "Foreground" });
      w.until(() => w.gone(batch(ns, "jobs/j")) && w.pods(ns, "j").filter(controllerOf).length === 0, "job and pods are gone");
    });

    test("should create pods for an Indexed job with completion indexes and specified hostname", () => {
      const ns = w.namespace();
      w.post(batch(ns, "jobs"), job("i", { parallelism: 2, completions: 4, completionMode: "Indexed" }, { image: "ends" }));
      w.until(() => status(ns, "i").succeeded === 4, "it succeeds");
      const pods = w.pods(ns, "i");
      expect(status(ns, "i").completedIndexes).toBe("0-3");
      const index = "batch.kubernetes.io/job-completion-index";
      expect(pods.map(({ metadata }) => metadata.annotations[index]).sort()).toEqual(["0", "1", "2", "3"]);
      for (const { spec, metadata } of pods) {
        expect(spec.hostname).toBe(`i-${metadata.annotations[index]}`);
        expect(metadata.labels[index]).toBe(metadata.annotations[index]);
        expect(spec.containers[0].env).toEqual([
          { name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: `metadata.labels['${index}']` } } },
        ]);
      }
    });

    test("should run a job to completion when tasks sometimes fail and are locally restarted; pod failure policy on exit code", () => {
      const ns = w.namespace();
      const once = { command: ["sh", "-c", "exit 1"] };
      w.post(batch(ns, "jobs"), job("restarts", { backoffLimit: 6 }, once, { restartPolicy: "OnFailure" }));
      w.until(() => (w.pods(ns, "restarts")[0]?.status.containerStatuses?.[0].restartCount ?? 0) >= 2, "it is restarted in its pod");
      const rules = [{ action: "FailJob", onExitCodes: { operator: "In", values: [1] } }];
      w.post(batch(ns, "jobs"), job("fails", { backoffLimit: 6, podFailurePolicy: { rules } }, once));
      const failed = () => status(ns, "fails").conditions?.find(({ type }: Json) => type === "Failed");
      w.until(() => failed()?.status === "True", "it fails early");
      expect([failed().reason, status(ns, "fails").failed]).toEqual(["PodFailurePolicy", 1]);
    });
  });

  describe("DisruptionController", () => {
    test("should block an eviction until the PDB is updated to allow it; should observe PodDisruptionBudget status updated", () => {
      const ns = w.namespace();
      const at = `/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets`;
      w.post(at, { metadata: { name: "b" }, spec: { minAvailable: 3, selector: { matchLabels: { app: "web" } } } });
      w.post(apps(ns, "replicasets"), workload("ReplicaSet", "web", 3));
      w.until(() => w.get(`${at}/b`).status.currentHealthy === 3, "the budget sees them");
      const [pod] = w.pods(ns, "web");
      const evict = () =>
        w.try("POST", core(ns, `pods/${pod.metadata.name}/eviction`), {
          apiVersion: "policy/v1",
          kind: "Eviction",
          metadata: { name: pod.metadata.name },
        });
      expect(evict().body).toMatchObject({ code: 429, reason: "TooManyRequests", details: { causes: [{ reason: "DisruptionBudget" }] } });
      w.patch(`${at}/b`, { spec: { minAvailable: 2 } });
      w.until(() => w.get(`${at}/b`).status.disruptionsAllowed === 1, "one may go");
      expect(evict().code).toBe(201);
    });
  });
}
