import { controllerManager } from "../../../actors/controller-manager";
import { kubeProxy } from "../../../actors/kube-proxy";
import { Registry } from "../../../actors/metrics/registry";
import { scheduler } from "../../../actors/scheduler";
import { type Address, address } from "../../../protocol/address";
import type { ComponentGetResponse } from "../../../protocol/cluster";
import type { Message } from "../../../protocol/codec";
import type { AnyActor } from "../../../runtime/actor";
import { configMap, pod, Tank } from "../server/tank";
import { parseMetrics } from "./prometheus";

const maps = "/api/v1/namespaces/default/configmaps";

describe("/metrics of an API server", () => {
  const tank = new Tank();
  /** Those that the server makes for itself. */
  const ownMaps = tank.state()!.metrics.etcdRequests.get(["create", "", "configmaps"]);
  tank.watch(`${maps}?watch=true`);
  tank.create(maps, configMap("a"));
  tank.create(`${maps}?dryRun=All`, configMap("b"));
  tank.get(maps);
  tank.get(`${maps}/none`);
  tank.patch(`${maps}/a?fieldManager=me&force=true`, "apply", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a" },
    data: { k: "v" },
  });
  tank.delete(`${maps}/a`);
  tank.get("/api/v1/componentstatuses");
  tank.create("/api/v1/namespaces/none/configmaps", configMap("a"));
  tank.get("/api/v1/namespaces/default/secrets", { credential: { type: "anonymous" } });
  const { headers: _, ...reply } = tank.get("/metrics");
  const families = parseMetrics(reply.text);
  const value = (name: string, labels: Record<string, string>) =>
    families.get(name)?.samples.find((sample) => Object.entries(labels).every(([label, text]) => sample.labels[label] === text))?.value;

  test("tell of admission by plug-in, and of deprecated APIs that somebody uses", () => {
    const admitted = (name: string, rejected: string) =>
      value("apiserver_admission_controller_admission_duration_seconds", { name, type: "admit", operation: "CREATE", rejected });
    expect(admitted("NamespaceLifecycle", "true")).toBeDefined();
    expect(admitted("ServiceAccount", "true")).toBeUndefined();
    expect(
      value("apiserver_admission_step_admission_duration_seconds", { type: "admit", operation: "CREATE", rejected: "true" }),
    ).toBeDefined();
    expect(value("apiserver_requested_deprecated_apis", { version: "v1", resource: "componentstatuses" })).toBe(1);
    expect(value("apiserver_requested_deprecated_apis", { resource: "configmaps" })).toBeUndefined();
  });

  test("stand beside /statusz and /flagz, which monitoring may read (KEP-4827, KEP-4828)", () => {
    const get = (path: string, accept: string, ...organizations: string[]) =>
      tank.get(path, { accept, credential: { type: "certificate", commonName: "ann", organizations } });
    expect([get("/statusz", "", "dev").code, get("/flagz", "", "system:monitoring").code]).toEqual([403, 200]);
    const status = get("/statusz", "application/json, */*", "system:monitoring");
    expect(status.text).toMatch(
      /^\nkube-apiserver statusz\nWarning: .*\n\nStarted: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}\nUp: 0 hr 00 min \d\d sec\n/,
    );
    expect(status.text).toContain("\nBinary version: 1.36\nEmulation version: 1.36\nPaths: /debug /flagz /healthz /livez ");
    const as = (kind: string, version: string) => `application/json;v=${version};g=config.k8s.io;as=${kind}`;
    expect(get("/statusz", as("Statusz", "v1beta1"), "system:masters").body).toMatchObject({
      ...{ kind: "Statusz", apiVersion: "config.k8s.io/v1beta1", metadata: { name: "kube-apiserver" }, binaryVersion: "1.36" },
    });
    const { flags } = get("/flagz", as("Flagz", "v1alpha1"), "system:masters").body;
    expect(flags).toMatchObject({ "request-timeout": "1m0s", "min-request-timeout": "1800", "service-cluster-ip-range": "10.96.0.0/16" });
    expect(get("/flagz", "text/plain", "system:masters").text).toContain("\nrequest-timeout=1m0s\n");
    expect(
      ["application/json", as("Statusz", "v9"), "application/xml"].map((accept) => get("/statusz", accept, "system:masters").code),
    ).toEqual([...[406, 406, 406]]);
  });

  // Source: the list of Kubernetes' metrics in its documentation.
  const group = ["group", "version", "resource", "subresource", "scope", "component"];
  const flow = ["priority_level", "flow_schema"];
  test.each<[string, string, readonly string[]]>([
    ["apiserver_request_total", "counter", ["verb", "dry_run", ...group, "code"]],
    ["apiserver_request_duration_seconds", "histogram", ["verb", "dry_run", ...group]],
    ["apiserver_request_sli_duration_seconds", "histogram", ["verb", ...group]],
    ["apiserver_response_sizes", "histogram", ["verb", ...group]],
    ["apiserver_current_inflight_requests", "gauge", ["request_kind"]],
    ["apiserver_longrunning_requests", "gauge", ["verb", ...group]],
    ["apiserver_admission_controller_admission_duration_seconds", "histogram", ["name", "type", "operation", "rejected"]],
    ["apiserver_admission_step_admission_duration_seconds", "histogram", ["type", "operation", "rejected"]],
    ["apiserver_requested_deprecated_apis", "gauge", ["group", "version", "resource", "subresource", "removed_release"]],
    ["apiserver_storage_objects", "gauge", ["resource"]],
    ["apiserver_resource_objects", "gauge", ["group", "resource"]],
    ["apiserver_storage_size_bytes", "gauge", ["storage_cluster_id"]],
    ["apiserver_watch_events_total", "counter", ["group", "version", "resource"]],
    ["apiserver_watch_cache_events_received_total", "counter", ["group", "resource"]],
    ["apiserver_watch_cache_resource_version", "gauge", ["group", "resource"]],
    ["apiserver_watch_cache_capacity", "gauge", ["group", "resource"]],
    ["etcd_request_duration_seconds", "histogram", ["operation", "group", "resource"]],
    ["etcd_requests_total", "counter", ["operation", "group", "resource"]],
    ["authentication_attempts", "counter", ["result"]],
    ["authorization_attempts_total", "counter", ["result"]],
    ["apiserver_flowcontrol_dispatched_requests_total", "counter", flow],
    ["apiserver_flowcontrol_request_wait_duration_seconds", "histogram", [...flow, "execute"]],
    ["apiserver_flowcontrol_request_execution_seconds", "histogram", [...flow, "type"]],
    ["apiserver_flowcontrol_request_queue_length_after_enqueue", "histogram", flow],
    ["apiserver_flowcontrol_work_estimated_seats", "histogram", flow],
    ["apiserver_flowcontrol_nominal_limit_seats", "gauge", ["priority_level"]],
    ["apiserver_flowcontrol_current_limit_seats", "gauge", ["priority_level"]],
    ["process_start_time_seconds", "gauge", []],
    ["kubernetes_build_info", "gauge", ["git_version", "major", "minor", "platform"]],
  ])("%s is a %s with the labels of a real server", (name, type, labels) => {
    const family = families.get(name);
    expect(family?.type).toBe(type);
    const shown = Object.keys(family!.samples[0]!.labels).filter((label) => label !== "le");
    expect(shown.sort()).toEqual([...labels].sort());
  });

  test("counts what was done under the labels by which dashboards look for it", () => {
    const own = { group: "", version: "v1", resource: "configmaps", subresource: "", component: "apiserver" };
    expect(value("apiserver_request_total", { ...own, verb: "POST", dry_run: "", scope: "resource", code: "201" })).toBe(1);
    expect(value("apiserver_request_total", { ...own, verb: "POST", dry_run: "All", scope: "resource", code: "201" })).toBe(1);
    expect(value("apiserver_request_total", { ...own, verb: "LIST", scope: "namespace", code: "200" })).toBe(1);
    expect(value("apiserver_request_total", { ...own, verb: "GET", scope: "resource", code: "404" })).toBe(1);
    expect(value("apiserver_request_total", { ...own, verb: "APPLY", scope: "resource", code: "200" })).toBe(1);
    expect(value("apiserver_request_total", { ...own, verb: "DELETE", scope: "resource", code: "200" })).toBe(1);
    expect(value("apiserver_longrunning_requests", { ...own, verb: "WATCH" })).toBe(1);
    // The dry run writes nothing.
    expect(value("etcd_requests_total", { operation: "create", group: "", resource: "configmaps" })).toBe(ownMaps + 1);
    expect(value("etcd_requests_total", { operation: "update", group: "", resource: "configmaps" })).toBe(1);
    expect(value("etcd_requests_total", { operation: "delete", group: "", resource: "configmaps" })).toBe(1);
    expect(value("apiserver_watch_events_total", { group: "", version: "v1", resource: "configmaps" })).toBeGreaterThanOrEqual(3);
    expect(value("authorization_attempts_total", { result: "denied" })).toBe(1);
    expect(value("apiserver_current_inflight_requests", { request_kind: "readOnly" })).toBe(1);
  });

  test("has the bounds of a real server", () => {
    const bounds = families
      .get("apiserver_request_duration_seconds")!
      .samples.filter(({ name, labels }) => name.endsWith("_bucket") && labels.verb === "LIST" && labels.resource === "configmaps")
      .map(({ labels }) => labels.le);
    expect(bounds.join(" ")).toBe("0.005 0.025 0.05 0.1 0.2 0.4 0.6 0.8 1 1.25 1.5 2 3 4 5 6 8 10 15 20 30 45 60 +Inf");
  });
});

