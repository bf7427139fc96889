import { actors } from "../../actors";
import { deletionTimeoutMs } from "../../actors/controller-manager/disruption";
import { actionNamed } from "../../scenarios/actions";
import { readManifests } from "../../scenarios/manifests";
import { runScenario } from "../../scenarios/run";
import { scenarioOf } from "./tiny";

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: example.com/web }] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web, namespace: default }
spec: { maxUnavailable: 0, selector: { matchLabels: { app: web } } }
`;

/** When each action was done, in the order in which they were, in seconds of the storm. */
function doneIn(storm: string, nodes = 2): readonly string[] {
  const text = `name: x\ncluster: { etcd: 1, apiServers: 1, controllers: 1, nodes: ${nodes} }\nstorm:\n${storm}\nstormFor: 40s\ncalm: { within: 120s, stay: 2s }\nexpect: [convergence]\n`;
  const read = readManifests([{ file: "web.yaml", text: manifests }]);
  const done: string[] = [];
  let stormUs = 0;
  const result = runScenario({
    ...{ scenario: scenarioOf(text), manifests: read.manifests, objectsOfStep: new Map(), seed: 1, actors },
    onEvent(event) {
      if (event.type === "act" && event.act === "storm") stormUs = event.atUs;
      if (event.type === "action" && stormUs > 0)
        done.push(`${event.action.split(" ")[0]} ${event.ok ? "done" : "failed"} by ${Math.ceil((event.atUs - stormUs) / 1e7)}0s`);
    },
  });
  expect(result.convergence.reasons).toEqual([]);
  return done;
}

const drain = "action: drain, node: node-0 }";
const drainOther = "action: drain, node: node-1 }";
const loosen =
  "action: patch, apiVersion: policy/v1, kind: PodDisruptionBudget, namespace: default, name: web, type: merge, patch: { spec: { maxUnavailable: 1 } } }";
const nodesBack = "  - { at: 35s, action: uncordon, node: node-0 }\n  - { at: 35s, action: uncordon, node: node-1 }";

it("a drain waits longer than an eviction that came to nothing is held against its budget", () => {
  // healthy-workloads 20008: an API server died between the budget and the pod, and for two minutes no eviction was allowed.
  expect(actionNamed("drain")!.withinMs!({ node: "node-0" })).toBeGreaterThan(deletionTimeoutMs);
});

describe("what an operator is asked to do", () => {
  it("goes on beside a drain that waits, whichever node the pod is on", () => {
    const done = doneIn(
      `  - { at: 1s, ${drain}\n  - { at: 1s, ${drainOther}\n  - { at: 21s, ${loosen}\n  - { at: 20s, action: uncordon, node: node-0 }\n  - { at: 20s, action: uncordon, node: node-1 }`,
    );
    // The node without the pod is drained at once; the other drain is over only after somebody else has loosened the budget.
    expect(done[0]).toBe("drain done by 10s");
    expect(done.slice(1, 4).sort()).toEqual(["patch done by 30s", "uncordon done by 30s", "uncordon done by 30s"].sort());
    expect(done[4]).toBe("drain done by 30s");
  });

  it("waits for the one before it in a serial block", () => {
    const done = doneIn(
      `  - { at: 21s, ${loosen}\n  - serial:\n      - { ${drain}\n      - { action: uncordon, node: node-0 }\n      - { ${drainOther}\n      - { action: uncordon, node: node-1 }\n${nodesBack}`,
    );
    const order = done.map((text) => text.split(" ")[0]);
    expect(order.indexOf("patch")).toBeLessThan(order.lastIndexOf("drain"));
    const serial = order.filter((name) => name !== "patch").slice(0, 4);
    expect(serial).toEqual(["drain", "uncordon", "drain", "uncordon"]);
  });

  it("drains a node of the pods that were on it, not of those that come when it is uncordoned meanwhile", () => {
    const done = doneIn(`  - { at: 1s, ${drain}\n  - { at: 11s, action: uncordon, node: node-0 }\n  - { at: 12s, ${loosen}`, 1);
    expect(done).toEqual(["uncordon done by 20s", "patch done by 20s", "drain done by 20s"]);
  });
});
