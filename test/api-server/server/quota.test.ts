import { type Json, pod, Tank } from "./tank";

const quotas = "/api/v1/namespaces/default/resourcequotas";
const pods = "/api/v1/namespaces/default/pods";
let tank: Tank;
beforeEach(() => {
  tank = new Tank({ servers: 2 });
  tank.create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
});

/** A quota as the controller leaves it when nothing is used yet. */
function limit(name: string, hard: Record<string, string>, spec: object = {}): void {
  const zero = Object.fromEntries(Object.keys(hard).map((resource) => [resource, "0"]));
  expect(tank.create(quotas, { metadata: { name }, spec: { hard, ...spec } }).code).toBe(201);
  const stored = tank.get(`${quotas}/${name}`).body;
  expect(tank.request("PUT", `${quotas}/${name}/status`, { body: { ...stored, status: { hard, used: zero } } }).code).toBe(200);
  tank.simulation.runFor(50);
}
const used = (name: string): Json => tank.get(`${quotas}/${name}`).body.status.used;
const asking = (name: string, cpu?: string) =>
  pod(name, { containers: [{ name: "c", image: "i", ...(cpu ? { resources: { requests: { cpu }, limits: { cpu } } } : {}) }] });

test("what is limited by the configuration may not be taken where no quota speaks of it", () => {
  tank = new Tank({
    config: {
      admission: {
        limitedResources: [
          { apiGroup: "", resource: "pods", matchContains: ["requests.cpu"], matchScopes: [] },
          {
            ...{ apiGroup: "", resource: "pods", matchContains: [] },
            matchScopes: [{ scopeName: "PriorityClass", operator: "In", values: ["system-cluster-critical"] }],
          },
        ],
      },
    },
  });
  tank.create("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  expect(tank.create(pods, asking("a")).code).toBe(201);
  expect(tank.create(pods, asking("b", "1")).body.message).toBe('pods "b" is forbidden: insufficient quota to consume: requests.cpu');
  const critical = (name: string) => pod(name, { priorityClassName: "system-cluster-critical", containers: [{ name: "c", image: "i" }] });
  expect(tank.create(pods, critical("c")).body.message).toBe(
    'pods "c" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [system-cluster-critical]}]',
  );
  limit("cpu", { "requests.cpu": "2" });
  expect(tank.create(pods, asking("b", "1")).code).toBe(201);
  limit("critical", { pods: "1" }, { scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "Exists" }] } });
  expect(tank.create(pods, { ...critical("c"), spec: { ...critical("c").spec, containers: asking("c", "1").spec.containers } }).code).toBe(
    201,
  );
});

// Source: "Resource Quotas"; the messages are those of a real server.
describe("a ResourceQuota", () => {
  test("is booked with what it limits, in one transaction, and refuses what is more", () => {
    limit("compute", { pods: "2", "requests.cpu": "1" });
    expect(tank.create(pods, asking("a", "600m")).code).toBe(201);
    expect(used("compute")).toEqual({ pods: "1", "requests.cpu": "600m" });
    expect(tank.create(pods, asking("b", "500m")).body).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message:
        'pods "b" is forbidden: exceeded quota: compute, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1',
    });
    expect(tank.create(pods, asking("b")).body.message).toBe(
      'pods "b" is forbidden: failed quota: compute: must specify requests.cpu for: c',
    );
    expect(used("compute")).toEqual({ pods: "1", "requests.cpu": "600m" });
  });

  test("is not overdrawn by two servers at once", () => {
    limit("objects", { configmaps: "5", "count/secrets": "1" });
    const replies: number[] = [];
    for (let n = 0; n < 12; n++)
      tank.ask("POST", "/api/v1/namespaces/default/configmaps", { server: n % 2, body: { metadata: { name: `m${n}` } } }, ({ code }) =>
        replies.push(code),
      );
    tank.until(() => replies.length === 12, "not all creations were answered");
    expect(replies.filter((code) => code === 201)).toHaveLength(5);
    expect(replies.filter((code) => code === 403)).toHaveLength(7);
    expect(used("objects")).toEqual({ configmaps: "5", "count/secrets": "0" });
  });

  test("counts only what its scopes are about, and a dry run books nothing", () => {
    limit("best", { pods: "1" }, { scopes: ["BestEffort"] });
    expect(tank.create(pods, asking("burstable", "1")).code).toBe(201);
    expect(used("best")).toEqual({ pods: "0" });
    expect(tank.create(`${pods}?dryRun=All`, asking("dry")).code).toBe(201);
    expect(used("best")).toEqual({ pods: "0" });
    expect(tank.create(pods, asking("one")).code).toBe(201);
    expect(tank.create(pods, asking("two")).body.message).toContain(
      "exceeded quota: best, requested: pods=1, used: pods=1, limited: pods=1",
    );
  });

  test("whose use has not been counted yet lets nothing in that it limits", () => {
    tank.create(quotas, { metadata: { name: "new" }, spec: { hard: { configmaps: "5" } } });
    tank.simulation.runFor(50);
    expect(tank.create("/api/v1/namespaces/default/configmaps", { metadata: { name: "m" } }).body.message).toBe(
      'configmaps "m" is forbidden: status unknown for quota: new, resources: configmaps',
    );
    expect(tank.create("/api/v1/namespaces/default/secrets", { metadata: { name: "s" } }).code).toBe(201);
  });
});
