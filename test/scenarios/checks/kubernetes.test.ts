import type { JsonObject } from "../../../protocol/kinds/object";
import { deployment, pod, replicaSet, told } from "./told";

describe("deployment-bounds (Deployments, maxSurge and maxUnavailable)", () => {
  const whole = () => {
    const history = told()
      .object(deployment(2, { maxSurge: 1, maxUnavailable: 1 }))
      .object(replicaSet("old"));
    return history.object(pod("a", { owner: "old" })).object(pod("b", { owner: "old" }));
  };

  it("holds over a rollout one by one", () => {
    const history = whole()
      .object(replicaSet("new"))
      .object(pod("c", { owner: "new", ready: false }))
      .gone("Pod shop/a")
      .object(pod("c", { owner: "new" }))
      .gone("Pod shop/b");
    expect(history.object(pod("d", { owner: "new" })).judge("deployment-bounds")).toMatchObject({ verdict: "held" });
  });

  it("is violated by more pods than replicas and maxSurge, where their ReplicaSets were asked for so many", () => {
    const history = whole()
      .object(replicaSet("old", "web", 4))
      .object(pod("c", { owner: "old", ready: false }))
      .object(pod("d", { owner: "old", ready: false }));
    expect(history.judge("deployment-bounds").detail).toMatch(/has 4 pods, more than its 2 replicas and maxSurge 1 allow/);
  });

  it("does not count what a ReplicaSet has beyond the number that it was given last: a rollout does not wait for it to go", () => {
    const history = whole()
      .object(pod("c", { owner: "old", ready: false }))
      .object(replicaSet("new", "web", 1))
      .object(pod("d", { owner: "new", ready: false }));
    expect(history.judge("deployment-bounds").verdict).toBe("held");
  });

  it("does not count pods that are on their way out", () => {
    const history = whole()
      .object(pod("a", { owner: "old", deleting: true }))
      .object(pod("c", { owner: "old" }))
      .object(pod("d", { owner: "old" }));
    expect(history.judge("deployment-bounds").verdict).toBe("held");
  });

  it("is violated by a rollout that takes too many away", () => {
    const asked = whole()
      .object(replicaSet("old", "web", 0))
      .gone("Pod shop/a")
      .gone("Pod shop/b");
    expect(asked.judge("deployment-bounds").detail).toMatch(/has 0 available pods, fewer than its 2 replicas less maxUnavailable 1/);
  });

  it("does not blame a rollout for pods that somebody deletes, until all are available again", () => {
    const deleted = (history: ReturnType<typeof whole>) => history.gone("Pod shop/a").gone("Pod shop/b");
    const byHand = () => deleted(whole().object(replicaSet("old", "web", 2)));
    expect(byHand().judge("deployment-bounds").verdict).toBe("held");
    // Its controller has to have heard of it: what it decides before that counts on pods that are gone.
    const anew = byHand()
      .at(10)
      .object(pod("a", { owner: "old" }))
      .object(pod("b", { owner: "old" }));
    expect(deleted(anew.object(replicaSet("old", "web", 0))).judge("deployment-bounds").verdict).toBe("violated");
  });

  it("does not blame a rollout for what it decides before it can have heard that a pod was evicted", () => {
    const evicted = (secondsBefore: number) =>
      whole()
        .object(pod("c", { owner: "old" }))
        .object(pod("c", { owner: "old", evicted: true, deleting: true }))
        .at(secondsBefore)
        .object(pod("b", { owner: "old" }))
        .object(replicaSet("old", "web", 0))
        .gone("Pod shop/a")
        .gone("Pod shop/b")
        .judge("deployment-bounds").verdict;
    expect([evicted(1), evicted(10)]).toEqual(["held", "violated"]);
  });

  it("does not blame a rollout for the end of its namespace, in which pods go before their Deployment does", () => {
    const history = whole()
      .object({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", uid: "shop", deletionTimestamp: "2026-01-01T00:01:00Z" } })
      .gone("Pod shop/a")
      .gone("Pod shop/b");
    expect(history.judge("deployment-bounds").verdict).toBe("held");
  });

  it("does not blame a rollout for what a fault took", () => {
    const history = whole()
      .fault("began")
      .object(pod("a", { owner: "old", ready: false }))
      .object(pod("b", { owner: "old", ready: false }))
      .fault("ended");
    expect(history.object(pod("a", { owner: "old" })).judge("deployment-bounds").verdict).toBe("held");
  });

  it("does not blame a rollout for pods that crash, fail their probes or are on a node that is lost", () => {
    const down = (name: string) => pod(name, { owner: "old", ready: false, node: "node-0" });
    expect(whole().object(down("a")).object(down("b")).judge("deployment-bounds").verdict).toBe("held");
  });

  it("does not blame a rollout for an eviction", () => {
    const evicted = (name: string) => pod(name, { owner: "old", deleting: true, evicted: true });
    expect(whole().object(evicted("a")).object(evicted("b")).judge("deployment-bounds").verdict).toBe("held");
  });

  it("lets a Deployment that is scaled down get rid of its pods", () => {
    const history = whole()
      .object(deployment(0, { maxSurge: 1, maxUnavailable: 1 }))
      .gone("Pod shop/a")
      .gone("Pod shop/b");
    expect(history.judge("deployment-bounds").verdict).toBe("held");
  });
});

describe("node-capacity (scheduling by requests)", () => {
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-0", uid: "n" },
    status: { allocatable: { cpu: "1", memory: "1Gi", pods: "3" } },
  };

  it("holds up to the brim", () => {
    const history = told()
      .object(node)
      .object(pod("a", { node: "node-0", cpu: "500m" }))
      .object(pod("b", { node: "node-0", cpu: "0.5" }));
    expect(history.judge("node-capacity")).toMatchObject({ verdict: "held", reached: 2 });
  });

  it("is violated by requests beyond it", () => {
    const history = told()
      .object(node)
      .object(pod("a", { node: "node-0", cpu: "600m" }))
      .object(pod("b", { node: "node-0", cpu: "600m" }));
    expect(history.judge("node-capacity").detail).toBe("node node-0 has 1 cpu, and pods that request 1200m are bound to it");
  });

  it("counts sidecars with the containers, and other init containers for themselves", () => {
    const withInit = (name: string, init: readonly JsonObject[]) => {
      const plain = pod(name, { node: "node-0", cpu: "400m" });
      return { ...plain, spec: { ...(plain.spec as JsonObject), initContainers: init } };
    };
    const asks = (cpu: string, more: JsonObject = {}) => ({ name: "i", resources: { requests: { cpu } }, ...more });
    const sidecar = told()
      .object(node)
      .object(withInit("a", [asks("200m", { restartPolicy: "Always" })]))
      .object(pod("b", { node: "node-0", cpu: "500m" }));
    expect(sidecar.judge("node-capacity").detail).toMatch(/pods that request 1100m are bound to it/);
    const init = told()
      .object(node)
      .object(withInit("a", [asks("500m"), asks("500m")]))
      .object(pod("b", { node: "node-0", cpu: "500m" }));
    expect(init.judge("node-capacity").verdict).toBe("held");
  });

  it("is violated by too many pods", () => {
    const history = told().object(node);
    for (const name of ["a", "b", "c", "d"]) history.object(pod(name, { node: "node-0" }));
    expect(history.judge("node-capacity").detail).toBe("node node-0 takes 3 pods, and 4 are bound to it");
  });
});

describe("pod-bound-once (a Pod is scheduled once in its lifetime)", () => {
  const started = (node: string) => ({ kind: "container.started", pod: "shop/a", container: "main", node, image: "x" });

  it("holds for a pod that runs where it was bound", () => {
    const history = told()
      .object(pod("a"))
      .object(pod("a", { node: "node-0" }))
      .fact("kubelet/node-0", started("node-0"));
    expect(history.judge("pod-bound-once")).toMatchObject({ verdict: "held", reached: 1 });
  });

  it("holds for a new pod of the same name elsewhere", () => {
    const history = told()
      .object(pod("a", { node: "node-0" }))
      .gone("Pod shop/a")
      .object(pod("a", { node: "node-1", uid: "another" }));
    expect(history.judge("pod-bound-once").verdict).toBe("held");
  });

  it("is violated by a second binding", () => {
    const history = told()
      .object(pod("a", { node: "node-0" }))
      .object(pod("a", { node: "node-1" }));
    expect(history.judge("pod-bound-once").detail).toBe("Pod shop/a was bound to node-0 and then to node-1");
  });

  it("is violated by a node that runs what it was not given", () => {
    const history = told()
      .object(pod("a", { node: "node-0" }))
      .fact("kubelet/node-1", started("node-1"));
    expect(history.judge("pod-bound-once").detail).toMatch(/node-1 started container main of pod shop\/a/);
  });
});

describe("disruption-budget (evictions respect PodDisruptionBudgets)", () => {
  const budget = {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { namespace: "shop", name: "web", uid: "pdb" },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: "web" } } },
  };
  const three = () => told().object(budget).object(pod("a")).object(pod("b")).object(pod("c"));

  it("holds for one eviction at a time", () => {
    expect(
      three()
        .object(pod("a", { deleting: true, evicted: true }))
        .judge("disruption-budget"),
    ).toMatchObject({ verdict: "held" });
  });

  it("is violated by the eviction of one too many", () => {
    const history = three()
      .object(pod("a", { deleting: true, evicted: true }))
      .object(pod("b", { deleting: true, evicted: true }));
    expect(history.judge("disruption-budget").detail).toBe(
      "the eviction of Pod shop/b left 1 healthy pods, and PodDisruptionBudget shop/web promises 2",
    );
  });

  it("holds while a rollout has more pods than the Deployment asks for: the budget counts what is asked for", () => {
    const owned = (name: string, options = {}) => pod(name, { owner: "rs", ...options });
    const surging = told()
      .object(budget)
      .object(deployment(3, { maxSurge: 2 }))
      .object(replicaSet("rs"));
    for (const name of ["a", "b", "c"]) surging.object(owned(name));
    surging.object(owned("d", { ready: false })).object(owned("e", { ready: false }));
    expect(surging.object(owned("a", { deleting: true, evicted: true })).judge("disruption-budget").verdict).toBe("held");
  });

  it("does not hold against it what was lost a moment before, and does what was lost for long", () => {
    const lost = (seconds: number) =>
      three()
        .at(60)
        .object(pod("b", { ready: false }))
        .at(60 + seconds)
        .object(pod("a", { deleting: true, evicted: true }));
    expect(lost(2).judge("disruption-budget").verdict).toBe("held");
    expect(lost(20).judge("disruption-budget").verdict).toBe("violated");
  });

  it("does not hold against it replicas that were asked for a moment before, and does those asked for long ago", () => {
    const scaled = (seconds: number) => {
      const history = told()
        .object(budget)
        .object(deployment(3, { maxSurge: 1 }))
        .object(replicaSet("rs"));
      for (const name of ["a", "b", "c"]) history.object(pod(name, { owner: "rs" }));
      return history
        .at(60)
        .object(deployment(6, { maxSurge: 1 }))
        .at(60 + seconds)
        .object(pod("a", { owner: "rs", deleting: true, evicted: true }))
        .judge("disruption-budget");
    };
    expect(scaled(2).verdict).toBe("held");
    expect(scaled(20).detail).toMatch(/left 2 healthy pods, and .* promises 5/);
  });

  it("does not judge deletions that are no evictions", () => {
    const history = three()
      .object(pod("a", { deleting: true }))
      .object(pod("b", { deleting: true }));
    expect(history.judge("disruption-budget").verdict).toBe("held");
  });
});

