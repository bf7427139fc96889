import { actors } from "../../actors";
import { readManifests } from "../../scenarios/manifests";
import type { RunInput } from "../../scenarios/run";
import { ofPodsAndNodes, ofTheApi } from "./fault-cases";
import { type Case, holdsAndReplays } from "./fault-run";
import { scenarioOf } from "./tiny";

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: default }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { terminationGracePeriodSeconds: 2, containers: [{ name: web, image: example.com/web, ports: [{ containerPort: 80 }], livenessProbe: { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 2 } }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`;

const authz = `{ timeout: 3s, subjectAccessReviewVersion: v1, failurePolicy: NoOpinion, cacheAuthorizedRequests: false, cacheUnauthorizedRequests: false, connectionInfo: { url: "https://authz.example.com/" } }`;
const askingAuthz = `
webhooks: [{ name: authz, serves: authz.example.com, authorization: no-opinion }]
authorization: { authorizers: [{ type: Webhook, name: authz, webhook: ${authz} }, { type: Node, name: node }, { type: RBAC, name: rbac }] }`;

const everySeconds = 3;
/** The cases one after the other, each for two seconds. */
function inputOf(cases: readonly Case[], seed = 1): RunInput {
  const steps = cases.flatMap(([step, , meanwhile], i) => [
    `  - { at: ${i * everySeconds + 1}s, for: 2s, ${step} }`,
    ...(meanwhile === "restart" ? [`  - { at: ${i * everySeconds + 1}s, action: restart, deployment: default/web }`] : []),
  ]);
  const text = `
name: faults-in-turn
cluster: { etcd: 1, apiServers: 2, controllers: 1, nodes: 3, zones: 1 }
images: [{ image: example.com/web, dependencies: [{ service: web, required: false, inProbes: true }] }]
${cases === ofTheApi ? askingAuthz : ""}
settle: 60s
storm:
${steps.join("\n")}
stormFor: ${cases.length * everySeconds + 1}s
beyondBudget: true
calm: { within: 120s, stay: 2s }
expect: [raft-committed, acknowledged-writes, pod-bound-once, endpoints-ready, convergence]
`;
  const read = readManifests([{ file: "web.yaml", text: manifests }]);
  expect(read.problems).toEqual([]);
  return { scenario: scenarioOf(text), manifests: read.manifests, objectsOfStep: new Map(), seed, actors };
}

describe.each([
  ["of the API", ofTheApi, []],
  ["of pods and nodes", ofPodsAndNodes, ["node-2"]],
] as const)("faults %s", (_, cases, dead) => {
  it("take effect, are undone, and replay from their record to the byte", () => {
    holdsAndReplays(inputOf(cases), cases, dead);
  });
});
