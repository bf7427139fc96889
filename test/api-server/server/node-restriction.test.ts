import type { Credential } from "../../../protocol/api";
import { requestCertificate } from "../../../runtime/live/certificates";
import { pod, Tank } from "./tank";

// Source: "Using Node Authorization", and what the reference says of NodeRestriction. The node is "a", with the groups of a kubelet.
describe("a kubelet", () => {
  const tank = new Tank();
  const credential: Credential = { type: "certificate", commonName: "system:node:a", organizations: ["system:nodes"] };
  const as = { credential };
  const pods = "/api/v1/namespaces/shop/pods";
  tank.namespace("shop");
  for (const name of ["a", "b"]) tank.create("/api/v1/nodes", { metadata: { name } });
  const mine = tank.create(
    pods,
    pod("mine", { nodeName: "a", containers: [{ name: "c", image: "i", envFrom: [{ secretRef: { name: "used" } }] }] }),
  ).body;
  const others = tank.create(pods, pod("others", { nodeName: "b" })).body;
  for (const name of ["used", "unused"]) {
    tank.create("/api/v1/namespaces/shop/secrets", { metadata: { name } });
    tank.create("/api/v1/namespaces/shop/configmaps", { metadata: { name } });
  }
  const said = ({ code, body }: { code: number; body: { message?: string } }) => (code < 400 ? code : `${code} ${body.message}`);

  it("reads what its pods use and nothing else, and lists nothing", () => {
    expect(said(tank.get("/api/v1/namespaces/shop/secrets/used", as))).toBe(200);
    for (const path of ["secrets/unused", "configmaps/unused", "secrets", "configmaps"])
      expect(tank.get(`/api/v1/namespaces/shop/${path}`, as).code).toBe(403);
    expect(tank.get("/api/v1/secrets", as).code).toBe(403);
    expect(tank.create("/api/v1/namespaces/shop/secrets", { metadata: { name: "own" } }, as).code).toBe(403);
    tank.delete(`${pods}/mine`, { gracePeriodSeconds: 0 }, as);
    tank.simulation.runFor(1_000);
    expect(tank.get("/api/v1/namespaces/shop/secrets/used", as).code).toBe(403);
    tank.create(pods, pod("mine", { nodeName: "a" }));
  });

  it("says of its Node what a machine can know, and puts neither trust nor taints on it", () => {
    const label = (labels: object) => said(tank.patch("/api/v1/nodes/a", "merge", { metadata: { labels } }, as));
    expect(label({ "kubernetes.io/os": "linux", "node.kubernetes.io/pool": "x", "example.com/rack": "7" })).toBe(200);
    expect(label({ "node-restriction.kubernetes.io/vault": "yes" })).toMatch(
      /^403 .*not allowed to modify labels: node-restriction\.kubernetes\.io\/vault$/,
    );
    expect(label({ "node-role.kubernetes.io/control-plane": "" })).toContain("node-role.kubernetes.io/control-plane");
    expect(said(tank.patch("/api/v1/nodes/a", "merge", { spec: { taints: [] } }, as))).toContain(
      'node "a" is not allowed to modify taints',
    );
    expect(said(tank.patch("/api/v1/nodes/b", "merge", { metadata: { labels: { x: "y" } } }, as))).toContain(
      'not allowed to modify node "b"',
    );
    const made = tank.create("/api/v1/nodes", { metadata: { name: "a", labels: { "k8s.io/own": "x" } } }, as);
    expect(said(made)).toContain("is not allowed to set the following labels: k8s.io/own");
  });

  it("writes the status of its pods and no labels by it, and deletes no other node's", () => {
    const status = (name: string, change: object) => said(tank.patch(`${pods}/${name}/status`, "merge", change, as));
    expect(status("mine", { status: { phase: "Running" } })).toBe(200);
    expect(status("mine", { metadata: { labels: { app: "x" } } })).toContain('node "a" cannot update labels through pod status');
    expect(status("others", { status: { phase: "Failed" } })).toContain(
      "can only update pod status for pods with spec.nodeName set to itself",
    );
    expect(said(tank.delete(`${pods}/others`, undefined, as))).toContain("can only delete pods with spec.nodeName set to itself");
  });

  it.each([
    ["on another node", { nodeName: "b" }, {}, "spec.nodeName set to itself"],
    ["as a service account", { serviceAccountName: "default" }, {}, "reference a service account"],
    ["with a secret", { volumes: [{ name: "v", secret: { secretName: "unused" } }] }, {}, "reference secrets"],
    ["with a config map", { volumes: [{ name: "v", configMap: { name: "unused" } }] }, {}, "reference configmaps"],
    ["with a claim", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] }, {}, "reference persistentvolumeclaims"],
    [
      "of somebody else",
      {},
      { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: "b", uid: "u" }] },
      "owner reference set to itself",
    ],
  ])("makes no mirror pod %s", (_title, spec, metadata, why) => {
    const annotations = { "kubernetes.io/config.mirror": "x" };
    expect(said(tank.create(pods, pod("mirror", { nodeName: "a", ...spec }, { annotations, ...metadata }), as))).toContain(why);
  });

  it("makes the mirror of a pod that it runs itself", () => {
    expect(said(tank.create(pods, pod("mirror", { nodeName: "a" }, { annotations: { "kubernetes.io/config.mirror": "x" } }), as))).toBe(
      201,
    );
  });

  it("asks for tokens of its pods alone, bound to them", () => {
    const ask = (boundObjectRef?: object) =>
      said(
        tank.create(
          "/api/v1/namespaces/shop/serviceaccounts/default/token",
          {
            apiVersion: "authentication.k8s.io/v1",
            kind: "TokenRequest",
            spec: { audiences: [], ...(boundObjectRef ? { boundObjectRef } : {}) },
          },
          as,
        ),
      );
    const { uid } = tank.get(`${pods}/mine`).body.metadata;
    expect(uid).not.toBe(mine.metadata.uid);
    expect(ask()).toContain("node requested token not bound to a pod");
    expect(ask({ kind: "Pod", name: "mine" })).toContain("pod binding without a uid");
    expect(ask({ kind: "Pod", name: "others", uid: others.metadata.uid })).toContain("bound to a pod scheduled on a different node");
    expect(ask({ kind: "Pod", name: "mine", uid })).toBe(201);
  });

  it("evicts pods of its own node and no others", () => {
    const evict = (name: string) => said(tank.create(`${pods}/${name}/eviction`, { metadata: { name } }, as));
    expect(evict("others")).toContain('node "a" can only evict pods with spec.nodeName set to itself');
    expect(tank.get(`${pods}/others`).body.metadata.deletionTimestamp).toBeUndefined();
    expect(evict("mine")).toBe(201);
  });

  it("asks for certificates in its own name alone", () => {
    const ask = (commonName: string) => {
      const { request } = requestCertificate({ commonName, organizations: ["system:nodes"] });
      const spec = {
        request: Buffer.from(request).toString("base64"),
        signerName: "kubernetes.io/kube-apiserver-client-kubelet",
        usages: ["client auth", "digital signature"],
      };
      const path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
      return said(tank.create(path, { metadata: { generateName: "csr-" }, spec }, as));
    };
    expect(ask("system:node:b")).toContain("can only create a node CSR with CN=system:node:a");
    expect(ask("system:node:a")).toBe(201);
  });
});
