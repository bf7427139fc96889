import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AdmissionSettings, readAdmissionConfiguration } from "../../../actors/api-server/admission/configuration";
import { chosenPlugins, mutate, validate, warn } from "../../../actors/api-server/admission/index";
import { headersFor } from "../../../actors/api-server/admission/webhook-credentials";
import { authenticated } from "../../../actors/api-server/authentication/user";
import { readAdmission } from "../../../cli/admission-options";
import { address } from "../../../protocol/address";
import { isFailure } from "../../../protocol/status";
import { admission, shop } from "../server/admissions";
import { type Json, pod } from "../server/tank";
import { allow, configure, Hooks, hookedTank, webhook } from "./webhook-actor";

const read = (...plugins: Json[]) => {
  const result = readAdmissionConfiguration({ apiVersion: "apiserver.config.k8s.io/v1", kind: "AdmissionConfiguration", plugins });
  return result.ok ? result.settings : result.problems;
};

/** What one plug-in with these settings makes of a write, or how it refuses. */
function through(
  name: string,
  settings: AdmissionSettings,
  object: object,
  cluster: Readonly<Record<string, object>> = {},
  more = {},
): Json {
  const plugins = chosenPlugins({ [`admission-plugin-${name}`]: 1 }, settings).filter((plugin) => plugin.name === name);
  const given = admission(object, { ...shop, ...cluster }, more);
  const view = { ...given, cluster: { ...given.cluster, plugins, nowMs: (more as Json).nowMs ?? 0 } };
  const changed = mutate(view);
  if (isFailure(changed)) return { refused: changed.message };
  const refusal = validate({ ...view, object: changed });
  return refusal ? { refused: refusal.message, code: refusal.code } : { ...changed, warnings: warn({ ...view, object: changed }) };
}

const podSecurity = (configuration: Json) => ({
  name: "PodSecurity",
  configuration: { apiVersion: "pod-security.admission.config.k8s.io/v1", kind: "PodSecurityConfiguration", ...configuration },
});
const privileged = pod("p", { containers: [{ name: "c", image: "i", securityContext: { privileged: true } }] });

