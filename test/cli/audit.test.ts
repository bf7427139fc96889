import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { AuditBackends } from "../../cli/audit-backends";
import { AuditLog } from "../../cli/audit-log";
import { readAudit } from "../../cli/audit-options";
import { readAuditPolicy } from "../../cli/audit-policy";
import { truncated } from "../../cli/audit-truncation";
import { AuditWebhook, strictSink } from "../../cli/audit-webhook";
import { readAuditWebhookAccess } from "../../cli/audit-webhook-access";
import { address } from "../../protocol/address";
import { Authority } from "../../runtime/live/certificates";
import { servingCertificate } from "../../runtime/live/pki";
import { ownFolder } from "./own-folder";

const folder = ownFolder();
const { complaint } = folder;

function policy(text: string): string {
  const file = join(folder.path, "policy.yaml");
  writeFileSync(file, text);
  return file;
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
    const path = join(folder.path, "audit.log");
    const log = new AuditLog({ path, maxBytes: 40, maxBackups: 2, maxAgeMs: 0 }, () => now);
    for (let i = 0; i < 8; i++) {
      log.write({ number: i, text: "abc" });
      now += 1_000;
    }
    log.close();
    const files = readdirSync(folder.path).sort();
    expect(files).toEqual(["audit-2026-01-01T00-00-06.000.log", "audit-2026-01-01T00-00-07.000.log", "audit.log"]);
    expect(files.map((name) => JSON.parse(readFileSync(join(folder.path, name), "utf8")).number)).toEqual([5, 6, 7]);
  });

  const rules = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n";
  const logged = (more: object) => readAudit({ auditPolicyFile: policy(rules), auditLogPath: join(folder.path, "audit.log"), ...more })!;
  const lines = () => readFileSync(join(folder.path, "audit.log"), "utf8").trim().split("\n");

  // Source: apiserver's pkg/server/options/audit.go.
  test("is written at once; in batch mode each event is a batch, unless the flags say otherwise", () => {
    expect(logged({}).log).toMatchObject({
      mode: "blocking",
      batch: { bufferSize: 10_000, maxSize: 1, maxWaitMs: 0, throttles: false },
    });
    const throttled = { auditLogMode: "batch", auditLogBatchThrottleEnable: "true" };
    const limits = { auditLogBatchThrottleQps: "0.5", auditLogBatchThrottleBurst: "2", auditLogBatchMaxWait: "1m" };
    expect(logged({ ...throttled, ...limits }).log!.batch).toMatchObject({ throttleQps: 0.5, throttleBurst: 2, maxWaitMs: 60_000 });
    expect(complaint(() => logged(throttled))).toBe("--audit-log-batch-throttle-enable true: --audit-log-batch-throttle-qps says how much");
    expect(complaint(() => logged({ auditLogMode: "lazy" }))).toBe("--audit-log-mode lazy: expected batch, blocking or blocking-strict");
    expect(complaint(() => logged({ auditLogBatchMaxWait: "-1s" }))).toContain("--audit-log-batch-max-wait -1s: expected a duration");
    expect(complaint(() => logged({ auditLogBatchThrottleQps: "0" }))).toBe("--audit-log-batch-throttle-qps 0: expected a number above 0");
  });

  const server = address("apiserver", 0);
  const backends = (more: object) => {
    const made = new AuditBackends(
      logged(more),
      () => undefined,
      () => 0,
    );
    const lost: unknown[] = [];
    made.onLost = (...said) => lost.push(said);
    return { made, lost };
  };

  test("in batch mode: events wait for others, those without room are lost and told of, and the end loses none", async () => {
    const { made, lost } = backends({
      auditLogMode: "batch",
      auditLogBatchBufferSize: "3",
      auditLogBatchMaxSize: "2",
      auditLogBatchMaxWait: "1h",
    });
    for (const number of [1, 2, 3, 4]) made.write({ number }, server);
    await until(() => lost.length === 1);
    expect(lines()).toEqual(['{"number":1}', '{"number":2}']);
    await made.close();
    expect(lines()).toEqual(['{"number":1}', '{"number":2}', '{"number":3}']);
    expect(lost).toEqual([["apiserver/0", "buffered"]]);
  });

  test("that is blocking-strict: servers ask it for the beginning, and hear when it cannot be written", async () => {
    const { made, lost } = backends({ auditLogMode: "blocking-strict" });
    expect(made.isStrict).toBe(true);
    const keep = (stage: string) => {
      const said: unknown[] = [];
      const body = { kind: "audit.keep", event: { stage } } as const;
      made.asked({ from: server, body, deadlineMs: 0, reply: (answer) => said.push(answer), refuse: (why) => said.push(why) });
      return said;
    };
    expect(keep("RequestReceived")).toEqual([{ kind: "audit.kept", kept: true }]);
    for (const stage of ["RequestReceived", "ResponseComplete"]) made.write({ stage }, server);
    expect(lines()).toEqual(['{"stage":"RequestReceived"}', '{"stage":"ResponseComplete"}']);
    await made.close();
    rmSync(join(folder.path, "audit.log"));
    jest.spyOn(AuditLog.prototype, "write").mockImplementation(() => {
      throw new Error("ENOSPC");
    });
    try {
      expect(keep("RequestReceived")).toEqual([{ kind: "audit.kept", kept: false }]);
      made.write({ stage: "ResponseComplete" }, server);
      await until(() => lost.length > 0);
      expect(lost).toEqual([["apiserver/0", "log"]]);
    } finally {
      jest.restoreAllMocks();
    }
  });

  test("loses the objects of what is too large, and what is too large without them (apiserver's truncating back end)", () => {
    const file = policy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n");
    const flags = { auditPolicyFile: file, auditLogPath: "-", auditLogTruncateMaxEventSize: "300" };
    expect(readAudit(flags)!.truncation).toEqual({ log: undefined, webhook: undefined });
    expect(complaint(() => readAudit({ ...flags, auditLogTruncateMaxBatchSize: "200" }))).toBe(
      "--audit-log-truncate-max-batch-size 200: expected no less than --audit-log-truncate-max-event-size 300",
    );
    const { log } = readAudit({ ...flags, auditLogTruncateEnabled: true })!.truncation;
    const event = { level: "RequestResponse", auditID: "a", annotations: { b: "c" }, requestObject: { data: "x".repeat(400) } };
    expect(truncated(event, undefined)).toBe(event);
    expect(truncated({ ...event, requestObject: {} }, log)).toEqual({ ...event, requestObject: {} });
    const { requestObject, ...rest } = event;
    expect(JSON.parse(JSON.stringify(truncated(event, log)))).toEqual({
      ...rest,
      annotations: { b: "c", "audit.k8s.io/truncated": "true" },
    });
    expect(truncated({ ...event, annotations: { b: "c".repeat(400) } }, log)).toBeUndefined();
    expect(truncated({ level: "Metadata", annotations: { b: "c".repeat(400) } }, log)).toBeUndefined();
    expect(complaint(() => readAudit({ ...flags, auditLogTruncateMaxEventSize: "0" }))).toBe(
      "--audit-log-truncate-max-event-size 0: expected a whole number, 1 or more",
    );
  });

  test("that cannot be opened is said", () => {
    expect(
      complaint(() => new AuditLog({ path: join(folder.path, "none", "a.log"), maxBytes: 1, maxBackups: 0, maxAgeMs: 0 }, () => 0)),
    ).toMatch(/^--audit-log-path DIR\/none\/a\.log: ENOENT/);
  });
});

