import { printerOf } from "../../../actors/api-server/table/printers";
import { toPartialObjectMetadataList, toTable } from "../../../actors/api-server/table/table";
import { allKinds } from "../../../protocol/kinds/registry";

const nowMs = Date.parse("2026-03-01T12:00:00Z");
const created = "2026-03-01T11:00:00Z";

/** The columns a reader of `kubectl get` sees, in the order kubectl prints them. */
function headers(group: string, kind: string, isWide = false): string[] {
  return printerOf({ group, kind })
    .columns.filter((c) => isWide || c.priority === 0)
    .map((c) => c.name.toUpperCase());
}

/** One object's cells by column name. */
function cells(group: string, kind: string, object: object): Record<string, unknown> {
  const table = toTable({ group, kind }, [object], { nowMs });
  return Object.fromEntries(table.columnDefinitions.map((c, i) => [c.name, table.rows[0]!.cells[i]]));
}

// Source: the output of kubectl get as the Kubernetes documentation shows it, kind by kind.
test.each([
  ["", "Pod", "NAME READY STATUS RESTARTS AGE"],
  ["apps", "Deployment", "NAME READY UP-TO-DATE AVAILABLE AGE"],
  ["apps", "ReplicaSet", "NAME DESIRED CURRENT READY AGE"],
  ["apps", "StatefulSet", "NAME READY AGE"],
  ["apps", "DaemonSet", "NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE"],
  ["batch", "Job", "NAME STATUS COMPLETIONS DURATION AGE"],
  ["batch", "CronJob", "NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST SCHEDULE AGE"],
  ["", "Service", "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE"],
  ["", "Node", "NAME STATUS ROLES AGE VERSION"],
  ["", "Namespace", "NAME STATUS AGE"],
  ["", "ConfigMap", "NAME DATA AGE"],
  ["", "Secret", "NAME TYPE DATA AGE"],
  ["", "Endpoints", "NAME ENDPOINTS AGE"],
  ["", "Event", "LAST SEEN TYPE REASON OBJECT MESSAGE"],
  ["", "ServiceAccount", "NAME SECRETS AGE"],
  ["discovery.k8s.io", "EndpointSlice", "NAME ADDRESSTYPE PORTS ENDPOINTS AGE"],
  ["policy", "PodDisruptionBudget", "NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE"],
  ["coordination.k8s.io", "Lease", "NAME HOLDER AGE"],
  ["networking.k8s.io", "Ingress", "NAME CLASS HOSTS ADDRESS PORTS AGE"],
  ["rbac.authorization.k8s.io", "RoleBinding", "NAME ROLE AGE"],
  ["rbac.authorization.k8s.io", "ClusterRole", "NAME CREATED AT"],
  ["apiextensions.k8s.io", "CustomResourceDefinition", "NAME CREATED AT"],
  ["apiregistration.k8s.io", "APIService", "NAME SERVICE AVAILABLE AGE"],
])("kubectl get prints %s/%s with its own columns", (group, kind, expected) => {
  expect(headers(group, kind).join(" ")).toBe(expected);
});

test("kubectl get -o wide adds the columns of priority 1", () => {
  expect(headers("", "Pod", true).join(" ")).toBe("NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES");
  expect(headers("", "Node", true).join(" ")).toBe(
    "NAME STATUS ROLES AGE VERSION INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME",
  );
});

test("every kind prints an object that has only the fields its schema requires", () => {
  const spec = {
    ...{ containers: [], template: {}, jobTemplate: {}, scaleTargetRef: {}, parentRef: {}, priorityLevelConfiguration: {} },
    ...{ drivers: [], pool: {}, source: {} },
  };
  const bare = { metadata: { name: "x", creationTimestamp: created }, spec, roleRef: {}, involvedObject: {} };
  for (const kind of allKinds()) {
    const table = toTable(kind, [bare], { nowMs });
    const at = table.columnDefinitions.findIndex((c) => c.format === "name");
    expect([kind.kind, table.rows[0]!.cells[at]]).toEqual([kind.kind, "x"]);
    expect(table.rows[0]!.cells).toHaveLength(table.columnDefinitions.length);
  }
});

test("a Deployment's cells", () => {
  const deployment = {
    metadata: { name: "web", creationTimestamp: created },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "In", values: ["b", "a"] }] },
      template: {
        spec: {
          containers: [
            { name: "a", image: "nginx:1" },
            { name: "b", image: "log:2" },
          ],
        },
      },
    },
    status: { readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 },
  };
  expect(cells("apps", "Deployment", deployment)).toEqual({
    Name: "web",
    Ready: "2/3",
    "Up-to-date": 1,
    Available: 2,
    Age: "60m",
    Containers: "a,b",
    Images: "nginx:1,log:2",
    Selector: "app=web,tier in (a,b)",
  });
});

