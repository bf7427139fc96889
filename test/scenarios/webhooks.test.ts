import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadScenario } from "../../cli/load";
import { inputOf } from "../../cli/simulate";
import { auditLogText, auditTable } from "../../scenarios/report/audit";
import { type RunResult, runScenario } from "../../scenarios/run";
import { readScenario } from "../../scenarios/scenario";

const file = "scenarios/library/webhook-deadlock.yaml";

/** The library's scenario with some of its text replaced. */
function run(...replacements: readonly (readonly [string, string])[]): RunResult {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-deadlock-"));
  try {
    symlinkSync(resolve("scenarios/library/manifests"), join(directory, "manifests"));
    let text = readFileSync(file, "utf8");
    for (const [find, replace] of replacements) {
      if (!text.includes(find)) throw new Error(`${find} is not in ${file}`);
      text = text.replace(find, replace);
    }
    writeFileSync(join(directory, "run.yaml"), text);
    return runScenario(inputOf(loadScenario(join(directory, "run.yaml")), { seed: 3, keepTraceLines: 0 }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** When, in seconds since the run began, so many Pods of a Deployment were available after a web Pod was killed. */
function recoveredAt({ timeline }: RunResult, text: string): number {
  const killed = timeline.find((each) => each.text.startsWith("pod-kill"))!.atUs;
  return (timeline.find((each) => each.atUs > killed && each.text.startsWith(text))?.atUs ?? Number.POSITIVE_INFINITY) / 1e6;
}

const patchedAt = ({ timeline }: RunResult) => timeline.find(({ text }) => text.startsWith("patch "))!.atUs / 1e6;

test("a webhook that guards its own pods keeps them from coming back until somebody exempts them", () => {
  const result = run();
  expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
  expect(recoveredAt(result, "Deployment guard/guard: 2/2 available")).toBeGreaterThan(patchedAt(result));
  expect(recoveredAt(result, "Deployment app/web: 3/3 available")).toBeGreaterThan(patchedAt(result));
});

test("while one of the webhook's pods lives it lets all others be made", () => {
  const audit = "audit: { rules: [{ level: Metadata, verbs: [create], resources: [{ group: '', resources: [pods/binding] }] }] }";
  const result = run(
    ["deployment: guard/guard, replicas: 0", "deployment: guard/guard, replicas: 1"],
    ["\nexpect:", `\n${audit}\nexpect:`],
  );
  // The scenario's audit policy writes down who bound which pod, for the report and the log.
  const log = result.series.audit!;
  expect(log.total).toBeGreaterThan(4);
  expect(new Set(log.events.map(({ verb, user }) => `${verb} ${JSON.stringify(user)}`))).toEqual(
    new Set(['create {"username":"system:kube-scheduler","groups":["system:authenticated"]}']),
  );
  expect(auditTable(result)).toMatch(/<td>system:kube-scheduler<\/td><td>create<\/td><td>pods\/binding app\/web-\S+<\/td><td>201<\/td>/);
  expect(
    auditLogText(log)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).kind),
  ).toEqual(log.events.map(() => "Event"));
  expect(recoveredAt(result, "Deployment app/web: 3/3 available")).toBeLessThan(patchedAt(result));
});

test("one whose image denies lets nothing come back", () => {
  const result = run(["admission: allow", 'admission: { deny: "not today" }'], ["guard, replicas: 0", "guard, replicas: 1"]);
  expect(recoveredAt(result, "Deployment app/web: 3/3 available")).toBe(Number.POSITIVE_INFINITY);
});

test("an audit policy that cannot be right is refused with its place", () => {
  const read = readScenario({
    file: "x.yaml",
    text: "name: x\nexpect: [convergence]\naudit: { rules: [{ level: None, nonResourceURLs: [a] }] }\n",
  });
  expect(read.ok ? [] : read.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    `$.audit.rules[0].nonResourceURLs[0]: non-resource URL rules must begin with a '/' character, found "a"`,
  ]);
});

describe("webhooks outside of the cluster", () => {
  const base = "name: x\nexpect: [convergence]\n";
  const read = (text: string) => readScenario({ file: "x.yaml", text: base + text });
  const wrong = (text: string) => {
    const result = read(text);
    return result.ok ? [] : result.problems.map(({ message }) => message);
  };

  test("have a host each, and API servers are told who they are", () => {
    const result = read(
      "webhooks: [{ name: a, serves: a.example.com }, { name: b, serves: 'b.shop.svc:8443', admission: { deny: x }, latencyMs: 7 }]\n",
    );
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    const { hosts } = result.scenario.plan;
    expect(hosts.filter(({ role }) => role === "webhook").map(({ name }) => name)).toEqual(["webhook-a", "webhook-b"]);
    expect(hosts.find(({ role }) => role === "apiserver")!.actors[0]!.config.web).toEqual({
      actors: { "a.example.com:443": "webhook/a", "b.shop.svc:8443": "webhook/b" },
    });
    expect(hosts.at(-1)!.actors[0]!.config).toEqual({ admission: { deny: "x" }, latencyMs: 7 });
  });

  test("that cannot be are refused with their place", () => {
    expect(wrong("webhooks: [{ name: a, serves: a.b }, { name: a, serves: 'a.b:443' }]\n")).toEqual([
      'there is a webhook "a" already',
      "a.b:443 leads to another one already",
    ]);
    expect(wrong("webhooks: [{ name: a, serves: a.b, admission: maybe }]\n")).toEqual([
      expect.stringMatching(/^expected "allow", \{ deny/),
    ]);
    expect(wrong("webhooks: [{ name: a }]\n")).not.toEqual([]);
  });

  test("cut off, cost the time-out of each pod, and the label that they give", () => {
    const result = runScenario(inputOf(loadScenario("scenarios/library/webhook-outage.yaml"), { seed: 2, keepTraceLines: 0 }));
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    const between = (image: string) => {
      const at = result.timeline.findIndex(({ text }) => text.includes(`${image} done`));
      const end = result.timeline.slice(at).find(({ text }) => text.startsWith("Deployment app/web: 4/3 available, 3 updated"))!;
      return (end.atUs - result.timeline[at]!.atUs) / 1e6;
    };
    expect(between("web:3") - between("web:2")).toBeGreaterThan(9);
  });
});
