import { suggestedLevels, suggestedSchemas } from "../../../actors/api-server/flow-control/standard-objects";
import type { Credential } from "../../../protocol/api";
import { configMap, type Json, Tank } from "../server/tank";

const flowcontrol = "/apis/flowcontrol.apiserver.k8s.io/v1";
const person = (name: string, ...organizations: string[]): Credential => ({ type: "certificate", commonName: name, organizations });
const kubelet = (node: string) => person(`system:node:${node}`, "system:nodes");
const manager = person("system:kube-controller-manager");
const flowOf = (headers: ReadonlyMap<string, string>) => [
  headers.get("X-Kubernetes-PF-FlowSchema-UID"),
  headers.get("X-Kubernetes-PF-PriorityLevel-UID"),
];

function uidOf(tank: Tank, plural: string, name: string): string {
  return tank.get(`${flowcontrol}/${plural}/${name}`).body.metadata.uid;
}

/** Lets a user do everything, so that only flow control stands in the way. */
function allow(tank: Tank, name: string): Credential {
  tank.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "User", name, apiGroup: "rbac.authorization.k8s.io" }],
  });
  return person(name);
}

const lease = (name: string) => ({ metadata: { name }, spec: { holderIdentity: name, leaseDurationSeconds: 15 } });

// Source: the Kubernetes documentation, "API Priority and Fairness".
describe("priority and fairness", () => {
  const tank = new Tank();

  test("puts each request into the flow of the first schema that is about it, and says so in headers", () => {
    const path = "/api/v1/namespaces/default/configmaps";
    const expected: readonly (readonly [Credential, string, string, string, string])[] = [
      [person("kubernetes-admin", "system:masters"), "GET", path, "exempt", "exempt"],
      [kubelet("n1"), "GET", "/api/v1/nodes/n1", "system-node-high", "node-high"],
      [kubelet("n1"), "GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", "system-nodes", "system"],
      [manager, "GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x", "system-leader-election", "leader-election"],
      [manager, "GET", "/api/v1/namespaces/default/endpoints/x", "endpoint-controller", "workload-high"],
      [manager, "GET", "/api/v1/namespaces", "kube-controller-manager", "workload-high"],
      [person("jane"), "GET", path, "global-default", "global-default"],
      [{ type: "anonymous" }, "GET", "/version", "global-default", "global-default"],
    ];
    for (const [credential, method, target, schema, level] of expected) {
      const { headers } = tank.request(method, target, { credential });
      expect([schema, ...flowOf(headers)]).toEqual([
        schema,
        uidOf(tank, "flowschemas", schema),
        uidOf(tank, "prioritylevelconfigurations", level),
      ]);
    }
  });

  test("a schema of one's own comes before those of later precedence; one whose level is missing says so and is not used", () => {
    const rules = [
      {
        subjects: [{ kind: "User", user: { name: "jane" } }],
        resourceRules: [{ verbs: ["list"], apiGroups: [""], resources: ["configmaps"], namespaces: ["shop"] }],
      },
    ];
    const made = tank.create(`${flowcontrol}/flowschemas`, {
      metadata: { name: "jane" },
      spec: { matchingPrecedence: 50, priorityLevelConfiguration: { name: "jane" }, distinguisherMethod: { type: "ByUser" }, rules },
    });
    expect(made.code).toBe(201);
    const dangling = () => tank.get(`${flowcontrol}/flowschemas/jane`).body.status?.conditions?.[0] ?? {};
    tank.until(() => dangling().status === "True", "nobody says that the level is missing");
    expect(dangling()).toMatchObject({
      type: "Dangling",
      reason: "NotFound",
      message: 'This FlowSchema references the PriorityLevelConfiguration object named "jane" but there is no such object',
    });
    const asJane = (namespace: string) =>
      flowOf(tank.get(`/api/v1/namespaces/${namespace}/configmaps`, { credential: person("jane") }).headers)[0];
    expect(asJane("shop")).toBe(uidOf(tank, "flowschemas", "global-default"));
    const level = { type: "Limited", limited: { limitResponse: { type: "Queue", queuing: {} } } };
    expect(tank.create(`${flowcontrol}/prioritylevelconfigurations`, { metadata: { name: "jane" }, spec: level })).toMatchObject({
      code: 201,
      body: {
        spec: {
          limited: {
            nominalConcurrencyShares: 30,
            lendablePercent: 0,
            limitResponse: { queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
          },
        },
      },
    });
    tank.until(() => dangling().status === "False", "nobody says that the level is there");
    expect(asJane("shop")).toBe(made.body.metadata.uid);
    expect(asJane("default")).toBe(uidOf(tank, "flowschemas", "global-default"));
  });

  test("the standard objects are made at start, with the annotation by which they are kept", () => {
    const names = (plural: string) => tank.get(`${flowcontrol}/${plural}`).body.items.map(({ metadata }: Json) => metadata.name);
    expect(names("prioritylevelconfigurations")).toEqual(
      expect.arrayContaining(["catch-all", "exempt", ...suggestedLevels.map(({ metadata }) => metadata.name)]),
    );
    expect(names("flowschemas")).toEqual(
      expect.arrayContaining(["catch-all", "exempt", ...suggestedSchemas.map(({ metadata }) => metadata.name)]),
    );
    expect(tank.get(`${flowcontrol}/flowschemas/probes`).body).toMatchObject({
      metadata: { annotations: { "apf.kubernetes.io/autoupdate-spec": "true" } },
      status: { conditions: [{ type: "Dangling", status: "False", reason: "Found" }] },
    });
  });

  test("a suggested object that was changed or deleted is put right, unless its annotation gives it to the operators", () => {
    const target = `${flowcontrol}/prioritylevelconfigurations/workload-low`;
    const shares = () => tank.get(target).body.spec?.limited?.nominalConcurrencyShares;
    tank.patch(target, "merge", { spec: { limited: { nominalConcurrencyShares: 7 } } });
    tank.until(() => shares() === 100, "the level was not put right");
    tank.patch(target, "merge", {
      metadata: { annotations: { "apf.kubernetes.io/autoupdate-spec": "false" } },
      spec: { limited: { nominalConcurrencyShares: 7 } },
    });
    tank.simulation.runFor(120_000);
    expect(shares()).toBe(7);
    tank.delete(`${flowcontrol}/flowschemas/probes`);
    tank.until(() => tank.get(`${flowcontrol}/flowschemas/probes`).code === 200, "the schema did not come back");
  });

  test("what is wrong with an object is said by field", () => {
    const causes = (plural: string, name: string, spec: object) =>
      (tank.create(`${flowcontrol}/${plural}`, { metadata: { name }, spec }).body.details?.causes ?? []).map(
        ({ field, message }: Json) => `${field}: ${message}`,
      );
    const queuing = (queues: number, handSize: number) => ({
      type: "Limited",
      limited: { limitResponse: { type: "Queue", queuing: { queues, handSize, queueLengthLimit: 5 } } },
    });
    expect(causes("prioritylevelconfigurations", "a", queuing(4, 5))).toEqual([
      "spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)",
    ]);
    expect(causes("prioritylevelconfigurations", "a", queuing(1024, 8))).toEqual([
      "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 1024 and handSize 8 should not be greater than 60",
    ]);
    expect(causes("prioritylevelconfigurations", "a", { type: "Exempt", exempt: {} })).toEqual([
      "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'",
    ]);
    const wrong = {
      matchingPrecedence: 1,
      priorityLevelConfiguration: { name: "exempt" },
      rules: [
        {
          subjects: [{ kind: "User", group: { name: "x" } }],
          nonResourceRules: [{ verbs: ["get", "*"], nonResourceURLs: ["/a*"] }],
        },
      ],
    };
    expect(causes("flowschemas", "a", wrong)).toEqual([
      "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
      "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'",
      "spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'",
      'spec.rules[0].nonResourceRules[0].verbs: Invalid value: ["get","*"]: if \'*\' is present, must not specify other verbs',
      'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching',
    ]);
    const fixed = tank.patch(`${flowcontrol}/flowschemas/catch-all`, "merge", { spec: { matchingPrecedence: 9 } });
    expect(fixed.code).toBe(422);
    expect(fixed.body.message).toContain("spec of 'catch-all' must equal the fixed value");
  });
});

describe("seats", () => {
  /** One level of `seats` seats for everybody but administrators. */
  function narrow(seats: number, limitResponse: object): Tank {
    const tank = new Tank({ knobs: { "max-requests-inflight": 60, "max-mutating-requests-inflight": 0 } });
    for (const name of ["herd", "quiet"]) allow(tank, name);
    // 245 shares of the standard levels stay; so many more make the share wanted.
    const shares = Math.floor((245 * seats) / (60 - seats));
    tank.create(`${flowcontrol}/prioritylevelconfigurations`, {
      metadata: { name: "narrow" },
      spec: { type: "Limited", limited: { nominalConcurrencyShares: shares, borrowingLimitPercent: 0, limitResponse } },
    });
    tank.create(`${flowcontrol}/flowschemas`, {
      metadata: { name: "narrow" },
      spec: {
        matchingPrecedence: 50,
        priorityLevelConfiguration: { name: "narrow" },
        distinguisherMethod: { type: "ByUser" },
        rules: [
          {
            subjects: [
              { kind: "User", user: { name: "herd" } },
              { kind: "User", user: { name: "quiet" } },
            ],
            resourceRules: [{ verbs: ["*"], apiGroups: [""], resources: ["*"], clusterScope: true, namespaces: ["*"] }],
          },
        ],
      },
    });
    return tank;
  }

  /** Asks without waiting; `codes` fills as answers come. */
  function flood(tank: Tank, count: number, codes: number[], credential = person("herd")): void {
    for (let i = 0; i < count; i++) {
      const name = `${credential.type === "certificate" ? credential.commonName : ""}-${codes.length}-${i}`;
      tank.ask("POST", "/api/v1/namespaces/default/configmaps", { credential, body: configMap(name) }, ({ code }) => codes.push(code));
    }
  }

  test("a level that queues nothing turns away with 429, Retry-After and plain text what finds no seat", () => {
    const tank = narrow(3, { type: "Reject" });
    const codes: number[] = [];
    flood(tank, 10, codes);
    let refused: Json;
    tank.ask("GET", "/api/v1/namespaces/default/configmaps/x", { credential: person("quiet") }, (reply) => {
      refused = reply;
    });
    tank.until(() => codes.length === 10 && refused !== undefined, "not all were answered");
    expect(codes.filter((code) => code === 201).length).toBe(3);
    expect(codes.filter((code) => code === 429).length).toBe(7);
    expect(refused.text).toBe("Too many requests, please try again later.\n");
    expect(refused.headers.get("Retry-After")).toBe("1");
    expect(tank.get("/metrics").text).toMatch(
      /apiserver_flowcontrol_rejected_requests_total\{priority_level="narrow",flow_schema="narrow",reason="concurrency-limit"\} 8\n/,
    );
  });

  test("a herd waits in its own queues while a quiet user and those who may do everything are served at once", () => {
    const tank = narrow(2, { type: "Queue", queuing: { queues: 64, handSize: 2, queueLengthLimit: 200 } });
    const herd: number[] = [];
    flood(tank, 300, herd);
    tank.simulation.runFor(20);
    const quiet: number[] = [];
    flood(tank, 1, quiet, person("quiet"));
    tank.until(() => quiet.length === 1, "the quiet user is not answered");
    expect(quiet).toEqual([201]);
    const answered = herd.length;
    expect(answered).toBeLessThan(150);
    const levels = tank.get("/debug/api_priority_and_fairness/dump_priority_levels").text;
    const row = levels.split("\n").find((line) => line.startsWith("narrow"))!;
    const [, active, idle, quiescing, waiting, executing] = row.split(", ");
    expect([idle, quiescing, executing]).toEqual(["false", "false", "2"]);
    expect(Number(active)).toBeGreaterThanOrEqual(2);
    expect(Number(waiting)).toBeGreaterThan(100);
    const requests = tank.get("/debug/api_priority_and_fairness/dump_requests?includeRequestDetails=1").text.split("\n");
    expect(requests[0]).toBe(
      "PriorityLevelName, FlowSchemaName, QueueIndex, RequestIndexInQueue, FlowDistingsher, ArriveTime, InitialSeats, FinalSeats, AdditionalLatency, StartTime, UserName, Verb, APIPath, Namespace, Name, APIVersion, Resource, SubResource",
    );
    expect(requests.some((line) => /^narrow, narrow, \d+, 0, herd, .* herd, create, /.test(line))).toBe(true);
    expect(tank.get("/debug/api_priority_and_fairness/dump_queues").text).toMatch(/^narrow, \d+, [1-9]\d*, /m);
    tank.until(() => herd.length === 300, "the herd is not served");
    expect(herd.every((code) => code === 201)).toBe(true);
  });

  test("a full queue turns away, and so does a wait of a quarter of the request's time", () => {
    const tank = narrow(1, { type: "Queue", queuing: { queues: 1, handSize: 1, queueLengthLimit: 3 } });
    // While etcd does not answer the one that runs keeps its seat.
    tank.simulation.pauseHost("etcd-0");
    const codes: number[] = [];
    for (let i = 0; i < 6; i++) {
      const options = { credential: person("herd"), deadlineMs: 4_000, body: configMap(`c${i}`) };
      tank.ask("POST", "/api/v1/namespaces/default/configmaps", options, ({ code }) => codes.push(code));
    }
    tank.simulation.runFor(500);
    expect(codes).toEqual([429, 429]);
    tank.simulation.runFor(700);
    expect(codes).toEqual([429, 429, 429, 429, 429]);
    const { metrics } = tank.state()!;
    expect(metrics.registry.text()).toContain('reason="queue-full"} 2');
    expect(metrics.registry.text()).toContain('reason="time-out"} 3');
  });

  test("leases are renewed on time while a herd of lists keeps every other seat taken", () => {
    const tank = new Tank({ knobs: { "max-requests-inflight": 30, "max-mutating-requests-inflight": 10 } });
    const herd = allow(tank, "herd");
    allow(tank, "system:kube-controller-manager");
    for (let i = 0; i < 110; i++) tank.create("/api/v1/namespaces/default/configmaps", configMap(`c${i}`));
    const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
    tank.create(leases, lease("kcm"));
    let herdAnswers = 0;
    const again = () => {
      tank.ask("GET", "/api/v1/configmaps", { credential: herd }, ({ code }) => {
        if (code !== 0) herdAnswers++;
        again();
      });
    };
    for (let i = 0; i < 40; i++) again();
    let slowestUs = 0;
    for (let renewal = 0; renewal < 8; renewal++) {
      const from = tank.simulation.now();
      const { code } = tank.patch(
        `${leases}/kcm`,
        "merge",
        { spec: { renewTime: "2026-01-01T00:00:00.000000Z", leaseTransitions: renewal } },
        { credential: manager },
      );
      expect(code).toBe(200);
      slowestUs = Math.max(slowestUs, tank.simulation.now() - from);
      tank.simulation.runFor(50);
    }
    expect(herdAnswers).toBeGreaterThan(100);
    expect(slowestUs).toBeLessThan(1_000_000);
  });

  test("without priority and fairness plain limits hold for reads and for writes, but not for administrators", () => {
    const tank = new Tank({
      knobs: { "enable-priority-and-fairness": 0, "max-requests-inflight": 2, "max-mutating-requests-inflight": 1 },
    });
    const herd = allow(tank, "herd");
    const codes: number[] = [];
    const ask = (method: string, target: string, credential: Credential, body?: unknown) =>
      tank.ask(method, target, { credential, ...(body ? { body } : {}) }, ({ code }) => codes.push(code));
    for (let i = 0; i < 4; i++) ask("POST", "/api/v1/namespaces/default/configmaps", herd, configMap(`w${i}`));
    tank.until(() => codes.length === 4, "the writes are not answered");
    expect(codes.sort()).toEqual([201, 429, 429, 429]);
    codes.length = 0;
    for (let i = 0; i < 4; i++) ask("GET", `/api/v1/namespaces/default/configmaps/w${i}`, herd);
    tank.until(() => codes.length === 4, "the reads are not answered");
    expect(codes.filter((code) => code === 429).length).toBe(2);
    codes.length = 0;
    for (let i = 0; i < 4; i++) ask("POST", "/api/v1/namespaces/default/configmaps", person("root", "system:masters"), configMap(`r${i}`));
    tank.until(() => codes.length === 4, "the administrator is not answered");
    expect(codes).toEqual([201, 201, 201, 201]);
    expect(tank.get("/metrics").text).toContain('apiserver_dropped_requests_total{request_kind="mutating"} 3');
  });
});
