import type { JsonObject } from "../../../protocol/kinds/object";
import { deploymentManifest, podManifest, wrongWith } from "./manifests";

const object = (apiVersion: string, kind: string, spec: JsonObject): JsonObject => ({
  ...{ apiVersion, kind, metadata: { name: "n", namespace: "shop" }, spec },
});
const ip = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const cidr = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const mismatch = 'Invalid value: {"app":"web"}: `selector` does not match template `labels`';
const service = (spec: JsonObject) => object("v1", "Service", { ports: [{ port: 80 }], ...spec });
const claim = (spec: JsonObject) => object("v1", "PersistentVolumeClaim", spec);
const policy = (ipBlock: JsonObject) =>
  object("networking.k8s.io/v1", "NetworkPolicy", { podSelector: {}, ingress: [{ from: [{ ipBlock }] }] });

// The words and their order are those of a real server (pkg/apis/*/validation).
test.each<[JsonObject, readonly string[]]>([
  [
    podManifest({ restartPolicy: "Maybe" }),
    ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"'],
  ],
  [
    podManifest({ dnsPolicy: "x" }),
    ['spec.dnsPolicy: Unsupported value: "x": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'],
  ],
  [
    podManifest({ tolerations: [{ key: "a", operator: "Exists", effect: "x" }] }),
    ['spec.tolerations[0].effect: Unsupported value: "x": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'],
  ],
  [podManifest({ hostAliases: [{ ip: "x" }] }), [`spec.hostAliases[0].ip: Invalid value: "x": ${ip}`]],
  [deploymentManifest({ selector: undefined }), ["spec.selector: Required value", `spec.template.metadata.labels: ${mismatch}`]],
  [service({ externalIPs: ["x"] }), [`spec.externalIPs[0]: Invalid value: "x": ${ip}`]],
  [
    service({ externalIPs: ["127.0.0.1", "169.254.1.1", "0.0.0.0", "192.0.2.7"] }),
    [
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      'spec.externalIPs[1]: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
      'spec.externalIPs[2]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0 or ::)',
    ],
  ],
  [
    service({ loadBalancerSourceRanges: ["10.0.0.0/8"] }),
    ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"],
  ],
  [service({ type: "LoadBalancer", loadBalancerSourceRanges: ["x"] }), [`spec.LoadBalancerSourceRanges[0]: Invalid value: "x": ${cidr}`]],
  [
    claim({ accessModes: ["Always"], resources: { requests: {} } }),
    [
      'spec.accessModes: Unsupported value: "Always": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      "spec.resources[storage]: Required value",
    ],
  ],
  [
    policy({ cidr: "10.0.0.0/8", except: ["11.0.0.0/16", "10.0.0.0/8", "10.1.0.0/16"] }),
    [
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
      'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
    ],
  ],
  [policy({ cidr: "2001:db8::/32", except: ["2001:db8:1::/48"] }), []],
  [
    object("v1", "ResourceQuota", { hard: { pods: "1", "requests.cpu": "1", "count/jobs.batch": "1", "hugepages-2Mi": "1", foo: "1" } }),
    [
      'spec.hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
      'spec.hard[foo]: Invalid value: "foo": must be a standard resource for quota',
    ],
  ],
])("what is wrong with %j", (manifest, wrong) => {
  expect(wrongWith(manifest)).toEqual(wrong);
});

const zoneTerm = (values: readonly string[]) => ({ matchExpressions: [{ key: "zone", operator: "In", values }] });
const mounting = (mount: JsonObject, volume: JsonObject = { emptyDir: {} }) =>
  podManifest({ volumes: [{ name: "v", ...volume }] }, { volumeMounts: [{ name: "v", mountPath: "/v", ...mount }] });
const quota = (spec: JsonObject) => object("v1", "ResourceQuota", spec);
const range = (limit: JsonObject) => object("v1", "LimitRange", { limits: [{ type: "Container", ...limit }] });
const volume = (spec: JsonObject): JsonObject => ({
  ...{ apiVersion: "v1", kind: "PersistentVolume", metadata: { name: "n" } },
  spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/d" }, ...spec },
});
const sized = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const secret = (type: string, data: JsonObject): JsonObject => ({
  ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "n", namespace: "shop" }, type, data },
});

