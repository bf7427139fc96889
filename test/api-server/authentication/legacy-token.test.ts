import { legacyTokenCleaner } from "../../../actors/controller-manager/legacy-token-cleaner";
import { plan } from "../../controller-manager/bench";
import { controlled } from "../certificates/controlled";
import type { Json } from "../server/tank";

const secretsPath = "/api/v1/namespaces/shop/secrets";
const type = "kubernetes.io/service-account-token";

describe("a Secret for a service account's token", () => {
  const tank = controlled(["serviceaccount-token"]);
  tank.namespace("shop");
  const account = tank.create("/api/v1/namespaces/shop/serviceaccounts", { metadata: { name: "robot" } }).body;
  const make = (name: string, of = "robot", annotations: object = {}) =>
    tank.create(secretsPath, { metadata: { name, annotations: { "kubernetes.io/service-account.name": of, ...annotations } }, type });
  const settle = () => tank.simulation.runFor(3_000);
  const data = (name: string, key: string) => Buffer.from(tank.get(`${secretsPath}/${name}`).body.data?.[key] ?? "", "base64").toString();
  const whoami = (token: string) =>
    tank.create(
      "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
      { credential: { type: "bearer", token } },
    );
  const patch = (labels: object) => tank.patch(`${secretsPath}/robot-token`, "merge", { metadata: { labels } });

  it("is filled with a token that never expires, the authority and the namespace", () => {
    make("robot-token");
    settle();
    const { metadata } = tank.get(`${secretsPath}/robot-token`).body;
    expect(metadata.annotations["kubernetes.io/service-account.uid"]).toBe(account.metadata.uid);
    expect([data("robot-token", "ca.crt"), data("robot-token", "namespace")]).toEqual(["PEM", "shop"]);
    const claims = JSON.parse(Buffer.from(data("robot-token", "token").split(".")[1]!, "base64url").toString());
    expect(claims).toEqual({
      iss: "kubernetes/serviceaccount",
      "kubernetes.io/serviceaccount/namespace": "shop",
      "kubernetes.io/serviceaccount/secret.name": "robot-token",
      "kubernetes.io/serviceaccount/service-account.name": "robot",
      "kubernetes.io/serviceaccount/service-account.uid": account.metadata.uid,
      sub: "system:serviceaccount:shop:robot",
    });
  });

  it("opens the API, and says when it last did", () => {
    const answer = whoami(data("robot-token", "token"));
    expect(answer.body.status.userInfo).toEqual({
      username: "system:serviceaccount:shop:robot",
      uid: account.metadata.uid,
      groups: ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
    });
    settle();
    const labelled = tank.get(`${secretsPath}/robot-token`).body.metadata;
    const { since } = tank.get("/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking").body.data;
    expect(labelled.labels["kubernetes.io/legacy-token-last-used"]).toBe(since);
    // Once a day is enough.
    whoami(data("robot-token", "token"));
    settle();
    expect(tank.get(`${secretsPath}/robot-token`).body.metadata.resourceVersion).toBe(labelled.resourceVersion);
    const status = tank.create("/apis/authentication.k8s.io/v1/tokenreviews", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token: data("robot-token", "token"), audiences: ["grafana"] },
    }).body.status;
    expect(status.authenticated ?? false).toBe(false);
  });

  it("is not believed while it is marked as invalid, nor changed, nor after the Secret has gone", () => {
    const token = data("robot-token", "token");
    patch({ "kubernetes.io/legacy-token-invalid-since": "2026-01-01" });
    settle();
    expect(whoami(token).code).toBe(401);
    patch({ "kubernetes.io/legacy-token-invalid-since": null });
    settle();
    expect(whoami(token).code).toBe(201);
    expect(whoami(`${token.slice(0, -4)}AAAA`).code).toBe(401);
    tank.delete(`${secretsPath}/robot-token`);
    settle();
    expect(whoami(token).code).toBe(401);
    // Another Secret of that name holds another token, even for the same account.
    tank.create(secretsPath, { metadata: { name: "robot-token" }, stringData: { token: "x" } });
    settle();
    expect(whoami(token).code).toBe(401);
  });

  it("goes with its account, and is not made for one that is not there", () => {
    make("stray", "nobody");
    make("other", "robot", { "kubernetes.io/service-account.uid": "another" });
    make("robot-two");
    settle();
    expect(["stray", "other", "robot-two"].map((name) => tank.get(`${secretsPath}/${name}`).code)).toEqual([404, 404, 200]);
    const token = data("robot-two", "token");
    tank.delete("/api/v1/namespaces/shop/serviceaccounts/robot");
    settle();
    expect(tank.get(`${secretsPath}/robot-two`).code).toBe(404);
    expect(whoami(token).code).toBe(401);
  });
});

describe("the cleaner of old tokens", () => {
  const nowMs = Date.parse("2028-06-01T00:00:00Z");
  const secret = (name: string, metadata: object = {}): Json => ({
    apiVersion: "v1",
    kind: "Secret",
    type,
    metadata: {
      ...{ namespace: "shop", name, uid: name, resourceVersion: "7", creationTimestamp: "2025-01-01T00:00:00Z" },
      annotations: { "kubernetes.io/service-account.name": "robot" },
      ...metadata,
    },
  });
  const listed = ["old", "used", "marked", "due", "mounted", "young"];
  const objects = (since: string) => ({
    configmaps: [
      { metadata: { namespace: "kube-system", name: "kube-apiserver-legacy-service-account-token-tracking" }, data: { since } } as Json,
    ],
    serviceaccounts: [{ metadata: { namespace: "shop", name: "robot" }, secrets: listed.map((name) => ({ name })) } as Json],
    pods: [{ metadata: { namespace: "shop", name: "p" }, spec: { volumes: [{ name: "v", secret: { secretName: "mounted" } }] } } as Json],
    secrets: [
      secret("old"),
      secret("used", { labels: { "kubernetes.io/legacy-token-last-used": "2028-01-01" } }),
      secret("marked", { labels: { "kubernetes.io/legacy-token-invalid-since": "2027-12-01" } }),
      secret("due", { labels: { "kubernetes.io/legacy-token-invalid-since": "2027-05-01" } }),
      secret("mounted"),
      secret("young", { creationTimestamp: "2028-01-01T00:00:00Z" }),
      secret("of-somebody"),
    ],
  });

  it("marks what nobody used for a year, deletes what was marked a year ago, and leaves what people made or use", () => {
    const { writes } = plan(legacyTokenCleaner, "all", objects("2026-01-01"), { nowMs });
    expect(writes.map((write) => [write.do, write.name])).toEqual([
      ["patch", "old"],
      ["delete", "due"],
    ]);
    expect(writes[0].patch).toEqual({ metadata: { labels: { "kubernetes.io/legacy-token-invalid-since": "2028-06-01" } } });
  });

  it("does nothing before uses were noted for a year", () => {
    expect(plan(legacyTokenCleaner, "all", objects("2028-01-01"), { nowMs }).writes).toEqual([]);
  });
});
