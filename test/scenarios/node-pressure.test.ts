import { actors } from "../../actors";
import type { Node, Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { readManifests } from "../../scenarios/manifests";
import { runScenario } from "../../scenarios/run";
import { scenarioOf } from "./tiny";

const deployment = (name: string, replicas: number, resources: string) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: default }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: main, image: "example.com/${name}", resources: ${resources} }] }
---`;

/** What happened to a node that a fault makes short of something, each as a line, in order; and what its pods that had to go say. */
function story(fault: string, images: string, knobs = "") {
  const text = `
name: pressed
cluster: { etcd: 1, apiServers: 1, controllers: 1, nodes: 2, zones: 1, knobs: { kubelet.eviction-pressure-transition-period: 30s${knobs} } }
images: ${images}
storm: [{ at: 1s, fault: ${fault}, target: { hosts: [node-0] }, for: 25s }]
stormFor: 70s
calm: { within: 60s, stay: 2s }
expect: [no-stray-containers, pod-bound-once, convergence]
`;
  const read = readManifests([
    { file: "m.yaml", text: `${deployment("greedy", 2, "{}")}${deployment("modest", 2, "{ requests: { memory: 300Mi } }")}` },
  ]);
  const lines: string[] = [];
  const evicted: Stored<Pod>[] = [];
  let stormUs = 0;
  let [pressedUs, evictedUs] = [0, 0];
  const result = runScenario({
    ...{ scenario: scenarioOf(text), manifests: read.manifests, objectsOfStep: new Map(), seed: 1, actors },
    onEvent(event) {
      if (event.type === "act" && event.act === "storm") stormUs = event.atUs;
      if (event.type !== "object" || stormUs === 0) return;
      const { before, after } = event;
      const say = (line: string) => void (lines.at(-1) !== line && lines.push(line));
      if (after?.kind === "Node" && after.metadata.name === "node-0") {
        const [was, is] = [before, after].map((node) => shown(node as Stored<Node> | undefined));
        if (was !== is) say(is!);
        if (pressedUs === 0 && is !== "conditions [] taints []") pressedUs = event.atUs;
      }
      const pod = after as Stored<Pod> | undefined;
      if (pod?.kind === "Pod" && pod.status?.reason === "Evicted" && (before as Stored<Pod> | undefined)?.status?.reason !== "Evicted") {
        evicted.push(pod);
        if (evictedUs === 0) evictedUs = event.atUs;
        say(`evicted ${pod.metadata.labels?.app}`);
      }
    },
  });
  expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
  return { lines, evicted, waitedMs: (evictedUs - pressedUs) / 1000 };
}

function shown(node: Stored<Node> | undefined): string {
  const conditions =
    node?.status?.conditions?.filter(({ type, status }) => type !== "Ready" && status === "True").map(({ type }) => type) ?? [];
  const taints = node?.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`) ?? [];
  return `conditions [${conditions}] taints [${taints}]`;
}

describe("a node that is short", () => {
  it("of memory says so, is tainted, evicts who takes more than it asked for, and is itself again after the transition period", () => {
    const { lines, evicted } = story(
      "memory-hog, share: 94%",
      '[{ image: "example.com/greedy", memoryBytes: 450000000 }, { image: "example.com/modest", memoryBytes: 200000000 }]',
    );
    expect(lines.filter((line) => line.startsWith("conditions"))).toEqual([
      "conditions [MemoryPressure] taints []",
      "conditions [MemoryPressure] taints [node.kubernetes.io/memory-pressure:NoSchedule]",
      "conditions [] taints [node.kubernetes.io/memory-pressure:NoSchedule]",
      "conditions [] taints []",
    ]);
    expect(lines.filter((line) => line.startsWith("evicted"))).toEqual(["evicted greedy"]);
    const [pod] = evicted;
    expect(pod!.status).toMatchObject({
      phase: "Failed",
      reason: "Evicted",
      message: expect.stringMatching(/^The node was low on resource: memory\. /),
    });
    expect(pod!.status?.conditions).toContainEqual(
      expect.objectContaining({ type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet" }),
    );
  });

  it("of memory by a soft threshold says so at once, and evicts with grace when the grace period is over", () => {
    const soft = ["memory-available: 1000", "grace-period: 12s"].map((one) => `, kubelet.eviction-soft-${one}`).join("");
    const { lines, evicted, waitedMs } = story(
      "memory-hog, share: 85%",
      '[{ image: "example.com/greedy", memoryBytes: 450000000 }, { image: "example.com/modest", memoryBytes: 200000000 }]',
      `${soft}, kubelet.eviction-max-pod-grace-period: 10s`,
    );
    expect(lines[0]).toBe("conditions [MemoryPressure] taints []");
    expect(evicted.map(({ metadata }) => metadata.labels?.app)).toContain("greedy");
    expect(evicted[0]!.status?.message).toMatch(/^The node was low on resource: memory\. Threshold quantity: 1024000Ki, /);
    expect(waitedMs).toBeGreaterThanOrEqual(12_000);
    expect(waitedMs).toBeLessThan(25_000);
  });

  it("of disk evicts until there is enough", () => {
    const { lines, evicted } = story("disk-fill, share: 92%", '[{ image: "example.com/greedy", diskBytes: 900000000 }]');
    expect(lines).toContain("conditions [DiskPressure] taints [node.kubernetes.io/disk-pressure:NoSchedule]");
    expect(lines.at(-1)).toBe("conditions [] taints []");
    expect(evicted.map(({ spec }) => spec?.nodeName)).not.toContain("node-1");
    expect(evicted.length).toBeGreaterThan(0);
    expect(evicted[0]!.metadata.labels?.app).toBe("greedy");
  });
});