// As above: the parts of a Pod, what it mounts, what a namespace may have, what is stored, what is served.
test.each<[JsonObject, readonly string[]]>([
  [
    mounting({ subPath: "/a/../b", mountPropagation: "Bidirectional", recursiveReadOnly: "Enabled" }),
    [
      'spec.containers[0].volumeMounts.subPath: Invalid value: "/a/../b": must be a relative path',
      "spec.containers[0].volumeMounts.subPath: Invalid value: \"/a/../b\": must not contain '..'",
      "spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers",
      "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
      "spec.containers[0].volumeMounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified",
    ],
  ],
  [
    podManifest({ volumes: [{ name: "v", emptyDir: {} }] }, { volumeDevices: [{ name: "v", devicePath: "/dev/x" }] }),
    [
      'spec.containers[0].volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
    ],
  ],
  [
    mounting({}, { hostPath: { path: "/a", type: "Dir" } }),
    [
      'spec.volumes[0].hostPath.type: Unsupported value: "Dir": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    ],
  ],
  [
    mounting(
      {},
      {
        projected: {
          sources: [
            { secret: { name: "a", items: [{ key: "k", path: "x" }] } },
            { configMap: { name: "b", items: [{ key: "k", path: "x" }] } },
          ],
        },
      },
    ),
    ['spec.volumes[0].projected: Invalid value: "b": conflicting duplicate paths'],
  ],
  [
    mounting({}, { ephemeral: { volumeClaimTemplate: { metadata: { name: "x" }, spec: { accessModes: ["ReadWriteOnce"] } } } }),
    [
      "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set",
      "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value",
    ],
  ],
  [
    podManifest({}, { env: [{ name: "A", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1Mi" } } }] }),
    [
      'spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
    ],
  ],
  [
    podManifest({}, { readinessProbe: { httpGet: { port: 80, scheme: "http" }, terminationGracePeriodSeconds: 5 } }),
    [
      'spec.containers[0].readinessProbe.httpGet.scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS"',
      "spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 5: must not be set for readinessProbes",
    ],
  ],
  [
    podManifest({}, { lifecycle: { preStop: { sleep: { seconds: 60 } } } }),
    [
      "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 60: must be non-negative and less than terminationGracePeriodSeconds (30)",
    ],
  ],
  [
    podManifest({}, { restartPolicyRules: [{ action: "Restart" }] }),
    [
      "spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used",
      "spec.containers[0].restartPolicyRules[0].exitCodes: Required value: must be specified",
    ],
  ],
  [
    podManifest({}, { resources: { limits: { "hugepages-2Mi": "3Mi" } } }),
    [
      'spec.containers[0].resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
      'spec.containers[0].resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
      "spec.containers[0].resources: Forbidden: HugePages require cpu or memory",
    ],
  ],
  [
    podManifest({ resources: { requests: { cpu: "1" } } }, { resources: { requests: { cpu: "2" } } }),
    ['spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2'],
  ],
  [
    podManifest(
      { hostUsers: false, hostNetwork: true, os: { name: "linux" }, securityContext: { sysctls: [{ name: "net.a" }], windowsOptions: {} } },
      { securityContext: { allowPrivilegeEscalation: false, capabilities: { add: ["CAP_SYS_ADMIN"] } } },
    ),
    [
      'spec.containers[0].securityContext: Invalid value: {"allowPrivilegeEscalation":false,"capabilities":{"add":["CAP_SYS_ADMIN"]}}: cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
      "spec.securityContext.sysctls[0].name: Invalid value: \"net.a\": may not be specified when 'hostNetwork' is true",
      "spec.hostNetwork: Forbidden: when `pod.Spec.HostUsers` is false",
      "spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
    ],
  ],
  [
    podManifest({ dnsPolicy: "None", dnsConfig: { nameservers: ["x"], searches: ["a..b"] } }),
    [
      `spec.dnsConfig.nameservers[0]: Invalid value: "x": ${ip}`,
      "spec.dnsConfig.searches[0]: Invalid value: \"a..b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
  [
    podManifest({
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: "z", whenUnsatisfiable: "Never", matchLabelKeys: ["a"], nodeTaintsPolicy: "x" },
      ],
    }),
    [
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Never": supported values: "DoNotSchedule", "ScheduleAnyway"',
      'spec.topologySpreadConstraints[0].nodeTaintsPolicy: Unsupported value: "x": supported values: "Honor", "Ignore"',
      "spec.topologySpreadConstraints[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
    ],
  ],
  [
    quota({ hard: { cpu: "1", pods: "1.5" }, scopes: ["BestEffort", "NotBestEffort"] }),
    [
      'spec.hard[pods]: Invalid value: "1500m": must be an integer',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes',
    ],
  ],
  [
    quota({ scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In" }] } }),
    [
      "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
    ],
  ],
  [
    range({ type: "Pod", max: { gpus: "1", cpu: "1" }, min: { cpu: "2" }, maxLimitRequestRatio: { memory: "500m" } }),
    [
      'spec.limits[0].max[gpus]: Invalid value: "gpus": must be a standard resource type or fully qualified',
      'spec.limits[0].max[gpus]: Invalid value: "gpus": must be a standard resource for containers',
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
      'spec.limits[0].maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1',
    ],
  ],
  [range({ type: "Pod", default: { cpu: "1" } }), ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"]],
  [
    volume({ capacity: { storage: "1Gi", cpu: "1" }, persistentVolumeReclaimPolicy: "Keep", volumeMode: "File" }),
    [
      'spec.capacity: Unsupported value: {"storage":"1Gi","cpu":"1"}: supported values: "storage"',
      'spec.persistentVolumeReclaimPolicy: Unsupported value: "Keep": supported values: "Delete", "Recycle", "Retain"',
      'spec.volumeMode: Unsupported value: "File": supported values: "Block", "Filesystem"',
    ],
  ],
  [
    claim({ ...sized, dataSource: { kind: "VolumeSnapshot", name: "s" } }),
    ["spec.dataSource: Invalid value: \"VolumeSnapshot\": must be 'PersistentVolumeClaim' when referencing the default apiGroup"],
  ],
  [
    service({ type: "ExternalName", ipFamilies: ["IPv4"], ports: undefined }),
    ["spec.ipFamilies: Forbidden: may not be set for ExternalName services", "spec.externalName: Required value"],
  ],
  [
    service({ trafficDistribution: "Near" }),
    ['spec.trafficDistribution: Unsupported value: "Near": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"'],
  ],
  [
    { apiVersion: "v1", kind: "Endpoints", metadata: { name: "n", namespace: "shop" }, subsets: [{ addresses: [{ ip: "127.0.0.1" }] }] },
    ['subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ],
  [
    secret("kubernetes.io/dockerconfigjson", { ".dockerconfigjson": Buffer.from("nonsense").toString("base64") }),
    ["data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": invalid character 'o' in literal null (expecting 'u')"],
  ],
  [secret("kubernetes.io/ssh-auth", {}), ["data[ssh-privatekey]: Required value"]],
  [
    podManifest({
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [zoneTerm(["a b"])] } } },
    }),
    [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values[0]: Invalid value: \"a b\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  ],
])("%#: %j", (manifest, expected) => {
  expect(wrongWith(manifest)).toEqual(expected);
});

const job = (spec: JsonObject, podSpec: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: "batch/v1", kind: "Job", metadata: { name: "n", namespace: "shop" } },
  spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "a", image: "a" }], ...podSpec } }, ...spec },
});
const cron = (spec: JsonObject) =>
  object("batch/v1", "CronJob", { schedule: "* * * * *", jobTemplate: { spec: job({}).spec as JsonObject }, ...spec });
const ingress = (path: JsonObject, spec: JsonObject = {}) =>
  object("networking.k8s.io/v1", "Ingress", {
    rules: [{ http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } }, ...path }] } }],
    ...spec,
  });

