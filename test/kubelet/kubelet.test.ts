import { address } from "../../protocol/address";
import type { KubeletGetResponse } from "../../protocol/cluster";
import type { Message } from "../../protocol/codec";
import { logOf as log, oneNode } from "./node";

const web = { name: "web", image: "shop/web:1", ports: [{ containerPort: 80 }] };

describe("a node (Nodes: heartbeats)", () => {
  test("is registered with its labels, is ready once it has a pod network, and renews its lease every ten seconds", () => {
    const t = oneNode();
    const node = t.store.of("nodes").get("node-0")!;
    expect(node.metadata.labels).toMatchObject({ "kubernetes.io/hostname": "node-0", "topology.kubernetes.io/zone": "a" });
    const conditions = (node.status as { conditions: { type: string; status: string; reason: string }[] }).conditions;
    expect(conditions.find(({ type }) => type === "Ready")).toMatchObject({ status: "True", reason: "KubeletReady" });
    const before = t.store.requests.filter((request) => request === "update leases").length;
    t.simulation.runFor(100_000);
    const renewals = t.store.requests.filter((request) => request === "update leases").length - before;
    expect(renewals).toBeGreaterThanOrEqual(9);
    expect(renewals).toBeLessThanOrEqual(10);
  });

  test("reports its status every five minutes when nothing changes", () => {
    const t = oneNode();
    t.simulation.runFor(20_000);
    const before = t.store.requests.filter((request) => request === "patch nodes/status").length;
    t.simulation.runFor(600_000);
    expect(t.store.requests.filter((request) => request === "patch nodes/status").length - before).toBe(2);
  });
});