describe("the text format", () => {
  test("escapes what would break a line, and writes numbers as Go does", () => {
    const registry = new Registry();
    registry.counter("a_total", "One \\ two\nthree", ["path"]).add(['x"y\\z\n'], 1_234_567);
    registry.gauge("b", "Small.").set([], 0.000012);
    expect(registry.text()).toBe(
      '# HELP a_total One \\\\ two\\nthree\n# TYPE a_total counter\na_total{path="x\\"y\\\\z\\n"} 1.234567e+06\n# HELP b Small.\n# TYPE b gauge\nb 1.2e-05\n',
    );
    expect(parseMetrics(registry.text()).size).toBe(2);
  });

  test.each([
    "a 1\n",
    '# HELP a x\n# TYPE a counter\na{b="1} 2\n',
    "# HELP a x\n# TYPE a counter\na 1\na 1\n",
    "# HELP a x\n# TYPE a counter\nb 1\n",
  ])("is read strictly (%#)", (text) => expect(() => parseMetrics(text)).toThrow());
});

describe("health checks", () => {
  const tank = new Tank();
  tank.simulation.runFor(1_000);
  const lines = (target: string) => tank.get(target).text.split("\n");

  test("are listed with ?verbose under the names of a real server", () => {
    expect(lines("/readyz?verbose")).toEqual([
      ...["[+]ping ok", "[+]etcd ok", "[+]etcd-readiness ok", "[+]informer-sync ok"],
      "[+]poststarthook/priority-and-fairness-config-consumer ok",
      "[+]poststarthook/crd-informer-synced ok",
      "[+]poststarthook/start-system-namespaces-controller ok",
      "[+]poststarthook/rbac/bootstrap-roles ok",
      "[+]poststarthook/scheduling/bootstrap-system-priority-classes ok",
      "[+]poststarthook/priority-and-fairness-config-producer ok",
      "[+]poststarthook/bootstrap-controller ok",
      ...["[+]autoregister-completion ok", "[+]shutdown ok", "readyz check passed", ""],
    ]);
    expect(tank.get("/livez").text).toBe("ok");
    const figures = tank.get("/metrics/slis").text;
    expect(figures).toContain('kubernetes_healthcheck{name="etcd-readiness",type="readyz"} 1\n');
    expect(figures).toContain('kubernetes_healthchecks_total{name="ping",type="livez",status="success"} 1\n');
    expect(lines("/livez?verbose")).not.toContain("[+]shutdown ok");
  });

  test("can be asked one by one, and left out", () => {
    expect(tank.get("/livez/ping")).toMatchObject({ code: 200, text: "ok" });
    expect(tank.get("/readyz/poststarthook/rbac/bootstrap-roles").text).toBe("ok");
    expect(tank.get("/livez/none").code).toBe(404);
    expect(lines("/readyz?verbose&exclude=etcd&exclude=none")).toEqual(
      expect.arrayContaining([
        "[+]etcd excluded: ok",
        'warn: some health checks cannot be excluded: no matches for "none"',
        "readyz check passed",
      ]),
    );
  });

  test("fail with 500 and say which one did", () => {
    tank.simulation.crashHost("etcd-0");
    const failed = tank.get("/readyz");
    expect(failed.code).toBe(500);
    expect(failed.text).toContain("[-]etcd failed: reason withheld\n");
    expect(tank.get("/metrics/slis").text).toContain('kubernetes_healthcheck{name="etcd",type="readyz"} 0\n');
    expect(failed.text).toMatch(/readyz check failed\n$/);
    expect(tank.get("/readyz?exclude=etcd&exclude=etcd-readiness").code).toBe(200);
    expect(tank.get("/livez/ping").code).toBe(200);
  });
});

