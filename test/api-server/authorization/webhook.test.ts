import { allowedByPolicies, readPolicies, rulesOfPolicies } from "../../../actors/api-server/authorization/abac";
import { type Authorizer, readAuthorizationConfiguration } from "../../../actors/api-server/authorization/configuration";
import { address } from "../../../protocol/address";
import { Hooks } from "../admission/webhook-actor";
import { configMap, type Json, Tank } from "../server/tank";

const connectionInfo = {
  ...{ type: "KubeConfigFile", kubeConfigFile: "/etc/authz.kubeconfig" },
  access: { url: "https://authz.example.com/authorize", headers: [["authorization", "Bearer me"]] },
};
const webhook = (more: object = {}) => ({
  ...{
    timeout: "3s",
    subjectAccessReviewVersion: "v1",
    failurePolicy: "Deny",
    connectionInfo,
    authorizedTTL: "10s",
    unauthorizedTTL: "5s",
  },
  ...more,
});
const file = (...authorizers: object[]) => ({ apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthorizationConfiguration", authorizers });
const read = (...authorizers: object[]): readonly Authorizer[] => {
  const result = readAuthorizationConfiguration(file(...authorizers));
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.authorizers;
};
const rbac = { type: "RBAC", name: "rbac" };

describe("an AuthorizationConfiguration", () => {
  it("that cannot be right is refused with the place, in kube-apiserver's words", () => {
    const problems = (...authorizers: object[]) => {
      const result = readAuthorizationConfiguration(file(...authorizers));
      return result.ok ? [] : result.problems;
    };
    expect(problems()).toEqual(["authorizers: Required value: at least one authorization mode must be defined"]);
    expect(problems({ type: "Node", name: "Node" }, { type: "RBAC", name: "rbac", webhook: {} }, rbac, { type: "X" }, {})).toEqual([
      'authorizers[0].name: Invalid value: "Node": authorizer name is invalid: a lowercase RFC 1123 subdomain is expected',
      'authorizers[1].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
      'authorizers[2].type: Duplicate value: "RBAC"',
      'authorizers[3].type: Unsupported value: "X": supported values: "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"',
      "authorizers[4].type: Required value",
    ]);
    const broken = webhook({
      ...{ timeout: "31s", authorizedTTL: "-1s", subjectAccessReviewVersion: "v2", failurePolicy: "", more: 1 },
      connectionInfo: { type: "KubeConfigFile", kubeConfigFile: "authz.kubeconfig" },
      matchConditions: [{ expression: "request.user ==" }, { expression: "request.name == 'x'" }, { expression: " " }],
    });
    expect(problems({ type: "Webhook", name: "a", webhook: broken }, { type: "Webhook", name: "a" })).toEqual([
      expect.stringContaining("authorizers[0].webhook.more: unknown field"),
      'authorizers[0].webhook.timeout: Invalid value: "31s": must be > 0s and <= 30s',
      'authorizers[0].webhook.authorizedTTL: Invalid value: "-1s": must be > 0s',
      'authorizers[0].webhook.subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
      expect.stringContaining("authorizers[0].webhook.matchConditions[0].expression: Invalid value: "),
      expect.stringContaining("undefined field 'name'"),
      "authorizers[0].webhook.matchConditions[2].expression: Required value",
      "authorizers[0].webhook.matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified",
      "authorizers[0].webhook.failurePolicy: Required value",
      'authorizers[0].webhook.connectionInfo.kubeConfigFile: Invalid value: "authz.kubeconfig": must be an absolute path',
      'authorizers[1].name: Duplicate value: "a"',
      "authorizers[1].webhook: Required value: required when type=Webhook",
    ]);
  });
});

describe("an authorization webhook", () => {
  /** What it says of whom: the user's name stands for it. */
  const verdicts: Readonly<Record<string, Json>> = {
    ...{ ann: { allowed: true, reason: "is ann" }, bob: { allowed: false, denied: true, reason: "is bob" } },
    ...{ cat: { allowed: false, reason: "who is cat?" }, dan: null, eve: { allowed: true, denied: true } },
  };
  const hooks = new Hooks().on("/authorize", (_request, review) => {
    const status = verdicts[review.spec.user];
    return status === null ? null : { ...review, status: status ?? { allowed: false } };
  });
  const conditions = [{ expression: "has(request.resourceAttributes) && request.resourceAttributes.resource == 'configmaps'" }];
  const matched = { matchConditions: conditions, matchConditionSubjectAccessReviewVersion: "v1" };
  const tank = new Tank({
    actors: [hooks.actor],
    web: { "authz.example.com:443": address("hooks", 0) },
    config: { authorizers: read({ type: "Webhook", name: "authz", webhook: webhook(matched) }, { type: "Node", name: "node" }, rbac) },
  });
  tank.namespace("default");
  tank.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
    metadata: { name: "viewers" },
    ...{ roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" }, subjects: [] },
    subjects: ["bob", "cat", "dan"].map((name) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "User", name })),
  });
  const path = "/api/v1/namespaces/default/configmaps";
  const as = (user: string) => ({ credential: { type: "certificate" as const, commonName: user, organizations: ["dev"] } });
  const codes = (...users: string[]) => users.map((user) => tank.get(path, as(user)).code);
  const reload = (...authorizers: object[]) => {
    const told = { kind: "api.reload", what: "authorization", document: file(...authorizers), fault: "", hash: "h", serverHash: "me" };
    tank.simulation.portal().send(address("apiserver", 0), told as never);
    tank.simulation.runFor(100);
  };

  it("allows, denies for all who come after it, or has no opinion; it is asked as a real one is (KEP-3221)", () => {
    expect(codes("ann", "bob", "cat", "fay")).toEqual([200, 403, 200, 403]);
    expect(tank.get(path, as("bob")).body.message).toBe(
      'configmaps is forbidden: User "bob" cannot list resource "configmaps" in API group "" in the namespace "default": is bob',
    );
    expect(hooks.asked[0]!.url).toBe("https://authz.example.com:443/authorize?timeout=3s");
    expect(hooks.asked[0]!.review).toEqual({
      ...{ kind: "SubjectAccessReview", apiVersion: "authorization.k8s.io/v1", metadata: {} },
      spec: {
        resourceAttributes: { namespace: "default", verb: "list", version: "v1", resource: "configmaps" },
        ...{ user: "ann", groups: ["dev", "system:authenticated"] },
      },
    });
    tank.get(`${path}?labelSelector=app%20in%20(a,b),!old&fieldSelector=metadata.name!%3Dx`, as("ann"));
    expect(hooks.asked.at(-1)!.review.spec.resourceAttributes).toMatchObject({
      labelSelector: {
        requirements: [
          { key: "app", operator: "In", values: ["a", "b"] },
          { key: "old", operator: "DoesNotExist" },
        ],
      },
      fieldSelector: { requirements: [{ key: "metadata.name", operator: "NotIn", values: ["x"] }] },
    });
  });

  it("is not asked where its conditions do not hold, nor about members of system:masters", () => {
    const before = hooks.asked.length;
    expect(tank.get("/api/v1/namespaces/default/pods", as("bob")).code).toBe(200);
    expect(tank.get("/version", as("bob")).code).toBe(200);
    expect(tank.get(path).code).toBe(200);
    expect(hooks.asked).toHaveLength(before);
    expect(tank.get("/metrics").text).toContain('apiserver_authorization_match_condition_exclusions_total{type="Webhook",name="authz"} 2');
  });

  it("is believed for as long as the configuration says", () => {
    tank.simulation.runFor(60_000);
    const before = hooks.asked.length;
    codes("ann", "cat", "ann", "cat");
    expect(hooks.asked).toHaveLength(before + 2);
    tank.simulation.runFor(6_000);
    codes("ann", "cat");
    expect(hooks.asked.slice(before + 2).map(({ review }) => review.spec.user)).toEqual(["cat"]);
    tank.simulation.runFor(6_000);
    codes("ann");
    expect(hooks.asked.at(-1)!.review.spec.user).toBe("ann");
  });

  it("that does not answer is a failure of the server, as is one that contradicts itself", () => {
    const silent = tank.get(path, as("dan"));
    expect([silent.code, silent.text]).toEqual([
      500,
      `Internal Server Error: "${path}": Post "https://authz.example.com/authorize": context deadline exceeded\n`,
    ]);
    expect(codes("eve")).toEqual([500]);
    expect(tank.get("/metrics").text).toContain('apiserver_authorization_webhook_evaluations_total{name="authz",result="timeout"} 1');
  });

  it("answers access reviews, impersonation and the authorizer of policies too", () => {
    const review = (user: string) =>
      tank.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
        spec: { user, resourceAttributes: { verb: "create", resource: "configmaps", namespace: "default" } },
      }).body.status;
    expect([review("ann"), review("bob"), review("cat")]).toEqual([
      { allowed: true, reason: "is ann" },
      { allowed: false, denied: true, reason: "is bob" },
      { allowed: false, reason: "who is cat?" },
    ]);
    expect(review("dan").evaluationError).toContain("context deadline exceeded");
    const group = "/apis/admissionregistration.k8s.io/v1";
    const rules = [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }];
    const check = "authorizer.group('').resource('configmaps').namespace('other').check('create')";
    const validations = [{ expression: `${check}.allowed() && ${check}.reason() == 'is ann'`, message: "not ann" }];
    tank.create(`${group}/validatingadmissionpolicies`, {
      metadata: { name: "ann" },
      spec: { matchConstraints: { resourceRules: rules }, validations },
    });
    tank.create(`${group}/validatingadmissionpolicybindings`, {
      metadata: { name: "ann" },
      spec: { policyName: "ann", validationActions: ["Deny"] },
    });
    tank.simulation.runFor(200);
    reload({ type: "Webhook", name: "authz", webhook: webhook() }, { type: "AlwaysAllow", name: "all" });
    const made = (user: string, name: string, impersonation: Json = null) =>
      tank.create(path, configMap(name), { ...as(user), impersonation }).body.message ?? "made";
    expect(made("ann", "a")).toBe("made");
    expect(made("cat", "b")).toContain("denied request: not ann");
    const ann = { user: "ann", uid: "", groups: [], extra: {} };
    expect(made("cat", "b", ann)).toBe("made");
    expect(made("bob", "c", ann)).toContain('User "bob" cannot impersonate resource "users"');
    expect(hooks.asked.at(-1)!.review.spec).toMatchObject({ resourceAttributes: { verb: "impersonate", name: "ann" }, user: "bob" });
  });

  it("is another after a reload; a file that cannot be right leaves everything as it was", () => {
    reload({ type: "Webhook", name: "authz", webhook: webhook({ failurePolicy: "NoOpinion" }) }, rbac);
    expect(codes("ann", "bob", "dan", "fay")).toEqual([200, 403, 200, 403]);
    // Of everything else it is asked now as well.
    expect(tank.get("/version", as("bob")).code).toBe(403);
    reload({ type: "Webhook", name: "authz", webhook: { ...webhook(), timeout: "1h" } });
    expect(codes("dan")).toEqual([200]);
    expect(tank.get("/metrics").text).toContain(
      'apiserver_authorization_config_controller_automatic_reloads_total{status="failure",apiserver_id_hash="me"} 1',
    );
    expect(tank.get("/metrics").text).toContain(
      'apiserver_authorization_webhook_evaluations_fail_open_total{name="authz",result="timeout"} 2',
    );
    reload(rbac);
    expect(codes("ann", "bob", "cat")).toEqual([403, 200, 200]);
  });
});