// Source: "Admission Control" and "Configure the built-in admission controller" in the Kubernetes documentation, and the plug-ins' own types.
describe("an AdmissionConfiguration", () => {
  it("gives PodSecurity its defaults and exemptions; labels go before", () => {
    const exemptions = { usernames: ["root"], namespaces: ["tools"], runtimeClasses: ["vm"] };
    const settings = read(podSecurity({ defaults: { enforce: "baseline", "enforce-version": "v1.30", warn: "restricted" }, exemptions }));
    const asked = (more: object = {}, cluster = {}, object: object = privileged) =>
      through("PodSecurity", settings as AdmissionSettings, object, cluster, more);
    expect(asked().refused).toContain('violates PodSecurity "baseline:v1.30": privileged');
    expect(asked({ namespace: "tools" }).refused).toBeUndefined();
    expect(asked({ user: authenticated("root", []) }).refused).toBeUndefined();
    const inVm = pod("p", { runtimeClassName: "vm", containers: privileged.spec.containers });
    expect(asked({}, {}, inVm).refused).toBeUndefined();
    const free = { "namespaces//shop": { metadata: { name: "shop", labels: { "pod-security.kubernetes.io/enforce": "privileged" } } } };
    const warned = asked({}, free);
    expect(warned.refused).toBeUndefined();
    expect(warned.warnings[0]).toContain('would violate PodSecurity "restricted:latest"');
  });

  it("gives PodNodeSelector and PodTolerationRestriction what holds where a namespace says nothing", () => {
    const node = read({
      name: "PodNodeSelector",
      configuration: { podNodeSelectorPluginConfig: { clusterDefaultNodeSelector: "a=1", shop: "a=1,b=2" } },
    });
    const plain = pod("p", { containers: [] });
    expect(through("PodNodeSelector", node as AdmissionSettings, plain).spec.nodeSelector).toEqual({ a: "1" });
    const other = pod("p", { nodeSelector: { c: "3" }, containers: [] });
    expect(through("PodNodeSelector", node as AdmissionSettings, other).refused).toContain("labels conflict with its namespace whitelist");
    const type = { apiVersion: "podtolerationrestriction.admission.k8s.io/v1alpha1", kind: "Configuration" };
    const given = { key: "spot", operator: "Exists" };
    const tolerations = read({ name: "PodTolerationRestriction", configuration: { ...type, default: [given], whitelist: [given] } });
    expect(through("PodTolerationRestriction", tolerations as AdmissionSettings, plain).spec.tolerations).toEqual([given]);
    const tolerant = pod("p", { tolerations: [{ key: "gpu", operator: "Exists" }], containers: [] });
    expect(through("PodTolerationRestriction", tolerations as AdmissionSettings, tolerant).refused).toContain(
      "conflict with its namespace whitelist",
    );
  });

  it("limits Events by namespace: a burst, then so many a second", () => {
    const configuration = {
      apiVersion: "eventratelimit.admission.k8s.io/v1alpha1",
      kind: "Configuration",
      limits: [{ type: "Namespace", qps: 2, burst: 3 }],
    };
    const plugins = chosenPlugins(
      { "admission-plugin-EventRateLimit": 1 },
      read({ name: "EventRateLimit", configuration }) as AdmissionSettings,
    );
    const limiter = plugins.find(({ name }) => name === "EventRateLimit")!;
    const event = { apiVersion: "v1", kind: "Event", metadata: { name: "e" }, involvedObject: {} };
    const takes = (nowMs: number, namespace = "shop") => {
      const given = admission(event, shop, { namespace });
      return limiter.validate!({ ...given, cluster: { ...given.cluster, nowMs } })?.message ?? "taken";
    };
    expect([takes(0), takes(0), takes(0), takes(0), takes(0, "elsewhere")]).toEqual([
      ...["taken", "taken", "taken", "Too many requests: limit reached on type Namespace for key shop", "taken"],
    ]);
    expect([takes(400), takes(500), takes(501)]).toEqual([
      ...[
        "Too many requests: limit reached on type Namespace for key shop",
        "taken",
        "Too many requests: limit reached on type Namespace for key shop",
      ],
    ]);
    const aPod = admission(privileged, shop);
    expect(limiter.validate!(aPod)).toBeUndefined();
  });

  it("is refused with the place and what was expected", () => {
    expect(
      read(
        { name: "Nonsense" },
        { name: "LimitRanger", configuration: {} },
        podSecurity({ defaults: { enforce: "strict", "warn-version": "1.30", extra: "x" } }),
        { name: "EventRateLimit", configuration: { kind: "Configuration", apiVersion: "v1", limits: [{ type: "Pod", qps: 0 }] } },
        { name: "ImagePolicyWebhook", configuration: { imagePolicy: { allowTTL: 4000 } } },
        { name: "ResourceQuota", configuration: { limitedResources: [{ matchContains: "cpu" }] } },
      ),
    ).toEqual([
      expect.stringMatching(/^plugins\[0\]\.name: plug-in "Nonsense" is unknown; there are NamespaceLifecycle, /),
      "plugins[1].name: LimitRanger takes no configuration here; PodSecurity, PodNodeSelector, PodTolerationRestriction, EventRateLimit, ImagePolicyWebhook, ResourceQuota, ValidatingAdmissionWebhook, MutatingAdmissionWebhook do",
      expect.stringContaining("plugins[2].configuration.defaults.extra: unknown field"),
      'plugins[2].configuration.defaults.enforce: expected privileged, baseline or restricted, found "strict"',
      'plugins[2].configuration.defaults.warn-version: expected "latest" or "v1.x", found "1.30"',
      'plugins[3].configuration.apiVersion: expected eventratelimit.admission.k8s.io/v1alpha1, found "v1"',
      expect.stringContaining("plugins[3].configuration.limits[0].type: expected Server, Namespace, User, SourceAndObject"),
      "plugins[3].configuration.limits[0].burst: must be positive",
      "plugins[3].configuration.limits[0].qps: must be positive",
      "plugins[4].configuration.imagePolicy.kubeConfigFile: expected the path of a kubeconfig that says whom to ask",
      "plugins[4].configuration.imagePolicy.allowTTL: valid value is between 1 and 1800, got 4000",
      "plugins[5].configuration.kind: expected ResourceQuotaConfiguration, found null",
      "plugins[5].configuration.apiVersion: expected apiserver.config.k8s.io/v1, found null",
      "plugins[5].configuration.limitedResources[0].resource: Required value: must be specified",
      "plugins[5].configuration.limitedResources[0].matchContains: expected a list of texts",
    ]);
  });

  it("names other files, seen from its own folder", () => {
    const folder = mkdtempSync(join(tmpdir(), "wavetank-admission-"));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    file(
      "limits.yaml",
      "{apiVersion: eventratelimit.admission.k8s.io/v1alpha1, kind: Configuration, limits: [{type: Server, qps: 1, burst: 1}]}",
    );
    file("images.yaml", "{imagePolicy: {kubeConfigFile: hook.kubeconfig, denyTTL: 5, defaultAllow: true}}");
    file(
      "hook.kubeconfig",
      "{kind: Config, current-context: c, contexts: [{name: c, context: {cluster: k, user: u}}], users: [{name: u, user: {token: t}}]," +
        " clusters: [{name: k, cluster: {server: 'https://127.0.0.1:9/images'}}]}",
    );
    file(
      "webhooks.kubeconfig",
      "{kind: Config, users: [{name: '*.hooks.svc', user: {token: t}}, {name: b.com, user: {username: u, password: p}}]}",
    );
    const webhooks = "{apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: webhooks.kubeconfig}";
    const plugins =
      "plugins: [{name: EventRateLimit, path: limits.yaml}, {name: ImagePolicyWebhook, path: images.yaml}," +
      ` {name: ValidatingAdmissionWebhook, configuration: ${webhooks}}]`;
    const whole = file("admission.yaml", `{apiVersion: apiserver.config.k8s.io/v1, kind: AdmissionConfiguration, ${plugins}}`);
    expect(readAdmission(whole, "EventRateLimit")).toEqual({
      eventRateLimit: [{ type: "Server", qps: 1, burst: 1, cacheSize: 4096 }],
      imagePolicy: {
        ...{ url: "https://127.0.0.1:9/images", caBundle: "", insecure: false, headers: [["authorization", "Bearer t"]] },
        ...{ allowTtlMs: 300_000, denyTtlMs: 5_000, retryBackoffMs: 500, defaultAllow: true },
      },
      validatingCredentials: [
        { name: "*.hooks.svc", headers: [["authorization", "Bearer t"]] },
        { name: "b.com", headers: [["authorization", "Basic dTpw"]] },
      ],
    });
    expect(() => readAdmission(undefined, "EventRateLimit")).toThrow(/EventRateLimit needs its configuration/);
  });
});

