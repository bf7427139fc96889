import type { JsonObject } from "../../../protocol/kinds/object";
import { deployment, pod, replicaSet, told } from "./told";

const owned = (object: JsonObject, kind: string, uid: string): JsonObject => ({
  ...object,
  metadata: { ...(object.metadata as JsonObject), ownerReferences: [{ apiVersion: "v1", kind, name: uid, uid, controller: true }] },
});
const phase = (object: JsonObject, value: string): JsonObject => ({ ...object, status: { phase: value, conditions: [] } });
const node = (name: string, ready = true, more: JsonObject = {}): JsonObject => ({
  kind: "Node",
  metadata: { name, uid: name },
  status: { conditions: [{ type: "Ready", status: ready ? "True" : "Unknown" }] },
  ...more,
});
const started = (name: string, uid: string, on: string) => ({
  kind: "container.started",
  pod: `shop/${name}`,
  podUid: uid,
  container: "main",
  node: on,
  image: "x",
});
const exited = (name: string, uid: string, on: string) => ({
  kind: "container.exited",
  pod: `shop/${name}`,
  podUid: uid,
  container: "main",
  node: on,
  exitCode: 0,
  reason: "Completed",
});
const restless = { convergence: { converged: false, afterUs: 1, stayed: false, reasons: ["x"] } };

describe("revision-hash (one history for all)", () => {
  const applied = (index: number, revision: number, hash: number) => ({ kind: "etcd.applied", index, revision, hash });
  const member = (actor: string, hash: number, compacted = 0) => ({
    actor,
    revision: 5,
    compacted,
    modRevisionOf: () => undefined,
    hashKv: () => hash,
  });
  const agreed = () =>
    told()
      .fact("etcd/0", applied(1, 2, 7))
      .fact("etcd/1", applied(3, 2, 7));

  it("holds for the same revision reached at different times", () => {
    const members = [member("etcd/0", 9), member("etcd/1", 9), member("etcd/2", 8, 3)];
    expect(agreed().judge("revision-hash", {}, { members })).toMatchObject({ verdict: "held", reached: 1 });
  });

  it("is violated by different histories at one revision, also where entries were skipped", () => {
    expect(
      told()
        .fact("etcd/0", applied(1, 2, 7))
        .fact("etcd/1", applied(3, 2, 8))
        .judge("revision-hash").detail,
    ).toBe("at revision 2 the histories of etcd/0 and etcd/1 differ");
  });

  it("is violated by members that hold something else than they think", () => {
    const members = [member("etcd/0", 9), member("etcd/1", 8)];
    expect(agreed().judge("revision-hash", {}, { members }).detail).toBe("at revision 5 etcd/0 and etcd/1 hold different keys");
  });
});

describe("one-live-pod (StatefulSets: at most one pod of an identity)", () => {
  const db = (uid: string, on: string, deleting = false) => owned(pod("db-0", { uid, node: on, deleting }), "StatefulSet", "db");
  const first = () =>
    told()
      .object(node("node-0"))
      .object(db("a", "node-0"))
      .fact("container-runtime/node-0", started("db-0", "a", "node-0"));
  const second = (history: ReturnType<typeof first>) =>
    history.object(db("b", "node-1")).fact("container-runtime/node-1", started("db-0", "b", "node-1"));

  it("holds where the first was stopped before the second came", () => {
    const history = first()
      .object(db("a", "node-0", true))
      .fact("container-runtime/node-0", exited("db-0", "a", "node-0"))
      .gone("Pod shop/db-0");
    expect(second(history).judge("one-live-pod")).toMatchObject({ verdict: "held", reached: 2 });
  });

  it("holds where the first node went down", () => {
    const history = first()
      .object(db("a", "node-0", true))
      .gone("Pod shop/db-0")
      .host("node-0", false);
    expect(second(history).judge("one-live-pod").verdict).toBe("held");
  });

  it("is violated by a second that runs while the first does", () => {
    const history = first()
      .object(db("a", "node-0", true))
      .gone("Pod shop/db-0");
    expect(second(history).judge("one-live-pod").detail).toBe(
      "shop/db-0 runs on node-1, and the pod of that name before it still runs on node-0",
    );
  });

  it("promises nothing for pods that were deleted by force or whose node was removed", () => {
    expect(second(first().gone("Pod shop/db-0")).judge("one-live-pod").verdict).toBe("held");
    const removed = first()
      .object(db("a", "node-0", true))
      .gone("Node node-0")
      .gone("Pod shop/db-0");
    expect(second(removed).judge("one-live-pod").verdict).toBe("held");
  });

  it("does not judge pods of other owners", () => {
    const web = (uid: string, on: string) => pod("web", { uid, node: on });
    const history = told()
      .object(web("a", "node-0"))
      .fact("container-runtime/node-0", started("web", "a", "node-0"));
    expect(history.judge("one-live-pod")).toMatchObject({ verdict: "violated", reached: 0 });
  });
});

