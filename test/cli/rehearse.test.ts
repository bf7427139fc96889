import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wavetank } from "../command-line";
import { deployment } from "../scenarios/rehearse/small";

const root = mkdtempSync(join(tmpdir(), "wavetank-rehearse-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A folder with these files; names may have folders in them. */
function folder(name: string, files: Readonly<Record<string, string>>): string {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(root, name, file, ".."), { recursive: true });
    writeFileSync(join(root, name, file), text);
  }
  return join(root, name);
}

const small = folder("beside", {
  "cluster.yaml": "etcd: 1\napiServers: 1\ncontrollers: 1\nnodes: 2\nzones: 2\n",
  "slo.yaml": "services:\n  default/wbe: { availability: 99% }\n",
  "baseline.json": "{}",
});
const cluster = join(small, "cluster.yaml");
const good = folder("good", { "web.yaml": deployment() });
/** Two Services of the same pods, of which one selects nothing. */
const bad = folder("bad", {
  "web.yaml": `${deployment()}---\napiVersion: v1\nkind: Service\nmetadata: { name: wrong }\nspec:\n  selector: { app: wbe }\n  ports: [{ port: 80, targetPort: 8080 }]\n`,
});
const calm = ["--config", cluster, "--storm", "calm", "--workers", "1"];

describe("wrong input ends with status 2 and says what was expected, before anything runs", () => {
  it.each<[string, string[], RegExp]>([
    ["no such path", [join(root, "nowhere")], /nowhere: no such file or folder$/],
    ["an unknown storm", [good, "--storm", "tornado"], /--storm: unknown storm "tornado": expected one of calm, node-lost, /],
    [
      "an unknown Service in the objectives",
      [good, "--slo", join(small, "slo.yaml")],
      /slo\.yaml:2:3: .*unknown Service "default\/wbe": expected default\/web/,
    ],
    [
      "a baseline that is none",
      [good, "--baseline", join(small, "baseline.json")],
      /baseline\.json: \$\.rehearsalVersion: missing; expected the rehearsal\.json/,
    ],
    ["a folder without objects", [folder("empty", { "notes.txt": "nothing" })], /empty: no Kubernetes object there: expected manifests/],
    [
      "objects without a Service",
      [folder("dumb", { "c.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n" })],
      /no Service that could be rehearsed among 1 objects/,
    ],
    [
      "folders in a folder",
      [folder("deep", { "base/web.yaml": deployment() })],
      /deep: no YAML or JSON file there, only folders: .*--recursive/,
    ],
    [
      "Kustomize's folder",
      [folder("kust", { "kustomization.yaml": "resources: [web.yaml]\n", "web.yaml": deployment() })],
      /kustomization\.yaml:1:1: .*`kustomize build \S+kust \| npx wavetank rehearse -`/,
    ],
    [
      "a Helm chart",
      [folder("chart", { "Chart.yaml": "name: shop\n", "templates/web.yaml": "a: {{ .b }}\n" })],
      /Chart\.yaml:1:1: .*helm template/,
    ],
    [
      "a Helm template",
      [folder("template", { "web.yaml": "apiVersion: v1\nkind: Service\nmetadata: { name: {{ .Values.name }} }\n" })],
      /web\.yaml:3:1: .*has not been rendered/,
    ],
    ["no YAML", [folder("broken", { "web.yaml": "apiVersion: v1\nkind: [\n" })], /web\.yaml:3:1: \$: not valid YAML/],
    [
      "an object twice",
      [folder("twice", { "a.yaml": deployment(), "b.yaml": deployment() })],
      /b\.yaml:3:19: .*Deployment "web" is in \S+a\.yaml:1 already: expected each object once/,
    ],
    [
      "a kind that was mistyped",
      [folder("kind", { "a.yaml": "apiVersion: apps/v1\nkind: Deploymnt\nmetadata: { name: a }\n" })],
      /a\.yaml:2:7: .*did you mean "Deployment"/,
    ],
    [
      "a cluster without nodes",
      [good, "--config", join(folder("none", { "c.yaml": "nodes: 0\n" }), "c.yaml")],
      /a rehearsal needs a node at least/,
    ],
  ])("%s", async (_what, args, message) => {
    const { status, err } = await wavetank("rehearse", ...args);
    expect(err.trim()).toMatch(message);
    expect(status).toBe(2);
  });
});

describe("wavetank rehearse", () => {
  it("says how available each Service was and holds, with a page, JUnit and a result that is a baseline", async () => {
    const out = join(root, "out-good");
    const { status, out: text } = await wavetank("rehearse", good, ...calm, "--out", out);
    expect(text).toMatch(/default\/web\s+100 %/);
    expect(text).toMatch(/Nobody declared how this image behaves \(--behaviour FILE\): example\.com\/web:1\./);
    expect(status).toBe(0);
    expect(readdirSync(out).sort()).toEqual(["junit.xml", "rehearsal.json", "report.html", "storms"]);
    expect(readFileSync(join(out, "junit.xml"), "utf8")).toContain('<testcase classname="default/web" name="calm"/>');
    expect(JSON.parse(readFileSync(join(out, "rehearsal.json"), "utf8"))).toMatchObject({
      verdict: "held",
      services: [{ service: "default/web" }],
    });
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain('href="storms/calm/report.html"');
    expect(existsSync(join(out, "storms", "calm", "report.html"))).toBe(true);
    expect(existsSync(join(out, "storms", "calm", "run.json"))).toBe(false);
  });

  it("fails with the line to blame, tries the change, and writes what `replay` repeats; of a baseline only what is worse fails", async () => {
    const out = join(root, "out-bad");
    const { status, out: json } = await wavetank("rehearse", bad, ...calm, "--out", out, "--json");
    expect(status).toBe(1);
    const rehearsal = JSON.parse(json);
    expect(rehearsal.findings).toEqual([
      expect.objectContaining({
        blame: "selector-matches-nothing",
        service: "default/wrong",
        file: expect.stringMatching(/bad\/web\.yaml$/),
        line: 27,
        trial: expect.objectContaining({ helped: true, gone: true, after: expect.objectContaining({ availability: 100 }) }),
      }),
    ]);
    expect(readFileSync(join(out, "junit.xml"), "utf8")).toMatch(
      /<failure message="0\.00 % of its requests were answered \(at least 90 %\)">/,
    );
    const replayed = await wavetank("replay", join(out, "storms", "calm", "run.json"), "--json");
    expect(JSON.parse(replayed.out)).toMatchObject({ same: true, verdict: "violated" });

    const again = await wavetank("rehearse", bad, ...calm, "--no-try", "--baseline", join(out, "rehearsal.json"));
    expect(again.out).toMatch(/known {5}default\/wrong in calm/);
    expect(again.out).toMatch(/no worse than the baseline \(1 violation known from there\)/);
    expect(again.status).toBe(0);
  });

  it("lists its storms", async () => {
    const { out } = await wavetank("list", "storms");
    expect(out).toMatch(/^zone-lost +Each zone in turn/m);
    expect(out).toMatch(/late-crash .*only when named/);
  });
});
