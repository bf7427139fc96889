import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manifestSources } from "../../cli/load";
import { scenarioFiles } from "../../cli/scenario-files";
import { readManifests } from "../../scenarios/manifests";
import { formatProblem } from "../../scenarios/source";

function read(text: string) {
  const { manifests, problems } = readManifests([{ file: "m.yaml", text }]);
  return { objects: manifests.map(({ object }) => object), problems: problems.map(formatProblem) };
}

const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec:\n";

describe("manifests are read as kubectl reads them", () => {
  it("takes every document, the items of Lists, and no empty ones", () => {
    const text =
      "# only a comment\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: a }\n---\n---\napiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: { name: b }\n";
    expect(read(text).objects.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name])).toEqual([
      ["Namespace", undefined, "a"],
      ["ConfigMap", "default", "b"],
    ]);
  });

  it("passes over a List of nothing, whatever else it holds", () => {
    expect(read("apiVersion: v1\nkind: List\nitems: []\nname: a scenario\nstorm: []\n")).toEqual({ objects: [], problems: [] });
  });

  it("reads JSON", () => {
    expect(read('{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"n"}}').objects).toHaveLength(1);
  });

  it.each([
    [
      "an unknown kind",
      "apiVersion: v1\nkind: Servce\nmetadata: { name: a }\n",
      /^m\.yaml:2:7: \$\.kind: unknown kind in version "v1" "Servce".*did you mean "Service"\?/,
    ],
    [
      "a kind of another version",
      "apiVersion: v1\nkind: Deployment\nmetadata: { name: a }\n",
      'm.yaml:1:13: $.apiVersion: no kind "Deployment" in version "v1": expected apiVersion apps/v1',
    ],
    [
      "a custom resource",
      "apiVersion: example.com/v1\nkind: Shop\nmetadata: { name: a }\n",
      /expected a CustomResourceDefinition of it among the manifests/,
    ],
    ["no name", "apiVersion: v1\nkind: Service\nmetadata: {}\n", /^m\.yaml:3:11: \$\.metadata: the field "metadata.name" is missing/],
    [
      "an unknown field",
      `${deployment}  replica: 3\n`,
      /^m\.yaml:5:3: \$\.spec\.replica: unknown field "replica".*did you mean "replicas"\?/,
    ],
    ["a wrong type", `${deployment}  replicas: "3"\n`, 'm.yaml:5:13: $.spec.replicas: expected a whole number, found "3"'],
    [
      "a quantity that is none",
      `${deployment}  template: { spec: { containers: [{ name: a, resources: { limits: { cpu: 1x } } }] } }\n`,
      /expected a quantity such as "500m" or "1Gi", found "1x"/,
    ],
    [
      "a number where a text belongs",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { port: 80 }\n",
      /^m\.yaml:4:15: \$\.data\.port: expected a text \(put it in quotes\), found 80/,
    ],
    [
      "a selector that does not parse",
      `${deployment}  selector: { matchExpressions: [{ key: a, operator: Inn, values: [b] }] }\n  template: { metadata: { labels: { a: b } }, spec: { containers: [{ name: a, image: x }] } }\n`,
      'm.yaml:5:54: $.spec.selector.matchExpressions[0].operator: Invalid value: "Inn": not a valid selector operator',
    ],
    [
      "a selector that its template does not match",
      `${deployment}  selector: { matchLabels: { a: c } }\n  template: { metadata: { labels: { a: b } }, spec: { containers: [{ name: a, image: x }] } }\n`,
      /^m\.yaml:6:35: \$\.spec\.template\.metadata\.labels: Invalid value: .*`selector` does not match template `labels`/,
    ],
    [
      "an object that is there twice",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: default }\n",
      'm.yaml:7:19: $.metadata.name: ConfigMap "a" is in m.yaml:1 already: expected each object once',
    ],
    ["a duplicate key", "apiVersion: v1\nkind: ConfigMap\nkind: Secret\n", /not valid YAML: Map keys must be unique/],
  ])("says where there is %s", (_name, text, expected) => {
    expect(read(text).problems).toEqual([typeof expected === "string" ? expected : expect.stringMatching(expected)]);
  });
});