describe("a pod on its node", () => {
  test("is pulled, created, started and ready when its probe says so", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", readyAfterMs: 15_000 }] });
    t.run("web", { containers: [{ ...web, readinessProbe: { httpGet: { port: 80, path: "/ready" } } }] });
    t.simulation.runFor(5_000);
    expect([t.pod("web")?.status?.phase, t.condition("web", "Ready")]).toEqual(["Running", "False"]);
    t.simulation.runFor(20_000);
    expect(t.condition("web", "Ready")).toBe("True");
    expect(t.pod("web")?.status?.podIP).toBe("10.244.0.2");
    expect(t.events().map((event) => event.split(":")[0])).toEqual(
      expect.arrayContaining(["Pulling", "Pulled", "Created", "Started", "Unhealthy"]),
    );
  });

  test("that crashes is restarted at once, then after ten seconds, then after twenty (CrashLoopBackOff)", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", startMs: 0, pullMs: 0, crashAfterMs: 1_000 }] });
    t.run("web", { containers: [web] });
    const starts: number[] = [];
    const waits: (string | undefined)[] = [];
    let count = 0;
    for (let second = 0; second < 40; second += 1) {
      t.simulation.runFor(1_000);
      const now = t.facts.filter(({ kind }) => kind === "container.started").length;
      if (now > count) starts.push(second);
      count = now;
      waits.push(t.pod("web")?.status?.containerStatuses?.[0]?.state?.waiting?.reason);
    }
    expect(starts.slice(1).map((at, index) => at - starts[index]!)).toEqual([1, 11, 21]);
    expect(waits).toContain("CrashLoopBackOff");
    expect(t.pod("web")?.status?.containerStatuses?.[0]?.restartCount).toBe(3);
  });

  test("that ends by itself has succeeded, and stays so", () => {
    const t = oneNode();
    t.run("job", { restartPolicy: "Never", containers: [{ name: "job", image: "busybox", args: ["sh", "-c", "echo done; sleep 2"] }] });
    t.simulation.runFor(10_000);
    expect(t.pod("job")?.status?.phase).toBe("Succeeded");
    expect(t.condition("job", "Ready")).toBe("False");
    expect(t.pod("job")?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
  });

  test("leaves a termination message: what its file, or its log if the pod wants that, says at its end (Container Runtime)", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", exitAfterMs: 1_000, terminationMessage: "x".repeat(5_000) }] });
    const busybox = (script: string, exitCode = 0) => ({
      name: "c",
      image: "busybox",
      command: ["sh", "-c", `${script}; exit ${exitCode}`],
    });
    const policy = { terminationMessagePolicy: "FallbackToLogsOnError" } as const;
    t.run("log", { restartPolicy: "Never", containers: [{ ...busybox("echo -n DONE", 1), ...policy }] });
    t.run("quiet", { restartPolicy: "Never", containers: [{ ...busybox("echo -n DONE"), ...policy }] });
    t.run("file", { restartPolicy: "Never", containers: [{ ...busybox("echo OK; echo -n DONE > /dev/termination-log", 1), ...policy }] });
    t.run("none", { restartPolicy: "Never", containers: [busybox("echo -n DONE", 1)] });
    t.run("path", {
      restartPolicy: "Never",
      containers: [
        { ...busybox("echo -n DONE > /tmp/why"), terminationMessagePath: "/tmp/why", securityContext: { readOnlyRootFilesystem: true } },
      ],
    });
    t.run("image", { restartPolicy: "Never", containers: [1, 2, 3, 4, 5].map((n) => ({ name: `c${n}`, image: "shop/web" })) });
    t.simulation.runFor(15_000);
    const message = (pod: string) => t.pod(pod)?.status?.containerStatuses?.map(({ state }) => state?.terminated?.message)[0];
    expect(["log", "quiet", "file", "none", "path"].map(message)).toEqual(["DONE", undefined, "DONE", undefined, "DONE"]);
    // Five share 12 KiB.
    expect(message("image")).toBe("x".repeat(2457));
  });

  test("whose subPathExpr cannot be filled in waits until it can (Variable Expansion)", () => {
    const t = oneNode();
    const env = [{ name: "DIR", valueFrom: { fieldRef: { fieldPath: "metadata.annotations['dir']" } } }];
    const volumeMounts = [{ name: "work", mountPath: "/work", subPathExpr: "$(DIR)" }];
    t.run("web", { containers: [{ ...web, env, volumeMounts }], volumes: [{ name: "work", emptyDir: {} }] });
    t.simulation.runFor(5_000);
    const waiting = { reason: "CreateContainerConfigError", message: "missing value for DIR" };
    expect(t.pod("web")?.status?.containerStatuses?.[0]?.state).toEqual({ waiting });
    const pod = t.store.of("pods").get("shop/web")!;
    t.store.put("pods", "MODIFIED", { ...pod, metadata: { ...pod.metadata, annotations: { dir: "mine" } } });
    t.simulation.runFor(15_000);
    expect(t.condition("web", "Ready")).toBe("True");
  });

  test("whose image cannot be pulled says ErrImagePull, then ImagePullBackOff", () => {
    const t = oneNode({ behaviours: [{ image: "shop/none", pullMs: 100, pullFailure: "not found" }] });
    t.run("web", { containers: [{ name: "web", image: "shop/none:1" }] });
    t.simulation.runFor(500);
    const reason = () => t.pod("web")?.status?.containerStatuses?.[0]?.state?.waiting?.reason;
    expect(reason()).toBe("ErrImagePull");
    t.simulation.runFor(2_000);
    expect(reason()).toBe("ImagePullBackOff");
    expect(t.pod("web")?.status?.phase).toBe("Pending");
  });

  test("that fails its liveness probe three times is restarted", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", unhealthyAfterMs: 20_000 }] });
    t.run("web", { containers: [{ ...web, livenessProbe: { httpGet: { port: 80 }, initialDelaySeconds: 5 } }] });
    t.simulation.runFor(60_000);
    expect(t.pod("web")?.status?.containerStatuses?.[0]?.restartCount).toBe(1);
    expect(t.events()).toContain("Killing: Container web failed liveness probe, will be restarted");
    expect(t.events()).toContain("Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500");
    // Source: kubernetes' list of stable metrics.
    let probes = "";
    t.simulation.ask<KubeletGetResponse>(
      address("kubelet", "node-0"),
      { kind: "kubelet.get", path: "/metrics/probes" } as Message,
      5_000,
      (answer) => {
        if (answer.ok) probes = Buffer.from(answer.body.bytes).toString();
      },
    );
    t.simulation.runFor(100);
    const uid = t.pod("web")?.metadata?.uid;
    const of = (result: string) =>
      `prober_probe_total{probe_type="Liveness",result="${result}",container="web",pod="web",namespace="shop",pod_uid="${uid}"}`;
    expect(probes).toContain(`${of("failed")} 3\n`);
    expect(probes).toContain(`${of("successful")} `);
  });

  test("is not probed for liveness before its startup probe has succeeded", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", readyAfterMs: 50_000 }] });
    const startupProbe = { tcpSocket: { port: 80 }, failureThreshold: 10 };
    t.run("web", { containers: [{ ...web, startupProbe, livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 } }] });
    t.simulation.runFor(80_000);
    expect(t.pod("web")?.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 0, started: true, ready: true });
  });

  test("is probed by command and by gRPC's health protocol, too", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", readyAfterMs: 3_000, unhealthyAfterMs: 30_000 }] });
    const port = { containerPort: 9000 };
    t.run("exec", { containers: [{ ...web, readinessProbe: { exec: { command: ["cat", "/ready"] }, periodSeconds: 2 } }] });
    t.run("grpc", { containers: [{ ...web, ports: [port], readinessProbe: { grpc: { port: 9000 }, periodSeconds: 2 } }] });
    t.simulation.runFor(15_000);
    expect([t.condition("exec", "Ready"), t.condition("grpc", "Ready")]).toEqual(["True", "True"]);
    t.simulation.runFor(45_000);
    expect([t.condition("exec", "Ready"), t.condition("grpc", "Ready")]).toEqual(["False", "False"]);
    expect(t.events()).toContain('Unhealthy: Readiness probe failed: service unhealthy (responded with "NOT_SERVING")');
  });

  test("that is bound to a node whose Node was deleted still runs", () => {
    const t = oneNode();
    t.store.remove("nodes", t.store.of("nodes").get("node-0")!);
    t.simulation.runFor(1_000);
    t.run("web", { containers: [web] });
    t.simulation.runFor(5_000);
    expect(t.pod("web")?.status?.phase).toBe("Running");
  });

  test("is turned away when the node is full", () => {
    const t = oneNode();
    const big = { ...web, resources: { requests: { cpu: "3" } } };
    t.run("first", { containers: [big] });
    t.run("second", { containers: [big] });
    t.simulation.runFor(5_000);
    expect(t.pod("first")?.status?.phase).toBe("Running");
    expect(t.pod("second")?.status).toMatchObject({ phase: "Failed", reason: "OutOfcpu" });
  });
});

