import type { JsonObject, Stored } from "../../protocol/kinds/object";
import { objectId } from "../../scenarios/history";
import { reasonsNotAtRest } from "../../scenarios/rest";
import type { HostFacts } from "../../scenarios/target";
import { pod } from "./checks/told";

const host = (name: string, up = true): HostFacts => ({ name, zone: "a", role: "node", up, leads: false });
const node = (ready: string, taints: readonly JsonObject[] = []): JsonObject => ({
  kind: "Node",
  metadata: { name: "node-0", uid: "n" },
  spec: { taints },
  status: { conditions: [{ type: "Ready", status: ready }] },
});
const replicaSet = (replicas: number, reported = replicas): JsonObject => ({
  kind: "ReplicaSet",
  metadata: { namespace: "shop", name: "web-1", uid: "web-1" },
  spec: { replicas },
  status: { replicas: reported },
});
const deployment = (status: JsonObject): JsonObject => ({
  kind: "Deployment",
  metadata: { namespace: "shop", name: "web", uid: "d", generation: 2 },
  spec: { replicas: 2 },
  status,
});
const service: JsonObject = { kind: "Service", metadata: { namespace: "shop", name: "web", uid: "s" }, spec: { selector: { app: "web" } } };
const slice = (...names: string[]): JsonObject => ({
  kind: "EndpointSlice",
  metadata: { namespace: "shop", name: "web-x", uid: "x", labels: { "kubernetes.io/service-name": "web" } },
  endpoints: names.map((name) => ({ conditions: { ready: true }, targetRef: { kind: "Pod", name } })),
});

function reasons(objects: readonly JsonObject[], hosts: readonly HostFacts[] = [], wanted: readonly string[] = []): readonly string[] {
  const stored = objects as unknown as readonly Stored[];
  return reasonsNotAtRest(new Map(stored.map((object) => [objectId(object), object])), hosts, wanted);
}

describe("why a cluster is not at rest", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ["nothing is asked for", reasons([]), []],
    ["an object of the manifests is missing", reasons([], [], ["Service shop/web"]), ["Service shop/web does not exist"]],
    ["a node has not registered", reasons([], [host("node-0")]), ["Node node-0 has not registered"]],
    ["a node that is dead for good does not count", reasons([], [host("node-0", false)]), []],
    ["a node is not Ready", reasons([node("Unknown")], [host("node-0")]), ["Node node-0 is not Ready"]],
    [
      "a node is still tainted",
      reasons([node("True", [{ key: "node.kubernetes.io/unreachable" }])], [host("node-0")]),
      ["Node node-0 still has the taint node.kubernetes.io/unreachable"],
    ],
    [
      "a spec has not been seen",
      reasons([deployment({ observedGeneration: 1 })]),
      ["Deployment shop/web: its controller has not seen generation 2"],
    ],
    [
      "a rollout goes on",
      reasons([deployment({ observedGeneration: 2, updatedReplicas: 1, replicas: 2 })]),
      ["Deployment shop/web: 1 of 2 pods are updated"],
    ],
    [
      "old pods are left",
      reasons([deployment({ observedGeneration: 2, updatedReplicas: 2, replicas: 3, availableReplicas: 2 })]),
      ["Deployment shop/web: 1 old pods are left"],
    ],
    [
      "pods are not available",
      reasons([deployment({ observedGeneration: 2, updatedReplicas: 2, replicas: 2, availableReplicas: 1 })]),
      ["Deployment shop/web: 1 of 2 pods are available"],
    ],
    ["a ReplicaSet has too few pods", reasons([replicaSet(1)]), ["ReplicaSet shop/web-1 has 0 pods and wants 1"]],
    [
      "a ReplicaSet reports wrongly",
      reasons([replicaSet(1, 2), pod("a", { owner: "web-1", node: "node-0" }), node("True")]),
      ["ReplicaSet shop/web-1 reports 2 pods and has 1"],
    ],
    ["a pod is not scheduled", reasons([pod("a")]), ["Pod shop/a is not scheduled"]],
    ["a pod's node is gone", reasons([pod("a", { node: "node-9" })]), ["Pod shop/a is bound to node node-9, which is gone"]],
    ["a pod is not ready", reasons([node("True"), pod("a", { node: "node-0", ready: false })]), ["Pod shop/a on node-0 is not ready"]],
    [
      "a pod is on its way out",
      reasons([node("True"), pod("a", { node: "node-0", deleting: true })]),
      ["Pod shop/a is still being deleted"],
    ],
    [
      "a ready pod gets no traffic",
      reasons([node("True"), pod("a", { node: "node-0" }), service, slice()]),
      ["Service shop/web: ready pod a is in no EndpointSlice"],
    ],
    [
      "traffic goes to what is no ready pod",
      reasons([service, slice("b")]),
      ["Service shop/web: an EndpointSlice lists b, which is no ready pod"],
    ],
    ["all is well", reasons([node("True"), pod("a", { node: "node-0" }), service, slice("a")], [host("node-0")]), []],
  ])("%s", (_name, found, expected) => expect(found).toEqual(expected));
});
