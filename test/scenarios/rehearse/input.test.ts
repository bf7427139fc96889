import { readManifests } from "../../../scenarios/manifests";
import { runnable } from "../../../scenarios/rehearse/adapt";
import { readBehaviours, wrongWithBehaviours } from "../../../scenarios/rehearse/behaviour-file";
import { objectiveIn, readObjectives } from "../../../scenarios/rehearse/objectives";
import { templateProblems, wrongWithRaw } from "../../../scenarios/rehearse/raw-input";
import { sizeFor } from "../../../scenarios/rehearse/sizing";
import { subjectsOf } from "../../../scenarios/rehearse/subject";
import { partAt } from "../../../scenarios/rehearse/workload";
import { formatProblem } from "../../../scenarios/source";
import { deployment } from "./small";

function adapted(text: string, declared: readonly string[] = []) {
  const custom: Parameters<typeof runnable>[1][number][] = [];
  const { manifests, problems } = readManifests([{ file: "m.yaml", text }], (object) => custom.push(object));
  expect(problems.map(formatProblem)).toEqual([]);
  const isDeclared = (image: string) => declared.includes(image);
  const { manifests: made, notes } = runnable(manifests, custom, { isDeclared, answersAdmission: isDeclared });
  const object = (id: string) => made.find(({ kind, object: one }) => `${kind.kind} ${one.metadata.name}` === id)?.object;
  return { made, object, notes: notes.map(({ file, line, what, became }) => `${file}:${line} ${what}: ${became.split(":")[0]}`) };
}

