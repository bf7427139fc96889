import { install, widgetDefinition } from "../custom-resources/definitions";
import { configMap, type Json, pod, Tank } from "../server/tank";

const group = "/apis/admissionregistration.k8s.io/v1";
const maps = "/api/v1/namespaces/default/configmaps";
const pods = "/api/v1/namespaces/default/pods";
const deployments = "/apis/apps/v1/namespaces/default/deployments";

const everything = { resourceRules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["*"] }] };
const onMaps = { resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["configmaps"] }] };

function start(): Tank {
  const tank = new Tank();
  tank.namespace("default");
  return tank;
}

function must(reply: { readonly code: number; readonly text: string }): void {
  if (reply.code !== 201) throw new Error(reply.text);
}

/** Makes a policy and a binding of the same name, and lets them be heard of. */
function enforce(tank: Tank, name: string, spec: Json, binding: Json = {}, type: "validating" | "mutating" = "validating"): void {
  must(tank.create(`${group}/${type}admissionpolicies`, { metadata: { name }, spec: { matchConstraints: onMaps, ...spec } }));
  const actions = type === "validating" ? { validationActions: ["Deny"] } : {};
  must(tank.create(`${group}/${type}admissionpolicybindings`, { metadata: { name }, spec: { policyName: name, ...actions, ...binding } }));
  tank.simulation.runFor(100);
}

const shown = ({ code, body }: { readonly code: number; readonly body: Json }) =>
  body.kind === "Status" ? `${code} ${body.reason}: ${body.message}` : `${code}`;

