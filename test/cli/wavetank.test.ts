import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { buildId } from "../../cli/build";
import { whyAnother } from "../../cli/replay";
import { wavetankVersion } from "../../cli/version";
import { wavetank } from "../command-line";

const folder = mkdtempSync(join(tmpdir(), "wavetank-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const small = "cluster: { etcd: 3, apiServers: 1, controllers: 1, nodes: 0 }\ncalm: { within: 20s, stay: 3s }\nsettle: 30s\n";
const crash = "storm:\n  - { at: 2s, fault: crash, target: { role: etcd, is: leader }, for: 5s }\n";
const good = file(
  "good.yaml",
  `name: good\n${small}${crash}stormFor: 10s\nexpect: [raft-election-safety, raft-committed, acknowledged-writes]\n`,
);
const bad = file("bad.yaml", `name: bad\n${small}expect: [pod-bound-once]\n`);

const elsewhere = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, namespace: shopp }\n";

test("a trace that is another one is explained by who recorded it", () => {
  expect(whyAnother({ wavetankVersion: "9.9" })).toMatch(/recorded with version 9\.9, and this is /);
  expect(whyAnother({ wavetankVersion: wavetankVersion(), build: "0123456789ab" })).toMatch(/by build 0123456789ab.*the code has changed/);
  expect(whyAnother({ wavetankVersion: wavetankVersion(), build: buildId() })).toMatch(/by this very build/);
  expect(whyAnother({ wavetankVersion: wavetankVersion() })).toMatch(/does not say which build/);
});

describe("wrong usage and wrong input end with status 2 and say what was expected", () => {
  it.each([
    ["an unknown command", ["frob"], /unknown command 'frob'/],
    ["a missing argument", ["run"], /missing required argument 'scenario'/],
    ["an unknown option", ["run", good, "--sede", "1"], /unknown option '--sede'/],
    ["a seed that is none", ["run", good, "--seed", "-1"], /expected a whole number, 0 or more/],
    ["a range that is none", ["run", good, "--seeds", "5..1"], /expected a range such as "1\.\.50"/],
    ["no workers at all", ["run", good, "--workers", "0"], /expected a whole number, 1 or more/],
    ["a folder for a record", ["replay", folder], /: a folder: expected a file/],
    ["seed and seeds", ["run", good, "--seed", "1", "--seeds", "1..2"], /cannot be used with/],
    ["a duration that is none", ["run", good, "--until", "soon"], /expected a duration such as "90s"/],
    ["a missing file", ["run", join(folder, "no.yaml")], /no\.yaml: no such file/],
    [
      "a missing manifest",
      ["run", file("m.yaml", `name: m\n${small}manifests: [nowhere]\nexpect: [convergence]\n`)],
      /m\.yaml:5:13: \$\.manifests\[0\]: no such file or folder/,
    ],
    [
      "a Service that no manifest makes",
      ["run", file("l.yaml", `name: l\n${small}load: [{ service: a/b, requestsPerSecond: 1 }]\nexpect: [convergence]\n`)],
      /l\.yaml:5:19: \$\.load\[0\]\.service: there is no Service "a\/b"/,
    ],
    [
      "a manifest that holds nothing",
      ["run", file("e.yaml", `name: e\n${small}manifests: [${basename(file("nothing.yaml", "---\n# none\n"))}]\nexpect: [convergence]\n`)],
      /e\.yaml:5:13: \$\.manifests\[0\]: no manifest in nothing\.yaml/,
    ],
    [
      "an object in a namespace that nothing makes",
      ["run", file("n.yaml", `name: n\n${small}manifests: [${basename(file("map.yaml", elsewhere))}]\nexpect: [convergence]\n`)],
      /map\.yaml:1:1: \$\.metadata\.namespace: unknown namespace "shopp": expected one of default, /,
    ],
    ["results that go into a file", ["run", good, "--out", good], /--out .*good\.yaml: it is a file; expected a folder/],
    [
      "results that go where no folder can be",
      ["run", good, "--out", "/proc/no/such"],
      /--out \/proc\/no\/such: ENOENT.*; expected a folder/,
    ],
    ["a record that is none", ["replay", file("r.json", "{}")], /r\.json: \$\.recordVersion: missing/],
    [
      "a record of another version",
      ["replay", file("v.json", '{"recordVersion":99,"wavetankVersion":"9.9"}')],
      /is of another version of Wavetank \(9\.9\)/,
    ],
    ["a thing that cannot be listed", ["list", "frobs"], /Allowed choices are scenarios, faults/],
    ["a name that nothing has", ["describe", "isolat"], /nothing is called "isolat"; did you mean "isolate"\?/],
    ["a file that would be overwritten", ["init", good], /good\.yaml exists already/],
  ])("%s", async (_name, args, expected) => {
    const { status, err, out } = await wavetank(...args);
    expect(err + out).toMatch(expected);
    expect(status).toBe(2);
  });
});

describe("wavetank run", () => {
  it("ends with 0 when every check held, prints what CLI users rely on as JSON, and writes what --out promises", async () => {
    const out = join(folder, "out");
    const { status, out: text } = await wavetank("run", good, "--seed", "7", "--json", "--out", out);
    const summary = JSON.parse(text);
    expect(summary).toMatchObject({
      seed: 7,
      verdict: "held",
      traceHash: expect.stringMatching(/^[0-9a-f]{16}$/),
      virtualMs: expect.any(Number),
      wallMs: expect.any(Number),
      events: expect.any(Number),
    });
    expect(summary.checks).toContainEqual({ name: "raft-committed", verdict: "held", detail: expect.any(String) });
    expect(summary.probes.etcdElections).toBeGreaterThan(1);
    expect(status).toBe(0);
    for (const name of ["report.html", "run.json", "junit.xml", "trace.json"]) expect(existsSync(join(out, name))).toBe(true);
    expect(readFileSync(join(out, "junit.xml"), "utf8")).toContain('<testcase classname="good" name="raft-committed"/>');
    expect(JSON.parse(readFileSync(join(out, "trace.json"), "utf8")).traceEvents).toContainEqual(
      expect.objectContaining({ ph: "X", name: "crash" }),
    );
    expect(readFileSync(join(out, "report.html"), "utf8")).not.toMatch(/(src|href)="?https?:/);

    const again = await wavetank("replay", join(out, "run.json"), "--json");
    expect(JSON.parse(again.out)).toMatchObject({ same: true, traceHash: summary.traceHash });
    expect(again.status).toBe(0);
  });

  it("prints the timeline, a verdict for each check, the seed and the trace hash", async () => {
    const { out } = await wavetank("run", good);
    expect(out).toMatch(/leads etcd in term 1/);
    expect(out).toMatch(/crash etcd-\d begins/);
    expect(out).toMatch(/held\s+raft-election-safety/);
    expect(out).toMatch(/seed 1 {2}trace [0-9a-f]{16}/);
  });

  it("ends with 1 when a check is violated, with the cause and a line that repeats it", async () => {
    const { status, out } = await wavetank("run", bad);
    expect(out).toMatch(/unproven {2}pod-bound-once +nothing happened that it could judge/);
    expect(out).toMatch(/npx wavetank run .*bad\.yaml --seed 1/);
    expect(status).toBe(1);
  });

  it("sums up many seeds", async () => {
    const { status, out } = await wavetank("run", good, "--seeds", "1..3");
    expect(out).toMatch(/good: 3 of 3 seeds held, 3 different traces/);
    expect(status).toBe(0);
  });

  it("gives the same traces in another process and in worker threads (promise 2)", async () => {
    const here = JSON.parse((await wavetank("run", good, "--seeds", "1..2", "--json")).out) as { seed: number; traceHash: string }[];
    const command = ["bin/wavetank.cjs", "run", good, "--seeds", "1..2", "--workers", "2", "--json"];
    const there = JSON.parse(execFileSync(process.execPath, command, { encoding: "utf8" })) as typeof here;
    expect(there.map(({ seed, traceHash }) => [seed, traceHash])).toEqual(here.map(({ seed, traceHash }) => [seed, traceHash]));
  }, 120_000);

  it("stops at a given virtual time", async () => {
    const { out } = await wavetank("run", good, "--until", "4s", "--json");
    expect(JSON.parse(out)).toMatchObject({ virtualMs: 4000, verdict: "held" });
  });
});

describe("wavetank shrink", () => {
  it("reduces a run to the steps that violate the check together, and what it wrote replays (promise 3)", async () => {
    file(
      "deployment.yaml",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec:\n  replicas: 1\n  selector: { matchLabels: { a: b } }\n  template:\n    metadata: { labels: { a: b } }\n    spec: { containers: [{ name: a, image: a }] }\n",
    );
    const storm = [
      "{ at: 1s, every: 1s, times: 3, fault: slow-disk, target: { role: etcd }, factor: 2, for: 500ms }",
      "{ at: 2s, action: cordon, node: node-0 }",
      "{ at: 3s, action: restart, deployment: default/a }",
      "{ at: 5s, action: scale, deployment: default/a, replicas: 3 }",
    ];
    const cluster = "cluster: { etcd: 1, apiServers: 1, controllers: 1, nodes: 1 }\ncalm: { within: 8s, stay: 1s }\nbeyondBudget: true\n";
    const path = file(
      "cordoned.yaml",
      `name: cordoned\n${cluster}manifests: [deployment.yaml]\nstorm:\n${storm.map((step) => `  - ${step}\n`).join("")}expect: [convergence]\n`,
    );
    const record = join(folder, "cordoned", "run.json");
    expect((await wavetank("run", path, "--json", "--out", join(folder, "cordoned"))).status).toBe(1);

    const { out, status } = await wavetank("shrink", record, "--out", join(folder, "shrunk"), "--json");
    const { before, after, left, check } = JSON.parse(out);
    expect({ check, before, status }).toEqual({ check: "convergence", before: 6, status: 1 });
    // The cordon, and either of the two that then want a place for a pod.
    expect(left).toEqual([expect.stringContaining("cordon"), expect.stringMatching(/scale|restart/)]);
    expect(after).toBe(2);
    const again = await wavetank("replay", join(folder, "shrunk", "run.json"), "--json");
    expect(JSON.parse(again.out)).toMatchObject({ same: true, verdict: "violated" });
  }, 180_000);

  it("has nothing to reduce where every check held", async () => {
    await wavetank("run", good, "--json", "--out", join(folder, "held"));
    const { status, err } = await wavetank("shrink", join(folder, "held", "run.json"));
    expect(err).toMatch(/no check is violated/);
    expect(status).toBe(2);
  });
});

describe("wavetank replay --step", () => {
  const walk = async (record: string, commands: readonly string[], ...more: string[]) => {
    const stdin = jest.spyOn(process, "stdin", "get").mockReturnValue(Readable.from(commands.map((line) => `${line}\n`)) as never);
    try {
      return await wavetank("replay", record, "--step", ...more);
    } finally {
      stdin.mockRestore();
    }
  };

  it("stops where it is told to, shows states and events, and ends as the recorded run did", async () => {
    const record = join(folder, "held", "run.json");
    const { out, status } = await walk(record, ["continue etcd leader elected", "print etcd/0", "step 2", "prnt", "until 4s", "where"]);
    expect(out).toMatch(/leads etcd in term 1\netcd\/0 {2}on etcd-0, incarnation 1, running/);
    expect(out).toMatch(/unknown command "prnt": expected step, next, continue/);
    expect(out).toMatch(/0:04\.000 event \d+ (boot|storm)\n/);
    expect(out).toContain("the same trace as recorded");
    expect(status).toBe(0);
    const left = await walk(record, ["until 2s", "quit"]);
    expect([left.out.includes("stopped before the end"), left.status]).toEqual([true, 0]);
  });

  it("takes a fault that was added by hand, and records a run with it that replays", async () => {
    const fault = "{ fault: pause, target: { role: etcd, is: follower }, for: 1s }";
    const added = join(folder, "added");
    const commands = ["inject { fault: paus }", "until 10500ms", `inject ${fault.replace("fault", "at: 2s, fault")}`, `inject ${fault}`];
    const { out, status } = await walk(join(folder, "held", "run.json"), commands, "--out", added);
    expect(out).toMatch(/inject: unknown fault "paus"; did you mean "pause"\?/);
    expect(out).toContain("inject: expected no time: it begins at once");
    expect(out).toMatch(/0:10\.500 {2}pause etcd-\d begins\n/);
    expect([out.includes("as recorded"), status]).toEqual([false, 0]);
    const { schedule } = JSON.parse(readFileSync(join(added, "run.json"), "utf8"));
    expect(schedule).toMatchObject([{ name: "crash" }, { name: "pause", where: "injected", forUs: 1_000_000 }]);
    const again = await wavetank("replay", join(added, "run.json"), "--json");
    expect(JSON.parse(again.out)).toMatchObject({ same: true, verdict: "held" });
  });
});

describe("wavetank diff", () => {
  it("finds no difference between a run and itself, and the first one between two seeds", async () => {
    const records = [1, 2].map((seed) => join(folder, `seed-${seed}`));
    for (const [i, out] of records.entries()) await wavetank("run", good, "--seed", String(i + 1), "--json", "--out", out);
    const [one, other] = records.map((out) => join(out, "run.json")) as [string, string];
    expect(await wavetank("diff", one, one)).toMatchObject({ status: 0, out: "the traces are the same\n" });
    const { status, out } = await wavetank("diff", one, other, "--json");
    expect(JSON.parse(out)).toMatchObject({
      same: false,
      difference: { index: expect.any(Number), a: expect.any(String), b: expect.any(String) },
    });
    expect(status).toBe(1);
  });
});

describe("wavetank list, describe and init", () => {
  it.each(["scenarios", "faults", "actions", "checks", "workloads", "controllers", "probes", "knobs"])("lists %s", async (what) => {
    const entries = JSON.parse((await wavetank("list", what, "--json")).out);
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) expect(entry.what).not.toBe("");
  });

  it("describes a check with its source and parameters", async () => {
    const { out } = await wavetank("describe", "service-availability");
    expect(out).toMatch(/atLeast.*required/);
  });

  it("prints the JSON Schema of scenario files", async () => {
    expect(JSON.parse((await wavetank("describe", "scenario")).out)).toMatchObject({ title: "A scenario of Wavetank", type: "object" });
  });

  it("writes a scenario that is right", async () => {
    const path = join(mkdtempSync(join(folder, "init-")), "storm.yaml");
    expect((await wavetank("init", path)).status).toBe(0);
    // It reads the manifests beside it, and without any there is nothing to try.
    expect(await wavetank("run", path)).toMatchObject({ status: 2, err: expect.stringContaining("manifests") });
    writeFileSync(join(path, "../settings.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: default }\n");
    expect((await wavetank("run", path, "--until", "100ms", "--json")).status).toBe(0);
  });
});

describe("compiled code is kept for the next process", () => {
  const modules = join(folder, "modules");
  const write = (name: string, text: string) => writeFileSync(join(modules, name), text);
  const cacheFiles = () => readdirSync(join(modules, "code-cache")).map((name) => join(modules, "code-cache", name));
  const program = `
    const counts = require(${JSON.stringify(join(process.cwd(), "dist/cli/code-cache.js"))}).useCodeCache("test", "code-cache", 0);
    const said = require("./a.js");
    require("node:v8").setFlagsFromString("--always-sparkplug");
    process.stdout.write(JSON.stringify({ ...counts, said }));`;
  const ran = () => JSON.parse(execFileSync(process.execPath, ["-e", program], { cwd: modules, encoding: "utf8" })) as object;
  beforeAll(() => {
    mkdirSync(modules);
    write("b.js", "exports.where = () => new Error().stack.split('\\n')[1];");
    write(
      "a.js",
      "const { where } = require('./b'); module.exports = [where(), require.main === undefined, typeof require.resolve('./b')];",
    );
  });

  it("a first process leaves what it compiled, and a second takes it; errors name the same places", () => {
    const said = [expect.stringMatching(/at exports\.where .*b\.js:1:23\)/), true, "string"];
    expect(ran()).toEqual({ taken: 0, compiled: 2, said });
    expect(ran()).toEqual({ taken: 2, compiled: 0, said });
  });

  it("a module that has changed is compiled, and of a damaged file nothing is taken", () => {
    write("a.js", "require('./b'); module.exports = 'changed';");
    expect(ran()).toEqual({ taken: 1, compiled: 1, said: "changed" });
    for (const path of cacheFiles()) {
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(path, bytes);
    }
    expect(ran()).toEqual({ taken: 0, compiled: 2, said: "changed" });
    expect(ran()).toEqual({ taken: 2, compiled: 0, said: "changed" });
  });
});