describe("no-stray-containers (a node runs what is bound to it)", () => {
  const running = () =>
    told()
      .object(pod("a", { node: "node-0" }))
      .fact("container-runtime/node-0", started("a", "uid-a", "node-0"));

  it("holds for a pod that is there, and after its end", () => {
    expect(running().judge("no-stray-containers")).toMatchObject({ verdict: "held", reached: 1 });
    const ended = running()
      .fact("container-runtime/node-0", exited("a", "uid-a", "node-0"))
      .gone("Pod shop/a");
    expect(ended.judge("no-stray-containers").verdict).toBe("held");
  });

  it("is violated by a container whose pod is gone, and by one of an earlier pod of that name", () => {
    expect(running().gone("Pod shop/a").judge("no-stray-containers").detail).toBe(
      "node-0 runs container main of pod shop/a, which is not bound to it (any more)",
    );
    const again = running()
      .gone("Pod shop/a")
      .object(pod("a", { node: "node-0", uid: "another" }));
    expect(again.judge("no-stray-containers").verdict).toBe("violated");
  });

  it("knows that nothing runs on a host that is down", () => {
    expect(running().gone("Pod shop/a").host("node-0", false).judge("no-stray-containers").verdict).toBe("held");
  });
});

describe("client-never-back (resource versions)", () => {
  const listed = (resourceVersion: number, resource = "pods") => ({ kind: "informer.listed", resource, resourceVersion });

  it("holds for lists and watches that go on", () => {
    const history = told()
      .fact("kubelet/node-0", listed(5))
      .fact("kubelet/node-0", { ...listed(5), kind: "informer.watching" })
      .fact("kubelet/node-0", listed(3, "services"))
      .fact("kubelet/node-1", listed(4));
    expect(history.judge("client-never-back")).toMatchObject({ verdict: "held", reached: 4 });
  });

  it("is violated by a list from a server that lags, also in the client's next life", () => {
    const history = told()
      .fact("kubelet/node-0", listed(5))
      .died("kubelet/node-0")
      .born("kubelet/node-0")
      .fact("kubelet/node-0", listed(4));
    expect(history.judge("client-never-back").detail).toBe(
      "kubelet/node-0 was given a list of pods at resourceVersion 4, after it had seen 5",
    );
  });
});

describe("bound-to-living-node (nothing is given to a node that is gone)", () => {
  it("holds for nodes that exist, and for one that went just now", () => {
    const history = told()
      .object(node("node-0"))
      .object(pod("a", { node: "node-0" }))
      .at(10)
      .gone("Node node-0")
      .at(11);
    expect(history.object(pod("b", { node: "node-0" })).judge("bound-to-living-node", {}, restless)).toMatchObject({
      verdict: "held",
      reached: 2,
    });
  });

  it("is violated by a binding to a node that has been gone, and by one that never was", () => {
    const history = told()
      .object(node("node-0"))
      .gone("Node node-0")
      .at(20)
      .object(pod("a", { node: "node-0" }));
    expect(history.judge("bound-to-living-node").detail).toBe("Pod shop/a was bound to node-0, which was gone by then");
    expect(
      told()
        .object(pod("a", { node: "node-9" }))
        .judge("bound-to-living-node").detail,
    ).toMatch(/which never existed/);
  });

  it("is violated by a pod that is left on a node that is gone", () => {
    const history = told()
      .object(node("node-0"))
      .object(pod("a", { node: "node-0" }))
      .gone("Node node-0");
    expect(history.judge("bound-to-living-node").detail).toBe("Pod shop/a is left on node-0, which is gone");
  });
});

describe("replica-bounds (no controller makes too many)", () => {
  const set = (replicas: number): JsonObject => ({ ...replicaSet("rs"), spec: { replicas } });
  const two = () =>
    told()
      .at(60)
      .object(set(2))
      .object(pod("a", { owner: "rs" }))
      .object(pod("b", { owner: "rs" }));

  it("holds for as many as asked for, and for the surplus of a smaller number", () => {
    expect(
      two()
        .gone("Pod shop/a")
        .object(pod("c", { owner: "rs" }))
        .object(set(1))
        .judge("replica-bounds"),
    ).toMatchObject({
      verdict: "held",
      reached: 3,
    });
  });

  it("is violated by one too many, and by a surplus that is made anew", () => {
    expect(
      two()
        .object(pod("c", { owner: "rs" }))
        .judge("replica-bounds").detail,
    ).toBe("ReplicaSet shop/rs has 3 active pods, more than its 2 replicas");
    const anew = two()
      .object(set(1))
      .gone("Pod shop/a")
      .at(70)
      .object(pod("c", { owner: "rs" }));
    expect(anew.judge("replica-bounds").verdict).toBe("violated");
  });

  it("forgives pods that were decided upon before the number became smaller", () => {
    const underWay = two()
      .object(set(4))
      .object(pod("c", { owner: "rs" }))
      .object(set(3))
      .object(pod("d", { owner: "rs" }));
    expect(underWay.judge("replica-bounds").verdict).toBe("held");
  });

  it("forgives what a deposed leader had still sent", () => {
    const elected = { kind: "leader.elected", lease: "kube-controller-manager", holder: "1" };
    expect(
      two()
        .fact("controller-manager/1", elected)
        .object(pod("c", { owner: "rs" }))
        .judge("replica-bounds").verdict,
    ).toBe("held");
  });
});

