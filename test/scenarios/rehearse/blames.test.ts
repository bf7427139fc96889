import type { ImageBehaviour } from "../../../actors/container-runtime";
import { blames } from "../../../scenarios/rehearse/blames";
import { isBetter } from "../../../scenarios/rehearse/rehearsal";
import type { StormCase } from "../../../scenarios/rehearse/storms/storm";
import { deployment, rehearsed, type Small } from "./small";

/** Whatever node the first pod is on: all nodes of the small cluster are tried by name, so that a test does not depend on where pods land. */
const nodeLost = (node: string): Partial<StormCase> => ({
  about: node,
  lost: [node],
  steps: [{ at: "2s", fault: "crash", target: { hosts: [node] }, silent: true, for: "30s" }],
  seconds: 33,
});

const rollout = (seconds: number, name = "web"): Partial<StormCase> => ({
  steps: [
    {
      ...{ at: "2s", action: "patch", apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name },
      patch: { spec: { template: { metadata: { annotations: { again: "yes" } } } } },
    },
  ],
  seconds,
  requestsPerSecond: 40,
});

const badVersion = (image: string, seconds: number): Partial<StormCase> => ({
  steps: [{ at: "2s", action: "set-image", deployment: "default/web", container: "main", image }],
  seconds,
});

const drains = (timeout = "15s"): Partial<StormCase> => ({
  steps: [
    {
      serial: [
        { after: "2s", action: "drain-in-turn", nodes: ["node-0", "node-1", "node-2"], timeout },
        { after: "3s", action: "uncordon", node: "node-2" },
      ],
    },
  ],
  seconds: 2,
});

const statefulSet = `apiVersion: apps/v1
kind: StatefulSet
metadata: { name: web }
spec:
  replicas: 1
  serviceName: web
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers: [{ name: main, image: "example.com/web:1", ports: [{ containerPort: 8080 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { clusterIP: None, selector: { app: web }, ports: [{ port: 8080 }] }
`;

/** A version that cannot be pulled, and then the old one again. */
const rolledBack: Partial<StormCase> = {
  images: [{ image: "example.com/web:bad", pullFailure: "manifest unknown" }],
  steps: ["2s", "8s"].map((at) => {
    const image = at === "2s" ? "example.com/web:bad" : "example.com/web:1";
    const patch = { spec: { template: { spec: { containers: [{ name: "main", image }] } } } };
    return { at, action: "patch", apiVersion: "apps/v1", kind: "StatefulSet", namespace: "default", name: "web", patch };
  }),
  seconds: 20,
};

const slow = (ms: number): ImageBehaviour => ({ image: "example.com/web", pullMs: 300, readyAfterMs: ms });
const budget = (spec: string) =>
  `---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: { name: web }\nspec:\n  ${spec}\n  selector: { matchLabels: { app: web } }\n`;