test("webhooks are shown what their plug-in's kubeconfig says: for their host, for what its name ends with, for everybody", () => {
  const named = (...names: string[]) => names.map((name) => ({ name, headers: [["authorization", name] as const] }));
  const shown = (names: string[], url: string) => headersFor(named(...names), { url })[0]?.[1];
  const all = ["a.b.com:8443", "a.b.com", "*.b.com", "*.com", "*", ""];
  expect(
    ["https://a.b.com:8443/x", "https://a.b.com/x", "https://z.b.com", "https://z.com", "https://org"].map((url) => shown(all, url)),
  ).toEqual([...["a.b.com:8443", "a.b.com", "*.b.com", "*.com", "*"]]);
  expect([shown([""], "https://org"), shown([], "https://org")]).toEqual(["", undefined]);

  const hooks = new Hooks().on("/a", allow);
  const tank = hookedTank(hooks, 1, {
    ...{ actors: [hooks.actor], web: { "hooks.hooks.svc:443": address("hooks", 0) } },
    config: { admission: { validatingCredentials: named("hooks.hooks.svc"), mutatingCredentials: named("*") } },
  });
  configure(tank, "validating", "a", webhook("a"));
  tank.create("/api/v1/namespaces/default/configmaps", { metadata: { name: "a" } });
  expect(hooks.asked[0]!.headers).toContainEqual(["authorization", "hooks.hooks.svc"]);
});

test("Pods take the zone and region of their node with its Binding, and of a node they are made with", () => {
  const node = {
    metadata: { name: "n", labels: { "topology.kubernetes.io/zone": "a", "topology.kubernetes.io/region": "r", other: "x" } },
  };
  const made = through("PodTopologyLabels", {}, pod("p", { nodeName: "n", containers: [] }), { "nodes//n": node });
  expect(made.metadata.labels).toEqual({ "topology.kubernetes.io/zone": "a", "topology.kubernetes.io/region": "r" });
  const own: Json = pod("p", { nodeName: "n", containers: [] });
  own.metadata = { ...own.metadata, labels: { "topology.kubernetes.io/zone": "mine" } };
  expect(through("PodTopologyLabels", {}, own, { "nodes//n": node }).metadata.labels["topology.kubernetes.io/zone"]).toBe("mine");

  const tank = hookedTank(new Hooks());
  tank.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "n", labels: node.metadata.labels } });
  tank.create("/api/v1/namespaces/default/serviceaccounts", { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } });
  tank.create("/api/v1/namespaces/default/pods", pod("p", { containers: [{ name: "c", image: "i" }] }));
  const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: "p" }, target: { kind: "Node", name: "n" } };
  expect(tank.create("/api/v1/namespaces/default/pods/p/binding", binding).code).toBe(201);
  expect(tank.get("/api/v1/namespaces/default/pods/p").body.metadata.labels).toMatchObject({ "topology.kubernetes.io/zone": "a" });
});