describe("what a pod refers to (ConfigMaps, Secrets)", () => {
  const put = (t: ReturnType<typeof oneNode>, name: string, data: object) =>
    t.store.put("configmaps", "ADDED", { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "shop" }, data });

  test("must be there before its container is created, unless it is optional", () => {
    const t = oneNode();
    const from = (name: string, optional: boolean) => ({ configMapRef: { name, optional } });
    t.run("web", { containers: [{ ...web, envFrom: [from("extra", true), from("shop", false)] }] });
    t.simulation.runFor(5_000);
    expect(t.pod("web")?.status?.containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: "CreateContainerConfigError",
      message: 'configmap "shop" not found',
    });
    put(t, "shop", {});
    t.simulation.runFor(15_000);
    expect(t.pod("web")?.status?.phase).toBe("Running");
  });

  test("must have the keys that are named", () => {
    const t = oneNode();
    put(t, "shop", { colour: "red" });
    const env = [{ name: "SIZE", valueFrom: { configMapKeyRef: { name: "shop", key: "size" } } }];
    t.run("web", { containers: [{ ...web, env }] });
    t.simulation.runFor(5_000);
    expect(t.pod("web")?.status?.containerStatuses?.[0]?.state?.waiting?.message).toBe("couldn't find key size in ConfigMap shop/shop");
  });

  test("as a volume must be there before the sandbox is made", () => {
    const t = oneNode();
    t.run("web", { containers: [web], volumes: [{ name: "conf", secret: { secretName: "keys" } }] });
    t.simulation.runFor(5_000);
    expect(t.pod("web")?.status?.phase).toBe("Pending");
    expect(t.events()).toContain('FailedMount: MountVolume.SetUp failed for volume "conf" : secret "keys" not found');
  });
});