describe("manifests are made fit for a simulated cluster, and each change is told with its line", () => {
  it.each<[string, string, readonly string[], (made: ReturnType<typeof adapted>) => void]>([
    [
      "volumes that hold something become empty",
      deployment({ pod: "volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }, { name: tmp, emptyDir: {} }]" }),
      ["m.yaml:10 Deployment default/web: volume data (persistentVolumeClaim): replaced by an empty volume"],
      ({ object }) =>
        expect(partAt(object("Deployment web"), ["spec", "template", "spec", "volumes"])).toEqual([
          { name: "data", emptyDir: {} },
          { name: "tmp", emptyDir: {} },
        ]),
    ],
    [
      "a claim template takes the place of a volume of its name",
      "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: { name: db }\nspec:\n  selector: { matchLabels: { app: db } }\n  serviceName: db\n  template:\n    metadata: { labels: { app: db } }\n    spec:\n      volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]\n      containers: [{ name: db, image: example.com/db }]\n  volumeClaimTemplates: [{ metadata: { name: data }, spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } } }]\n",
      [
        "m.yaml:10 StatefulSet default/db: volume data (persistentVolumeClaim): replaced by an empty volume",
        "m.yaml:12 StatefulSet default/db: volume data (volumeClaimTemplates): replaced by an empty volume",
      ],
      ({ object }) =>
        expect(partAt(object("StatefulSet db"), ["spec", "template", "spec", "volumes"])).toEqual([{ name: "data", emptyDir: {} }]),
    ],
    [
      "init containers succeed",
      deployment({ pod: "initContainers: [{ name: migrate, image: example.com/migrate:1, args: [up] }]" }),
      ["m.yaml:10 Deployment default/web: init container migrate: taken for granted"],
      ({ object }) =>
        expect(partAt(object("Deployment web"), ["spec", "template", "spec", "initContainers", 0, "command"])).toEqual(["sleep", "1"]),
    ],
    [
      "an autoscaler's least number of replicas counts, on its own line",
      `${deployment({ replicas: 1 })}---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: web }\nspec:\n  minReplicas: 3\n  maxReplicas: 9\n  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }\n`,
      ["m.yaml:23 HorizontalPodAutoscaler default/web: not scaled"],
      ({ object, made }) => {
        expect(partAt(object("Deployment web"), ["spec", "replicas"])).toBe(3);
        expect(made.find(({ kind }) => kind.kind === "Deployment")!.lineOf(["spec", "replicas"])).toBe(27);
      },
    ],
    [
      "labels that only the user's nodes have count as everywhere; zones and nodes get our names",
      deployment({ pod: "nodeSelector: { pool: fast, topology.kubernetes.io/zone: eu-1b, kubernetes.io/hostname: ip-10-0-0-7 }" }),
      [
        "m.yaml:10 Deployment default/web: nodeSelector pool=fast: taken for granted",
        "m.yaml:10 Deployment default/web: zone eu-1b: taken for granted",
        "m.yaml:10 Deployment default/web: node ip-10-0-0-7: taken for granted",
      ],
      ({ object }) =>
        expect(partAt(object("Deployment web"), ["spec", "template", "spec", "nodeSelector"])).toEqual({
          "topology.kubernetes.io/zone": "zone-a",
          "kubernetes.io/hostname": "node-0",
        }),
    ],
    [
      "a port that only the Service names is listened on",
      deployment({ service: "ports: [{ port: 80, targetPort: 9000 }]" }),
      ["m.yaml:11 Deployment default/web: port 9000: taken for granted"],
      ({ object }) =>
        expect(partAt(object("Deployment web"), ["spec", "template", "spec", "containers", 0, "ports", 1])).toEqual({
          containerPort: 9000,
        }),
    ],
    [
      "what somebody else makes stands in",
      deployment({
        pod: "serviceAccountName: web\npriorityClassName: vital",
        container:
          "env: [{ name: A, valueFrom: { secretKeyRef: { name: s, key: k } } }, { name: B, valueFrom: { configMapKeyRef: { name: c, key: k, optional: true } } }]",
      }).replaceAll("metadata: { name: web }", "metadata: { name: web, namespace: shop }"),
      [
        "m.yaml:3 Namespace shop: taken for granted",
        "m.yaml:9 ServiceAccount shop/web: taken for granted",
        "m.yaml:9 Secret shop/s: taken for granted",
        "m.yaml:11 PriorityClass vital: taken for granted",
      ],
      ({ made, object }) => {
        expect(made.map(({ kind }) => kind.kind)).toEqual([
          "Namespace",
          "PriorityClass",
          "ServiceAccount",
          "Secret",
          "Deployment",
          "Service",
        ]);
        expect(object("Secret s")).toMatchObject({ data: { k: "" } });
      },
    ],
    [
      "Jobs come to their end",
      "apiVersion: batch/v1\nkind: Job\nmetadata: { name: load }\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{ name: c, image: example.com/load:1 }]\n",
      ["m.yaml:8 Job default/load: container c: taken for granted"],
      ({ object }) => expect(partAt(object("Job load"), ["spec", "template", "spec", "containers", 0, "command"])).toEqual(["sleep", "3"]),
    ],
    [
      "custom resources without a definition and webhooks of whom nobody knows the answers are left out",
      "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: { name: web }\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: web }\nspec: { podSelector: {} }\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: { name: guard }\n",
      [
        "m.yaml:1 ServiceMonitor web (monitoring.coreos.com/v1): left out",
        "m.yaml:5 NetworkPolicy default/web: applied, without effect",
        "m.yaml:10 ValidatingWebhookConfiguration guard: left out",
      ],
      ({ made }) => expect(made.map(({ kind }) => kind.kind)).toEqual(["NetworkPolicy"]),
    ],
  ])("%s", (_what, text, notes, check) => {
    const made = adapted(text);
    expect(made.notes).toEqual(notes);
    check(made);
  });

  it("what `helm template` prints is taken as it is, without the hooks that an installation does not run", () => {
    const hook = (kind: string, name: string, hooks: string) =>
      `---\n# Source: shop/templates/${name}.yaml\napiVersion: ${kind === "Pod" ? "v1" : "batch/v1"}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  annotations:\n    "helm.sh/hook": ${hooks}\nspec:\n${
        kind === "Pod" ? "" : "  template:\n    spec:\n"
      }${kind === "Pod" ? "  " : "      "}restartPolicy: Never\n${kind === "Pod" ? "  " : "      "}containers: [{ name: c, image: example.com/hook:1 }]\n`;
    const empty = "---\n# Source: shop/templates/empty.yaml\n---\n---\n";
    const list = `---\n# Source: shop/templates/list.yaml\napiVersion: v1\nkind: List\nitems:\n  - { apiVersion: v1, kind: ConfigMap, metadata: { name: a } }\n  - { apiVersion: v1, kind: ConfigMap, metadata: { name: b } }\n`;
    const jobs = `${hook("Job", "migrate", "pre-install,pre-upgrade")}${hook("Job", "cleanup", "pre-delete")}`;
    const { made, notes } = adapted(
      `${empty}# Source: shop/templates/web.yaml\n${deployment({})}${empty}${list}${hook("Pod", "test", "test")}${jobs}`,
    );
    expect(made.map(({ kind, object }) => `${kind.kind} ${object.metadata.name}`).sort()).toEqual([
      ...["ConfigMap a", "ConfigMap b", "Deployment web", "Job migrate", "Service web"],
    ]);
    expect(notes.map((note) => note.replace(/^m\.yaml:\d+ /, ""))).toEqual([
      "Pod default/test: left out",
      "Job default/cleanup: left out",
      "Job default/migrate: container c: taken for granted",
    ]);
  });

  const definition = (more = "") =>
    `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: { name: shops.example.com }\nspec:\n  group: example.com\n  names: { kind: Shop, plural: shops }\n  scope: Namespaced\n${more}  versions: [{ name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object } } }]\n`;
  const shop = "---\napiVersion: example.com/v1\nkind: Shop\nmetadata: { name: a }\n";

  it("custom resources are applied behind their definitions, and nobody acts on them", () => {
    const { made, notes } = adapted(`${shop}---\n${definition()}`);
    expect(made.map(({ kind }) => kind.kind)).toEqual(["CustomResourceDefinition", "Shop"]);
    expect(notes).toEqual([
      "m.yaml:2 Shop default/a: applied, without effect",
      "m.yaml:6 CustomResourceDefinition shops.example.com: applied",
    ]);
  });

  it("custom resources that a webhook has to convert are left out", () => {
    const conversion =
      "  conversion: { strategy: Webhook, webhook: { conversionReviewVersions: [v1], clientConfig: { service: { namespace: a, name: b } } } }\n";
    const { made, notes } = adapted(`${definition(conversion)}${shop}`);
    expect(made).toEqual([]);
    expect(notes.map((note) => note.slice(note.indexOf(": ") + 2))).toEqual(["left out", "left out"]);
  });

  it("a webhook is asked where it runs in pods of an image whose answers are declared", () => {
    const hook = (name: string, of: string) =>
      `  - { name: ${name}.example.com, sideEffects: None, admissionReviewVersions: [v1], clientConfig: { service: { namespace: default, name: ${of} } } }\n`;
    const webhook = `---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: { name: guard }\nwebhooks:\n${hook("own", "web")}${hook("other", "elsewhere")}`;
    const text = `${webhook}---\n${deployment({})}`;
    const { made, object, notes } = adapted(text, ["example.com/web:1"]);
    expect(made.at(-1)?.kind.kind).toBe("ValidatingWebhookConfiguration");
    expect(partAt(object("ValidatingWebhookConfiguration guard"), ["webhooks"])).toEqual([
      expect.objectContaining({ name: "own.example.com" }),
    ]);
    expect(notes).toEqual(["m.yaml:7 ValidatingWebhookConfiguration guard: other.example.com: left out"]);
    expect(adapted(text).made.map(({ kind }) => kind.kind)).not.toContain("ValidatingWebhookConfiguration");
  });

  it("an image that is declared is left to its declaration", () => {
    const text = deployment({ pod: "initContainers: [{ name: migrate, image: example.com/migrate:1 }]" });
    expect(adapted(text, ["example.com/migrate:1"]).notes).toEqual([]);
  });
});

