import type { Plugin } from "../../../actors/api-server/admission/admission";
import { Notes } from "../../../actors/api-server/admission/dynamic/review";
import { chosenPlugins, mutate, validate, warn } from "../../../actors/api-server/admission/index";
import { pluginNames } from "../../../actors/api-server/admission/plugin-names";
import { podSecurity } from "../../../actors/api-server/admission/pod-security/pod-security";
import { noPodSecuritySettings } from "../../../actors/api-server/admission/pod-security/settings";
import { isFailure } from "../../../protocol/status";
import { admission, shop } from "./admissions";
import { type Json, pod } from "./tank";

const admitted = (object: object, cluster: Readonly<Record<string, object>>, more = {}): Json =>
  mutate(admission(object, { ...shop, ...cluster }, more));
/** The refusal's message after both passes, or "". */
function refusal(object: object, cluster: Readonly<Record<string, object>>, more = {}): string {
  const given = admission(object, { ...shop, ...cluster }, more);
  const changed = mutate(given);
  if (isFailure(changed)) return changed.message;
  return validate({ ...given, object: changed })?.message ?? "";
}

const containers = (resources: object, more: object = {}) => [{ name: "c", image: "i", resources, ...more }];

// Source: "Limit Ranges"; the messages are those of a real server.
describe("LimitRanger", () => {
  const range = (item: object) => ({ "limitranges/shop/l": { metadata: { name: "l", namespace: "shop" }, spec: { limits: [item] } } });

  test("fills in default limits and requests, of which a container's own come first", () => {
    const defaults = range({ type: "Container", default: { cpu: "500m", memory: "1Gi" }, defaultRequest: { cpu: "100m" } });
    expect(admitted(pod("p", { containers: containers({}) }), defaults).spec.containers[0].resources).toEqual({
      limits: { cpu: "500m", memory: "1Gi" },
      requests: { cpu: "100m", memory: "1Gi" },
    });
    expect(admitted(pod("p", { containers: containers({ limits: { cpu: "2" } }) }), defaults).spec.containers[0].resources).toMatchObject({
      limits: { cpu: "2", memory: "1Gi" },
      requests: { cpu: "2", memory: "1Gi" },
    });
  });

  test("holds containers, pods and claims between minimum and maximum, and says what was asked", () => {
    const bounds = range({ type: "Container", min: { memory: "100Mi" }, max: { memory: "500Mi" } });
    expect(refusal(pod("p", { containers: containers({ requests: { memory: "50Mi" }, limits: { memory: "600Mi" } }) }), bounds)).toBe(
      'pods "p" is forbidden: [minimum memory usage per Container is 100Mi, but request is 50Mi, maximum memory usage per Container is 500Mi, but limit is 600Mi]',
    );
    expect(refusal(pod("p", { containers: containers({ requests: { memory: "200Mi" }, limits: { memory: "300Mi" } }) }), bounds)).toBe("");
    const whole = range({ type: "Pod", max: { cpu: "1" } });
    const two = [
      { name: "a", image: "i", resources: { limits: { cpu: "600m" } } },
      { name: "b", image: "i", resources: { limits: { cpu: "600m" } } },
    ];
    expect(refusal(pod("p", { containers: two }), whole)).toContain("maximum cpu usage per Pod is 1, but limit is 1200m");
    const ratio = range({ type: "Container", maxLimitRequestRatio: { cpu: "2" } });
    expect(refusal(pod("p", { containers: containers({ requests: { cpu: "100m" }, limits: { cpu: "300m" } }) }), ratio)).toContain(
      "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
    );
    const claim = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "d" },
      spec: { resources: { requests: { storage: "9Gi" } } },
    };
    expect(refusal(claim, range({ type: "PersistentVolumeClaim", max: { storage: "2Gi" } }))).toContain(
      "maximum storage usage per PersistentVolumeClaim is 2Gi, but limit is 9Gi",
    );
  });
});