describe("deletion (Termination of Pods)", () => {
  test("is confirmed only after the containers have stopped", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", shutdownMs: 5_000 }] });
    t.run("web", { containers: [web] });
    t.simulation.runFor(5_000);
    t.remove("web", 30);
    t.simulation.runFor(4_500);
    expect(t.pod("web")).toBeDefined();
    t.simulation.runFor(2_000);
    expect(t.pod("web")).toBeUndefined();
    expect(t.facts.filter(({ kind }) => kind === "container.exited")).toEqual([
      expect.objectContaining({ exitCode: 0, reason: "Completed" }),
    ]);
  });

  test("kills what does not react to SIGTERM when the grace is over", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", ignoresSigterm: true }] });
    t.run("web", { containers: [web] });
    t.simulation.runFor(5_000);
    t.remove("web", 10);
    t.simulation.runFor(9_000);
    expect(t.pod("web")).toBeDefined();
    t.simulation.runFor(2_000);
    expect(t.pod("web")).toBeUndefined();
    expect(t.facts.find(({ kind }) => kind === "container.exited")).toMatchObject({ exitCode: 137 });
  });

  test("lets the preStop hook go first, within the grace", () => {
    const t = oneNode();
    t.run("web", { containers: [{ ...web, lifecycle: { preStop: { sleep: { seconds: 8 } } } }] });
    t.simulation.runFor(5_000);
    t.remove("web", 30);
    t.simulation.runFor(7_500);
    expect(t.facts.some(({ kind }) => kind === "container.exited")).toBe(false);
    t.simulation.runFor(2_000);
    expect(t.pod("web")).toBeUndefined();
  });

  test("while the node was cut off is carried out when it is back", () => {
    const t = oneNode();
    t.run("web", { containers: [web] });
    t.simulation.runFor(5_000);
    t.simulation.crashHost("apiserver-0");
    t.simulation.runFor(1_000);
    t.store.remove("pods", t.store.of("pods").get("shop/web")!);
    t.simulation.runFor(60_000);
    expect(t.facts.some(({ kind }) => kind === "container.exited")).toBe(false);
    t.simulation.startHost("apiserver-0");
    t.simulation.runFor(60_000);
    expect(t.facts.some(({ kind }) => kind === "container.exited")).toBe(true);
  });
});

describe("crashes", () => {
  test("a kubelet that starts again takes its pods over as they run", () => {
    const t = oneNode();
    t.run("web", { containers: [{ ...web, readinessProbe: { tcpSocket: { port: 80 } } }] });
    t.simulation.runFor(15_000);
    const before = t.pod("web")?.status;
    t.simulation.crashActor(address("kubelet", "node-0"));
    t.simulation.runFor(15_000);
    expect(t.facts.filter(({ kind }) => kind === "container.started")).toHaveLength(1);
    expect(t.pod("web")?.status?.containerStatuses).toEqual(before?.containerStatuses);
    expect(t.condition("web", "Ready")).toBe("True");
  });

  test("a node that went down starts its pods anew, and counts it as a restart", () => {
    const t = oneNode();
    t.run("web", { containers: [web] });
    t.simulation.runFor(5_000);
    t.simulation.crashHost("node-0");
    t.simulation.runFor(5_000);
    t.simulation.startHost("node-0");
    t.simulation.runFor(10_000);
    expect(t.facts.filter(({ kind }) => kind === "container.started")).toHaveLength(2);
    expect(t.pod("web")?.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
  });

  test("a runtime that lost everything is given the pods again", () => {
    const t = oneNode();
    t.run("web", { containers: [web] });
    t.simulation.runFor(5_000);
    t.simulation.crashActor(address("container-runtime", "node-0"));
    t.simulation.runFor(10_000);
    expect(t.pod("web")?.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1, ready: true });
    expect(t.pod("web")?.status?.phase).toBe("Running");
  });

  test("a kubelet whose runtime is down waits for it, also where probes are due meanwhile", () => {
    const t = oneNode();
    t.run("web", { containers: [{ ...web, readinessProbe: { httpGet: { port: 80, path: "/ready" }, periodSeconds: 1 } }] });
    t.simulation.runFor(5_000);
    const before = t.simulation.trace.count;
    t.simulation.crashActor(address("container-runtime", "node-0"));
    t.simulation.runFor(10_000);
    expect(t.condition("web", "Ready")).toBe("True");
    expect(t.simulation.trace.count - before).toBeLessThan(3_000);
  });
});

describe("logs (kubectl logs)", () => {
  test("of this instance, and of the one before", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", logLines: ["hello", "world"], crashAfterMs: 2_000 }] });
    t.run("web", { containers: [web] });
    t.simulation.runFor(1_900);
    expect(log(t, { previous: true })).toMatch(/^400 previous terminated container "web" in pod "web" not found/);
    t.simulation.runFor(3_000);
    expect(log(t, { previous: true })).toBe("hello\nworld\nexits with code 1\n");
    expect(log(t, { tailLines: 1, container: "other" })).toBe("400 container other is not valid for pod web");
  });

  test("before the container runs the answer says what it waits for", () => {
    const t = oneNode({ behaviours: [{ image: "shop/web", pullMs: 60_000 }] });
    t.run("web", { containers: [web] });
    t.simulation.runFor(1_000);
    expect(log(t)).toBe('400 container "web" in pod "web" is waiting to start: ContainerCreating');
  });
});
