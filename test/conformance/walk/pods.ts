import type { Json } from "../../api-server/server/tank";
import { core, podSpec, type World } from "../world";

/** What kubelets and scheduler make of Pods. */
export function pods(w: World): void {
  const statusOf = (ns: string, name: string) => w.get(core(ns, `pods/${name}`)).status;

  test("Pods should allow activeDeadlineSeconds to be updated", () => {
    const ns = w.namespace();
    w.post(core(ns, "pods"), { metadata: { name: "p" }, spec: podSpec() });
    w.until(() => statusOf(ns, "p").phase === "Running", "it runs");
    w.update(core(ns, "pods/p"), (object) => {
      object.spec.activeDeadlineSeconds = 5;
    });
    w.until(() => statusOf(ns, "p").phase === "Failed", "its time is over");
    expect(statusOf(ns, "p").reason).toBe("DeadlineExceeded");
  });

  test("ConfigMap and Secrets should fail to create with empty key; Sysctls should reject invalid sysctls; CSIInlineVolumes should support CSIVolumeSource in Pod API", () => {
    const ns = w.namespace();
    expect(w.try("POST", core(ns, "configmaps"), { metadata: { name: "e" }, data: { "": "value" } }).code).toBe(422);
    expect(w.try("POST", core(ns, "secrets"), { metadata: { name: "e" }, data: { "": "dmFsdWU=" } }).code).toBe(422);
    const sysctls = ["foo-", "kernel.shmmax", "safe-and-unsafe", "bar.."].map((name) => ({ name, value: "1" }));
    const refused = w.try("POST", core(ns, "pods"), { metadata: { name: "s" }, spec: podSpec({}, { securityContext: { sysctls } }) });
    expect(refused.code).toBe(422);
    for (const name of ["foo-", "bar.."]) expect(refused.body.message).toContain(`Invalid value: "${name}"`);
    expect(refused.body.message).not.toContain(`Invalid value: "kernel.shmmax"`);
    const volumes = [{ name: "v", csi: { driver: "e2e.example.com" } }];
    w.post(core(ns, "pods"), { metadata: { name: "csi", labels: { app: "csi" } }, spec: podSpec({}, { volumes, nodeName: "nobody" }) });
    expect(w.pods(ns, "csi").map(({ spec }: Json) => spec.volumes[0].csi)).toEqual([{ driver: "e2e.example.com" }]);
    w.delete(core(ns, "pods/csi"), { gracePeriodSeconds: 0 });
  });

  test("SchedulerPreemption validates pod disruption condition is added to the preempted pod; preemption by critical pod", () => {
    const ns = w.namespace();
    w.post("/apis/scheduling.k8s.io/v1/priorityclasses", { metadata: { name: "high" }, value: 1000 });
    const whole = { resources: { requests: { cpu: "3" } } };
    const pod = (name: string, metadata: object = {}, spec: object = {}) => ({
      metadata: { name, ...metadata },
      spec: podSpec(whole, spec),
    });
    const [one, two] = w.items("/api/v1/nodes").map(({ metadata }) => ({ nodeSelector: { "kubernetes.io/hostname": metadata.name } }));
    w.post(core(ns, "pods"), pod("low", { finalizers: ["example.com/held"] }, one));
    w.post(core(ns, "pods"), pod("other", {}, two));
    w.until(() => statusOf(ns, "low").phase === "Running" && statusOf(ns, "other").phase === "Running", "both run");
    w.post(core(ns, "pods"), pod("high", {}, { ...one, priorityClassName: "high" }));
    w.post(
      core("kube-system", "pods"),
      pod("critical", {}, { ...two, priorityClassName: "system-cluster-critical", serviceAccountName: "default" }),
    );
    w.until(() => w.get(core(ns, "pods/low")).metadata.deletionTimestamp !== undefined, "the low one is told to go");
    const condition = statusOf(ns, "low").conditions.find(({ type }: Json) => type === "DisruptionTarget");
    expect(condition).toMatchObject({ status: "True", reason: "PreemptionByScheduler" });
    w.patch(core(ns, "pods/low"), { metadata: { finalizers: null } });
    w.until(() => statusOf(ns, "high").phase === "Running", "the high one runs");
    w.until(() => w.gone(core(ns, "pods/other")) && statusOf("kube-system", "critical").phase === "Running", "the critical one runs");
    w.delete(core("kube-system", "pods/critical"));
  });
}
