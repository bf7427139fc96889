import type { Pod } from "../../protocol/kinds/generated";
import { logOf as log, oneNode } from "./node";

/** Adds an ephemeral container to a pod as the subresource does. */
function debug(node: ReturnType<typeof oneNode>, name: string, container: object): void {
  const pod = node.store.of("pods").get(`shop/${name}`)! as unknown as Pod & { readonly spec: object };
  const ephemeralContainers = [...((pod.spec as Pod["spec"])?.ephemeralContainers ?? []), container];
  node.store.put("pods", "MODIFIED", { ...pod, spec: { ...pod.spec, ephemeralContainers } } as never);
}

// Source: the Kubernetes documentation, "Ephemeral Containers".
describe("an ephemeral container", () => {
  const behaviours = [{ image: "tool", exitAfterMs: 5_000, exitCode: 3 }];

  test("starts in a pod that runs, ends without being started again, and the pod does not depend on it", () => {
    const node = oneNode({ behaviours });
    node.run("web", { containers: [{ name: "web", image: "web:1" }] });
    node.simulation.runFor(10_000);
    expect(node.condition("web", "Ready")).toBe("True");
    debug(node, "web", { name: "debugger", image: "tool:1", targetContainerName: "web" });
    node.simulation.runFor(1_500);
    const status = () => node.pod("web")?.status?.ephemeralContainerStatuses?.[0];
    expect(status()?.state).toHaveProperty("running");
    expect(status()).toMatchObject({ name: "debugger", ready: false, restartCount: 0 });
    node.simulation.runFor(30_000);
    expect(status()?.state?.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
    expect(status()?.restartCount).toBe(0);
    expect(node.condition("web", "Ready")).toBe("True");
    expect(node.pod("web")?.status?.phase).toBe("Running");
    expect(node.events()).toContain("Started: Started container debugger");
  });

  test("outlives a restart of the kubelet, and a second one can come", () => {
    const node = oneNode();
    node.run("web", { containers: [{ name: "web", image: "web:1" }] });
    node.simulation.runFor(10_000);
    debug(node, "web", { name: "one", image: "busybox" });
    node.simulation.runFor(5_000);
    const before = node.pod("web")?.status?.ephemeralContainerStatuses?.[0]?.containerID;
    expect(before).toBeDefined();
    node.simulation.crashActor("kubelet/node-0" as never);
    node.simulation.runFor(10_000);
    debug(node, "web", { name: "two", image: "busybox" });
    node.simulation.runFor(10_000);
    const statuses = node.pod("web")?.status?.ephemeralContainerStatuses ?? [];
    expect(statuses.map(({ name }) => name)).toEqual(["one", "two"]);
    expect(statuses[0]?.containerID).toBe(before);
    for (const { state } of statuses) expect(state).toHaveProperty("running");
  });

  test("whose image cannot be had waits, and the pod goes on", () => {
    const node = oneNode({ behaviours: [{ image: "gone", pullFailure: "not found" }] });
    node.run("web", { containers: [{ name: "web", image: "web:1" }] });
    node.simulation.runFor(10_000);
    debug(node, "web", { name: "debugger", image: "gone:1" });
    node.simulation.runFor(20_000);
    expect(node.pod("web")?.status?.ephemeralContainerStatuses?.[0]?.state?.waiting?.reason).toMatch(/ErrImagePull|ImagePullBackOff/);
    expect(node.condition("web", "ContainersReady")).toBe("True");
  });
});

// Source: the Kubernetes documentation, "Resize CPU and Memory Resources assigned to Containers".
describe("a resize", () => {
  const sized = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });
  const resizePolicy = [{ resourceName: "memory", restartPolicy: "RestartContainer" }];
  const container = { name: "web", image: "web:1", resources: sized("1", "256Mi"), resizePolicy };

  function world(behaviours: Parameters<typeof oneNode>[0] = {}) {
    const node = oneNode(behaviours);
    const status = (name: string) => node.pod(name)?.status?.containerStatuses?.[0];
    const change = (name: string, fields: object) => {
      const pod = node.store.of("pods").get(`shop/${name}`)! as unknown as Pod & { readonly metadata: { readonly generation: number } };
      const containers = pod.spec!.containers.map((one) => ({ ...one, ...fields }));
      const metadata = { ...pod.metadata, generation: pod.metadata.generation + 1 };
      node.store.put("pods", "MODIFIED", { ...pod, metadata, spec: { ...pod.spec, containers } } as never);
    };
    const condition = (name: string, type: string) => node.pod(name)?.status?.conditions?.find((one) => one.type === type);
    return { ...node, status, change, condition };
  }

  test("of CPU is given to the container as it runs", () => {
    const { run, simulation, status, change, condition, events } = world();
    run("web", { containers: [container] });
    simulation.runFor(10_000);
    const { containerID } = status("web")!;
    expect(status("web")).toMatchObject({ allocatedResources: { cpu: "1" }, resources: { limits: { cpu: "1" } } });
    change("web", { resources: sized("2", "256Mi") });
    simulation.runFor(5_000);
    expect(status("web")).toMatchObject({
      containerID,
      restartCount: 0,
      allocatedResources: { cpu: "2" },
      resources: { limits: { cpu: "2" } },
    });
    expect(condition("web", "PodResizeInProgress")).toBeUndefined();
    const told = events().filter((event) => event.startsWith("Resize"));
    expect(told.map((event) => event.split(":")[0])).toEqual(["ResizeStarted", "ResizeCompleted"]);
  });

  test("restarts the container where its policy says so, and only for that resource", () => {
    const { run, simulation, status, change, events } = world();
    run("web", { containers: [container] });
    simulation.runFor(10_000);
    change("web", { resources: sized("1", "512Mi") });
    simulation.runFor(60_000);
    expect(status("web")).toMatchObject({ restartCount: 1, ready: true, resources: { limits: { memory: "512Mi" } } });
    expect(events()).toContain("Killing: Container web resize requires restart");
  });

  test("waits until another pod has gone, or is never granted where the node is too small", () => {
    const { run, simulation, status, change, condition, remove } = world();
    run("web", { containers: [container] });
    run("other", { containers: [{ name: "other", image: "other:1", resources: sized("2", "1Gi") }] });
    simulation.runFor(10_000);
    change("web", { resources: sized("3", "256Mi") });
    simulation.runFor(5_000);
    const message = "Node didn't have enough resource: cpu, requested: 3000, used: 2000, capacity: 4000";
    expect(condition("web", "PodResizePending")).toMatchObject({ status: "True", reason: "Deferred", message, observedGeneration: 2 });
    expect(status("web")).toMatchObject({ allocatedResources: { cpu: "1" } });
    remove("other", 0);
    simulation.runFor(10_000);
    expect(condition("web", "PodResizePending")).toBeUndefined();
    expect(status("web")).toMatchObject({ allocatedResources: { cpu: "3" }, restartCount: 0 });
    change("web", { resources: sized("5", "256Mi") });
    simulation.runFor(5_000);
    expect(condition("web", "PodResizePending")).toMatchObject({
      reason: "Infeasible",
      message: "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000",
    });
    expect(status("web")).toMatchObject({ allocatedResources: { cpu: "3" }, resources: { requests: { cpu: "3" } } });
  });

  test("below what the process takes goes on until it can be done, over a restart of the kubelet too", () => {
    const { run, simulation, status, change, condition } = world({ behaviours: [{ image: "web", memoryBytes: 200 * 2 ** 20 }] });
    run("web", { containers: [{ ...container, resizePolicy: undefined }] });
    simulation.runFor(10_000);
    change("web", { resources: sized("1", "100Mi") });
    simulation.runFor(5_000);
    expect(condition("web", "PodResizeInProgress")).toMatchObject({
      reason: "Error",
      message: expect.stringContaining("below current usage"),
    });
    simulation.crashActor("kubelet/node-0" as never);
    simulation.runFor(30_000);
    expect(status("web")).toMatchObject({
      allocatedResources: { memory: "100Mi" },
      resources: { limits: { memory: "256Mi" } },
      restartCount: 0,
    });
    expect(condition("web", "PodResizeInProgress")).toMatchObject({ reason: "Error" });
    change("web", { resources: sized("1", "300Mi") });
    simulation.runFor(15_000);
    expect(condition("web", "PodResizeInProgress")).toBeUndefined();
    expect(status("web")).toMatchObject({ resources: { limits: { memory: "300Mi" } }, restartCount: 0 });
  });

  test("another image means another instance", () => {
    const { run, simulation, status, change, events } = world();
    run("web", { containers: [container] });
    simulation.runFor(10_000);
    change("web", { image: "web:2" });
    simulation.runFor(60_000);
    expect(status("web")).toMatchObject({ image: "web:2", restartCount: 1, ready: true });
    expect(events()).toContain("Killing: Container web definition changed, will be restarted");
  });
});