test("CPU of a guaranteed Pod is changed only on a node that has declared that it can do so", () => {
  const of = (cpu: string, generation: number) => ({
    ...pod("p", { nodeName: "n", containers: [{ name: "c", image: "i", resources: { requests: { cpu }, limits: { cpu } } }] }),
    ...{ metadata: { name: "p", namespace: "shop", generation }, status: { qosClass: "Guaranteed" } },
  });
  const resize = (declaredFeatures: string[], cpu = "2") =>
    through(
      "NodeDeclaredFeatureValidator",
      {},
      of(cpu, 2),
      { "nodes//n": { metadata: { name: "n" }, status: { declaredFeatures } } },
      {
        ...{ operation: "UPDATE", subresource: "resize", old: of("1", 1) },
      },
    ).refused;
  expect(resize([])).toBe(
    'pods "p" is forbidden: pod update requires features GuaranteedQoSPodCPUResize which are not available on node "n"',
  );
  expect(resize(["GuaranteedQoSPodCPUResize"])).toBeUndefined();
  expect(resize([], "1")).toBeUndefined();
});

test("a namespace that is not there is refused, or made", () => {
  const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m", namespace: "new" } };
  expect(through("NamespaceExists", {}, map, {}, { namespace: "new", operation: "UPDATE" }).refused).toBe('namespaces "new" not found');
  const tank = hookedTank(new Hooks(), 1, { knobs: { "admission-plugin-NamespaceAutoProvision": 1 } });
  expect(tank.create("/api/v1/namespaces/new/configmaps?dryRun=All", map).code).toBe(404);
  expect(tank.create("/api/v1/namespaces/new/configmaps", map).code).toBe(201);
  expect(tank.get("/api/v1/namespaces/new").body).toMatchObject({ status: { phase: "Active" }, spec: { finalizers: ["kubernetes"] } });
});

// Source: "Admission Control", ImagePolicyWebhook, and the types of imagepolicy.k8s.io/v1alpha1.
test("a webhook says whether images may run; what it said is believed for a while, and silence is what the configuration makes of it", () => {
  const bad = (images: Json[]) => images.some(({ image }) => image === "bad");
  const hooks = new Hooks().on("/images", (_request, { spec }) => ({
    ...{ kind: "ImageReview", apiVersion: "imagepolicy.k8s.io/v1alpha1" },
    status: bad(spec.containers) ? { allowed: false, reason: "bad is bad" } : { allowed: true },
  }));
  const imagePolicy = {
    ...{ url: "https://hooks.hooks.svc:443/images", caBundle: "", insecure: false, headers: [] },
    ...{ allowTtlMs: 60_000, denyTtlMs: 60_000, retryBackoffMs: 500, defaultAllow: false },
  };
  const tank = hookedTank(hooks, 1, { config: { admission: { imagePolicy } }, knobs: { "admission-plugin-ImagePolicyWebhook": 1 } });
  tank.create("/api/v1/namespaces/default/serviceaccounts", { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } });
  const create = (name: string, image: string) => {
    const made: Json = pod(name, { containers: [{ name: "c", image }] });
    made.metadata.annotations = { "ticket.image-policy.k8s.io/break-glass": "7", other: "x" };
    return tank.create("/api/v1/namespaces/default/pods", made);
  };
  expect(create("a", "good").code).toBe(201);
  expect(hooks.asked[0]!.review).toEqual({
    ...{ kind: "ImageReview", apiVersion: "imagepolicy.k8s.io/v1alpha1", metadata: {} },
    spec: { containers: [{ image: "good" }], annotations: { "ticket.image-policy.k8s.io/break-glass": "7" }, namespace: "default" },
  });
  expect(create("b", "good").code).toBe(201);
  expect(hooks.asked).toHaveLength(1);
  expect(create("c", "bad").body.message).toBe('pods "c" is forbidden: image policy webhook backend denied one or more images: bad is bad');
  hooks.on("/images", () => 500);
  const askedTimes = (name: string) => {
    const before = hooks.asked.length;
    const { code, body } = create(name, name);
    return { code, message: body.message, times: hooks.asked.length - before };
  };
  // What may have been a moment's failure is asked again, with longer and longer pauses: apiserver's webhook client.
  expect(askedTimes("d")).toEqual({ code: 403, message: 'pods "d" is forbidden: error contacting webhook: 500', times: 5 });
  hooks.on("/images", () => 404);
  expect(askedTimes("e").times).toBe(1);
  let failures = 2;
  hooks.on("/images", () => (failures-- > 0 ? 500 : { kind: "ImageReview", status: { allowed: true } }));
  expect(askedTimes("f")).toMatchObject({ code: 201, times: 3 });
});