describe("daemonset-pods (one on each node that is meant)", () => {
  const set: JsonObject = {
    kind: "DaemonSet",
    metadata: { namespace: "shop", name: "agent", uid: "agent" },
    spec: { template: { spec: { nodeSelector: { disk: "fast" } } } },
  };
  const fast = (name: string, more: JsonObject = {}) => ({
    ...node(name, true, more),
    metadata: { name, uid: name, labels: { disk: "fast" } },
  });
  const agent = (name: string, on: string) => owned(pod(name, { node: on }), "DaemonSet", "agent");
  const begin = () => told().at(60).object(set).object(fast("node-0")).object(node("node-1")).object(agent("x", "node-0"));

  it("holds for one on each node that the selector and the taints allow", () => {
    const history = begin().object(fast("node-2", { spec: { taints: [{ key: "gpu", effect: "NoSchedule" }] } }));
    expect(history.judge("daemonset-pods")).toMatchObject({ verdict: "held", reached: 1 });
  });

  it("is violated by two on a node", () => {
    expect(begin().object(agent("y", "node-0")).judge("daemonset-pods").detail).toBe("DaemonSet shop/agent has 2 active pods on node-0");
  });

  it("is violated at rest by a node without one, and by one where none should be", () => {
    expect(begin().object(fast("node-3")).judge("daemonset-pods").detail).toBe(
      "DaemonSet shop/agent has 0 active pods on node-3, where one should be",
    );
    expect(begin().object(agent("y", "node-1")).judge("daemonset-pods").detail).toMatch(/on node-1, where none should be/);
    expect(begin().object(fast("node-3")).judge("daemonset-pods", {}, restless).verdict).toBe("held");
  });
});

describe("job-completions (as often as asked for)", () => {
  const job = (spec: JsonObject, status: JsonObject = {}): JsonObject => ({
    kind: "Job",
    metadata: { namespace: "shop", name: "mail", uid: "mail" },
    spec,
    status,
  });
  const work = (name: string, options = {}) => owned(pod(name, options), "Job", "mail");
  const spec = { completions: 2, parallelism: 2 };
  const complete = { succeeded: 2, conditions: [{ type: "Complete", status: "True" }] };
  const begin = () => told().at(60).object(job(spec)).object(work("a")).object(work("b"));
  const done = () =>
    begin()
      .object(phase(work("a"), "Succeeded"))
      .object(phase(work("b"), "Succeeded"));

  it("holds for a job that succeeds after a failure", () => {
    const history = begin()
      .object(phase(work("a"), "Failed"))
      .object(work("c"));
    history
      .object(phase(work("b"), "Succeeded"))
      .object(phase(work("c"), "Succeeded"))
      .object(job(spec, complete));
    expect(history.judge("job-completions")).toMatchObject({ verdict: "held", reached: 3 });
  });

  it("is violated by more pods than parallelism, and by more than are still lacking", () => {
    expect(begin().object(work("c")).judge("job-completions").detail).toBe(
      "Job shop/mail has 3 active pods, and parallelism 2 with 2 completions to go allows 2",
    );
    expect(
      begin()
        .object(phase(work("a"), "Succeeded"))
        .object(work("c"))
        .judge("job-completions").detail,
    ).toMatch(/with 1 completions to go allows 1/);
  });

  it("is violated by a pod after the end, and by a wrong count", () => {
    expect(done().object(job(spec, complete)).object(work("c")).judge("job-completions").detail).toBe(
      "Job shop/mail is finished, and Pod c was made for it",
    );
    expect(
      begin()
        .object(job(spec, { ...complete, succeeded: 1 }))
        .judge("job-completions").detail,
    ).toBe("Job shop/mail is called complete with 1 of 2 completions");
    expect(done().object(job(spec, complete)).object(job(spec)).judge("job-completions").detail).toMatch(
      /was finished, and then it was not/,
    );
  });
});