// As above: what runs once, at times, or behind an address.
test.each<[JsonObject, readonly string[]]>([
  [
    job({ podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { containerName: "b", operator: "In", values: [2, 0] } }] } }),
    [
      'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "b": must be one of the container or initContainer names in the pod template',
      "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
      "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0]: must be ordered",
    ],
  ],
  [
    job({ completionMode: "Indexed", completions: 3, successPolicy: { rules: [{ succeededIndexes: "0-1", succeededCount: 3 }, {}] } }),
    [
      "spec.successPolicy.rules[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)",
      "spec.successPolicy.rules[1]: Required value: at least one of succeededCount or succeededIndexes must be specified",
    ],
  ],
  [
    job({ maxFailedIndexes: 1, managedBy: "me" }),
    [
      "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
      'spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
      "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode",
    ],
  ],
  [
    cron({ schedule: "TZ=UTC * * * * *" }),
    ['spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
  ],
  [cron({ timeZone: "Europe/Berlin" }), []],
  [cron({ timeZone: "Mars/Olympus" }), ['spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus']],
  [
    ingress({ path: "/a/..", backend: {} }, { tls: [{ hosts: ["*x"] }] }),
    [
      "spec.rules[0].http.paths[0].path: Invalid value: \"/a/..\": cannot end with '/..'",
      'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
      "spec.tls[0].hosts[0]: Invalid value: \"*x\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  ],
])("%#: %j", (manifest, expected) => {
  expect(wrongWith(manifest)).toEqual(expected);
});

const cluster = (apiVersion: string, kind: string, fields: JsonObject): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name: "n" },
  ...fields,
});