test("a Service shows node ports, and a load balancer without an address is pending", () => {
  const service = (spec: object, status = {}) => cells("", "Service", { metadata: { name: "s" }, spec, status });
  const ports = [
    { port: 80, nodePort: 30080, protocol: "TCP" },
    { port: 53, protocol: "UDP" },
  ];
  expect(service({ type: "LoadBalancer", clusterIP: "10.0.0.9", ports })).toMatchObject({
    "Cluster-IP": "10.0.0.9",
    "External-IP": "<pending>",
    "Port(s)": "80:30080/TCP,53/UDP",
    Selector: "<none>",
  });
  const balanced = { loadBalancer: { ingress: [{ ip: "203.0.113.5" }] } };
  expect(service({ type: "LoadBalancer", externalIPs: ["198.51.100.1"] }, balanced)["External-IP"]).toBe("203.0.113.5,198.51.100.1");
  expect(service({ type: "ExternalName", externalName: "example.org" })).toMatchObject({
    "External-IP": "example.org",
    "Port(s)": "<none>",
  });
});

test("a node's status tells of cordoning, and its roles come from its labels", () => {
  const node = {
    metadata: { name: "n", labels: { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "", x: "y" } },
    spec: { unschedulable: true },
    status: { conditions: [{ type: "Ready", status: "Unknown" }], addresses: [{ type: "InternalIP", address: "10.1.0.1" }] },
  };
  expect(cells("", "Node", node)).toMatchObject({
    Status: "NotReady,SchedulingDisabled",
    Roles: "control-plane,worker",
    "Internal-IP": "10.1.0.1",
    "External-IP": "<none>",
  });
});

test("both event APIs print alike", () => {
  const core = {
    metadata: { name: "e" },
    involvedObject: { kind: "Pod", name: "web-1", fieldPath: "spec.containers{web}" },
    type: "Warning",
    reason: "BackOff",
    message: "Back-off restarting failed container\n",
    source: { component: "kubelet", host: "node-1" },
    firstTimestamp: "2026-03-01T11:30:00Z",
    lastTimestamp: "2026-03-01T11:59:00Z",
    count: 7,
  };
  const newer = {
    metadata: { name: "e" },
    regarding: core.involvedObject,
    type: core.type,
    reason: core.reason,
    note: core.message,
    deprecatedSource: core.source,
    deprecatedFirstTimestamp: core.firstTimestamp,
    deprecatedLastTimestamp: core.lastTimestamp,
    deprecatedCount: 7,
  };
  const expected = {
    "Last Seen": "60s",
    Type: "Warning",
    Reason: "BackOff",
    Object: "pod/web-1",
    Subobject: "spec.containers{web}",
    Source: "kubelet, node-1",
    Message: "Back-off restarting failed container",
    "First Seen": "30m",
    Count: 7,
    Name: "e",
  };
  expect(cells("", "Event", core)).toEqual(expected);
  expect(cells("events.k8s.io", "Event", newer)).toEqual(expected);
});

test("endpoints beyond the third are counted", () => {
  const subsets = [{ addresses: ["10.0.0.1", "10.0.0.2", "fd00::3", "10.0.0.4"].map((ip) => ({ ip })), ports: [{ port: 80 }] }];
  expect(cells("", "Endpoints", { metadata: { name: "e" }, subsets }).Endpoints).toBe("10.0.0.1:80,10.0.0.2:80,[fd00::3]:80 + 1 more...");
});

test("a row carries the object, its metadata or nothing, as the client asks", () => {
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "n" }, data: { a: "MQ==" } };
  const row = (includeObject: "None" | "Metadata" | "Object") =>
    toTable({ group: "", kind: "Secret" }, [secret], { nowMs, includeObject }).rows[0]!;
  expect(row("Metadata").object).toEqual({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: secret.metadata });
  expect(row("Object").object).toEqual(secret);
  expect(row("None")).not.toHaveProperty("object");
});

test("an empty list is a Table with columns and no rows; a later watch event leaves the columns out", () => {
  const kind = { group: "", kind: "Pod" };
  const empty = toTable(kind, [], { nowMs, listMeta: { resourceVersion: "12" }, version: "v1beta1" });
  expect(empty).toMatchObject({ kind: "Table", apiVersion: "meta.k8s.io/v1beta1", metadata: { resourceVersion: "12" }, rows: [] });
  expect(empty.columnDefinitions.length).toBeGreaterThan(0);
  const event = toTable(kind, [{ metadata: { name: "p", resourceVersion: "13" } }], { nowMs, withDefinitions: false });
  expect(event).toMatchObject({ metadata: { resourceVersion: "13" }, columnDefinitions: [] });
});

test("metadata informers get lists without specs", () => {
  const list = toPartialObjectMetadataList([{ metadata: { name: "a" } }], { resourceVersion: "3" });
  expect(list).toEqual({
    kind: "PartialObjectMetadataList",
    apiVersion: "meta.k8s.io/v1",
    metadata: { resourceVersion: "3" },
    items: [{ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "a" } }],
  });
});

test("an age without a timestamp is unknown", () => {
  expect(cells("", "Namespace", { metadata: { name: "n", creationTimestamp: null } }).Age).toBe("<unknown>");
  expect(cells("", "Namespace", { metadata: { name: "n" } }).Age).toBe("<unknown>");
});
