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