describe("eviction-storm (all nodes lost: none is)", () => {
  const evicted = (name: string) =>
    node(name, false, { spec: { taints: [{ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }] } });

  it("holds where one of two nodes is lost and tainted", () => {
    const history = told().object(node("node-0")).object(node("node-1")).object(node("node-1", false)).at(60).object(evicted("node-1"));
    expect(history.judge("eviction-storm")).toMatchObject({ verdict: "held", reached: 1 });
  });

  it("is violated by a taint while nobody is heard of", () => {
    const history = told().object(node("node-0")).object(node("node-1")).object(node("node-0", false)).object(node("node-1", false));
    expect(history.at(60).object(evicted("node-1")).judge("eviction-storm").detail).toBe(
      "node-1 was tainted for eviction, though for 60 s no node at all has been Ready",
    );
  });
});

describe("namespace-deletion (it ends)", () => {
  const namespace = (deleting: boolean): JsonObject => ({
    kind: "Namespace",
    metadata: { name: "shop", uid: "shop", ...(deleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}) },
  });
  const begin = () => told().object(namespace(false)).object(pod("a")).act("calm").object(namespace(true));

  it("holds where it and all that is in it goes", () => {
    expect(begin().at(20).gone("Pod shop/a").gone("Namespace shop").judge("namespace-deletion")).toMatchObject({
      verdict: "held",
      reached: 1,
    });
  });

  it("is violated by one that stays Terminating", () => {
    expect(begin().at(90).act("end").judge("namespace-deletion").detail).toBe(
      "namespace shop has been Terminating for 90 s without a fault",
    );
  });

  it("gives it time after the storm", () => {
    const history = told().object(namespace(false)).act("storm").object(namespace(true)).at(300).act("calm").at(320).gone("Namespace shop");
    expect(history.judge("namespace-deletion").verdict).toBe("held");
  });

  it("is violated by what is left in a namespace that is gone", () => {
    expect(begin().at(20).gone("Namespace shop").judge("namespace-deletion").detail).toBe(
      "Pod shop/a is left, though its namespace is gone",
    );
  });
});

describe("rollout-availability (each step of a rollout)", () => {
  const set = (uid: string, replicas: number): JsonObject => ({ ...replicaSet(uid), spec: { replicas } });
  const begin = () =>
    told()
      .at(60)
      .object(deployment(2, { maxSurge: 1, maxUnavailable: 0 }))
      .object(set("old", 2))
      .object(pod("a", { owner: "old" }))
      .object(pod("b", { owner: "old" }))
      .object(set("new", 1));

  it("holds where the new one is ready before an old one goes", () => {
    expect(
      begin()
        .object(pod("c", { owner: "new" }))
        .object(set("old", 1))
        .judge("rollout-availability"),
    ).toMatchObject({
      verdict: "held",
      reached: 1,
    });
  });

  it("is violated by a step before the new one is ready, also in a storm", () => {
    const early = (history: ReturnType<typeof begin>) => history.object(pod("c", { owner: "new", ready: false })).object(set("old", 1));
    expect(early(begin()).judge("rollout-availability").detail).toBe(
      "ReplicaSet shop/old was scaled from 2 to 1, which leaves Deployment shop/web 1 ready pods; its 2 replicas less maxUnavailable are 2",
    );
    expect(early(begin().fault("began", ["node-0"])).judge("rollout-availability").verdict).toBe("violated");
  });

  it("holds where somebody asks for fewer replicas: each ReplicaSet gives its share, ready or not", () => {
    const sized = (uid: string, replicas: number, by: string) => {
      const plain = set(uid, replicas);
      const annotations = { "deployment.kubernetes.io/desired-replicas": by };
      return { ...plain, metadata: { ...(plain.metadata as JsonObject), annotations } };
    };
    const begun = begin().object(sized("old", 2, "2"));
    expect(begun.object(sized("old", 1, "1")).judge("rollout-availability").verdict).toBe("held");
    expect(
      begin()
        .object(sized("old", 2, "2"))
        .object(sized("old", 1, "2"))
        .judge("rollout-availability").verdict,
    ).toBe("violated");
  });

  it("holds where only pods go that are not ready", () => {
    const history = begin()
      .at(100)
      .object(pod("b", { owner: "old", ready: false }))
      .at(200)
      .object(pod("c", { owner: "new" }));
    expect(history.object(set("old", 1)).judge("rollout-availability").verdict).toBe("held");
  });

  it("forgives what nobody could know yet: a pod lost a moment ago, or while the control plane was cut off", () => {
    const lost = (history: ReturnType<typeof begin>) =>
      history.object(pod("c", { owner: "new" })).object(pod("a", { owner: "old", ready: false }));
    expect(lost(begin()).at(62).object(set("old", 1)).judge("rollout-availability").verdict).toBe("held");
    const cut = begin().at(100).fault("began", ["apiserver-0"], "isolate").at(110);
    expect(lost(cut).at(140).object(pod("x")).object(set("old", 0)).judge("rollout-availability").verdict).toBe("violated");
  });
});