// Source: "Pod Security Standards" and "Pod Security Admission".
describe("PodSecurity", () => {
  const level = (mode: string, value: string) => ({
    "namespaces//shop": {
      metadata: { name: "shop", labels: { [`pod-security.kubernetes.io/${mode}`]: value } },
      status: { phase: "Active" },
    },
  });
  const safe = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  };

  test("restricted names every control that a plain Pod misses, in the words of a real server", () => {
    expect(refusal(pod("p", { containers: containers({}) }), level("enforce", "restricted"))).toBe(
      'pods "p" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
    expect(refusal(pod("p", { containers: containers({}, { securityContext: safe }) }), level("enforce", "restricted"))).toBe("");
  });

  test.each([
    [{ hostNetwork: true }, {}, "host namespaces (hostNetwork=true)"],
    [{}, { securityContext: { privileged: true } }, 'privileged (container "c" must not set securityContext.privileged=true)'],
    [{ volumes: [{ name: "v", hostPath: { path: "/" } }] }, {}, 'hostPath volumes (volume "v")'],
    [{}, { ports: [{ containerPort: 80, hostPort: 80 }] }, 'hostPort (container "c" uses hostPort 80)'],
    [
      {},
      { securityContext: { capabilities: { add: ["NET_ADMIN"] } } },
      'must not include "NET_ADMIN" in securityContext.capabilities.add)',
    ],
    [{ securityContext: { sysctls: [{ name: "kernel.msgmax", value: "1" }] } }, {}, "forbidden sysctl (kernel.msgmax)"],
    [{}, { securityContext: { procMount: "Unmasked" } }, 'must not set securityContext.procMount to "Unmasked")'],
    [
      { securityContext: { seLinuxOptions: { type: "b_t", user: "u" } } },
      { securityContext: { seLinuxOptions: { type: "a_t" } } },
      'pod and container "c" set forbidden securityContext.seLinuxOptions: types "a_t", "b_t"; user may not be set)',
    ],
    [{}, { livenessProbe: { httpGet: { host: "evil", port: 80 } } }, 'uses probe or lifecycle host "evil")'],
  ])("baseline refuses %j %j", (spec, container, words) => {
    expect(refusal(pod("p", { containers: containers({}, container), ...spec }), level("enforce", "baseline"))).toContain(words);
    expect(refusal(pod("p", { containers: containers({}, container), ...spec }), level("enforce", "privileged"))).toBe("");
  });

  test("what shows of /proc is baseline's concern outside of user namespaces, restricted's always (since 1.35)", () => {
    const given = pod("p", { containers: containers({}, { securityContext: { procMount: "Unmasked" } }), hostUsers: false });
    expect(refusal(given, level("enforce", "baseline"))).toBe("");
    expect(refusal(given, level("enforce", "restricted"))).toContain('procMount (container "c" must not set');
  });

  test("audit tells the audit log of Pods and of what makes them, refused or not, and who is exempt (documentation: Audit Annotations)", () => {
    const told = (object: object, held: object, plugins?: readonly Plugin[]) => {
      const notes = new Notes();
      const given = admission(object, { ...shop, ...held });
      validate({ ...given, ...(plugins ? { cluster: { ...given.cluster, plugins } } : {}) }, notes);
      return Object.fromEntries([...notes.annotations].map(([key, value]) => [key.replace("pod-security.kubernetes.io/", ""), value]));
    };
    const spec = { containers: containers({}), hostPID: true };
    const violated = { "audit-violations": 'would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)' };
    expect(told(pod("p", spec), level("audit", "baseline"))).toEqual({ "enforce-policy": "privileged:latest", ...violated });
    const refused = { ...level("audit", "baseline")["namespaces//shop"] };
    Object.assign(refused.metadata.labels, { "pod-security.kubernetes.io/enforce": "baseline" });
    expect(told(pod("p", spec), { "namespaces//shop": refused })).toEqual({ "enforce-policy": "baseline:latest", ...violated });
    expect(told(pod("p", { containers: containers({}) }), level("audit", "baseline"))).toEqual({ "enforce-policy": "privileged:latest" });
    const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name: "j" }, spec: { template: { spec } } };
    expect(told(job, level("audit", "baseline"))).toEqual(violated);
    const free = podSecurity({ ...noPodSecuritySettings, exemptions: { namespaces: ["shop"], usernames: [], runtimeClasses: [] } });
    expect(told(job, level("audit", "baseline"), [free])).toEqual({ exempt: "namespace" });
  });

  test("warn warns of Pods and of what makes them, and refuses nothing", () => {
    const deployment = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d" },
      spec: { template: { spec: { containers: containers({}), hostPID: true } } },
    };
    const given = admission(deployment, { ...shop, ...level("warn", "baseline") });
    expect(validate(given)).toBeUndefined();
    expect(warn(given)).toEqual(['would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)']);
    const stricter = admission(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop", labels: { "pod-security.kubernetes.io/enforce": "baseline" } } },
      {
        "pods/shop/a": { metadata: { name: "a", namespace: "shop" }, spec: { containers: containers({}), hostPID: true } },
        "pods/shop/b": { metadata: { name: "b", namespace: "shop" }, spec: { containers: containers({}), hostPID: true } },
      },
      {
        operation: "UPDATE",
        name: "shop",
        namespace: "",
        old: {
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name: "shop", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
        },
      },
    );
    expect(warn(stricter)).toEqual([
      'existing pods in namespace "shop" violate the new PodSecurity enforce level "baseline:latest"',
      "a (and 1 other pod): host namespaces",
    ]);
  });
});