describe("endpoints-ready (endpoints are ready pods)", () => {
  const slice = (...names: string[]) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "shop", name: "web-x", uid: "s" },
    endpoints: names.map((name) => ({
      conditions: { ready: true },
      targetRef: { kind: "Pod", namespace: "shop", name, uid: `uid-${name}` },
    })),
  });

  it("holds where a wrong endpoint goes in time", () => {
    const history = told()
      .object(pod("a"))
      .object(slice("a"))
      .act("calm")
      .at(10)
      .object(pod("a", { ready: false }))
      .at(15)
      .object(slice())
      .at(60)
      .act("end");
    expect(history.judge("endpoints-ready", { within: "20s" }).verdict).toBe("held");
  });

  it("is violated by one that stays", () => {
    const history = told()
      .object(pod("a"))
      .object(slice("a"))
      .act("calm")
      .at(10)
      .object(pod("a", { ready: false }))
      .at(60)
      .act("end");
    expect(history.judge("endpoints-ready", { within: "20s" }).detail).toMatch(
      /endpoint a in EndpointSlice shop\/web-x has been listed as ready for 50 s/,
    );
  });

  it("is violated by an endpoint of a pod of the same name that is gone", () => {
    const history = told()
      .object(pod("a"))
      .object(slice("a"))
      .act("calm")
      .at(10)
      .gone("Pod shop/a")
      .object(pod("a", { uid: "another" }))
      .at(60)
      .act("end");
    expect(history.judge("endpoints-ready").verdict).toBe("violated");
  });

  const ofService = (...names: string[]) => {
    const plain = slice(...names);
    const labels = { "kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" };
    return { ...plain, metadata: { ...plain.metadata, labels } };
  };
  const service = (spec: object) => ({ apiVersion: "v1", kind: "Service", metadata: { namespace: "shop", name: "web", uid: "w" }, spec });

  it("is violated at once by a pod that has never been ready, however late the controllers are", () => {
    const history = told()
      .act("storm")
      .at(5)
      .object(pod("a", { ready: false }))
      .at(6)
      .object(ofService("a"));
    expect(history.judge("endpoints-ready")).toMatchObject({
      verdict: "violated",
      atUs: 6e6,
      detail: "endpoint a of Service shop/web is listed as ready, and its pod has never been so",
    });
  });

  it("holds for one that was ready before, for a Service that publishes what is not ready, and for slices of others", () => {
    const before = told()
      .act("storm")
      .object(pod("a"))
      .object(pod("a", { ready: false }))
      .object(ofService("a"));
    expect(before.judge("endpoints-ready").verdict).toBe("held");
    const unready = () =>
      told()
        .act("storm")
        .object(pod("a", { ready: false }));
    expect(
      unready()
        .object(service({ publishNotReadyAddresses: true }))
        .object(ofService("a"))
        .judge("endpoints-ready").verdict,
    ).toBe("held");
    expect(unready().object(slice("a")).judge("endpoints-ready").verdict).toBe("held");
  });

  it("gives the controllers time after the storm", () => {
    const history = told()
      .object(pod("a"))
      .object(slice("a"))
      .act("storm")
      .object(pod("a", { ready: false }))
      .at(300)
      .act("calm")
      .at(310)
      .object(slice());
    expect(history.judge("endpoints-ready", { within: "20s" }).verdict).toBe("held");
  });
});
