import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readApiServerFlags } from "../../cli/api-server-flags";
import { ConfigurationFiles } from "../../cli/configuration-files";
import { openMetricsDoor } from "../../cli/metrics-door";
import { readUpOptions } from "../../cli/up-options";
import { address } from "../../protocol/address";
import type { ApiReload } from "../../protocol/api";
import { ownFolder } from "./own-folder";

const folder = ownFolder();
const { complaint } = folder;

describe("--metrics-listen", () => {
  test("is refused where it is another door's port", () => {
    const flags = { listen: "127.0.0.1:6443", san: [], logLevel: "warn" };
    const wrong = (more: object) => complaint(() => readUpOptions({ ...flags, ...more }));
    expect(wrong({ metricsListen: "127.0.0.1:6443" })).toBe("--metrics-listen 127.0.0.1:6443: --listen has that port already");
    expect(wrong({ metricsListen: ":9000", joinListen: "127.0.0.1:9000" })).toBe(
      "--metrics-listen 0.0.0.0:9000: --join-listen has that port already",
    );
    expect(wrong({ metricsListen: "127.0.0.2:6443" })).toBe("");
    expect(wrong({ metricsListen: "127.0.0.1:0", joinListen: "127.0.0.1:0" })).toBe("");
  });

  test("shows what each component answers, by its name, and nothing of others", async () => {
    const asked: unknown[] = [];
    const portal = {
      ask: (to: string, body: object, _deadlineMs: number, then: (answer: never) => void) => {
        asked.push([to, body]);
        then({ ok: true, body: { code: 200, contentType: "text/plain", bytes: Buffer.from("figures") } } as never);
      },
    };
    const components = [address("scheduler", 0), address("apiserver", 0), address("kubelet", "node-0")];
    const door = await openMetricsDoor({ host: "127.0.0.1", port: 0 }, portal as never, components);
    try {
      const get = async (path: string) => {
        const response = await fetch(door.address + path);
        return [response.status, await response.text()];
      };
      expect(await get("")).toEqual([200, "/scheduler/0/metrics\n/kubelet/node-0/metrics\n"]);
      expect(await get("scheduler/0/metrics")).toEqual([200, "figures"]);
      expect(await get("kubelet/node-0/metrics")).toEqual([200, "figures"]);
      expect((await get("apiserver/0/metrics"))[0]).toBe(404);
      expect((await fetch(`${door.address}scheduler/0/metrics`, { method: "POST" })).status).toBe(405);
      expect(asked).toEqual([
        ["scheduler/0", { kind: "component.get", path: "/metrics" }],
        ["kubelet/node-0", { kind: "kubelet.get", path: "/metrics" }],
      ]);
    } finally {
      door.close();
    }
  });
});

