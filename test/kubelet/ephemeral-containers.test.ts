import type { Pod } from "../../protocol/kinds/generated";
import { oneNode } from "./node";

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