describe("/metrics of the other components", () => {
  const tank = new Tank({ actors: [controllerManager as AnyActor, scheduler as AnyActor, kubeProxy as AnyActor] });
  const apiServers = [address("apiserver", 0)];
  tank.simulation.addHost({ name: "control-0", zone: "a" });
  const config = { apiServers, clusterCidr: "10.244.0.0/16", serviceCidr: "10.96.0.0/16", rootCa: "" };
  tank.simulation.place("control-0", address("controller-manager", 0), config);
  tank.simulation.place("control-0", address("scheduler", 0), { apiServers });
  tank.simulation.place("control-0", address("kube-proxy", "node-0"), { node: "node-0", apiServers });
  tank.simulation.startHost("control-0");
  tank.namespace("shop");
  tank.create("/api/v1/namespaces/shop/pods", pod("homeless"));

  const get = (component: Address, path: string): { readonly code: number; readonly text: string } => {
    let got: ComponentGetResponse | undefined;
    tank.simulation.ask<ComponentGetResponse>(component, { kind: "component.get", path } as Message, 5_000, (answer) => {
      if (answer.ok) got = answer.body;
    });
    tank.until(() => got !== undefined, `${component} does not answer`);
    return { code: got!.code, text: Buffer.from(got!.bytes).toString() };
  };
  const figure = (component: Address, name: string, labels: Record<string, string> = {}) =>
    parseMetrics(get(component, "/metrics").text)
      .get(name.replace(/_(count|sum)$/, ""))
      ?.samples.find((sample) => sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text))
      ?.value;

  test("a scheduler counts its attempts, the pods that wait and its requests, and says whether it leads", () => {
    const component = address("scheduler", 0);
    const pending = () => figure(component, "scheduler_pending_pods", { queue: "unschedulable" }) === 1;
    for (let i = 0; i < 30 && !pending(); i++) tank.simulation.runFor(1_000);
    expect(pending()).toBe(true);
    const attempts = { profile: "default-scheduler", result: "unschedulable" };
    expect(figure(component, "scheduler_schedule_attempts_total", attempts)).toBeGreaterThan(0);
    expect(figure(component, "leader_election_master_status", { name: "kube-scheduler" })).toBe(1);
    expect(figure(component, "rest_client_requests_total", { code: "201", host: "apiserver/0", method: "POST" })).toBeGreaterThan(0);
    expect(figure(component, "scheduler_scheduling_attempt_duration_seconds_count", attempts)).toBeGreaterThan(0);
    expect(figure(component, "scheduler_cache_size", { type: "nodes" })).toBe(0);
    expect(get(component, "/healthz")).toEqual({ code: 200, text: "ok" });
    expect(get(component, "/none").code).toBe(404);
  });

  test("a controller manager counts the keys of its queues", () => {
    const component = address("controller-manager", 0);
    expect(figure(component, "workqueue_adds_total", { name: "serviceaccount" })).toBeGreaterThan(0);
    expect(figure(component, "workqueue_depth", { name: "serviceaccount" })).toBe(0);
    const worked = figure(component, "workqueue_work_duration_seconds_count", { name: "serviceaccount" });
    expect(worked).toBe(figure(component, "workqueue_queue_duration_seconds_count", { name: "serviceaccount" }));
    expect(worked).toBeGreaterThan(0);
    // Work takes the time of its requests.
    expect(figure(component, "workqueue_work_duration_seconds_sum", { name: "serviceaccount" })).toBeGreaterThan(0.001);
    expect(figure(component, "workqueue_unfinished_work_seconds", { name: "serviceaccount" })).toBe(0);
    expect(figure(component, "leader_election_master_status", { name: "kube-controller-manager" })).toBe(1);
  });

  test("a member of etcd says whether there is a leader and how far it has come", () => {
    const component = address("etcd", 0);
    expect(get(component, "/health")).toEqual({ code: 200, text: '{"health":"true","reason":""}' });
    expect([figure(component, "etcd_server_has_leader"), figure(component, "etcd_server_is_leader")]).toEqual([1, 1]);
    const applied = figure(component, "etcd_server_proposals_applied_total")!;
    tank.create(maps, configMap("one-more"));
    expect(figure(component, "etcd_server_proposals_applied_total")).toBeGreaterThan(applied);
    expect(figure(component, "etcd_mvcc_db_total_size_in_use_in_bytes")).toBeGreaterThan(1_000);
    expect(figure(component, "etcd_server_leader_changes_seen_total")).toBe(1);
    // Each write waits for the disk, and so does its entry's way there.
    const syncs = figure(component, "etcd_disk_wal_fsync_duration_seconds_count")!;
    tank.create(maps, configMap("yet-more"));
    expect(figure(component, "etcd_disk_wal_fsync_duration_seconds_count")).toBeGreaterThan(syncs);
    expect(figure(component, "etcd_disk_wal_fsync_duration_seconds_sum")).toBeGreaterThan(0);
  });

  test("a kube-proxy counts what changes, and how long that takes until it is in force", () => {
    const component = address("kube-proxy", "node-0");
    const changes = figure(component, "kubeproxy_sync_proxy_rules_service_changes_total")!;
    const rounds = figure(component, "kubeproxy_sync_proxy_rules_duration_seconds_count")!;
    tank.create("/api/v1/namespaces/default/services", { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } });
    tank.until(() => figure(component, "kubeproxy_sync_proxy_rules_duration_seconds_count") === rounds + 1, "nothing is programmed");
    expect(figure(component, "kubeproxy_sync_proxy_rules_service_changes_total")).toBe(changes + 1);
    expect(figure(component, "kubeproxy_sync_proxy_rules_service_changes_pending")).toBe(0);
    const [queued, synced] = ["last_queued_timestamp_seconds", "last_timestamp_seconds"].map(
      (name) => figure(component, `kubeproxy_sync_proxy_rules_${name}`)!,
    );
    // Changes are gathered for 10 ms.
    expect(synced! - queued!).toBeCloseTo(0.01, 3);
  });
});