describe("the cluster is sized to the manifests", () => {
  const sized = (text: string) => {
    const { nodes, zones, capacity } = sizeFor(subjectsOf(adapted(text).made));
    return `${nodes} nodes in ${zones} zones, ${capacity.cpu} CPUs, ${capacity.memory}`;
  };
  it.each([
    ["little fits on one node a zone, and a spare one", deployment(), "4 nodes in 3 zones, 4 CPUs, 8Gi"],
    [
      "as much as three nodes fits on two zones",
      deployment({ replicas: 8, container: "resources: { requests: { cpu: 1, memory: 1Gi } }" }),
      "7 nodes in 3 zones, 4 CPUs, 8Gi",
    ],
    [
      "a large pod makes large nodes",
      deployment({ container: "resources: { requests: { cpu: 6, memory: 20Gi } }" }),
      "7 nodes in 3 zones, 12 CPUs, 40Gi",
    ],
    [
      "pods that share no node get one each",
      deployment({
        replicas: 5,
        pod: "affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: kubernetes.io/hostname, labelSelector: {} }] } }",
      }),
      "10 nodes in 3 zones, 4 CPUs, 8Gi",
    ],
  ])("%s", (_what, text, expected) => expect(sized(text)).toBe(expected));
});

describe("what is no manifest yet", () => {
  const raw = (file: string, text: string) => wrongWithRaw([{ file, text }]).map(formatProblem);

  it("is sent to the tool that makes manifests of it", () => {
    expect(raw("k8s/kustomization.yaml", "resources: [web.yaml]\n")).toEqual([
      "k8s/kustomization.yaml:1:1: $: this is Kustomize's own file and no manifest: expected its output, as in `kustomize build k8s | npx wavetank rehearse -`",
    ]);
    expect(raw("x.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n")).toEqual([
      expect.stringMatching(/^x\.yaml:2:1: .*kustomize build \./),
    ]);
    expect(raw("chart/Chart.yaml", "name: shop\n")).toEqual([expect.stringMatching(/helm template my-release chart \|/)]);
    expect(raw("web.yaml", deployment())).toEqual([]);
  });

  it("a Helm template is told once, where its first action stands; braces in what can be read are nobody's business", () => {
    const read = (text: string) => {
      const source = { file: "t.yaml", text };
      return templateProblems([source], readManifests([source]).problems).map(formatProblem);
    };
    expect(read('apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ include "x.name" . }}\nspec:\n  type: {{ .Values.type }}\n')).toEqual(
      [
        expect.stringMatching(
          /^t\.yaml:4:1: \$: this is a Helm template that has not been rendered: expected its output, as in `helm template/,
        ),
      ],
    );
    expect(read('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { alert: "{{ $labels.pod }} is down" }\n')).toEqual([]);
  });
});

describe("the file of --slo", () => {
  const ports = new Map([
    ["shop/web", [80]],
    ["shop/api", [80, 443]],
  ]);
  const read = (text: string) => {
    const { objectives, problems } = readObjectives({ file: "slo.yaml", text }, ports, ["calm", "drain", "zone-lost"]);
    return { objectives, problems: problems.map(formatProblem) };
  };

  it("the more particular wins: a Service in a storm, the Service, the storm, the defaults", () => {
    const { objectives, problems } = read(
      "defaults: { availability: 90%, recovery: 1m }\nstorms: { zone-lost: { availability: 50%, longestOutage: 40s } }\nservices:\n  shop/web: { availability: 99%, port: 80, storms: { zone-lost: { availability: 70% } } }\n",
    );
    expect(problems).toEqual([]);
    const availability = (service: string, storm: string) => objectiveIn(objectives, service, storm).availability;
    expect([availability("shop/web", "zone-lost"), availability("shop/web", "drain")]).toEqual([70, 99]);
    expect([availability("shop/api", "zone-lost"), availability("shop/api", "drain")]).toEqual([50, 90]);
    expect(objectiveIn(objectives, "shop/web", "zone-lost")).toEqual({
      availability: 70,
      longestOutageMs: 40_000,
      recoveryMs: 60_000,
      drains: true,
    });
    expect(objectives.requests.get("shop/web")).toEqual({ port: 80 });
  });

  it.each([
    [
      "an unknown Service",
      "services:\n  shop/wbe: { availability: 99% }\n",
      'slo.yaml:2:3: $.services["shop/wbe"]: unknown Service "shop/wbe": expected one of shop/web, shop/api; did you mean "shop/web"?',
    ],
    [
      "an unknown storm",
      "storms:\n  zone-loss: { availability: 9% }\n",
      /^slo\.yaml:2:3: \$\.storms\.zone-loss: unknown storm "zone-loss".*did you mean "zone-lost"\?$/,
    ],
    ["an unknown storm of a Service", "services:\n  shop/web: { storms: { tornado: {} } }\n", /unknown storm "tornado"/],
    ["an unknown field", "defaults: { avalability: 9% }\n", /unknown field "avalability".*did you mean "availability"/],
    [
      "a share that is none",
      "defaults: { availability: 99 }\n",
      'slo.yaml:1:27: $.defaults.availability: expected the share of requests that must succeed in each storm, such as "99.5%", found 99',
    ],
    ["more than all of it", "defaults: { availability: 101% }\n", /\$\.defaults\.availability: expected the share of requests/],
    [
      "a port that the Service does not have",
      "services:\n  shop/api: { port: 8080 }\n",
      'slo.yaml:2:21: $.services["shop/api"].port: expected a port of the Service, 80 or 443, found 8080',
    ],
    ["a time that is none", "defaults: { recovery: soon }\n", /\$\.defaults\.recovery: expected the longest time/],
    ["nothing", "# nothing\n", "slo.yaml:1:1: $: the file is empty: expected objectives, such as `defaults: { availability: 99% }`"],
    ["no YAML", "defaults: [\n", /^slo\.yaml:\d+:\d+: \$: not valid YAML/],
  ])("%s is refused with its place", (_what, text, expected) => {
    expect(read(text).problems).toEqual([typeof expected === "string" ? expected : expect.stringMatching(expected)]);
  });
});

describe("the file of --behaviour", () => {
  const subjects = subjectsOf(adapted(`${deployment()}---\n${deployment({ name: "api" })}`).made);
  const problems = (text: string) => {
    const read = readBehaviours({ file: "b.yaml", text });
    return [...read.problems, ...wrongWithBehaviours(read, subjects)].map(formatProblem);
  };
  it.each([
    [
      "an image that nobody runs",
      "images:\n  - image: example.com/wbe\n",
      /^b\.yaml:2:12: \$\.images\[0\]\.image: unknown image "example\.com\/wbe".*did you mean "example\.com\/web:1"/,
    ],
    [
      "a dependency on no Service",
      "images:\n  - { image: example.com/web, dependencies: [apy] }\n",
      /dependencies\[0\]: unknown Service "default\/apy".*did you mean "default\/api"\?$/,
    ],
    [
      "a circle",
      "images:\n  - { image: example.com/web, dependencies: [api] }\n  - { image: example.com/api, dependencies: [web] }\n",
      /^b\.yaml:3:\d+: .*Services that need each other never answer: default\/web → default\/api → default\/web$/,
    ],
    [
      "an unknown field",
      "images:\n  - { image: example.com/web, colour: red }\n",
      /^b\.yaml:2:\d+: \$\.images\[0\]\.colour: unknown field/,
    ],
    ["no images", "image: example.com/web\n", "b.yaml:1:1: $.images: expected `images:`, a list of images with their behaviour"],
  ])("%s is refused with its place", (_what, text, expected) => {
    expect(problems(text)).toEqual([typeof expected === "string" ? expected : expect.stringMatching(expected)]);
  });

  it("a circle that can do without one of its ends is fine", () => {
    expect(
      problems(
        "images:\n  - { image: example.com/web, dependencies: [api] }\n  - { image: example.com/api, dependencies: [{ service: web, required: false }] }\n",
      ),
    ).toEqual([]);
  });
});