describe("where something stands in a manifest", () => {
  it("is known for every part of each object, and for what is missing, of what should hold it", () => {
    const text = `${deployment}  replicas: 2\n  selector: { matchLabels: { a: b } }\n  template:\n    metadata: { labels: { a: b } }\n    spec:\n      containers:\n        - name: c\n          image: i\n`;
    const [manifest] = readManifests([{ file: "m.yaml", text: `---\n${text}` }]).manifests;
    expect(manifest!.line).toBe(2);
    expect(manifest!.lineOf(["spec", "replicas"])).toBe(6);
    expect(manifest!.lineOf(["spec", "template", "spec", "containers", 0, "image"])).toBe(13);
    expect(manifest!.lineOf(["spec", "template", "spec", "containers", 0, "readinessProbe"])).toBe(12);
  });
});

describe("custom resources, where somebody wants to hear of them", () => {
  const told = (text: string) => {
    const custom: unknown[] = [];
    const { problems } = readManifests([{ file: "m.yaml", text }], (object) => custom.push(object));
    return { custom, problems: problems.map(formatProblem) };
  };

  it("are told with their place, whatever their kind is called", () => {
    expect(told("# a comment\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: { name: web }\n")).toEqual({
      custom: [{ file: "m.yaml", line: 2, apiVersion: "serving.knative.dev/v1", kind: "Service", name: "web" }],
      problems: [],
    });
  });

  it.each([
    ["a kind that was mistyped", "apiVersion: apps/v1\nkind: Deploymnt\nmetadata: { name: a }\n", /did you mean "Deployment"/],
    ["a version that is gone", "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: { name: a }\n", /expected apiVersion apps\/v1/],
  ])("are not %s", (_what, text, message) => {
    const { custom, problems } = told(text);
    expect([custom, problems]).toEqual([[], [expect.stringMatching(message)]]);
  });
});

describe("custom resources whose definition is at hand", () => {
  const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: shops.example.com }
spec:
  group: example.com
  names: { kind: Shop, plural: shops }
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, required: [size], properties: { size: { type: integer } } } } } }
`;
  const shop = (spec: string) => ({
    file: "shop.yaml",
    text: `apiVersion: example.com/v1\nkind: Shop\nmetadata: { name: a }\nspec: ${spec}\n`,
  });
  const definitions = { file: "crd.yaml", text: definition };

  it("are manifests like any other, wherever the definition stands", () => {
    for (const sources of [
      [definitions, shop("{ size: 1 }")],
      [shop("{ size: 1 }"), definitions],
    ]) {
      const { manifests, problems } = readManifests(sources);
      expect(problems).toEqual([]);
      const found = manifests.find(({ kind }) => kind.kind === "Shop");
      expect([found?.kind.plural, found?.object.metadata]).toEqual(["shops", { name: "a", namespace: "default" }]);
    }
    const { manifests } = readManifests([definitions]);
    expect(readManifests([shop("{ size: 1 }")], undefined, manifests).problems).toEqual([]);
  });

  it.each([
    ["{ size: big }", /shop\.yaml:4:\d+: \$\.spec\.size: .*integer/],
    ["{}", /shop\.yaml:4:\d+: \$\.spec\.size: Required/],
    ["{ size: 1, colour: red }", /shop\.yaml:.*unknown field "spec\.colour"/],
  ])("are held against its schema: %s", (spec, said) => {
    expect(readManifests([definitions, shop(spec)]).problems.map(formatProblem)).toEqual([expect.stringMatching(said)]);
  });
});

describe("a folder in which scenarios lie beside manifests", () => {
  const folder = mkdtempSync(join(tmpdir(), "wavetank-folder-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("is one of manifests without them, and one of scenarios without those", () => {
    writeFileSync(join(folder, "web.yaml"), `${deployment}  replicas: 1\n`);
    writeFileSync(join(folder, "zone-loss.yaml"), "name: zone-loss\ncluster: {}\nexpect: [convergence]\n");
    writeFileSync(join(folder, "list.yaml"), "apiVersion: v1\nkind: List\nitems: []\ncluster: {}\nexpect: [convergence]\n");
    const names = (files: readonly string[]) => files.map((file) => file.slice(file.lastIndexOf("/") + 1));
    expect(names((manifestSources(folder) ?? []).map(({ file }) => file))).toEqual(["list.yaml", "web.yaml"]);
    expect(names(scenarioFiles([folder, "other.yaml"]))).toEqual(["list.yaml", "zone-loss.yaml", "other.yaml"]);
    rmSync(join(folder, "zone-loss.yaml"));
    rmSync(join(folder, "list.yaml"));
    expect(() => scenarioFiles([folder])).toThrow("no scenario lies in this folder");
    expect(() => scenarioFiles(["zone-loss"])).toThrow(
      /^zone-loss: no such file; the library's scenario of that name is .*zone-loss\.yaml$/,
    );
  });
});