describe("the audit webhook", () => {
  const authority = Authority.create("mine");
  const { certificate, key } = servingCertificate(authority, "mine", ["127.0.0.1"]);
  const asked: { readonly items: string[]; readonly token: string }[] = [];
  const codes: number[] = [];
  const lost: unknown[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => {
      text += part.toString();
    });
    request.on("end", () => {
      const { kind, apiVersion, items } = JSON.parse(text);
      expect([request.method, request.url, kind, apiVersion]).toEqual(["POST", "/sink", "EventList", "audit.k8s.io/v1"]);
      asked.push({ items: items.map(({ auditID }: { auditID: string }) => auditID), token: String(request.headers.authorization) });
      response.writeHead(codes.shift() ?? 200).end();
    });
  });
  let url = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `https://127.0.0.1:${(server.address() as { port: number }).port}/sink`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    for (const list of [asked, codes, lost]) list.splice(0);
  });

  function access(server: string): string {
    const file = join(folder.path, "webhook.yaml");
    writeFileSync(join(folder.path, "ca.crt"), authority.certificate);
    writeFileSync(
      file,
      `kind: Config
current-context: sink
contexts: [{ name: sink, context: { cluster: sink, user: me } }]
clusters: [{ name: sink, cluster: { server: "${server}", certificate-authority: ca.crt } }]
users: [{ name: me, user: { token: secret } }]
`,
    );
    return file;
  }
  const options = (more: object = {}) => {
    const policyFile = policy("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: None }]\n");
    return readAudit({ auditPolicyFile: policyFile, auditWebhookConfigFile: access(url), auditWebhookInitialBackoff: "10ms", ...more })!
      .webhook!;
  };
  const webhook = (more?: object) => new AuditWebhook(options(more), (...said) => lost.push(said));

  test("gets events in batches with the user's credentials, and once more what it could not take", async () => {
    codes.push(503);
    const batches = webhook({ auditWebhookBatchMaxSize: "2" });
    for (const auditID of ["a", "b", "c"]) batches.write({ auditID });
    await until(() => asked.length === 2);
    await batches.close();
    expect(asked.map(({ items }) => items)).toEqual([["a", "b"], ["a", "b"], ["c"]]);
    expect(asked[0]!.token).toBe("Bearer secret");
    expect(lost).toEqual([]);
  });

  test("loses what it refuses for good, and what finds no room", async () => {
    codes.push(403);
    const given: unknown[] = [];
    const batches = new AuditWebhook(
      options({ auditWebhookBatchBufferSize: "1" }),
      (...said) => lost.push(said),
      (event, plugin) => given.push([event.auditID, plugin]),
    );
    for (const auditID of ["a", "b"]) batches.write({ auditID });
    await batches.close();
    expect(given).toEqual([
      ["b", "buffered"],
      ["a", "webhook"],
    ]);
    expect(asked.map(({ items }) => items)).toEqual([["a"]]);
    expect(lost.map((said) => (said as [string, string, { why: string }])[2].why)).toEqual(["the buffer is full", "it answered 403"]);
  });

  test("is waited for where it blocks: the client has its answer after it", async () => {
    const blocking = webhook({ auditWebhookMode: "blocking" });
    const response = { kind: "api.response", code: 200, contentType: "", headers: [["Audit-ID", "a"]], body: new Uint8Array() } as const;
    const port = blocking.holding({
      ask: async () => {
        blocking.write({ auditID: "a" });
        return { ok: true, body: response } as never;
      },
      open: () => ({ push: () => undefined, close: () => undefined }),
    });
    await port.ask({} as never, 1_000);
    expect(asked.map(({ items }) => items)).toEqual([["a"]]);
    await blocking.close();
  });

  test("is nothing inside of the cluster, and what the file names", () => {
    const reason = (server: string) => complaint(() => readAuditWebhookAccess(access(server)));
    for (const inside of [
      "https://10.96.0.1/",
      "https://10.244.3.7:8443/",
      "https://sink.default.svc/",
      "https://sink.default.svc.cluster.local/",
    ])
      expect(reason(inside)).toContain("this is an address inside of the cluster");
    expect(reason("http://127.0.0.1/")).toBe(
      '--audit-webhook-config-file DIR/webhook.yaml: clusters: server "http://127.0.0.1/": expected https://HOST[:PORT][/PATH]',
    );
    expect(complaint(() => readAudit({ auditWebhookConfigFile: "x" }))).toContain("without --audit-policy-file nothing is sent");
    expect(complaint(() => options({ auditWebhookMode: "strict" }))).toBe(
      "--audit-webhook-mode strict: expected batch, blocking or blocking-strict",
    );
    expect(complaint(() => options({ auditWebhookBatchThrottleEnable: "no" }))).toBe(
      "--audit-webhook-batch-throttle-enable no: expected true or false",
    );
    expect(strictSink(options({ auditWebhookMode: "blocking" }))).toBeUndefined();
    expect(strictSink(options({ auditWebhookMode: "blocking-strict" }))).toEqual({
      ...{
        url,
        headers: [["authorization", "Bearer secret"]],
        caBundle: authority.certificate,
        serverName: "",
        insecureSkipTlsVerify: false,
      },
    });
    expect(complaint(() => options({ auditWebhookBatchMaxWait: "soon" }))).toBe(
      '--audit-webhook-batch-max-wait soon: expected a duration such as "30s"',
    );
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
