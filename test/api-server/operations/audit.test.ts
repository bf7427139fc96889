import { type AuditPolicy, auditDecision } from "../../../actors/api-server/audit/policy";
import type { AuditSink } from "../../../actors/api-server/audit/sink";
import { attributesOf } from "../../../actors/api-server/authorization/attributes";
import { type RequestInfo, requestInfo } from "../../../actors/api-server/request-info";
import { apiServer } from "../../../actors/api-server/server";
import { address } from "../../../protocol/address";
import type { AuditKeep } from "../../../protocol/audit";
import type { Message } from "../../../protocol/codec";
import type { HttpRequest, HttpResponse } from "../../../protocol/web";
import type { AnyActor } from "../../../runtime/actor";
import { configMap, type Json, Tank } from "../server/tank";

const user = (name: string, ...groups: string[]) => ({ name, uid: "", groups, extra: {} });
const levelOf = (rules: AuditPolicy["rules"], method: string, target: string, who = user("jane", "dev")) =>
  auditDecision({ rules }, who, attributesOf(requestInfo(method, target) as RequestInfo)).level;

// Source: the Kubernetes documentation, "Auditing", and the reference of audit.k8s.io/v1.
describe("an audit policy", () => {
  const log = "/api/v1/namespaces/shop/pods/web/log";
  test.each<[string, object, string, string, boolean]>([
    ["no condition", {}, "GET", log, true],
    ["a user", { users: ["jane"] }, "GET", log, true],
    ["another user", { users: ["joe"] }, "GET", log, false],
    ["a group", { userGroups: ["ops", "dev"] }, "GET", log, true],
    ["a verb", { verbs: ["create"] }, "GET", log, false],
    ["a namespace", { namespaces: ["shop"] }, "GET", log, true],
    ["no namespace, for what lies in the cluster", { namespaces: [""] }, "GET", "/api/v1/nodes", true],
    ["a namespace, for what is no resource", { namespaces: ["shop"] }, "GET", "/healthz", false],
    ["a resource without its subresource", { resources: [{ group: "", resources: ["pods"] }] }, "GET", log, false],
    ["a subresource", { resources: [{ group: "", resources: ["pods/log"] }] }, "GET", log, true],
    ["the subresource of all", { resources: [{ group: "", resources: ["*/log"] }] }, "GET", log, true],
    ["all subresources", { resources: [{ group: "", resources: ["pods/*"] }] }, "GET", log, true],
    ["all resources", { resources: [{ group: "", resources: ["*"] }] }, "GET", log, true],
    ["a whole group", { resources: [{ group: "apps" }] }, "GET", "/apis/apps/v1/deployments", true],
    ["another group", { resources: [{ group: "apps" }] }, "GET", log, false],
    ["a name", { resources: [{ group: "", resources: ["pods/log"], resourceNames: ["api"] }] }, "GET", log, false],
    ["a path", { nonResourceURLs: ["/healthz*"] }, "GET", "/healthz/etcd", true],
    ["another path", { nonResourceURLs: ["/healthz"] }, "GET", "/healthz/etcd", false],
    ["a path, for what is a resource", { nonResourceURLs: ["*"] }, "GET", log, false],
  ])("knows %s", (_what, condition, method, target, applies) => {
    expect(levelOf([{ level: "Request", ...condition }], method, target)).toBe(applies ? "Request" : "None");
  });

  test("the first rule that is about the request decides", () => {
    expect(levelOf([{ level: "None", users: ["jane"] }, { level: "RequestResponse" }], "GET", log)).toBe("None");
  });
});

