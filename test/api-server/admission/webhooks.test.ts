import { install, version, widgetDefinition, widgets } from "../custom-resources/definitions";
import { configMap, type Json, pod } from "../server/tank";
import { allow, answer, configurations, configure, deny, Hooks, hookedTank, patch, podRule, webhook } from "./webhook-actor";

const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";

describe("validating webhooks", () => {
  it("are shown the request as an AdmissionReview and let it pass", () => {
    const hooks = new Hooks().on("/check", allow);
    const tank = hookedTank(hooks);
    configure(tank, "validating", "check", webhook("check"));
    expect(tank.create(`${maps}?fieldManager=me`, configMap("a", { x: "1" })).code).toBe(201);
    const { review, url } = hooks.asked[0]!;
    expect(url).toBe("https://hooks.hooks.svc:443/check?timeout=10s");
    expect(review).toEqual({
      kind: "AdmissionReview",
      apiVersion: "admission.k8s.io/v1",
      request: {
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        kind: { group: "", version: "v1", kind: "ConfigMap" },
        resource: { group: "", version: "v1", resource: "configmaps" },
        requestKind: { group: "", version: "v1", kind: "ConfigMap" },
        requestResource: { group: "", version: "v1", resource: "configmaps" },
        name: "a",
        namespace: "default",
        operation: "CREATE",
        userInfo: { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] },
        object: expect.objectContaining({ kind: "ConfigMap", apiVersion: "v1", data: { x: "1" } }),
        oldObject: null,
        dryRun: false,
        options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1", fieldManager: "me" },
      },
    });
    expect(review.request.object.metadata).toMatchObject({ uid: expect.any(String), managedFields: [expect.anything()] });
    tank.patch(`${maps}/a`, "merge", { data: { x: "2" } });
    expect(hooks.requests("/check")[1]).toMatchObject({
      ...{ operation: "UPDATE", object: { data: { x: "2" } }, oldObject: { data: { x: "1" } } },
      options: { kind: "UpdateOptions" },
    });
  });

  it("refuse with their own words, code, reason and details", () => {
    const says: Json[] = [
      deny("no such thing"),
      deny("", { reason: "Because" }),
      { allowed: false },
      deny("x", { code: 418, reason: "Teapot" }),
    ];
    const hooks = new Hooks().on("/check", () => says.shift());
    const tank = hookedTank(hooks);
    configure(tank, "validating", "check", webhook("check"));
    const refusals = Array.from({ length: 4 }, () => tank.create(maps, configMap("a")).body);
    expect(refusals.map(({ message, code, reason }) => `${code} ${reason}: ${message}`)).toEqual([
      '400 undefined: admission webhook "check.example.com" denied the request: no such thing',
      '400 Because: admission webhook "check.example.com" denied the request: Because',
      '400 undefined: admission webhook "check.example.com" denied the request without explanation',
      '418 Teapot: admission webhook "check.example.com" denied the request: x',
    ]);
    expect(tank.get(`${maps}/a`).code).toBe(404);
  });

  it("warn whoever made the request", () => {
    const hooks = new Hooks().on("/check", () => ({ allowed: true, warnings: ["mind the gap", "mind the gap"] }));
    const tank = hookedTank(hooks);
    configure(tank, "validating", "check", webhook("check"));
    expect(tank.create(maps, configMap("a")).headers.get("Warning")).toBe('299 - "mind the gap"');
    expect(tank.patch(`${maps}/a`, "merge", { data: { x: "2" } }).headers.get("Warning")).toBe('299 - "mind the gap"');
    hooks.on("/check", () => ({ allowed: false, warnings: ["too late"] }));
    for (const refused of [tank.create(maps, configMap("b")), tank.patch(`${maps}/a`, "merge", { data: { x: "3" } })])
      expect([refused.code, refused.headers.get("Warning")]).toEqual([400, '299 - "too late"']);
  });

  it("that cannot be asked refuse or do not count, as their failure policy says", () => {
    const hooks = new Hooks()
      .on("/silent", () => null)
      .on("/broken", () => 500)
      .on("/other", (_, review) => answer({ request: { uid: "x" }, review }, { allowed: true }))
      .on("/wrong", () => ({ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1" }))
      .on("/patches", () => patch({ op: "add", path: "/data", value: {} }));
    const tank = hookedTank(hooks);
    const refusal = (name: string, more: Json = {}) => {
      configure(tank, "validating", "check", webhook(name, { timeoutSeconds: 2, ...more }));
      const { body } = tank.create(maps, configMap(`by-${name}`));
      tank.delete(`${configurations("validating")}/check`);
      tank.simulation.runFor(100);
      return `${body.code ?? "made"} ${body.message ?? ""}`;
    };
    const called = (name: string) => `500 Internal error occurred: failed calling webhook "${name}.example.com": `;
    expect(refusal("silent")).toBe(
      `${called("silent")}failed to call webhook: Post "https://hooks.hooks.svc:443/silent?timeout=2s": context deadline exceeded`,
    );
    expect(refusal("broken")).toBe(
      `${called("broken")}failed to call webhook: an error on the server ("broken") has prevented the request from succeeding`,
    );
    expect(refusal("other")).toMatch(/received invalid webhook response: expected response.uid="[0-9a-f-]+", got "x"$/);
    expect(refusal("wrong")).toBe(`${called("wrong")}received invalid webhook response: webhook response was absent`);
    expect(refusal("patches")).toBe(
      `${called("patches")}received invalid webhook response: validating webhook may not return response.patch`,
    );
    const clientConfig = { service: { namespace: "hooks", name: "nobody" } };
    expect(refusal("nobody", { clientConfig })).toBe(
      `${called("nobody")}failed to call webhook: Post "https://nobody.hooks.svc:443/?timeout=2s": service "nobody" not found`,
    );
    expect(refusal("silent", { failurePolicy: "Ignore" })).toBe("made ");
    expect(refusal("broken", { failurePolicy: "Ignore" })).toBe("made ");
  });

  it("that may be passed over leave time enough for the write, however short the caller's patience", () => {
    const hooks = new Hooks().on("/silent", () => null);
    const tank = hookedTank(hooks);
    const silent = (name: string) => webhook("silent", { name: `${name}.example.com`, failurePolicy: "Ignore", timeoutSeconds: 30 });
    configure(tank, "mutating", "a", silent("one"), silent("two"));
    configure(tank, "validating", "a", silent("three"));
    expect(tank.create(maps, configMap("a"), { deadlineMs: 10_000 }).code).toBe(201);
    expect(hooks.asked.map(({ url }) => new URL(url).search)).toEqual(["?timeout=9s", "?timeout=1s", "?timeout=1s"]);
  });

  it("are asked about what rules, selectors and match conditions name, and nothing else", () => {
    const hooks = new Hooks();
    const tank = hookedTank(hooks);
    const names = ["scope", "space", "labels", "condition"];
    for (const name of names) hooks.on(`/${name}`, allow);
    const every = { apiGroups: ["*"], apiVersions: ["*"], operations: ["*"] };
    configure(
      tank,
      "validating",
      "check",
      webhook("scope", { rules: [{ ...every, resources: ["*"], scope: "Cluster" }] }),
      webhook("space", { namespaceSelector: { matchLabels: { team: "a" } } }),
      webhook("labels", { objectSelector: { matchLabels: { app: "x" } } }),
      webhook("condition", {
        matchConditions: [{ name: "big", expression: "object.data.size() > 1 && request.userInfo.username != 'x'" }],
      }),
    );
    tank.create("/api/v1/namespaces", { metadata: { name: "team-a", labels: { team: "a" } } });
    tank.create("/api/v1/namespaces/team-a/configmaps", configMap("a", { one: "1" }));
    tank.create(maps, configMap("b", { one: "1", two: "2" }, { labels: { app: "x" } }));
    tank.patch(`${maps}/b`, "merge", { metadata: { labels: { app: null } }, data: { two: null } });
    tank.create(pods, pod("p"));
    tank.patch(`${pods}/p/status`, "merge", { status: { phase: "Running" } });
    const seen = (path: string) =>
      hooks
        .requests(path)
        .map(({ operation, resource, subResource = "", namespace = "", name }) =>
          [operation, resource.resource, subResource, namespace, name].filter(Boolean).join(" "),
        );
    expect(seen("/scope")).toEqual(["CREATE namespaces team-a team-a"]);
    expect(seen("/space")).toEqual(["CREATE configmaps team-a a"]);
    // The labels before count as well as those after.
    expect(seen("/labels")).toEqual(["CREATE configmaps default b", "UPDATE configmaps default b"]);
    // A Pod has no data: an error counts as the failure policy says, and refuses.
    expect(seen("/condition")).toEqual(["CREATE configmaps default b"]);
    expect(tank.get(`${pods}/p`).code).toBe(404);
    expect(tank.create(pods, pod("p")).body).toMatchObject({
      code: 403,
      message: `pods "p" is forbidden: expression 'object.data.size() > 1 && request.userInfo.username != 'x'' resulted in error: no such key: data`,
    });
  });

  it("that answer nonsense fail, and break nothing", () => {
    const odd: Json[] = [
      { allowed: false, status: { message: { a: 1 }, reason: ["x"], code: "418", details: "none" } },
      { allowed: "yes" },
      { allowed: true, warnings: Array.from({ length: 100 }, (_, n) => `${n}${"x".repeat(1_000)}`), auditAnnotations: [1] },
      { allowed: true, warnings: "one" },
    ];
    const hooks = new Hooks();
    const tank = hookedTank(hooks);
    configure(tank, "validating", "check", webhook("check"));
    const codes = odd.map((said, index) => {
      hooks.on("/check", () => said);
      const reply = tank.create(maps, configMap(`m${index}`));
      expect(typeof (reply.body.message ?? "")).toBe("string");
      return reply.code;
    });
    expect(codes).toEqual([400, 400, 201, 201]);
    for (const body of [[], "x", 7, { response: 1 }, { kind: "AdmissionReview" }, { kind: "AdmissionReview", response: { uid: 1 } }]) {
      hooks.on("/check", () => ({ kind: "x", ...(typeof body === "object" ? body : { response: body }) }));
      expect(tank.create(maps, configMap("n")).body.message).toContain("received invalid webhook response");
    }
  });

  it("are not asked about what admission itself is made of", () => {
    const hooks = new Hooks().on("/all", () => deny("everything"));
    const tank = hookedTank(hooks);
    const rules = [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*/*"] }];
    configure(tank, "validating", "all", webhook("all", { rules }));
    expect(tank.create(maps, configMap("a")).code).toBe(400);
    expect(tank.delete(`${configurations("validating")}/all`).code).toBe(200);
    tank.simulation.runFor(100);
    expect(tank.create(maps, configMap("a")).code).toBe(201);
  });

  it("are asked about deletions, with the object as it was, and about each of a collection", () => {
    const hooks = new Hooks().on("/gone", ({ oldObject }) => (oldObject.metadata.name === "kept" ? deny("stays") : allow()));
    const tank = hookedTank(hooks);
    configure(tank, "validating", "gone", webhook("gone", { rules: [{ ...podRule, operations: ["DELETE"] }] }));
    for (const name of ["a", "b", "kept"]) tank.create(maps, configMap(name));
    expect(tank.delete(`${maps}/kept`).body.message).toBe('admission webhook "gone.example.com" denied the request: stays');
    expect(tank.delete(`${maps}/a`, { propagationPolicy: "Background" }).code).toBe(200);
    expect(hooks.requests("/gone")[1]).toMatchObject({
      ...{ operation: "DELETE", name: "a", object: null, oldObject: { metadata: { name: "a" } } },
      options: { kind: "DeleteOptions", apiVersion: "meta.k8s.io/v1", propagationPolicy: "Background" },
    });
    expect(tank.request("DELETE", maps).code).toBe(400);
    expect(
      hooks
        .requests("/gone")
        .slice(2)
        .map(({ name }) => name),
    ).toEqual(expect.arrayContaining([undefined]));
    expect(tank.get(`${maps}/kept`).code).toBe(200);
  });

  it("are asked about subresources with the objects of those", () => {
    const hooks = new Hooks().on("/sub", ({ object }) => (object.spec?.replicas > 3 ? deny("too many") : allow()));
    const tank = hookedTank(hooks);
    const rules = [
      {
        apiGroups: ["*"],
        apiVersions: ["*"],
        operations: ["*"],
        resources: ["pods/binding", "pods/eviction", "deployments/scale", "serviceaccounts/token"],
      },
    ];
    configure(tank, "validating", "sub", webhook("sub", { rules }));
    const labels = { app: "web" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "main", image: "app:1" }] } };
    tank.create("/apis/apps/v1/namespaces/default/deployments", {
      metadata: { name: "web" },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    });
    const scale = "/apis/apps/v1/namespaces/default/deployments/web/scale";
    expect(tank.patch(scale, "merge", { spec: { replicas: 3 } }).body.spec.replicas).toBe(3);
    expect(tank.patch(scale, "merge", { spec: { replicas: 4 } }).body.message).toContain("too many");
    tank.create(pods, pod("p"));
    tank.create(`${pods}/p/binding`, { metadata: { name: "p" }, target: { kind: "Node", name: "n" } });
    tank.create(`${pods}/p/eviction`, { metadata: { name: "p" } });
    tank.create("/api/v1/namespaces/default/serviceaccounts/default/token", { spec: {} });
    expect(
      hooks
        .requests("/sub")
        .map(({ operation, resource, subResource, kind, object, oldObject }) => [
          `${operation} ${resource.resource}/${subResource} ${kind.group}/${kind.version} ${kind.kind}`,
          `${object?.kind} ${oldObject?.kind ?? ""}`.trim(),
        ]),
    ).toEqual([
      ["UPDATE deployments/scale autoscaling/v1 Scale", "Scale Scale"],
      ["UPDATE deployments/scale autoscaling/v1 Scale", "Scale Scale"],
      ["CREATE pods/binding /v1 Binding", "Binding"],
      ["CREATE pods/eviction policy/v1 Eviction", "Eviction"],
      ["CREATE serviceaccounts/token authentication.k8s.io/v1 TokenRequest", "TokenRequest"],
    ]);
  });

  it("are asked about questions, which no policy is", () => {
    const hooks = new Hooks().on("/ask", () => deny("do not ask"));
    const tank = hookedTank(hooks);
    const rules = [{ apiGroups: ["authorization.k8s.io"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["*"] }];
    const reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const question = { spec: { resourceAttributes: { verb: "get", resource: "pods", namespace: "default" } } };
    const policy = { matchConstraints: { resourceRules: [{ ...rules[0], apiGroups: ["*"] }] }, validations: [{ expression: "false" }] };
    const policies = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
    expect(tank.create(policies, { metadata: { name: "p" }, spec: policy }).code).toBe(201);
    const binding = { metadata: { name: "p" }, spec: { policyName: "p", validationActions: ["Deny"] } };
    expect(tank.create(policies.replace("policies", "policybindings"), binding).code).toBe(201);
    tank.simulation.runFor(100);
    expect(tank.create(reviews, question).body.status.allowed).toBe(true);
    configure(tank, "validating", "ask", webhook("ask", { rules }));
    expect(tank.create(reviews, question).body.message).toContain("do not ask");
    expect(hooks.requests("/ask")[0]).toMatchObject({ kind: { kind: "SelfSubjectAccessReview" }, object: question });
  });

  it("that may have effects are not asked in a dry run", () => {
    const hooks = new Hooks().on("/check", allow);
    const tank = hookedTank(hooks);
    configure(tank, "validating", "check", webhook("check", { sideEffects: "NoneOnDryRun" }));
    expect(tank.create(`${maps}?dryRun=All`, configMap("a")).code).toBe(201);
    expect(hooks.requests("/check")[0]).toMatchObject({ dryRun: true, options: { dryRun: ["All"] } });
    expect(tank.get(`${maps}/a`).code).toBe(404);
  });

  it("see an object in the version that their rules name, unless they want that version alone", () => {
    const hooks = new Hooks().on("/v2", allow).on("/exact", allow);
    const tank = hookedTank(hooks);
    const rules = [{ apiGroups: ["autoscaling"], apiVersions: ["v2"], operations: ["*"], resources: ["horizontalpodautoscalers"] }];
    configure(tank, "validating", "v2", webhook("v2", { rules }), webhook("exact", { rules, matchPolicy: "Exact" }));
    const made = tank.create("/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", {
      metadata: { name: "h" },
      spec: {
        maxReplicas: 3,
        targetCPUUtilizationPercentage: 50,
        scaleTargetRef: { kind: "Deployment", name: "web", apiVersion: "apps/v1" },
      },
    });
    expect(made.code).toBe(201);
    expect(hooks.requests("/exact")).toEqual([]);
    expect(hooks.requests("/v2")[0]).toMatchObject({
      ...{ kind: { version: "v2" }, requestKind: { version: "v1" }, resource: { version: "v2" }, requestResource: { version: "v1" } },
      object: { apiVersion: "autoscaling/v2", spec: { metrics: [{ type: "Resource" }] } },
    });
  });
});

describe("webhooks and custom resources", () => {
  const spec = { group: "shop.example.com", versions: ["v2"] };
  const rules = [{ apiGroups: [spec.group], apiVersions: spec.versions, operations: ["CREATE", "UPDATE"], resources: ["widgets"] }];
  const widget = { apiVersion: "shop.example.com/v1", kind: "Widget", metadata: { name: "w" }, spec: { size: 1 } };

  it("see and change them in the version that their rules name", () => {
    const hooks = new Hooks()
      .on("/v2", () => patch({ op: "replace", path: "/spec/color", value: "blue" }))
      .on("/check", ({ object }) => (object.spec.color === "blue" ? allow() : deny("not blue")));
    const tank = hookedTank(hooks);
    install(tank, widgetDefinition({ versions: [version("v1"), version("v2", { storage: false })] }));
    configure(tank, "mutating", "a", webhook("v2", { rules }));
    configure(tank, "validating", "a", webhook("check", { rules }));
    const { body } = tank.create(widgets, widget);
    expect(body).toMatchObject({ apiVersion: "shop.example.com/v1", spec: { size: 1, color: "blue" } });
    expect(hooks.requests("/v2")[0]).toMatchObject({
      ...{ kind: { version: "v2" }, requestKind: { version: "v1" }, resource: { version: "v2" }, requestResource: { version: "v1" } },
      object: { apiVersion: "shop.example.com/v2", kind: "Widget", spec: { size: 1, color: "red" } },
    });
    expect(tank.patch(`${widgets}/w`, "merge", { spec: { size: 2 } }).body.spec).toEqual({ size: 2, color: "blue" });
    expect(hooks.requests("/check")[1]).toMatchObject({
      object: { apiVersion: "shop.example.com/v2" },
      oldObject: { apiVersion: "shop.example.com/v2" },
    });
  });

  it("have them converted by the definition's own webhook, there and back", () => {
    const convert = ({ request }: Json): Json => {
      const convertedObjects = request.objects.map((each: Json) => {
        const { size, big, ...rest } = each.spec;
        const v2 = request.desiredAPIVersion.endsWith("/v2");
        return {
          ...each,
          apiVersion: request.desiredAPIVersion,
          spec: v2 ? { ...rest, big: String(size ?? big) } : { ...rest, size: Number(big ?? size) },
        };
      });
      return {
        kind: "ConversionReview",
        apiVersion: "apiextensions.k8s.io/v1",
        response: { uid: request.uid, result: { status: "Success" }, convertedObjects },
      };
    };
    const hooks = new Hooks()
      .on("/convert", (_request, review) => convert(review))
      .on("/v2", ({ object }) => patch({ op: "replace", path: "/spec/big", value: `${object.spec.big}0` }));
    const tank = hookedTank(hooks);
    const properties = { spec: { type: "object", properties: { big: { type: "string" } } } };
    const schema = { openAPIV3Schema: { type: "object", properties } };
    const clientConfig = { service: { namespace: "hooks", name: "hooks", path: "/convert" } };
    install(
      tank,
      widgetDefinition({
        versions: [version("v1"), version("v2", { storage: false, schema })],
        conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"], clientConfig } },
      }),
    );
    configure(tank, "mutating", "a", webhook("v2", { rules }));
    expect(tank.create(widgets, widget).body).toMatchObject({ apiVersion: "shop.example.com/v1", spec: { size: 10 } });
    expect(hooks.requests("/v2")[0]).toMatchObject({ object: { apiVersion: "shop.example.com/v2", spec: { big: "1" } } });
  });
});