describe("classes", () => {
  const claim = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "d" }, spec: { accessModes: ["ReadWriteOnce"] } };
  const storageClass = (name: string, at: string) => ({
    [`storageclasses//${name}`]: {
      metadata: { name, creationTimestamp: at, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    },
  });

  test("a claim without a class gets the default one that was made last, and a finalizer that keeps it while it is used", () => {
    const changed = admitted(claim, { ...storageClass("old", "2026-01-01T00:00:00Z"), ...storageClass("new", "2026-02-01T00:00:00Z") });
    expect([changed.spec.storageClassName, changed.metadata.finalizers]).toEqual(["new", ["kubernetes.io/pvc-protection"]]);
    expect(admitted({ ...claim, spec: { storageClassName: "" } }, storageClass("new", "2026-02-01T00:00:00Z")).spec.storageClassName).toBe(
      "",
    );
  });

  test("a claim grows only where its class lets it", () => {
    const sized = (storage: string) => ({
      ...claim,
      spec: { storageClassName: "fast", resources: { requests: { storage } } },
      status: { phase: "Bound" },
    });
    const grows = (allowVolumeExpansion: boolean) =>
      refusal(
        sized("2Gi"),
        { "storageclasses//fast": { metadata: { name: "fast" }, allowVolumeExpansion } },
        { operation: "UPDATE", old: sized("1Gi") },
      );
    expect(grows(true)).toBe("");
    expect(grows(false)).toContain("only dynamically provisioned pvc can be resized");
  });

  test("a RuntimeClass brings its overhead and where it runs; one that is not there is refused", () => {
    const runtime = {
      "runtimeclasses//kata": {
        metadata: { name: "kata" },
        overhead: { podFixed: { memory: "100Mi" } },
        scheduling: { nodeSelector: { kata: "yes" }, tolerations: [{ key: "kata", operator: "Exists" }] },
      },
    };
    expect(admitted(pod("p", { runtimeClassName: "kata" }), runtime).spec).toMatchObject({
      overhead: { memory: "100Mi" },
      nodeSelector: { kata: "yes" },
      tolerations: expect.arrayContaining([{ key: "kata", operator: "Exists" }]),
    });
    expect(refusal(pod("p", { runtimeClassName: "gvisor" }), runtime)).toContain('RuntimeClass "gvisor" not found');
    expect(refusal(pod("p", { overhead: { memory: "1Gi" } }), runtime)).toContain("Pod Overhead set without corresponding RuntimeClass");
  });

  test("an Ingress without a class gets the default one, of which there may be one only", () => {
    const ingress = { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "i" }, spec: {} };
    const ingressClass = (name: string) => ({
      [`ingressclasses//${name}`]: { metadata: { name, annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } } },
    });
    expect(admitted(ingress, ingressClass("nginx")).spec.ingressClassName).toBe("nginx");
    expect(refusal(ingress, { ...ingressClass("a"), ...ingressClass("b") })).toContain(
      "2 default IngressClasses were found, only 1 allowed",
    );
  });
});