describe("what a pod's containers run", () => {
  test("is what its command says where the simulated shell has all of that, with $(NAME)s filled in (Variable Expansion)", () => {
    const t = oneNode();
    const script = 'TEST_VAR=wrong echo "$(TEST_VAR)"; echo $HOSTNAME; sleep 20; echo after; hostname; unknown || date +%s';
    const shell = (name: string, text: string) => ({ name, image: "busybox", command: ["sh", "-c"], args: [text] });
    const env = [{ name: "TEST_VAR", value: "test-value" }];
    t.run("web", { hostname: "box", containers: [{ ...shell("web", script.replace("unknown", "false")), env }, shell("image", script)] });
    t.simulation.runFor(3_000);
    expect(log(t)).toBe("test-value\nbox\n");
    t.simulation.runFor(20_000);
    expect(log(t, { previous: true })).toMatch(/^test-value\nbox\nafter\nbox\n\d+\n$/);
    expect(log(t, { container: "image" })).toBe("started\n");
  });

  test("shows that a pod's containers share its emptyDirs, which outlive them and show parts of themselves (Volumes: emptyDir, subPath)", () => {
    const t = oneNode();
    const shell = (name: string, text: string, mounts: object[]) => ({
      name,
      image: "busybox",
      command: ["sh", "-c", text],
      env: [{ name: "PART", value: "part" }],
      volumeMounts: mounts as never,
    });
    const all = { name: "work", mountPath: "/work" };
    const spec = (first: string) => ({
      initContainers: [
        shell("init", "mkdir /work/part; echo -n made > /work/part/a; echo node > /node/b", [all, { name: "node", mountPath: "/node" }]),
      ],
      containers: [
        shell("web", first, [all]),
        shell("other", "sleep 1; cat /here/a; cat /node/b; ls -ld /here /all; echo no > /here/c; ls /here; echo x > /there; sleep 1d", [
          { name: "work", mountPath: "/here", subPathExpr: "$(PART)", readOnly: true },
          { name: "node", mountPath: "/node", readOnly: true },
          { name: "work", mountPath: "/all" },
        ]),
      ],
      volumes: [
        { name: "work", emptyDir: { medium: "Memory", sizeLimit: "1Ki" } },
        { name: "node", hostPath: { path: "/data/" } },
      ],
    });
    t.run("web", spec("echo again >> /work/part/a; sleep 3; exit 1"));
    t.simulation.runFor(9_000);
    expect(log(t, { container: "other" }).split("\n").slice(0, -1)).toEqual([
      "madeagain",
      "node",
      expect.stringMatching(/^drwxr-xr-x .* \/here$/),
      expect.stringMatching(/^drwxrwxrwx .* \/all$/),
      "sh: can't create /here/c: Read-only file system",
      "a",
    ]);
    // Another pod finds what is the node's. More than may be in the volume costs a pod its life.
    const next = shell("web", "cat /data/b; cat /work/part/a; env > /work/env; cp /work/env /work/b; sleep 1d", [
      all,
      { name: "node", mountPath: "/data" },
    ]);
    const large = [{ name: "LARGE", value: "x".repeat(1_000) }];
    t.run("next", { containers: [{ ...next, env: large }], volumes: spec("").volumes });
    t.simulation.runFor(12_000);
    expect(log(t, { pod: "next" })).toBe("node\ncat: can't open '/work/part/a': No such file or directory\n");
    const message = 'Usage of EmptyDir volume "work" exceeds the limit "1Ki". ';
    expect([t.pod("web")?.status?.phase, t.pod("next")?.status]).toMatchObject([
      "Running",
      { phase: "Failed", reason: "Evicted", message },
    ]);
    expect(t.pod("web")?.status?.containerStatuses?.[0]?.restartCount).toBeGreaterThan(0);
  });

  test("runs as whom its pod says, and sees the hosts file that is its own (Security Context; KubeletManagedEtcHosts)", () => {
    const t = oneNode();
    const says = (script: string) => ({ name: "web", image: "busybox", command: ["sh", "-c", script] });
    const securityContext = { runAsUser: 1001, fsGroup: 7, supplementalGroups: [8] };
    const whoever = says("id; id -u; whoami; cat /etc/hosts");
    t.run("web", {
      restartPolicy: "Never",
      securityContext,
      containers: [{ ...whoever, securityContext: { runAsUser: 1003, runAsGroup: 2002 } }],
    });
    t.run("node", { restartPolicy: "Never", hostNetwork: true, containers: [says("id -G; cat /etc/hosts")] });
    const volumes = [{ name: "hosts", hostPath: { path: "/etc/hosts", type: "File" } }];
    const volumeMounts = [{ name: "hosts", mountPath: "/etc/hosts" }];
    t.run("mounts", { restartPolicy: "Never", volumes, containers: [{ ...says("cat /etc/hosts; hostname"), volumeMounts }] });
    t.simulation.runFor(5_000);
    expect(log(t)).toMatch(/^uid=1003 gid=2002 groups=2002,7,8\n1003\nwhoami: unknown uid 1003\n# Kubernetes-managed hosts file\.\n127/);
    expect(log(t, { pod: "node" })).toBe("0\n# Kubernetes-managed hosts file (host network).\n127.0.0.1\tlocalhost\n");
    expect(log(t, { pod: "mounts" })).toBe("127.0.0.1\tlocalhost\nmounts\n");
  });

  test("of a container whose liveness probe's command does what it says: it is restarted once it fails (Probing container)", () => {
    const t = oneNode();
    const livenessProbe = { exec: { command: ["cat", "/tmp/health"] }, periodSeconds: 1, failureThreshold: 1 };
    const args = ["echo ok > /tmp/health; sleep 10; rm -rf /tmp/health; sleep 600"];
    const readinessProbe = { exec: { command: ["sh", "-c", "sleep 2; true"] }, timeoutSeconds: 1 };
    const startupProbe = { exec: { command: ["sh", "-c", "sleep 2; cat /tmp/health"] }, timeoutSeconds: 5 };
    t.run("web", {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "web", image: "busybox", command: ["sh", "-c"], args, livenessProbe, readinessProbe, startupProbe }],
    });
    t.simulation.runFor(9_000);
    expect(t.pod("web")?.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 0, started: true, ready: false });
    t.simulation.runFor(16_000);
    expect(t.pod("web")?.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1 });
    expect(t.events()).toContain("Unhealthy: Liveness probe failed: cat: can't open '/tmp/health': No such file or directory\n");
    expect(t.events()).toContain('Unhealthy: Readiness probe failed: command "sh -c sleep 2; true" timed out after 1s');
  });
});