describe("ValidatingAdmissionPolicies", () => {
  it("refuse with the words of the real server, and the reason that they give", () => {
    const tank = start();
    enforce(tank, "size", {
      validations: [
        { expression: "object.data.size() <= 2" },
        { expression: "!('x' in object.data)", message: "x is taken", reason: "Forbidden" },
        { expression: "object.data.all(k, k != 'y')", messageExpression: "'no y in ' + object.metadata.name", message: "unused" },
      ],
    });
    const denied = (name: string) =>
      `configmaps "${name}" is forbidden: ValidatingAdmissionPolicy 'size' with binding 'size' denied request: `;
    expect(shown(tank.create(maps, configMap("a", { k: "1" })))).toBe("201");
    expect(shown(tank.create(maps, configMap("b", { k: "1", l: "2", m: "3" })))).toBe(
      `422 Invalid: ${denied("b")}failed expression: object.data.size() <= 2`,
    );
    expect(shown(tank.create(maps, configMap("b", { x: "1" })))).toBe(`403 Forbidden: ${denied("b")}x is taken`);
    expect(shown(tank.create(maps, configMap("b", { y: "1" })))).toBe(`422 Invalid: ${denied("b")}no y in b`);
    expect(shown(tank.create(maps, configMap("b", { z: "1" })))).toBe("201");
    expect(tank.create(maps, configMap("c", { x: "1" })).body.details).toEqual({
      ...{ name: "c", kind: "configmaps" },
      causes: [{ message: "ValidatingAdmissionPolicy 'size' with binding 'size' denied request: x is taken" }],
    });
    expect(shown(tank.patch(`${maps}/a`, "merge", { data: { x: "1" } }))).toBe(`403 Forbidden: ${denied("a")}x is taken`);
    expect(shown(tank.patch(`${maps}/a`, "merge", { data: { z: "1" } }))).toBe("200");
  });

  it("whose expressions have no value refuse, or do not count, as the failure policy says", () => {
    const tank = start();
    enforce(tank, "strict", {
      validations: [{ expression: "object.data.x == '1'" }],
      matchConditions: [{ name: "mine", expression: "object.metadata.name.startsWith('s')" }],
    });
    enforce(tank, "lax", { failurePolicy: "Ignore", validations: [{ expression: "object.data.x == '1'" }] });
    expect(shown(tank.create(maps, configMap("s", { y: "1" })))).toBe(
      "422 Invalid: configmaps \"s\" is forbidden: ValidatingAdmissionPolicy 'strict' with binding 'strict' denied request: expression 'object.data.x == '1'' resulted in error: no such key: x",
    );
    expect(shown(tank.create(maps, configMap("a", { y: "1" })))).toBe("201");
    expect(shown(tank.create(maps, configMap("a2", { x: "2" })))).toContain("denied request: failed expression: object.data.x == '1'");
  });

  it("warn and audit where their binding says so", () => {
    const tank = start();
    enforce(tank, "soft", { validations: [{ expression: "false", message: "think twice" }] }, { validationActions: ["Warn", "Audit"] });
    const made = tank.create(maps, configMap("a"));
    expect(made.code).toBe(201);
    expect(made.headers.get("Warning")).toBe(
      `299 - "Validation failed for ValidatingAdmissionPolicy 'soft' with binding 'soft': think twice"`,
    );
  });

  it("have variables that are worked out once, and know who asks, where, and what else they may", () => {
    const tank = start();
    tank.create("/api/v1/namespaces", { metadata: { name: "prod", labels: { env: "prod" } } });
    enforce(tank, "vars", {
      variables: [
        { name: "env", expression: "'env' in namespaceObject.metadata.labels ? namespaceObject.metadata.labels['env'] : 'dev'" },
        { name: "isProd", expression: "variables.env == 'prod'" },
      ],
      validations: [
        { expression: "!variables.isProd || request.userInfo.username == 'root'", messageExpression: "variables.env + ' is closed'" },
        { expression: "authorizer.requestResource.check('delete').allowed()", message: "may not delete" },
        {
          expression: "authorizer.group('apps').resource('deployments').namespace('default').check('create').allowed()",
          message: "no apps",
        },
        { expression: "authorizer.serviceAccount('default', 'default').path('/metrics').check('get').allowed() == false" },
      ],
    });
    must(
      tank.create("/apis/rbac.authorization.k8s.io/v1/clusterroles", {
        metadata: { name: "maps" },
        rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["create"] }],
      }),
    );
    must(
      tank.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        metadata: { name: "maps" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "maps" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "devs" }],
      }),
    );
    tank.simulation.runFor(1_000);
    expect(shown(tank.create("/api/v1/namespaces/prod/configmaps", configMap("a")))).toContain("denied request: prod is closed");
    expect(shown(tank.create(maps, configMap("a")))).toBe("201");
    const credential = { type: "certificate", commonName: "ann", organizations: ["devs"] } as const;
    expect(shown(tank.create(maps, configMap("b"), { credential }))).toContain("denied request: may not delete");
  });

  it("take parameters by name or by labels, from the request's namespace or the one that is named", () => {
    const tank = start();
    const paramKind = { apiVersion: "v1", kind: "ConfigMap" };
    const validations = [
      { expression: "params == null || object.spec.replicas <= int(params.data.max)", messageExpression: "'at most ' + params.data.max" },
    ];
    const matchConstraints = {
      resourceRules: [{ apiGroups: ["apps"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["deployments"] }],
    };
    enforce(tank, "limit", { paramKind, validations, matchConstraints }, { paramRef: { name: "limit", parameterNotFoundAction: "Deny" } });
    const labels = { app: "web" };
    const deployment = (replicas: number) => ({
      metadata: { name: "web" },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "m", image: "i" }] } },
      },
    });
    expect(shown(tank.create(deployments, deployment(1)))).toContain(
      "denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction",
    );
    tank.create(maps, configMap("limit", { max: "3" }));
    tank.simulation.runFor(100);
    expect(shown(tank.create(deployments, deployment(4)))).toContain("denied request: at most 3");
    expect(shown(tank.create(deployments, deployment(3)))).toBe("201");
    must(
      tank.create(`${group}/validatingadmissionpolicybindings`, {
        metadata: { name: "by-label" },
        spec: {
          ...{ policyName: "limit", validationActions: ["Deny"] },
          paramRef: { namespace: "kube-system", selector: { matchLabels: { limits: "yes" } }, parameterNotFoundAction: "Allow" },
        },
      }),
    );
    tank.create("/api/v1/namespaces/kube-system/configmaps", configMap("low", { max: "1" }, { labels: { limits: "yes" } }));
    tank.simulation.runFor(100);
    expect(shown(tank.create(deployments, { ...deployment(2), metadata: { name: "other" } }))).toContain(
      "with binding 'by-label' denied request: at most 1",
    );
  });

  it("say what their parameters' kind lacks", () => {
    const tank = start();
    enforce(
      tank,
      "odd",
      { paramKind: { apiVersion: "rules.example.com/v1", kind: "Limit" }, validations: [{ expression: "true" }] },
      { paramRef: { name: "x", parameterNotFoundAction: "Allow" } },
    );
    expect(shown(tank.create(maps, configMap("a")))).toContain(
      "ValidatingAdmissionPolicy 'odd' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'rules.example.com/v1, Kind=Limit'",
    );
  });

  it("hold for custom resources, exclude what they are told to, and go past themselves", () => {
    const tank = start();
    install(tank, widgetDefinition());
    const matchConstraints = {
      ...everything,
      excludeResourceRules: [
        { apiGroups: [""], apiVersions: ["*"], operations: ["*"], resources: ["configmaps"], resourceNames: ["free"] },
      ],
    };
    enforce(
      tank,
      "all",
      { matchConstraints, validations: [{ expression: "false", message: "closed" }] },
      { matchResources: { namespaceSelector: { matchExpressions: [{ key: "open", operator: "DoesNotExist" }] } } },
    );
    expect(shown(tank.create(maps, configMap("a")))).toContain("closed");
    expect(shown(tank.create(maps, configMap("free")))).toBe("201");
    expect(
      shown(
        tank.create("/apis/shop.example.com/v1/namespaces/default/widgets", {
          apiVersion: "shop.example.com/v1",
          kind: "Widget",
          metadata: { name: "w" },
        }),
      ),
    ).toContain("closed");
    const checks = 'policy="all",policy_binding="all",error_type="no_error",enforcement_action="deny"';
    expect(tank.get("/metrics").text).toContain(`apiserver_validating_admission_policy_check_duration_seconds_count{${checks}} 2\n`);
    expect(tank.delete(`${group}/validatingadmissionpolicybindings/all`).code).toBe(200);
    tank.simulation.runFor(100);
    expect(shown(tank.create(maps, configMap("a")))).toBe("201");
  });

  it("are written by who may read their parameters, and bound by who may read those that are named", () => {
    const tank = start();
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    const rules = [{ apiGroups: ["admissionregistration.k8s.io"], resources: ["*"], verbs: ["*"] }];
    const mine = [{ apiGroups: [""], resources: ["configmaps"], resourceNames: ["limits"], verbs: ["get"] }];
    must(tank.create(`${rbac}/clusterroles`, { metadata: { name: "policies" }, rules }));
    must(tank.create(`${rbac}/namespaces/default/roles`, { metadata: { name: "limits" }, rules: mine }));
    const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ann" }];
    const roleRef = (kind: string, name: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name });
    must(
      tank.create(`${rbac}/clusterrolebindings`, { metadata: { name: "policies" }, roleRef: roleRef("ClusterRole", "policies"), subjects }),
    );
    must(
      tank.create(`${rbac}/namespaces/default/rolebindings`, {
        metadata: { name: "limits" },
        roleRef: roleRef("Role", "limits"),
        subjects,
      }),
    );
    tank.simulation.runFor(1_000);
    const credential = { type: "certificate", commonName: "ann", organizations: [] } as const;
    const spec = { matchConstraints: onMaps, paramKind: { apiVersion: "v1", kind: "ConfigMap" }, validations: [{ expression: "true" }] };
    const policy = { metadata: { name: "p" }, spec };
    expect(shown(tank.create(`${group}/validatingadmissionpolicies`, policy, { credential }))).toBe(
      '422 Invalid: ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: Forbidden: user &{ann  [system:authenticated] map[]} must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)',
    );
    must(tank.create(`${group}/validatingadmissionpolicies`, policy));
    tank.simulation.runFor(100);
    const bind = (paramRef: Json) => {
      const given = { policyName: "p", validationActions: ["Deny"], paramRef: { parameterNotFoundAction: "Allow", ...paramRef } };
      return shown(
        tank.create(`${group}/validatingadmissionpolicybindings`, { metadata: { generateName: "b-" }, spec: given }, { credential }),
      );
    };
    expect(bind({ name: "other", namespace: "default" })).toContain('does not have "get" permission on the object referenced by paramRef');
    expect(bind({ selector: {}, namespace: "default" })).toContain('does not have "list" permission');
    expect(bind({ name: "limits" })).toContain('does not have "get" permission');
    expect(bind({ name: "limits", namespace: "default" })).toBe("201");
  });

  it("that cost too much refuse", () => {
    const tank = start();
    const loop = "range.all(x, range.all(y, range.all(z, range.all(v, x + y + z + v >= 0))))";
    const range = { name: "range", expression: `[${Array.from({ length: 60 }, (_, n) => n).join(",")}]` };
    enforce(tank, "dear", { variables: [range], validations: [{ expression: loop.replaceAll("range", "variables.range") }] });
    expect(shown(tank.create(maps, configMap("a")))).toContain("resulted in error: operation cancelled: actual cost limit exceeded");
  });
});