// Source: "Admission Control", the plug-ins that are off unless they are asked for.
describe("optional plug-ins", () => {
  const on = (name: string, object: object, cluster: Readonly<Record<string, object>> = {}, more = {}) => {
    const given = admission(object, { ...shop, ...cluster }, more);
    const plugins = chosenPlugins({ [`admission-plugin-${name}`]: 1 }).filter((plugin) => plugin.name === name);
    expect(plugins.map((plugin) => plugin.name)).toEqual([name]);
    const view = { ...given, cluster: { ...given.cluster, plugins } };
    const changed = mutate(view);
    if (isFailure(changed)) return { wrong: changed.message, spec: {} as Json };
    return { wrong: validate({ ...view, object: changed })?.message ?? "", spec: (changed as unknown as { readonly spec: Json }).spec };
  };
  const annotated = (annotations: object) => ({
    "namespaces//shop": { metadata: { name: "shop", annotations }, status: { phase: "Active" } },
  });
  const plain = pod("p", { containers: containers({}) });

  test("every plug-in has a flag of its name, and is on or off by it", () => {
    const all = chosenPlugins({})
      .map(({ name }) => name)
      .filter((name) => name !== "RBACEscalation" && name !== "ParamAccess");
    const apart = [
      "MutatingAdmissionPolicy",
      "MutatingAdmissionWebhook",
      "ValidatingAdmissionPolicy",
      "ValidatingAdmissionWebhook",
      "ResourceQuota",
      "NamespaceAutoProvision",
      "ImagePolicyWebhook",
    ];
    expect([...all, ...apart].sort()).toEqual([...pluginNames].sort());
    expect(chosenPlugins({ "admission-plugin-Priority": 0 }).map(({ name }) => name)).not.toContain("Priority");
  });

  test("pull, select and tolerate what the namespace says", () => {
    expect(on("AlwaysPullImages", plain).spec.containers[0].imagePullPolicy).toBe("Always");
    const selecting = annotated({ "scheduler.alpha.kubernetes.io/node-selector": "zone=a, disk=ssd" });
    expect(on("PodNodeSelector", plain, selecting).spec.nodeSelector).toEqual({ zone: "a", disk: "ssd" });
    expect(on("PodNodeSelector", pod("p", { nodeSelector: { zone: "b" }, containers: [] }), selecting).wrong).toBe(
      'pods "p" is forbidden: pod node label selector conflicts with its namespace node label selector',
    );
    const tolerating = annotated({
      "scheduler.alpha.kubernetes.io/defaultTolerations": '[{"key":"a","operator":"Exists"}]',
      "scheduler.alpha.kubernetes.io/tolerationsWhitelist": '[{"key":"a","operator":"Exists"}]',
    });
    expect(on("PodTolerationRestriction", plain, tolerating)).toMatchObject({
      wrong: "",
      spec: { tolerations: [{ key: "a", operator: "Exists" }] },
    });
    expect(
      on("PodTolerationRestriction", pod("p", { tolerations: [{ key: "b", operator: "Exists" }], containers: [] }), tolerating).wrong,
    ).toContain("conflict with its namespace whitelist");
    const gpu = pod("p", { containers: containers({ requests: { "x.io/gpu": "1" } }) });
    expect(on("ExtendedResourceToleration", gpu).spec.tolerations).toEqual([{ key: "x.io/gpu", operator: "Exists", effect: "NoSchedule" }]);
  });

  test("refuse addresses from outside, wide anti-affinity, owners of others, and resizes beyond the node", () => {
    const service = (externalIPs: readonly string[]) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s" },
      spec: { externalIPs },
    });
    expect(on("DenyServiceExternalIPs", service(["1.2.3.4"])).wrong).toContain("Use of external IPs is denied by admission control.");
    expect(
      on("DenyServiceExternalIPs", service(["1.2.3.4"]), {}, { operation: "UPDATE", old: service(["1.2.3.4", "1.2.3.5"]) }).wrong,
    ).toBe("");
    const anti = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "zone" }] } };
    expect(on("LimitPodHardAntiAffinityTopology", pod("p", { affinity: anti, containers: [] })).wrong).toContain(
      "has TopologyKey zone but only key",
    );
    const owned = {
      ...plain,
      metadata: {
        name: "p",
        ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "r", uid: "u", blockOwnerDeletion: true }],
      },
    };
    const nobody = { user: { name: "joe", uid: "", groups: [], extra: {} } };
    expect(on("OwnerReferencesPermissionEnforcement", owned, {}, nobody).wrong).toContain(
      "cannot set blockOwnerDeletion if an ownerReference refers to a resource",
    );
    expect(on("OwnerReferencesPermissionEnforcement", owned).wrong).toBe("");
    const sized = pod("p", { nodeName: "n", containers: containers({ requests: { cpu: "5" } }) });
    const node = { "nodes//n": { metadata: { name: "n" }, status: { allocatable: { cpu: "4", memory: "1Gi" } } } };
    expect(on("PodResizeValidator", sized, node, { operation: "UPDATE", subresource: "resize", old: sized }).wrong).toBe(
      'pods "p" is forbidden: node didn\'t have enough allocatable resources: cpu, requested: 5000, allocatable: 4000',
    );
  });
});
