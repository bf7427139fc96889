import type { JsonObject } from "../../../protocol/kinds/object";
import { deployment, pod, replicaSet, type Told, told } from "./told";

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
const restless = { convergence: { converged: false, afterUs: 1, stayed: false, reasons: ["x"] } };

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

describe("scale-down-order (ReplicaSet, scaling down)", () => {
  /** Three pods, of which c has not been ready for a minute, and a ReplicaSet that is asked for two. */
  const begin = (...faults: readonly string[]) => {
    const history = told()
      .at(1)
      .object(replicaSet("rs", "web", 3));
    for (const name of ["a", "b", "c"]) history.object(pod(name, { owner: "rs", ready: name !== "c" }));
    if (faults.length > 0) history.fault("began", faults, "delay");
    return history.at(61).object(replicaSet("rs", "web", 2));
  };
  const violated =
    "Pod shop/a was ready and taken away when ReplicaSet shop/rs had too many pods, and c, which has not been ready for 60 s, was left";

  it("holds where the one that is not ready goes, and where a pod goes that nobody has too many of, or that is evicted", () => {
    expect(begin().gone("Pod shop/c").judge("scale-down-order")).toMatchObject({ verdict: "held", reached: 1 });
    const more = (gone: string) =>
      begin()
        .object(replicaSet("rs", "web", 3))
        .object(pod("c", { owner: "rs" }))
        .gone(gone);
    expect(more("Pod shop/a").judge("scale-down-order", {}).detail).not.toContain("taken away when");
    expect(
      begin()
        .object(pod("a", { owner: "rs", deleting: true, evicted: true }))
        .judge("scale-down-order").detail,
    ).not.toContain("taken away when");
  });

  it("is violated where a ready one goes, in a storm as well where the other never was ready: no cache shows it so", () => {
    expect(
      begin()
        .object(pod("a", { owner: "rs", deleting: true }))
        .judge("scale-down-order").detail,
    ).toBe(violated);
    expect(begin("etcd-0").gone("Pod shop/a").judge("scale-down-order").detail).toBe(violated);
  });

  it("does not count on what a controller cannot know: readiness lost in a storm, pods that another leader made, a pod that came just now", () => {
    const held = (history: Told) => expect(history.gone("Pod shop/a").judge("scale-down-order").verdict).toBe("held");
    const elected = { kind: "leader.elected", lease: "kube-controller-manager", holder: "1" };
    held(begin("etcd-0").fact("controller-manager/1", elected));
    const lost = begin("etcd-0")
      .object(replicaSet("rs", "web", 3))
      .object(pod("c", { owner: "rs" }))
      .object(pod("c", { owner: "rs", ready: false }));
    held(lost.at(90).object(replicaSet("rs", "web", 2)));
    held(
      begin()
        .gone("Pod shop/c")
        .at(100)
        .object(pod("d", { owner: "rs", ready: false })),
    );
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

describe("claims-in-use (what a pod has written somebody still needs)", () => {
  const claim = (deleting = false, ownerReferences: readonly JsonObject[] = []): JsonObject => ({
    kind: "PersistentVolumeClaim",
    metadata: {
      namespace: "shop",
      name: "data-a",
      uid: "c",
      ownerReferences,
      ...(deleting ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
    },
  });
  const user = (options: Parameters<typeof pod>[1] = {}): JsonObject => {
    const made = pod("a", { node: "node-0", ...options });
    return { ...made, spec: { ...(made.spec as JsonObject), volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data-a" } }] } };
  };
  const used = () => told().at(10).object(claim()).object(user());

  it("holds where the pod goes first, where it came at the same moment, and where the claim goes with its owner", () => {
    const after = used()
      .at(20)
      .object(user({ deleting: true }))
      .object(claim(true))
      .gone("Pod shop/a")
      .gone("PersistentVolumeClaim shop/data-a");
    expect(after.judge("claims-in-use")).toMatchObject({ verdict: "held", reached: 1 });
    expect(used().at(11).object(claim(true)).judge("claims-in-use").verdict).toBe("held");
    expect(
      used()
        .at(20)
        .object(claim(true, [{ kind: "StatefulSet", name: "a", uid: "gone" }]))
        .judge("claims-in-use").verdict,
    ).toBe("held");
  });

  it("is violated by a claim that is deleted under a pod that stays, and by one that vanishes before its pod is over", () => {
    expect(used().at(20).object(claim(true)).judge("claims-in-use").detail).toBe(
      "the claim shop/data-a was deleted under the pod a, which has used it for 10 s",
    );
    const vanished = used()
      .at(20)
      .object(user({ deleting: true }))
      .object(claim(true))
      .gone("PersistentVolumeClaim shop/data-a");
    expect(vanished.judge("claims-in-use").detail).toBe(
      "the claim shop/data-a is gone, and the pod a is not over, which has used it for 10 s",
    );
  });
});