describe("a file of policies (ABAC)", () => {
  const of = (text: string) => {
    const result = readPolicies(text);
    if (!result.ok) throw new Error(result.problems.join("\n"));
    return result.policies;
  };
  const user = (name: string, ...groups: string[]) => ({ name, uid: "", groups: [...groups, "system:authenticated"], extra: {} });
  const wanted = (text: string) => {
    const [verb = "", what = "", namespace = ""] = text.split(" ");
    const none = { version: "v1", subresource: "", name: "" };
    if (what.startsWith("/")) return { ...none, verb, isResource: false, group: "", resource: "", namespace: "", path: what };
    const [resource = "", group = ""] = what.split(".");
    return { ...none, verb, isResource: true, group, resource, namespace, path: "" };
  };
  const v1beta1 = (spec: object) => JSON.stringify({ apiVersion: "abac.authorization.kubernetes.io/v1beta1", kind: "Policy", spec });

  // Source: "Using ABAC Authorization", its examples; the older version as kubernetes' pkg/apis/abac/v0 converts it.
  it.each<[string, string, ReturnType<typeof user>, readonly string[], readonly string[]]>([
    [
      "a reader of one resource in one namespace",
      v1beta1({ user: "bob", namespace: "projectCaribou", resource: "pods", readonly: true }),
      user("bob"),
      ["get pods projectCaribou", "watch pods projectCaribou"],
      ["create pods projectCaribou", "get pods other", "get secrets projectCaribou", "get pods.apps projectCaribou", "get /version"],
    ],
    [
      "everybody who is known, and what is no resource",
      v1beta1({ group: "*", readonly: true, nonResourcePath: "/healthz*" }),
      user("ann"),
      ["get /healthz", "get /healthz/etcd"],
      ["post /healthz", "get /version", "get pods default"],
    ],
    [
      "a policy for nobody",
      v1beta1({ namespace: "*", resource: "*", apiGroup: "*" }),
      user("ann"),
      [],
      ["get pods default", "get /version"],
    ],
    [
      "both a user and a group",
      v1beta1({ user: "ann", group: "dev", resource: "*", namespace: "*" }),
      user("ann"),
      [],
      ["get pods default"],
    ],
    ["the older version, where nothing said is all", '{"user": "ann"}', user("ann"), ["delete pods.apps x", "get /version"], []],
    [
      "the older version for everybody",
      '{"readonly": true, "resource": "pods"}',
      user("x"),
      ["list pods.any y"],
      ["get /version", "delete pods y"],
    ],
  ])("allows what it says: %s", (_, text, who, may, mayNot) => {
    const policies = of(text);
    const allowed = (each: string) => allowedByPolicies(policies, who, wanted(each));
    expect(may.filter((each) => !allowed(each))).toEqual([]);
    expect(mayNot.filter(allowed)).toEqual([]);
  });

  it("with lines that cannot be is refused with their numbers, and lists what it allows", () => {
    const text = ["", "# a comment", "{", "[]", '{"kind": "Policy"}', v1beta1({ user: 1 }), v1beta1({ readonly: "yes" })].join("\n");
    expect(readPolicies(text)).toEqual({
      ok: false,
      problems: [
        expect.stringMatching(/^3: expected a policy as JSON in one line: /),
        "4: expected a policy: an object of JSON",
        "5: apiVersion: expected abac.authorization.kubernetes.io/v1beta1, found null",
        "6: spec.user: expected a text",
        "7: spec.readonly: expected true or false",
      ],
    });
    const policies = of(v1beta1({ user: "ann", readonly: true, namespace: "a", resource: "pods", apiGroup: "" }));
    expect(rulesOfPolicies(policies, user("ann"), "a")).toEqual([
      { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["pods"] },
    ]);
    expect(rulesOfPolicies(policies, user("ann"), "b")).toEqual([]);
  });

  it("is asked in its place in the chain", () => {
    const policies = of(v1beta1({ user: "ann", namespace: "*", resource: "configmaps", apiGroup: "" }));
    const tank = new Tank({ config: { authorizers: [{ type: "ABAC", name: "abac", policies }] } });
    tank.namespace("default");
    const get = (commonName: string, resource: string) =>
      tank.get(`/api/v1/namespaces/default/${resource}`, { credential: { type: "certificate", commonName, organizations: [] } });
    expect([get("ann", "configmaps").code, get("ann", "secrets").code, get("bob", "configmaps").code]).toEqual([200, 403, 403]);
    expect(get("bob", "configmaps").body.message).toContain("No policy matched.");
  });
});