describe("the audit log", () => {
  function audited(
    policy: AuditPolicy,
    more: object = {},
    actors: readonly AnyActor[] = [],
  ): { readonly tank: Tank; readonly events: () => Json[] } {
    const own = {
      ...apiServer,
      start: (config: object, ...rest: unknown[]) => (apiServer.start as Json)({ ...config, audit: policy, ...more }, ...rest),
    };
    const tank = new Tank({
      actors: [own as never, ...actors],
      ...(actors.length > 0 ? { web: { "sink.example.com:9443": address("sink", 0) } } : {}),
    });
    return { tank, events: () => tank.facts.filter(({ kind }) => kind === "audit.event").map(({ event }) => event) };
  }
  const maps = "/api/v1/namespaces/default/configmaps";

  test("that is blocking-strict refuses a request whose beginning cannot be kept, and does nothing of it (kube-apiserver: --audit-webhook-mode)", () => {
    const told: Json[] = [];
    const kept: Json[] = [];
    let code = 200;
    let isRoom = true;
    const sink: AnyActor = {
      role: "sink",
      start: () => null,
      receive: (_state, input, ctx) => {
        if (input.type !== "request") return undefined;
        if (input.body.kind === "audit.keep") {
          kept.push((input.body as unknown as AuditKeep).event);
          ctx.reply(input.request, { kind: "audit.kept", kept: isRoom } as Message);
          return undefined;
        }
        const { url, body, headers } = input.body as HttpRequest;
        told.push({ url, headers: Object.fromEntries(headers), ...JSON.parse(Buffer.from(body).toString()) });
        const answer: HttpResponse = { kind: "http.response", code, headers: [], body: new Uint8Array() };
        ctx.reply(input.request, answer);
        return undefined;
      },
    };
    const auditStrict: AuditSink = {
      ...{ url: "https://sink.example.com:9443/audit", headers: [["authorization", "Bearer secret"]], caBundle: "", serverName: "" },
      insecureSkipTlsVerify: false,
    };
    const rules: AuditPolicy["rules"] = [{ level: "Metadata", resources: [{ group: "", resources: ["configmaps"] }] }, { level: "None" }];
    const { tank } = audited({ rules }, { auditStrict, auditKeeper: address("sink", 0) }, [sink]);
    expect(tank.create(maps, configMap("kept")).code).toBe(201);
    expect(told).toMatchObject([
      {
        url: auditStrict.url,
        headers: { authorization: "Bearer secret" },
        kind: "EventList",
        items: [{ stage: "RequestReceived", verb: "create" }],
      },
    ]);
    code = 503;
    expect(tank.create(maps, configMap("lost"))).toMatchObject({
      code: 500,
      text: `Internal Server Error: "${maps}": failed to store audit event\n`,
    });
    expect(tank.get("/metrics").text).toMatch(/^apiserver_audit_requests_rejected_total 1$/m);
    expect(tank.get("/metrics").text).toMatch(/^apiserver_audit_error_total\{plugin="webhook"\} 1$/m);
    // The log itself is asked as well, and says so too where it is full.
    expect(kept).toMatchObject([{ stage: "RequestReceived", verb: "create" }, { stage: "RequestReceived" }]);
    [code, isRoom] = [200, false];
    expect(tank.create(maps, configMap("lost")).code).toBe(500);
    expect(told).toHaveLength(3);
    expect(tank.get("/metrics").text).toMatch(/^apiserver_audit_error_total\{plugin="log"\} 1$/m);
    isRoom = true;
    // What the policy does not want is not asked for.
    expect(tank.get("/api/v1/namespaces").code).toBe(200);
    code = 200;
    expect(tank.get(`${maps}/lost`).code).toBe(404);
    // Its door tells a server what was lost elsewhere.
    tank.simulation.portal().send(address("apiserver", 0), { kind: "api.auditLost", plugin: "log", events: 3 } as Message);
    tank.simulation.runFor(100);
    expect(tank.get("/metrics").text).toMatch(/^apiserver_audit_error_total\{plugin="log"\} 4$/m);
  });

  test("tells who did what to which object, in whose name, by what right and with what result", () => {
    const { tank, events } = audited({
      omitManagedFields: true,
      rules: [{ level: "RequestResponse", verbs: ["create"], resources: [{ group: "", resources: ["configmaps"] }] }, { level: "None" }],
    });
    const impersonation = { user: "jane", uid: "", groups: ["system:masters"], extra: {} };
    const reply = tank.create(`${maps}?fieldManager=me`, configMap("a", { k: "v" }), { impersonation });
    expect(events().map(({ stage }) => stage)).toEqual(["RequestReceived", "ResponseComplete"]);
    const [received, complete] = events();
    expect(received.objectRef).toEqual({ resource: "configmaps", namespace: "default", apiVersion: "v1" });
    expect(complete).toMatchObject({
      ...{ kind: "Event", apiVersion: "audit.k8s.io/v1", level: "RequestResponse", auditID: reply.headers.get("Audit-ID") },
      ...{ requestURI: `${maps}?fieldManager=me`, verb: "create", userAgent: "test/1.0", sourceIPs: ["127.0.0.1"] },
      user: { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] },
      impersonatedUser: { username: "jane", groups: ["system:masters", "system:authenticated"] },
      objectRef: { resource: "configmaps", namespace: "default", name: "a", apiVersion: "v1" },
      responseStatus: { metadata: {}, code: 201 },
      requestObject: { data: { k: "v" } },
      responseObject: { kind: "ConfigMap", metadata: { name: "a", uid: reply.body.metadata.uid } },
      annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
    });
    expect(complete.responseObject.metadata.managedFields).toBeUndefined();
    expect(reply.body.metadata.managedFields).toBeDefined();
    expect(complete.requestReceivedTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test("a refusal is told with its Status and the reason; at level Metadata without bodies; stages that are omitted are not told", () => {
    const { tank, events } = audited({
      omitStages: ["RequestReceived"],
      rules: [{ level: "Metadata", users: ["jane", "system:anonymous"] }],
    });
    tank.get(`${maps}/x`, { credential: { type: "certificate", commonName: "jane", organizations: [] } });
    expect(events()).toEqual([
      expect.objectContaining({
        ...{ stage: "ResponseComplete", level: "Metadata" },
        responseStatus: expect.objectContaining({ metadata: {}, status: "Failure", reason: "Forbidden", code: 403 }),
        annotations: { "authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": "" },
      }),
    ]);
    expect(events()[0].requestObject).toBeUndefined();
    tank.get("/version", { credential: { type: "anonymous" } });
    expect(events()[1]).toMatchObject({ requestURI: "/version", verb: "get", user: { username: "system:anonymous" } });
    expect(events()[1].annotations["authorization.k8s.io/reason"]).toMatch(
      /^RBAC: allowed by ClusterRoleBinding "system:public-info-viewer" of ClusterRole "system:public-info-viewer" to Group "system:unauthenticated"$/,
    );
    expect(events()[1].objectRef).toBeUndefined();
  });

  test("a watch is told when it begins and when it ends", () => {
    const { tank, events } = audited({ rules: [{ level: "Metadata", verbs: ["watch"] }] });
    const watched = tank.watch(`${maps}?watch=true&timeoutSeconds=5`);
    expect(events().map(({ stage }) => stage)).toEqual(["RequestReceived", "ResponseStarted"]);
    tank.until(() => watched.closed !== undefined, "the watch does not end");
    expect(events().map(({ stage }) => stage)).toEqual(["RequestReceived", "ResponseStarted", "ResponseComplete"]);
    const other = tank.watch(`${maps}?watch=true`);
    other.stop();
    tank.until(() => events().length === 6, "nobody tells that the client has gone");
  });

  test("what admission policies say for the audit log stands in it", () => {
    const { tank, events } = audited({
      omitStages: ["RequestReceived"],
      rules: [{ level: "Metadata", resources: [{ group: "", resources: ["configmaps"] }] }],
    });
    const policies = "/apis/admissionregistration.k8s.io/v1";
    tank.create(`${policies}/validatingadmissionpolicies`, {
      metadata: { name: "watchful" },
      spec: {
        matchConstraints: { resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }] },
        auditAnnotations: [{ key: "who", valueExpression: "'by ' + request.userInfo.username" }],
      },
    });
    tank.create(`${policies}/validatingadmissionpolicybindings`, {
      metadata: { name: "watchful" },
      spec: { policyName: "watchful", validationActions: ["Audit"] },
    });
    const last = () => events().at(-1)?.annotations ?? {};
    for (let i = 0; i < 50 && last()["watchful/who"] === undefined; i++) tank.create(maps, configMap(`c${i}`));
    expect(last()).toMatchObject({ "watchful/who": "by kubernetes-admin", "authorization.k8s.io/decision": "allow" });
  });

  test("the id that a gateway gave is taken over", () => {
    const { tank, events } = audited({ rules: [{ level: "Metadata", verbs: ["get"] }] });
    let code = 0;
    const request = { ...tank.message("GET", `${maps}/x`), auditId: "mine" };
    tank.simulation.ask<Json>(address("apiserver", 0), request, 5_000, (answer) => {
      code = answer.ok ? answer.body.code : -1;
    });
    tank.until(() => code !== 0, "no answer");
    expect(code).toBe(404);
    expect(new Set(events().map(({ auditID }) => auditID))).toEqual(new Set(["mine"]));
  });
});