// As above: kinds of storage, devices and autoscaling.
test.each<[JsonObject, readonly string[]]>([
  [
    cluster("storage.k8s.io/v1", "VolumeAttributesClass", { driverName: "a_b" }),
    [
      "driverName: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      "parameters: Required value: must contain at least one key/value pair",
    ],
  ],
  [
    cluster("storage.k8s.io/v1", "CSINode", {
      spec: {
        drivers: [
          { name: "a", nodeID: "1" },
          { name: "a", nodeID: "" },
        ],
      },
    }),
    ["spec.drivers[1].nodeID: Required value", 'spec.drivers[1].name: Duplicate value: "a"'],
  ],
  [
    object("resource.k8s.io/v1", "ResourceClaim", {
      devices: {
        requests: [{ name: "a", exactly: { allocationMode: "ExactCount", count: -1 } }],
        constraints: [{ requests: ["b"], matchAttribute: "x.io/a" }],
      },
    }),
    [
      "spec.devices.requests[0].exactly.deviceClassName: Required value",
      "spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero",
      'spec.devices.constraints[0].requests[0]: Invalid value: "b": must be the name of a request in the claim',
    ],
  ],
  [
    object("autoscaling/v2", "HorizontalPodAutoscaler", {
      ...{ maxReplicas: 3, scaleTargetRef: { kind: "Deployment", name: "web" } },
      metrics: [{ type: "External", external: { metric: { name: "q" }, target: { type: "Total", value: "0" } } }],
    }),
    [
      'spec.metrics[0].external.target.type: Invalid value: "Total": must be either Utilization, Value, or AverageValue',
      'spec.metrics[0].external.target.value: Invalid value: "0": must be positive',
    ],
  ],
])("%#: %j", (manifest, expected) => {
  expect(wrongWith(manifest)).toEqual(expected);
});

test("the expressions of device selectors are compiled: what they name, and what they come to", () => {
  const wrong = (expression: string) =>
    wrongWith({ ...object("resource.k8s.io/v1", "DeviceClass", { selectors: [{ cel: { expression } }] }), metadata: { name: "n" } }).map(
      (text) => text.split("\n")[0],
    );
  expect(wrong("device.driver == 'gpu.example.com' && device.attributes['gpu.example.com'].model == 'A100'")).toEqual([]);
  expect(wrong("device.capacity['gpu.example.com'].memory.compareTo(quantity('40Gi')) >= 0")).toEqual([]);
  expect(wrong("device.colour == 'red'")[0]).toContain("compilation failed: ERROR: <input>:1:7: undefined field 'colour'");
  expect(wrong("device.driver")).toEqual([
    'spec.selectors[0].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string',
  ]);
});