describe("a configuration file that is followed", () => {
  test("is told to each API server when it says something else, and what was good last to one that starts again", async () => {
    const file = join(folder.path, "authentication.yaml");
    const good = (kind: string) => `apiVersion: apiserver.config.k8s.io/v1\nkind: ${kind}\n`;
    writeFileSync(file, good("AuthenticationConfiguration"));
    const told: [string, ApiReload][] = [];
    let heard: () => void = () => undefined;
    const files = new ConfigurationFiles(
      [{ what: "authentication", file }],
      {},
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
      expect(told.splice(0)).toMatchObject([["apiserver/1", { known: true, hash: expect.stringMatching(/^sha256:/) }]]);
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
      writeFileSync(file, `${good("AuthenticationConfiguration")}anonymous: { enabled: false }\n`);
      // Servers refuse it, since that is not to change while they run: it is no good for those that start again either.
      await count(6);
      files.started(address("apiserver", 1));
      expect(told[6]).toEqual(told[1]);
    } finally {
      files.close();
    }
  });

  test("says who decides what users may do, or the flags do, in their order, but not both (kube-apiserver: --authorization-mode)", () => {
    const asked = (more: object) => readUpOptions({ listen: "127.0.0.1:0", san: [], logLevel: "warn", ...more }).apiServer.authorizers;
    expect(asked({ authorizationMode: "RBAC,AlwaysDeny" })).toEqual([
      { type: "RBAC", name: "rbac" },
      { type: "AlwaysDeny", name: "alwaysdeny" },
    ]);
    const authorizationWebhookConfigFile = join(folder.path, "hook.yaml");
    writeFileSync(
      authorizationWebhookConfigFile,
      `{kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}],
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1/"}}], users: [{name: a, user: {token: secret}}]}`,
    );
    const webhook = { authorizationMode: "Node,Webhook", authorizationWebhookConfigFile, authorizationWebhookCacheUnauthorizedTtl: "0s" };
    expect(asked(webhook)?.[1]).toMatchObject({
      ...{ type: "Webhook", name: "default" },
      webhook: {
        ...{ timeoutMs: 30_000, authorizedTtlMs: 300_000, unauthorizedTtlMs: 0, failurePolicy: "NoOpinion" },
        ...{ subjectAccessReviewVersion: "v1beta1", access: { url: "https://127.0.0.1:1/" } },
      },
    });
    const wrong = (more: object) => complaint(() => asked(more));
    expect(wrong({ authorizationMode: "Node,Rbac" })).toContain('--authorization-mode Node,Rbac: "Rbac" is not a valid mode');
    const policies = join(folder.path, "policies.jsonl");
    writeFileSync(policies, '# who may what\n{"user": "ann"}\n');
    const abac = { authorizationMode: "Node,ABAC,RBAC", authorizationPolicyFile: policies };
    expect(asked(abac)?.map(({ type, name }) => [type, name])).toEqual([
      ...[
        ["Node", "node"],
        ["ABAC", "abac"],
        ["RBAC", "rbac"],
      ],
    ]);
    expect(asked({ ...abac, authorizationMode: "ABAC" })?.length).toBe(1);
    writeFileSync(policies, '{"user": "ann"}\nann\n');
    expect(wrong(abac)).toContain("policies.jsonl:2: expected a policy as JSON in one line");
    expect(wrong({ authorizationMode: "ABAC" })).toContain("--authorization-policy-file says what the mode ABAC allows");
    expect(wrong({ ...abac, authorizationMode: "RBAC" })).toContain("cannot be specified without mode ABAC");
    expect(wrong({ authorizationMode: "Node,Node" })).toContain("has mode specified more than once");
    expect(wrong({ authorizationMode: "Webhook" })).toContain("--authorization-webhook-config-file says whom the mode Webhook asks");
    expect(wrong({ authorizationMode: "RBAC", authorizationWebhookVersion: "v1" })).toContain("cannot be specified without mode Webhook");
    expect(wrong({ authorizationWebhookVersion: "v1" })).toContain(
      "--authorization-webhook-version v1: without --authorization-mode Webhook",
    );
    expect(wrong({ ...webhook, authorizationWebhookCacheAuthorizedTtl: "soon" })).toContain(
      "--authorization-webhook-cache-authorized-ttl soon",
    );
    expect(wrong({ ...webhook, authorizationConfig: "x" })).toContain("--authorization-config can not be specified when");
  });

  test("says who may come without a credential, or the flag does, but not both", () => {
    const flags = { listen: "127.0.0.1:0", san: [], logLevel: "warn" };
    const file = join(folder.path, "anonymous.yaml");
    writeFileSync(file, "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: { enabled: false }\n");
    const anonymous = (more: object) => readUpOptions({ ...flags, ...more }).apiServer.anonymous;
    expect(anonymous({})).toBeUndefined();
    expect(anonymous({ authenticationConfig: file })).toEqual({ enabled: false, conditions: [] });
    expect(anonymous({ anonymousAuth: "false" })).toEqual({ enabled: false, byFlag: true });
    expect(complaint(() => anonymous({ anonymousAuth: "no" }))).toBe("--anonymous-auth no: expected true or false");
    expect(complaint(() => anonymous({ anonymousAuth: "true", authenticationConfig: file }))).toContain(
      "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured",
    );
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
