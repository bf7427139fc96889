import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { keyServiceAnswer, keyServiceOpens } from "../../actors/webhook/key-service";
import { loadScenario } from "../../cli/load";
import { inputOf } from "../../cli/simulate";
import type { Secret } from "../../protocol/kinds/generated";
import { auditLogText, auditTable } from "../../scenarios/report/audit";
import { type RunResult, runScenario } from "../../scenarios/run";
import { readScenario } from "../../scenarios/scenario";

const file = "scenarios/library/webhook-deadlock.yaml";

/** The library's scenario with some of its text replaced. */
function run(...replacements: readonly (readonly [string, string])[]): RunResult {
  return runOf(file, 3, ...replacements);
}

function runOf(file: string, seed: number, ...replacements: readonly (readonly [string, string])[]): RunResult {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-deadlock-"));
  try {
    symlinkSync(resolve("scenarios/library/manifests"), join(directory, "manifests"));
    let text = readFileSync(file, "utf8");
    for (const [find, replace] of replacements) {
      if (!text.includes(find)) throw new Error(`${find} is not in ${file}`);
      text = text.replace(find, replace);
    }
    writeFileSync(join(directory, "run.yaml"), text);
    return runScenario(inputOf(loadScenario(join(directory, "run.yaml")), { seed, keepTraceLines: 0 }));
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
    expect(hosts.at(-1)!.actors[0]!.config).toEqual({ answers: { admission: { deny: "x" } }, latencyMs: 7 });
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
    expect(wrong("webhooks: [{ name: a, serves: a.b, admission: allow, authorization: deny }]\n")).toEqual([
      "a webhook is asked about admission or authorization: expected one of the two",
    ]);
    expect(wrong("webhooks: [{ name: a, serves: a.b, authorization: deny }]\n")).toEqual([
      'nobody asks the webhook "a": no authorizer under `authorization` leads to it',
    ]);
    expect(wrong("webhooks: [{ name: a, serves: a.b, authorization: [{ decision: perhaps }] }]\n")).not.toEqual([]);
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

describe("what API servers' own files say, in a scenario", () => {
  const base = "name: x\nexpect: [convergence]\n";
  const wrong = (text: string) => {
    const result = readScenario({ file: "x.yaml", text: base + text });
    return result.ok ? [] : result.problems.map(({ line, path, message }) => `${line} ${path}: ${message}`);
  };
  const kms = (name: string) => `{ kms: { apiVersion: v2, name: ${name}, endpoint: "unix:///run/${name}" } }`;

  test("is refused where it cannot be right, with its line and in kube-apiserver's words", () => {
    const rules = (providers: string) => `encryption:\n  resources:\n    - resources: [secrets]\n      providers: [${providers}]\n`;
    expect(wrong(rules("{ aescbc: { keys: [{ name: a, secret: eHl6 }] } }"))).toEqual([
      expect.stringMatching(
        /^6 \$\.encryption\.resources\[0\]\.providers\[0\]\.aescbc\.keys\[0\]\.secret: secret is not of the expected length/,
      ),
    ]);
    expect(wrong(rules(kms("vault")))).toEqual([
      "6 $.encryption.resources[0].providers[0].kms.endpoint: nobody answers at unix:///run/vault: expected the endpoint of one of the `keyServices`",
    ]);
    expect(wrong(`keyServices: [{ name: a, endpoint: "unix:///a" }, { name: a, endpoint: "unix:///b", rotateEvery: 5ms }]\n`)).toEqual([
      expect.stringContaining('3 $.keyServices[1].name: there is a key service "a" already'),
      expect.stringContaining("expected a second at least"),
    ]);
    expect(wrong(`keyServices: [{ name: a, endpoint: "unix:///a" }]\n`)).toEqual([
      expect.stringContaining('nobody asks the key service "a"'),
    ]);
    const authorizer = (webhook: string) =>
      `authorization:\n  authorizers:\n    - type: Webhook\n      name: a\n      webhook: ${webhook}\n`;
    const rest = "subjectAccessReviewVersion: v1, failurePolicy: Deny";
    expect(wrong(authorizer(`{ timeout: 40s, ${rest}, connectionInfo: { url: "https://a.b/c" } }`))).toEqual([
      '7 $.authorization.authorizers[0].webhook.timeout: Invalid value: "40s": must be > 0s and <= 30s',
    ]);
    expect(wrong(authorizer(`{ timeout: 4s, ${rest}, connectionInfo: { url: "https://a.b/c" } }`))).toEqual([
      "7 $.authorization.authorizers[0].webhook.connectionInfo.url: nobody answers at a.b:443: expected what one of the `webhooks` with `authorization` serves",
    ]);
    expect(wrong("authorization: { authorizers: [] }\n")).toEqual([
      expect.stringContaining("at least one authorization mode must be defined"),
    ]);
  });

  test("opens for those who know the truth whatever a key service encrypted, and its keys change", () => {
    const service = { name: "vault", endpoint: "unix:///run/vault", latencyMs: 1, rotateMs: 60_000 };
    const ask = (wallMs: number) =>
      keyServiceAnswer(
        service,
        { kind: "kms.encrypt", endpoint: service.endpoint, uid: String(wallMs), plaintext: Buffer.alloc(32, 7) },
        wallMs,
      );
    const [one, two] = [ask(0), ask(60_000)];
    if (one.kind !== "kms.encrypt.response" || two.kind !== "kms.encrypt.response") throw new Error("not encrypted");
    expect([one.keyId, two.keyId]).toEqual(["vault-0", "vault-1"]);
    for (const made of [one, two]) expect(keyServiceOpens(service, made)).toEqual(new Uint8Array(32).fill(7));
    expect(keyServiceOpens(service, { ...one, keyId: two.keyId })).toBeUndefined();
    expect(keyServiceOpens({ name: "other" }, one)).toBeUndefined();
  });

  test("a key service that is gone keeps Secrets from API servers that restart, and nothing else; all heals when it is back", () => {
    const secrets = new Set<string>();
    const input = inputOf(loadScenario("scenarios/library/key-service-outage.yaml"), { seed: 1, keepTraceLines: 0 });
    const result = runScenario({
      ...input,
      onEvent: (event) => {
        if (event.type === "object" && event.after && event.id === "Secret app/database")
          secrets.add(JSON.stringify((event.after as Secret).data));
      },
    });
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    expect([...secrets]).toEqual(['{"password":"bm90LWEtcmVhbC1vbmU="}']);
    const [from, to] = ["crash apiserver-1 ends", "wrong-answers key-service-vault ends"].map((text) =>
      result.timeline.findIndex((line) => line.text.startsWith(text)),
    ) as [number, number];
    const during = result.timeline.slice(from, to).map(({ text }) => text);
    expect(during).toContain("Deployment app/web: 3/3 available, 3 updated");
    expect(during).not.toContain("Deployment app/keeper: 2/2 available, 2 updated");
    expect(result.timeline.slice(to).map(({ text }) => text)).toContain("Deployment app/keeper: 2/2 available, 2 updated");
  });

  test.each([
    ["NoOpinion", 20],
    ["Deny", 30],
  ])("an authorization webhook that is held up, with failurePolicy %s: the rollout is late, and goes through", (policy, least) => {
    const result = runOf("scenarios/library/authorization-webhook.yaml", 1, ["failurePolicy: NoOpinion", `failurePolicy: ${policy}`]);
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    const asked = result.timeline.find(({ text }) => text.startsWith("set-image app/web"))!.atUs;
    const done = result.timeline.filter(({ text }) => text === "Deployment app/web: 3/3 available, 3 updated").at(-1)!.atUs;
    expect((done - asked) / 1e6).toBeGreaterThan(least);
    const gaveUp = result.timeline.some(({ text }) => text.startsWith("scheduler/0 gives up"));
    expect(gaveUp).toBe(policy === "Deny");
  });
});
