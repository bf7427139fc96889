import type { JsonObject, Stored } from "../../../protocol/kinds/object";
import { objectId } from "../../../scenarios/history";
import { reasonsNotAtRest } from "../../../scenarios/rest/reasons";
import type { HostFacts } from "../../../scenarios/target";
import { pod } from "../checks/told";

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
  const byId = new Map(stored.map((object) => [objectId(object), object]));
  return reasonsNotAtRest({ objects: byId, hosts, wanted, members: [] });
}

const stated = (kind: string, spec: JsonObject, status: JsonObject): JsonObject => ({
  kind,
  metadata: { namespace: "shop", name: "x", uid: "x" },
  spec,
  status,
});

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
    [
      "a status tells of pods that are not there any more",
      reasons([deployment({ observedGeneration: 2, updatedReplicas: 2, replicas: 2, availableReplicas: 2 })]),
      ["Deployment shop/web reports 2 pods and has 0"],
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
      "a ready pod without the Service's port gets none, and never will",
      reasons([
        node("True"),
        pod("a", { node: "node-0" }),
        { ...service, spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] } },
        slice(),
      ]),
      [],
    ],
    [
      "traffic goes to what is no ready pod",
      reasons([service, slice("b")]),
      ["Service shop/web: an EndpointSlice lists b, which is no ready pod"],
    ],
    [
      "what the scheduler says is told",
      reasons([
        {
          ...pod("a"),
          status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", message: "0/3 nodes are available" }] },
        },
      ]),
      ["Pod shop/a is not scheduled: 0/3 nodes are available"],
    ],
    [
      "what the kubelet says of a container is told",
      reasons([
        node("True"),
        {
          ...pod("a", { node: "node-0" }),
          status: {
            containerStatuses: [
              { name: "main", restartCount: 4, state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 40s" } } },
            ],
          },
        },
      ]),
      ["Pod shop/a on node-0 is not ready: container main is in CrashLoopBackOff after 4 restarts: back-off 40s"],
    ],
    [
      "a Deployment's failure is told",
      reasons([
        deployment({
          observedGeneration: 2,
          conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "timed out progressing" }],
        }),
      ]),
      ["Deployment shop/web: 0 of 2 pods are updated: timed out progressing"],
    ],
    [
      "a StatefulSet's pods are not ready",
      reasons([stated("StatefulSet", { replicas: 3 }, { replicas: 3, readyReplicas: 2 })]),
      ["StatefulSet shop/x: 2 of 3 pods are ready"],
    ],
    [
      "a StatefulSet's update goes on down to its partition",
      reasons([
        stated(
          "StatefulSet",
          { replicas: 3, updateStrategy: { rollingUpdate: { partition: 1 } } },
          { replicas: 3, readyReplicas: 3, updatedReplicas: 1, currentRevision: "a", updateRevision: "b" },
        ),
      ]),
      ["StatefulSet shop/x: 1 of 2 pods are updated"],
    ],
    [
      "a DaemonSet lacks a node",
      reasons([stated("DaemonSet", {}, { desiredNumberScheduled: 3, numberReady: 2 })]),
      ["DaemonSet shop/x: 2 of 3 nodes run a ready pod"],
    ],
    [
      "a DaemonSet's pod is where it should not be",
      reasons([stated("DaemonSet", {}, { desiredNumberScheduled: 1, numberReady: 1, updatedNumberScheduled: 1, numberMisscheduled: 1 })]),
      ["DaemonSet shop/x: 1 nodes run a pod that should not"],
    ],
    [
      "a Job is not finished",
      reasons([stated("Job", { completions: 5 }, { succeeded: 2, active: 1, failed: 1 })]),
      ["Job shop/x: 2 of 5 completions, 1 pods active, 1 failed"],
    ],
    ["a Job that failed for good has ended", reasons([stated("Job", {}, { conditions: [{ type: "Failed", status: "True" }] })]), []],
    [
      "a budget is not met",
      reasons([stated("PodDisruptionBudget", {}, { currentHealthy: 1, desiredHealthy: 2, expectedPods: 3 })]),
      ["PodDisruptionBudget shop/x: 1 of 2 pods that it wants are healthy"],
    ],
    [
      "a budget that can never be met is no reason",
      reasons([stated("PodDisruptionBudget", {}, { currentHealthy: 1, desiredHealthy: 2, expectedPods: 1 })]),
      [],
    ],
    [
      "a namespace says what keeps it",
      reasons([
        {
          kind: "Namespace",
          metadata: { name: "shop", uid: "n", deletionTimestamp: "2026-01-01T00:00:00Z" },
          status: { conditions: [{ type: "NamespaceContentRemaining", status: "True", message: "pods. has 1 resource instances" }] },
        },
      ]),
      ["Namespace shop is still being deleted: pods. has 1 resource instances"],
    ],
    [
      "finalizers keep an object",
      reasons([{ kind: "ConfigMap", metadata: { namespace: "shop", name: "c", uid: "c", deletionTimestamp: "x", finalizers: ["a/b"] } }]),
      ["ConfigMap shop/c is still being deleted, kept by a/b"],
    ],
    [
      "the control plane has no leaders",
      reasons(
        [{ kind: "Lease", metadata: { namespace: "kube-system", name: "kube-scheduler", uid: "l" } }],
        [
          { ...host("etcd-0"), role: "etcd" },
          { ...host("control-0"), role: "control" },
        ],
      ),
      ["etcd has no leader", "no controller manager or scheduler leads"],
    ],
    ["all is well", reasons([node("True"), pod("a", { node: "node-0" }), service, slice("a")], [host("node-0")]), []],
  ])("%s", (_name, found, expected) => expect(found).toEqual(expected));

  it("a member of etcd is far behind", () => {
    const members = [
      { actor: "etcd/0", revision: 900 },
      { actor: "etcd/1", revision: 890 },
      { actor: "etcd/2", revision: 300 },
    ];
    expect(reasonsNotAtRest({ objects: new Map(), hosts: [], wanted: [], members })).toEqual([
      "etcd/2 is at revision 300, and others are at 900",
    ]);
  });
});