/** Each blame with manifests that deserve it, the line that is to be named, and the setting as it is named. */
const deserved: readonly (readonly [blame: string, small: Small, line: number, setting: RegExp])[] = [
  ["one-replica", { manifests: deployment({ replicas: 1 }), storm: "node-lost", case: nodeLost("node-0") }, 5, /^spec\.replicas: 1$/],
  [
    "no-spreading",
    {
      manifests: deployment({ pod: "nodeSelector: { topology.kubernetes.io/zone: zone-b }" }),
      storm: "zone-lost",
      case: { ...nodeLost("node-1"), about: "zone-b" },
    },
    10,
    /^nodeSelector topology\.kubernetes\.io\/zone: zone-b$/,
  ],
  [
    "no-budget",
    { manifests: deployment(), behaviours: [slow(6_000)], storm: "drain", case: drains() },
    1,
    /^no PodDisruptionBudget selects Deployment default\/web$/,
  ],
  [
    "blocking-budget",
    { manifests: deployment() + budget("minAvailable: 100%"), storm: "drain", case: drains() },
    27,
    /^spec\.minAvailable: 100%$/,
  ],
  [
    "all-at-once",
    {
      manifests: deployment({ spec: "strategy: { type: Recreate }" }),
      behaviours: [slow(2_000)],
      storm: "leader-lost-in-rollout",
      case: rollout(12),
    },
    6,
    /^strategy\.type: Recreate$/,
  ],
  [
    "no-readiness-probe",
    { manifests: deployment({ probe: "" }), behaviours: [slow(3_000)], storm: "leader-lost-in-rollout", case: rollout(12) },
    11,
    /^container main has no readinessProbe$/,
  ],
  [
    "no-graceful-shutdown",
    {
      manifests: deployment({ replicas: 3 }),
      behaviours: [{ ...slow(300), shutdownMs: 3_000 }],
      storm: "leader-lost-in-rollout",
      case: { ...rollout(12), requestsPerSecond: 400 },
    },
    11,
    /^container main has no preStop hook$/,
  ],
  [
    "liveness-kills-slow-starters",
    {
      manifests: deployment({
        probe:
          "readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 }\nlivenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 2 }",
      }),
      behaviours: [{ image: "example.com/web:2", pullMs: 300, readyAfterMs: 8_000 }],
      storm: "leader-lost-in-rollout",
      case: badVersion("example.com/web:2", 12),
    },
    15,
    /^livenessProbe gives up after 2 s$/,
  ],
  [
    "no-min-ready-seconds",
    {
      manifests: deployment(),
      behaviours: [{ image: "example.com/web:2", pullMs: 300, readyAfterMs: 200, crashAfterMs: 5_000 }],
      storm: "late-crash",
      case: badVersion("example.com/web:2", 35),
    },
    4,
    /^no minReadySeconds$/,
  ],
  [
    "stuck-rollback",
    { manifests: statefulSet, storm: "image-pull-failure", case: rolledBack },
    4,
    /^spec\.podManagementPolicy: OrderedReady \(the default\)$/,
  ],
  [
    "requests-fit-nowhere",
    {
      manifests: deployment({ replicas: 3, container: "resources: { requests: { cpu: 3, memory: 1Gi } }" }),
      storm: "node-lost",
      case: nodeLost("node-2"),
    },
    15,
    /^requests of 3000m of cpu for each pod$/,
  ],
  [
    "placement-too-strict",
    {
      manifests: deployment({
        replicas: 3,
        pod: "affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: kubernetes.io/hostname, labelSelector: { matchLabels: { app: web } } }] } }",
      }),
      storm: "node-lost",
      case: nodeLost("node-2"),
    },
    10,
    /^a required podAntiAffinity$/,
  ],
  [
    "selector-matches-nothing",
    { manifests: deployment({ service: "selector: { app: wbe }" }), storm: "calm", case: { seconds: 5 } },
    20,
    /^selector app=wbe$/,
  ],
  [
    "target-port-missing",
    { manifests: deployment({ service: "ports: [{ port: 80, targetPort: htpp }]" }), storm: "calm", case: { seconds: 5 } },
    20,
    /^targetPort: htpp$/,
  ],
  [
    "local-traffic-only",
    { manifests: deployment({ replicas: 1, service: "internalTrafficPolicy: Local" }), storm: "calm", case: { seconds: 6 } },
    20,
    /^internalTrafficPolicy: Local$/,
  ],
];

describe("a setting is to blame where it did harm, and with its change the Service comes through better", () => {
  it.each(deserved)("%s", (blame, small, line, setting) => {
    const before = rehearsed(small);
    const finding = before.findings.find((one) => one.blame === blame);
    expect(before.findings.map((one) => one.blame)).toContain(blame);
    expect({ file: finding!.file, line: finding!.line }).toEqual({ file: "m.yaml", line });
    expect(finding!.setting).toMatch(setting);
    // The rollout of a StatefulSet takes the only pod away before there is another.
    if (small.manifests === statefulSet) expect(before.findings.map((one) => one.blame)).toContain("one-replica");
    const after = rehearsed({ ...small, changes: finding!.changes });
    expect(after.findings.filter((one) => one.blame === blame)).toEqual([]);
    if (finding!.failed > 0) expect(isBetter(before.reports[0]!, after.reports[0]!)).toBe(true);
    expect(after.reports[0]!.availability).toBeGreaterThanOrEqual(before.reports[0]!.availability);
  });

  it("leaves no kind of blame out", () => {
    const others = ["dependency", "detection-gap"];
    expect([...deserved.map(([blame]) => blame), ...others].sort()).toEqual(blames.map(({ name }) => name).sort());
  });
});

const spread =
  "topologySpreadConstraints: [{ maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, labelSelector: { matchLabels: { app: web } } }]";

describe("what no setting of the Service is to blame for is explained", () => {
  it("a Service that it depends on failed; a lost node was not noticed yet", () => {
    const { findings, observation } = rehearsed({
      manifests: `${deployment({ replicas: 3, pod: spread })}${budget("minAvailable: 2")}---\n${deployment({ name: "api", replicas: 1 })}`,
      behaviours: [{ image: "example.com/web", dependencies: [{ service: "api", timeoutMs: 300 }] }],
      storm: "node-lost",
      case: nodeLost("node-1"),
    });
    // It asked for all pods while there were two of the three, on the way up.
    expect(observation.budgets).toMatchObject([{ budget: "default/web", blocksAlways: false, expectedPods: 3 }]);
    const kinds = findings.map(({ service, blame, setting }) => `${service} ${blame}: ${setting}`);
    expect(kinds).toContain("default/web detection-gap: kube-controller-manager's node-monitor-grace-period: 50s (the default)");
    if (findings.some(({ service, blame }) => service === "default/api" && blame === "one-replica"))
      expect(kinds).toContain("default/web dependency: it depends on default/api");
  });
});
