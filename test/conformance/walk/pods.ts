import type { Credential } from "../../../protocol/api";
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

  test("ServiceAccounts should mount an API token into pods; should mount projected service account token", () => {
    const ns = w.namespace();
    const folder = "/var/run/secrets/kubernetes.io/serviceaccount";
    const token = { serviceAccountToken: { path: "token", expirationSeconds: 600, audience: "vault" } };
    const own = { volumeMounts: [{ name: "own", mountPath: "/own" }] };
    w.post(core(ns, "pods"), {
      metadata: { name: "p" },
      spec: podSpec(own, {
        securityContext: { fsGroup: 7 },
        volumes: [{ name: "own", projected: { sources: [token], defaultMode: 0o400 } }],
      }),
    });
    w.until(() => statusOf(ns, "p").phase === "Running", "it runs");
    expect(w.exec(ns, "p", "cat", `${folder}/namespace`)).toBe(ns);
    expect(w.exec(ns, "p", "cat", `${folder}/ca.crt`)).toBe("PEM");
    const bearer = (file: string) => ({ type: "bearer", token: w.exec(ns, "p", "cat", file) }) as const;
    const review = (credential: Credential) =>
      w.try(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
        undefined,
        credential,
      );
    const mine = bearer(`${folder}/token`);
    const { status } = review(mine).body;
    expect(status.userInfo.username).toBe(`system:serviceaccount:${ns}:default`);
    expect(status.userInfo.extra["authentication.kubernetes.io/pod-name"]).toEqual(["p"]);
    // The same until it has grown old; one for others does not count here.
    expect([bearer(`${folder}/token`), review(bearer("/own/token")).code]).toEqual([mine, 401]);
    expect(w.exec(ns, "p", "ls", "-l", "/own/token")).toMatch(/^-rw-r----- /);
    w.delete(core(ns, "pods/p"), { gracePeriodSeconds: 0 });
    w.until(() => review(mine).code === 401, "its token has died with it");
    w.post(core(ns, "pods"), { metadata: { name: "without" }, spec: podSpec({}, { automountServiceAccountToken: false }) });
    w.until(() => statusOf(ns, "without").phase === "Running", "it runs");
    expect(w.exec(ns, "without", "ls", folder)).toContain("No such file or directory");
    // One that reads its token as it begins has it then.
    w.post(core(ns, "pods"), {
      metadata: { name: "reads" },
      spec: podSpec({ command: ["cat", `${folder}/token`] }, { restartPolicy: "Never" }),
    });
    w.until(() => statusOf(ns, "reads").phase === "Succeeded", "it is over");
    expect(w.try("GET", core(ns, "pods/reads/log")).text).toMatch(/^ey.+\..+\./);
  });

  test("volumes: updates should be reflected; optional updates; binary data; update labels; subPath does not follow (ConfigMap, Secrets, Projected, Downward API)", () => {
    const ns = w.namespace();
    const volumes = [
      { name: "map", configMap: { name: "map" } },
      { name: "late", secret: { secretName: "late", optional: true } },
      { name: "fixed", configMap: { name: "fixed" } },
      { name: "all", projected: { sources: [{ configMap: { name: "map" } }, { secret: { name: "late", optional: true } }] } },
      { name: "told", downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels['a']" } }] } },
    ];
    const volumeMounts = [
      ...volumes.map(({ name }) => ({ name, mountPath: `/${name}` })),
      { name: "map", mountPath: "/part", subPath: "key" },
    ];
    w.post(core(ns, "configmaps"), { metadata: { name: "map" }, data: { key: "one", old: "x" }, binaryData: { raw: "/v8A" } });
    w.post(core(ns, "configmaps"), { metadata: { name: "fixed" }, immutable: true, data: { key: "one" } });
    w.post(core(ns, "pods"), { metadata: { name: "p", labels: { a: "1" } }, spec: podSpec({ volumeMounts }, { volumes }) });
    w.until(() => statusOf(ns, "p").phase === "Running", "it runs");
    const read = () =>
      w.exec(ns, "p", "sh", "-c", "cat /map/key /all/key /part /fixed/key /late/word /all/word /told/labels; ls /map; echo x > /map/new");
    const missing = (path: string) => `cat: can't open '${path}': No such file or directory\n`;
    const refused = "sh: can't create /map/new: Read-only file system\n";
    expect(read()).toBe(`${missing("/late/word")}${missing("/all/word")}oneoneoneone1key\nold\nraw\n${refused}`);
    expect(w.exec(ns, "p", "sh", "-c", "wc -c < /map/raw")).toMatch(/^\s*3\n/);
    w.update(core(ns, "configmaps/map"), (object) => {
      object.data = { key: "two", new: "y" };
      delete object.binaryData;
    });
    w.post(core(ns, "secrets"), { metadata: { name: "late" }, stringData: { word: "late" } });
    w.patch(core(ns, "pods/p"), { metadata: { labels: { a: "2" } } });
    w.simulation.runFor(61_000);
    expect(read()).toBe(`twotwooneonelatelate2key\nnew\n${refused}`);
    w.delete(core(ns, "secrets/late"));
    w.simulation.runFor(61_000);
    expect(read()).toContain(missing("/late/word"));
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
