import type { Stored } from "../../protocol/kinds/object";
import { defaultShape } from "../../scenarios/cluster";
import { readRecord } from "../../scenarios/record";
import { cyclesHtml } from "../../scenarios/report/cycle";
import { axisOf, chartHtml } from "../../scenarios/report/drawing";
import { htmlOf } from "../../scenarios/report/html";
import { escapeXml, junitOf } from "../../scenarios/report/junit";
import { overviewHtml } from "../../scenarios/report/overview";
import { perfettoOf } from "../../scenarios/report/perfetto";
import { lanesOf, Recorder } from "../../scenarios/report/recorder";
import { type RunResult, runScenario } from "../../scenarios/run";
import { tinyCluster, tinyInput } from "./tiny";

const text = `${tinyCluster}title: "A <title> & more"\nstorm: [{ at: 2s, fault: crash, target: { role: etcd, is: leader }, for: 4s }]\nstormFor: 8s\nexpect: [raft-committed, pod-bound-once]\n`;

describe("what a run leaves behind", () => {
  const input = tinyInput(text);
  let result: RunResult;
  beforeAll(() => {
    result = runScenario(input);
  });
  const page = (replayLine: string) => htmlOf({ scenario: input.scenario, result, replayLine, cause: "", closeUp: undefined });

  it("is one HTML file that needs nothing else and is well formed where it draws", () => {
    const html = page("npx wavetank replay out/run.json");
    expect(html).not.toMatch(/src=|href=(?!"#)|@import|url\((?!#)|https?:|fetch\(/);
    expect(html).toContain("A &lt;title&gt; &amp; more");
    expect(html).toContain("npx wavetank replay out/run.json");
    for (const [drawing] of html.matchAll(/<svg.*?<\/svg>/gs)) {
      expect(drawing).not.toMatch(/NaN|undefined|Infinity/);
      const open = [...drawing.matchAll(/<(\w+)(?:\s[^>]*)?(?<!\/)>/g)].map(([, name]) => name).sort();
      const close = [...drawing.matchAll(/<\/(\w+)>/g)].map(([, name]) => name).sort();
      expect(open).toEqual(close);
    }
  });

  it("shows each verdict, the fault with what it did, the leaders before and after, and what was reached", () => {
    const html = page("");
    expect(html).toMatch(/unproven<\/td><td>pod-bound-once/);
    expect(html).toMatch(/held<\/td><td>raft-committed/);
    expect(html).toMatch(/<div class="band fault" style="left:[\d.]+%;width:[\d.]+%" title="etcd-\d: crash/);
    expect(html).toMatch(/killed and started again/);
    expect([...html.matchAll(/<div class="band leader"/g)].length).toBeGreaterThan(1);
    expect(html).toMatch(/<b>\d+<\/b> etcdElections/);
  });

  it("marks when the operator of the cluster did something in the storm, by what it was", () => {
    const stormUs = result.series.acts.find(({ act }) => act === "storm")!.atUs;
    const done = (atUs: number, text: string) => ({ atUs, tone: "action" as const, text });
    const timeline = [done(0, "apply 3 objects done"), done(stormUs, "drain node-1 done"), done(stormUs + 1e6, "drain node-2 done")];
    const html = overviewHtml({ ...result, timeline });
    expect(
      [...html.matchAll(/class="band act mark" style="left:[\d.]+%;width:0%" title="[\d:.]+ ([^"]*)"/g)].map(([, text]) => text),
    ).toEqual(["drain node-1 done", "drain node-2 done"]);
    expect(html).toContain('<div class="name" title="drain">drain</div>');
  });

  it("draws each second of a series once, and its gaps as gaps", () => {
    const sheet = { axis: axisOf(4), faults: [] };
    const html = chartHtml(sheet, "Load", [{ name: "a", kind: "good", values: [1, -1, 2, 0] }], "per s");
    expect(html).toContain('d="M0 50V50H250M500 2V2H750V98H1000"');
    expect(html).toContain('data-values="[[1,null,2,0]]"');
    expect(html).toContain("<span>2 per s</span><span>0</span>");
  });

  it("draws faults of one host that overlap one below the other", () => {
    const band = (label: string, fromUs: number, toUs: number) => ({ row: "node-1", label, fromUs, toUs, detail: "" });
    const lanes = lanesOf([band("a", 0, 5), band("b", 3, 8), band("c", 5, 9)]);
    expect(lanes.map(({ row, bands }) => [row, ...bands.map(({ label }) => label)])).toEqual([
      ["node-1", "a", "c"],
      ["node-1", "b"],
    ]);
  });

  it("counts the ready endpoints of each Service, second by second", () => {
    const recorder = new Recorder(input.scenario);
    const slice = (ready: readonly boolean[]) =>
      ({
        kind: "EndpointSlice",
        metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
        endpoints: ready.map((one) => ({ addresses: ["10.0.0.1"], conditions: { ready: one } })),
      }) as unknown as Stored;
    recorder.sample(new Map());
    recorder.sample(new Map([["EndpointSlice shop/web-1", slice([true, true, false])]]));
    recorder.sample(new Map([["EndpointSlice shop/web-1", slice([false])]]));
    expect(recorder.series(3e6).endpoints).toEqual([{ service: "shop/web", ready: [0, 2, 0] }]);
  });

  it("draws a cycle of operations, and tells what each did and why it comes before the next", () => {
    const step = (call: string, kind: "rw" | "rt") => ({
      call: `client/lists-0.${call}`,
      did: `read lists/0: <${call}>`,
      kind,
      why: "it read without",
    });
    const cycle = { name: "G2-realtime", steps: [step("1#4", "rw"), step("2#9", "rw"), step("3#1", "rt")] };
    const html = cyclesHtml({ checks: [{ name: "list-append", verdict: "violated", detail: "", atUs: -1, reached: 3, cycle }] });
    expect(html.match(/<rect /g)).toHaveLength(3);
    expect(html.match(/<path class="(rw|rt)"/g)).toHaveLength(3);
    expect(html).toContain(
      "<td>client/lists-0.3#1</td><td>read lists/0: &lt;3#1&gt;</td><td><b>rt</b> it read without client/lists-0.1#4</td>",
    );
    expect(html).toContain("several read what was before each other");
    expect(cyclesHtml(result)).toBe("");
  });

  it("is a JUnit file with a case for each check", () => {
    const xml = junitOf([result]);
    expect(xml).toContain(`tests="${result.checks.length}" failures="1"`);
    expect(xml).toContain('<testcase classname="tiny" name="raft-committed"/>');
    expect(xml).toMatch(/name="pod-bound-once">\s*<failure message="nothing happened/);
  });

  it("is a trace that Perfetto opens: named threads, slices that last, instants", () => {
    const { traceEvents } = JSON.parse(perfettoOf(result)) as {
      traceEvents: { ph: string; name: string; ts?: number; dur?: number; tid?: number }[];
    };
    const crash = traceEvents.find(({ ph, name }) => ph === "X" && name === "crash")!;
    expect(crash.dur).toBe(4e6);
    expect(traceEvents.some(({ ph, tid, name }) => ph === "M" && name === "thread_name" && tid === crash.tid)).toBe(true);
    expect(traceEvents.some(({ ph, name }) => ph === "i" && /leads etcd in term/.test(name))).toBe(true);
  });

  it("escapes what would break XML", () => {
    expect(escapeXml('<a b="c">&\u0000')).toBe("&lt;a b=&quot;c&quot;&gt;&amp;");
  });
});

const step = {
  type: "fault",
  step: 0,
  occurrence: 0,
  atUs: 0,
  name: "crash",
  where: "storm[0]",
  targets: [],
  forUs: null,
  params: {},
  mayMiss: false,
};
const whole = {
  recordVersion: 2,
  wavetankVersion: "0",
  bundle: { source: { file: "s.yaml", text: "" }, files: {} },
  seed: 1,
  schedule: [step],
  shape: defaultShape,
  stormUs: null,
  load: [],
  objects: null,
  untilUs: null,
  stopEvent: null,
  mutant: null,
  result: { traceHash: "0123456789abcdef", checks: [] },
};

describe("a record that cannot be replayed says why", () => {
  it.each([
    ["no JSON", "{", /not JSON/],
    ["something else", '{"a":1}', /expected the run\.json/],
    ["another version", '{"recordVersion":0,"wavetankVersion":"0.0.1"}', /is of another version of Wavetank \(0\.0\.1\)/],
    ["no files", '{"recordVersion":2,"seed":1}', /^\$\.bundle: missing; the file is damaged/],
    ["a seed that is none", JSON.stringify({ ...whole, seed: "x" }), /^\$\.seed: must be integer/],
    ["a damaged step", JSON.stringify({ ...whole, schedule: [{ type: "fault" }] }), /^\$\.schedule\[0\]\.step: missing/],
    [
      "a fault of another version",
      JSON.stringify({ ...whole, schedule: [{ ...step, name: "flood" }] }),
      /^\$\.schedule\[0\]\.name: this version has no fault "flood"/,
    ],
    ["a shape that is none", JSON.stringify({ ...whole, shape: { ...defaultShape, nodes: -1 } }), /^\$\.shape\.nodes: must be >= 0/],
  ])("%s", (_name, json, expected) => {
    const read = readRecord(json);
    expect(read.ok ? "" : read.message).toMatch(expected);
  });
});
