import { actors } from "../../actors";
import { deployments, namespaces, nodes, pods, type Resource, resource } from "../../actors/client";
import { pathOf } from "../../actors/client/api-client";
import { address } from "../../protocol/address";
import type { ApiRequest, ApiResponse, Verb } from "../../protocol/api";
import type { Deployment, Node, PersistentVolumeClaim, Pod, PodDisruptionBudget, ResourceQuota } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { Simulation } from "../../runtime/simulated/simulation";
import { defaultShape, planCluster } from "../../scenarios/cluster";

/** The controllers with the real API servers, etcd, scheduler and kubelets. */
function wholeCluster(seed: number) {
  const plan = planCluster(defaultShape, { rootCa: "PEM" });
  const simulation = new Simulation({ seed, actors });
  for (const { name, zone, actors: placed } of plan.hosts) {
    simulation.addHost({ name, zone });
    for (const { address: at, config } of placed) simulation.place(name, at, config);
  }
  simulation.start();
  const ask = <T>(verb: Verb, of: Resource<T>, namespace: string, name: string, body?: object): T => {
    const request: ApiRequest = {
      kind: "api.request",
      verb,
      path: pathOf(of, { namespace, name }),
      isResource: true,
      group: of.group,
      version: of.version,
      resource: of.plural,
      subresource: "",
      namespace,
      name,
      query: {},
      accept: "application/json",
      contentType: "application/json",
      userAgent: "test",
      credential: { type: "certificate", commonName: "admin", organizations: ["system:masters"] },
      impersonation: null,
      body: body ? Buffer.from(JSON.stringify(body)) : new Uint8Array(0),
    };
    let answer: unknown;
    simulation.ask<ApiResponse>(address("apiserver", 0), request, 10_000, (given) => {
      answer = given.ok ? JSON.parse(Buffer.from(given.body.body).toString()) : given;
    });
    simulation.runFor(10_100, () => answer !== undefined);
    return answer as T;
  };
  const listPods = () => (ask("list", pods, "shop", "") as unknown as { readonly items: readonly Stored<Pod>[] }).items;
  return { simulation, ask, listPods };
}

test("deployed, rolled out, moved from a lost node and deleted: the controllers' walk on the whole control plane", () => {
  const { simulation, ask, listPods } = wholeCluster(11);
  simulation.runFor(20_000);
  ask("create", namespaces, "", "", { metadata: { name: "shop" } });
  simulation.runFor(2_000);
  const labels = { app: "web" };
  const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: "main", image }] } });
  ask("create", deployments, "shop", "", {
    metadata: { name: "web" },
    spec: { replicas: 4, selector: { matchLabels: labels }, template: template("web:1") },
  });
  const budgets = resource<PodDisruptionBudget>("policy/v1", "PodDisruptionBudget");
  ask("create", budgets, "shop", "", { metadata: { name: "web" }, spec: { selector: { matchLabels: labels }, maxUnavailable: 1 } });
  simulation.runFor(20_000);
  expect(ask("get", deployments, "shop", "web").status).toMatchObject({ observedGeneration: 1, replicas: 4, availableReplicas: 4 });
  expect(ask("get", budgets, "shop", "web").status).toMatchObject({ expectedPods: 4, desiredHealthy: 3, disruptionsAllowed: 1 });

  const current: Deployment = ask("get", deployments, "shop", "web");
  ask("update", deployments, "shop", "web", { ...current, spec: { ...current.spec, template: template("web:2") } });
  simulation.runFor(60_000);
  expect(ask("get", deployments, "shop", "web").status).toMatchObject({ observedGeneration: 2, updatedReplicas: 4, availableReplicas: 4 });

  const lost = listPods()[0]!.spec!.nodeName!;
  simulation.crashHost(lost);
  simulation.runFor(60_000);
  const node: Node = ask("get", nodes, "", lost);
  expect(node.spec!.taints!.map(({ key, effect }) => `${key}:${effect}`).sort()).toEqual([
    "node.kubernetes.io/unreachable:NoExecute",
    "node.kubernetes.io/unreachable:NoSchedule",
  ]);
  expect(listPods().filter((pod) => pod.metadata.deletionTimestamp)).toEqual([]);
  simulation.runFor(310_000);
  const alive = listPods().filter((pod) => !pod.metadata.deletionTimestamp);
  expect(alive).toHaveLength(4);
  expect(alive.map((pod) => pod.spec!.nodeName)).not.toContain(lost);

  simulation.startHost(lost);
  simulation.runFor(30_000);
  expect((ask("get", nodes, "", lost) as Node).spec!.taints).toBeUndefined();
  ask("delete", namespaces, "", "shop", {});
  simulation.runFor(90_000);
  expect(ask("get", namespaces, "", "shop")).toMatchObject({ kind: "Status", reason: "NotFound" });
});

test("a quota is counted when it is made and when objects go; a claim that is deleted stays while a pod uses it", () => {
  const { simulation, ask, listPods } = wholeCluster(12);
  simulation.runFor(20_000);
  ask("create", namespaces, "", "", { metadata: { name: "shop" } });
  const quotas = resource<ResourceQuota>("v1", "ResourceQuota");
  const claims = resource<PersistentVolumeClaim>("v1", "PersistentVolumeClaim");
  simulation.runFor(2_000);
  ask("create", quotas, "shop", "", { metadata: { name: "few" }, spec: { hard: { pods: "2", "count/deployments.apps": "1" } } });
  simulation.runFor(2_000);
  expect(ask("get", quotas, "shop", "few").status).toEqual({
    hard: { pods: "2", "count/deployments.apps": "1" },
    used: { pods: "0", "count/deployments.apps": "0" },
  });
  const labels = { app: "web" };
  const spec = {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "web:1" }] } },
  };
  ask("create", deployments, "shop", "", { metadata: { name: "web" }, spec: { replicas: 3, ...spec } });
  simulation.runFor(20_000);
  expect(listPods()).toHaveLength(2);
  expect(ask("create", deployments, "shop", "", { metadata: { name: "another" }, spec })).toMatchObject({
    reason: "Forbidden",
    message: expect.stringContaining("exceeded quota: few, requested: count/deployments.apps=1, used: count/deployments.apps=1"),
  });
  const web: Deployment = ask("get", deployments, "shop", "web");
  ask("update", deployments, "shop", "web", { ...web, spec: { ...web.spec, replicas: 1 } });
  simulation.runFor(40_000);
  expect(ask("get", quotas, "shop", "few").status!.used).toEqual({ pods: "1", "count/deployments.apps": "1" });

  ask("delete", deployments, "shop", "web", {});
  simulation.runFor(40_000);
  ask("create", claims, "shop", "", {
    metadata: { name: "data" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  });
  const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data" } }];
  ask("create", pods, "shop", "", { metadata: { name: "user" }, spec: { containers: [{ name: "main", image: "web:1" }], volumes } });
  simulation.runFor(1_000);
  ask("delete", claims, "shop", "data", {});
  simulation.runFor(10_000);
  expect(ask("get", claims, "shop", "data").metadata!.deletionTimestamp).toBeDefined();
  ask("delete", pods, "shop", "user", {});
  simulation.runFor(60_000);
  expect(ask("get", claims, "shop", "data")).toMatchObject({ kind: "Status", reason: "NotFound" });
});