describe("MutatingAdmissionPolicies", () => {
  it("lay configurations over objects and patch them, one after the other", () => {
    const tank = start();
    const matchConstraints = { resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }] };
    enforce(
      tank,
      "sidecar",
      {
        ...{ matchConstraints, failurePolicy: "Fail", reinvocationPolicy: "IfNeeded" },
        matchConditions: [{ name: "once", expression: "!object.spec.?initContainers.orValue([]).exists(c, c.name == 'mesh')" }],
        variables: [{ name: "image", expression: "'mesh:' + request.namespace" }],
        mutations: [
          {
            patchType: "ApplyConfiguration",
            applyConfiguration: {
              expression:
                "Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: 'mesh', image: variables.image, restartPolicy: 'Always'}]}}",
            },
          },
          {
            patchType: "JSONPatch",
            jsonPatch: {
              expression:
                "[JSONPatch{op: 'add', path: '/metadata/annotations', value: {}}, JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('a/b'), value: string(object.spec.initContainers.size())}]",
            },
          },
        ],
      },
      {},
      "mutating",
    );
    const { body } = tank.create(pods, pod("p"));
    expect(body.spec.initContainers).toEqual([
      expect.objectContaining({ name: "mesh", image: "mesh:default", imagePullPolicy: "IfNotPresent" }),
    ]);
    expect(body.spec.containers).toHaveLength(1);
    expect(body.metadata.annotations).toEqual({ "a/b": "1" });
  });

  it("change what is sent to subresources by its own type", () => {
    const tank = start();
    const labels = { app: "web" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "m", image: "i" }] } };
    must(tank.create(deployments, { metadata: { name: "web" }, spec: { replicas: 1, selector: { matchLabels: labels }, template } }));
    const matchConstraints = {
      resourceRules: [{ apiGroups: ["apps"], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["deployments/scale"] }],
    };
    const expression = "Object{spec: Object.spec{replicas: object.spec.replicas > 3 ? 3 : object.spec.replicas}}";
    const mutations = [{ patchType: "ApplyConfiguration", applyConfiguration: { expression } }];
    enforce(tank, "cap", { matchConstraints, reinvocationPolicy: "Never", mutations }, {}, "mutating");
    expect(tank.patch(`${deployments}/web/scale`, "merge", { spec: { replicas: 9 } }).body.spec.replicas).toBe(3);
    expect(tank.get(`${deployments}/web`).body.spec.replicas).toBe(3);
  });

  it("may not replace what is atomic, and must say where their objects belong", () => {
    const tank = start();
    const mutation = (expression: string) => ({
      ...{ failurePolicy: "Fail", reinvocationPolicy: "Never" },
      mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression } }],
    });
    const matchConstraints = { resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }] };
    enforce(
      tank,
      "args",
      { matchConstraints, ...mutation("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'main', args: ['x']}]}}") },
      {},
      "mutating",
    );
    expect(shown(tank.create(pods, pod("p")))).toBe(
      `403 Invalid: policy 'args' with binding 'args' denied request: error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.containers[0].args`,
    );
    tank.delete(`${group}/mutatingadmissionpolicies/args`);
    enforce(tank, "named", { matchConstraints, ...mutation("Object{spec: Object.metadata{}}") }, {}, "mutating");
    expect(shown(tank.create(pods, pod("p")))).toContain(`unexpected type name "Object.metadata", expected "Object.spec"`);
    tank.delete(`${group}/mutatingadmissionpolicies/named`);
    const denied = (expression: string) => {
      enforce(tank, "typed", { matchConstraints, ...mutation(expression) }, {}, "mutating");
      const refused = shown(tank.create(pods, pod("p"))).replace(/^.* denied request: /, "");
      for (const kind of ["policies", "policybindings"]) tank.delete(`${group}/mutatingadmission${kind}/typed`);
      return refused;
    };
    const unconverted = "error applying patch: failed to convert patch object to typed object:";
    expect(denied("Object{spec: Object.spec{hostNetwork: 'yes'}}")).toBe(`${unconverted} .spec.hostNetwork: expected boolean, got &{yes}`);
    expect(denied("Object{spec: Object.spec{priority: 'high', nosuch: 1}}")).toBe(
      `${unconverted} errors:\n  .spec.priority: expected numeric (int or float), got string\n  .spec.nosuch: field not declared in schema`,
    );
    expect(denied("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'main', image: 5}]}}")).toBe(
      `${unconverted} .spec.containers[name="main"].image: expected string, got &value.valueUnstructured{Value:5}`,
    );
    expect(denied("Object{metadata: Object.metadata{labels: ['a']}}")).toBe(`${unconverted} .metadata.labels: expected map, got &{[a]}`);
  });

  it("patch by operations whose types are looked at, and do nothing where a test does not hold", () => {
    const tank = start();
    const matchConstraints = { resourceRules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["pods"] }] };
    const outcome = (expression: string) => {
      const mutations = [{ patchType: "JSONPatch", jsonPatch: { expression } }];
      enforce(tank, "patch", { matchConstraints, failurePolicy: "Fail", reinvocationPolicy: "Never", mutations }, {}, "mutating");
      const reply = tank.create(pods, pod("p"));
      tank.delete(`${pods}/p?gracePeriodSeconds=0`);
      for (const kind of ["policies", "policybindings"]) tank.delete(`${group}/mutatingadmission${kind}/patch`);
      return shown(reply).replace(/^.* denied request: /, "");
    };
    expect(outcome("[JSONPatch{op: 'test', path: '/spec/nodeName', value: 'n'}, JSONPatch{op: 'remove', path: '/spec'}]")).toBe("201");
    expect(outcome("[JSONPatch{op: dyn(1), path: '/spec'}]")).toBe("unexpected type int64 for JSONPatchType 'op' field");
    expect(outcome("[JSONPatch{op: 'remove', path: '/nosuch'}]")).toMatch(/^JSONPath: remove operation does not apply/);
    expect(outcome("[JSONPatch{op: 'add', path: '/metadata/labels', value: Object.metadata.labels{x: Object.spec{}}}]")).toBe(
      'type mismatch: unexpected type name "Object.spec", expected "Object.metadata.labels.x", which matches field name path from root Object type',
    );
  });

  it("come before webhooks and validation, for custom resources too", () => {
    const tank = start();
    install(tank, widgetDefinition());
    const matchConstraints = {
      resourceRules: [{ apiGroups: ["shop.example.com"], apiVersions: ["v1"], operations: ["CREATE"], resources: ["widgets"] }],
    };
    enforce(
      tank,
      "label",
      {
        ...{ matchConstraints, failurePolicy: "Fail", reinvocationPolicy: "Never" },
        mutations: [
          {
            patchType: "ApplyConfiguration",
            applyConfiguration: { expression: "Object{metadata: Object.metadata{labels: {'made-by': request.userInfo.username}}}" },
          },
        ],
      },
      {},
      "mutating",
    );
    enforce(tank, "labelled", { matchConstraints, validations: [{ expression: "'made-by' in object.metadata.labels" }] });
    const made = tank.create("/apis/shop.example.com/v1/namespaces/default/widgets", {
      apiVersion: "shop.example.com/v1",
      kind: "Widget",
      metadata: { name: "w" },
    });
    expect(shown(made)).toBe("201");
    expect(made.body.metadata.labels).toEqual({ "made-by": "kubernetes-admin" });
  });
});
