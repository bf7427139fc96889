import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readApiServerFlags } from "../../cli/api-server-flags";
import { AuditLog, readAudit } from "../../cli/audit-log";
import { readAuditPolicy } from "../../cli/audit-policy";
import { ConfigurationFiles } from "../../cli/configuration-files";
import { readUpOptions } from "../../cli/up-options";
import { address } from "../../protocol/address";
import type { ApiReload } from "../../protocol/api";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function policy(text: string): string {
  const file = join(folder, "policy.yaml");
  writeFileSync(file, text);
  return file;
}

function complaint(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message.replaceAll(folder, "DIR");
  }
  return "";
}

describe("--audit-policy-file", () => {
  test("takes a policy as Kubernetes' documentation shows it", () => {
    const file = policy(`apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: RequestResponse
    resources:
      - group: ""
        resources: [pods, pods/status]
  - level: None
    users: ["system:kube-proxy"]
    verbs: [watch]
  - level: Metadata
`);
    expect(readAuditPolicy(file).rules.map(({ level }) => level)).toEqual(["RequestResponse", "None", "Metadata"]);
  });

  test.each([
    [
      "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n  - level: Everything\n",
      /^DIR\/policy.yaml:4:12: \$\.rules\[0\]\.level: .*Metadata/,
    ],
    ["apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n  - level: None\n    user: [a]\n", /^DIR\/policy.yaml:5:5: \$\.rules\[0\].*user/],
    ["apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n", /^DIR\/policy.yaml:3:\d+: \$\.rules/],
    [
      "apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{ level: None }]\n",
      /^DIR\/policy.yaml:1:13: \$\.apiVersion: .*audit\.k8s\.io\/v1/,
    ],
    [
      'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n  - level: None\n    namespaces: [a]\n    nonResourceURLs: ["/a"]\n',
      /^DIR\/policy.yaml:6:\d+: \$\.rules\[0\]\.nonResourceURLs: rules cannot apply to both/,
    ],
    ["rules: [", /^DIR\/policy.yaml:\d+:\d+: \$: not valid YAML/],
    ["", /^DIR\/policy.yaml: expected one audit policy, found 0 documents$/],
  ])("says file, line and field of what is wrong (%#)", (text, expected) => {
    expect(complaint(() => readAuditPolicy(policy(text)))).toMatch(expected);
  });

  test("needs a place to write to, and the other way round", () => {
    const file = policy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None }]\n");
    expect(complaint(() => readAudit({ auditPolicyFile: file }))).toContain("--audit-log-path says where events go");
    expect(complaint(() => readAudit({ auditLogPath: "-" }))).toContain("without --audit-policy-file nothing is logged");
    expect(complaint(() => readAudit({ auditPolicyFile: file, auditLogPath: "-", auditLogMaxsize: "x" }))).toBe(
      "--audit-log-maxsize x: expected a whole number, 0 or more",
    );
  });
});

describe("the audit log's file", () => {
  test("is put aside when it is full, and so many are kept", () => {
    let now = Date.UTC(2026, 0, 1);
    const path = join(folder, "audit.log");
    const log = new AuditLog({ path, maxBytes: 40, maxBackups: 2, maxAgeMs: 0 }, () => now);
    for (let i = 0; i < 8; i++) {
      log.write({ number: i, text: "abc" });
      now += 1_000;
    }
    log.close();
    const files = readdirSync(folder).sort();
    expect(files).toEqual(["audit-2026-01-01T00-00-06.000.log", "audit-2026-01-01T00-00-07.000.log", "audit.log"]);
    expect(files.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")).number)).toEqual([5, 6, 7]);
  });

  test("that cannot be opened is said", () => {
    expect(
      complaint(() => new AuditLog({ path: join(folder, "none", "a.log"), maxBytes: 1, maxBackups: 0, maxAgeMs: 0 }, () => 0)),
    ).toMatch(/^--audit-log-path DIR\/none\/a\.log: ENOENT/);
  });
});

describe("a configuration file that is followed", () => {
  test("is told to each API server when it says something else, and what was good last to one that starts again", async () => {
    const file = join(folder, "authentication.yaml");
    const good = (kind: string) => `apiVersion: apiserver.config.k8s.io/v1\nkind: ${kind}\n`;
    writeFileSync(file, good("AuthenticationConfiguration"));
    const told: [string, ApiReload][] = [];
    let heard: () => void = () => undefined;
    const files = new ConfigurationFiles(
      [{ what: "authentication", file }],
      [address("apiserver", 0), address("apiserver", 1)],
      (server, body) => {
        told.push([server, body]);
        heard();
      },
    );
    const count = (expected: number) =>
      new Promise<void>((resolve) => {
        heard = () => told.length >= expected && resolve();
        heard();
      });
    try {
      files.started(address("apiserver", 1));
      expect(told).toEqual([]);
      writeFileSync(file, `${good("AuthenticationConfiguration")}jwt: []\n`);
      await count(2);
      expect(told.map(([server, { document, fault }]) => [server, document, fault])).toEqual(
        ["apiserver/0", "apiserver/1"].map((server) => [
          server,
          { apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthenticationConfiguration", jwt: [] },
          "",
        ]),
      );
      expect(new Set(told.map(([, { serverHash }]) => serverHash)).size).toBe(2);
      writeFileSync(file, "kind: [secret");
      await count(4);
      expect(told[3]![1]).toMatchObject({ document: null, fault: `${file}: this is no YAML` });
      files.started(address("apiserver", 1));
      expect(told[4]).toEqual(told[1]);
    } finally {
      files.close();
    }
  });

  test("has to be named", () => {
    const flags = { listen: "127.0.0.1:0", san: [], logLevel: "warn", encryptionProviderConfigAutomaticReload: true };
    expect(complaint(() => readUpOptions(flags))).toContain("--encryption-provider-config says which file that is");
  });
});

describe("kube-apiserver's own flags", () => {
  test("become knobs; what is no value is refused by name", () => {
    expect(readApiServerFlags({ requestTimeout: "90s", maxRequestsInflight: "10", enablePriorityAndFairness: "false" })).toEqual({
      "kube-apiserver.request-timeout": 90_000,
      "kube-apiserver.max-requests-inflight": 10,
      "kube-apiserver.enable-priority-and-fairness": false,
    });
    expect(complaint(() => readApiServerFlags({ requestTimeout: "soon" }))).toBe(
      '--request-timeout soon: expected a duration such as "30s"',
    );
    expect(complaint(() => readApiServerFlags({ goawayChance: "0.5" }))).toBe("--goaway-chance 0.5: expected a number from 0 to 0.02");
  });
});
