import { createCipheriv } from "node:crypto";
import { open, seal as sealed } from "../../../actors/api-server/storage/encryption/ciphers";
import {
  type EncryptionRule,
  type Provider,
  providersFor,
  readEncryptionConfiguration,
} from "../../../actors/api-server/storage/encryption/configuration";
import { address } from "../../../protocol/address";
import type { EtcdResponse } from "../../../protocol/etcd";
import { Tank } from "../server/tank";

const key = (name: string, fill: number, bytes = 32) => ({ name, secret: Buffer.alloc(bytes, fill).toString("base64") });
const identity: Provider = { type: "identity" };
const provider = (type: "aescbc" | "aesgcm" | "secretbox", ...keys: ReturnType<typeof key>[]): Provider => ({ type, keys });
const at = "/registry/secrets/shop/login";
const counting = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, i) => i));
const seal = (...given: Parameters<typeof sealed>) => sealed(...given) as Uint8Array;
const plain = Buffer.from('{"kind":"Secret"}');

describe("encrypted bytes", () => {
  it.each(["aescbc", "aesgcm", "secretbox"] as const)("of %s are read with their key and with no other", (type) => {
    const providers = [provider(type, key("one", 1))];
    const sealed = seal(providers, at, plain, counting);
    expect(Buffer.from(sealed).toString("latin1")).toMatch(new RegExp(`^k8s:enc:${type}:v1:one:`));
    expect(Buffer.from(sealed).includes(plain)).toBe(false);
    expect(open(providers, at, sealed)).toMatchObject({ ok: true, stale: false });
    expect(Buffer.from((open(providers, at, sealed) as { plain: Uint8Array }).plain)).toEqual(plain);
    const title = { aescbc: "AES-CBC", aesgcm: "AES-GCM", secretbox: "Secretbox" }[type];
    expect(open([provider(type, key("one", 2))], at, sealed)).toMatchObject({ ok: false });
    expect(open([provider(type, key("two", 1))], at, sealed)).toEqual({
      ok: false,
      why: `no matching key was found for the provided ${title} transformer`,
    });
    expect(open([identity], at, sealed)).toEqual({ ok: false, why: "no matching prefix found" });
    expect(open(undefined, at, sealed)).toEqual({ ok: false, why: "identity transformer tried to read encrypted data" });
    expect(open(providers, at, sealed.subarray(0, 30))).toMatchObject({ ok: false });
  });

  it("are those of a real API server: AES-CBC with PKCS #7, AES-GCM with the object's key, nonce first", () => {
    const secret = Buffer.alloc(32, 1);
    const cbc = createCipheriv("aes-256-cbc", secret, counting(16));
    const expected = Buffer.concat([Buffer.from("k8s:enc:aescbc:v1:one:"), counting(16), cbc.update(plain), cbc.final()]);
    expect(Buffer.from(seal([provider("aescbc", key("one", 1))], at, plain, counting))).toEqual(expected);
    const gcm = createCipheriv("aes-256-gcm", secret, counting(12)).setAAD(Buffer.from(at));
    const body = Buffer.concat([gcm.update(plain), gcm.final()]);
    const whole = Buffer.concat([Buffer.from("k8s:enc:aesgcm:v1:one:"), counting(12), body, gcm.getAuthTag()]);
    const sealed = seal([provider("aesgcm", key("one", 1))], at, plain, counting);
    expect(Buffer.from(sealed)).toEqual(whole);
    // Moved to another name they do not open.
    expect(open([provider("aesgcm", key("one", 1))], `${at}-2`, sealed)).toEqual({
      ok: false,
      why: "cipher: message authentication failed",
    });
  });

  it("are stale where another key or provider comes first now, and plain ones too", () => {
    const before = [provider("aesgcm", key("one", 1))];
    const sealed = seal(before, at, plain, counting);
    expect(open([provider("aesgcm", key("two", 2), key("one", 1)), identity], at, sealed)).toMatchObject({ ok: true, stale: true });
    expect(open([identity, ...before], at, sealed)).toMatchObject({ ok: true, stale: true });
    expect(open([...before, identity], at, plain)).toMatchObject({ ok: true, stale: true });
    expect(open(before, at, plain)).toEqual({ ok: false, why: "no matching prefix found" });
  });
});

describe("an EncryptionConfiguration", () => {
  const read = (resources: unknown) =>
    readEncryptionConfiguration({ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", resources });

  it("gives each resource the providers of the first rule that names it", () => {
    const result = read([
      { resources: ["secrets", "deployments.apps"], providers: [{ identity: {} }] },
      { resources: ["*.apps", "*."], providers: [{ aescbc: { keys: [key("a", 1, 16)] } }] },
      { resources: ["*.*"], providers: [{ secretbox: { keys: [key("b", 1)] } }, { identity: {} }] },
    ]);
    const rules = result.ok ? result.rules : [];
    const first = (group: string, plural: string) => providersFor(rules, group, plural)?.[0]?.type;
    expect([first("", "secrets"), first("apps", "deployments")]).toEqual(["identity", "identity"]);
    expect([first("apps", "replicasets"), first("", "configmaps")]).toEqual(["aescbc", "aescbc"]);
    expect([first("batch", "jobs"), first("shop.example.com", "widgets")]).toEqual(["secretbox", "secretbox"]);
    expect(providersFor(rules.slice(0, 1), "", "configmaps")).toBeUndefined();
  });

  it("that cannot be right is refused with the place, and without the key", () => {
    const result = read([
      {
        resources: ["Secrets", "*"],
        providers: [{ aesgcm: { keys: [key("a", 1, 7), { name: "b", secret: "not base64!" }] } }, { kms: {} }, {}, { rot13: {} }],
      },
    ]);
    expect(result).toEqual({
      ok: false,
      problems: [
        'resources[0].resources[0]: Invalid value: "Secrets": resource name should not contain capital letters',
        'resources[0].resources[1]: Invalid value: "*": expected a resource such as secrets or deployments.apps, *.GROUP, *. or *.*',
        "resources[0].providers[0].aesgcm.keys[0].secret: secret is not of the expected length, got 7, expected one of [16 24 32]",
        "resources[0].providers[0].aesgcm.keys[1].secret: secret must be base64 encoded",
        expect.stringContaining("resources[0].providers[1].kms.apiVersion: KMSv1 is deprecated"),
        "resources[0].providers[1].kms.name: Required value: name is a mandatory field for a provider",
        "resources[0].providers[1].kms.endpoint: Required value: endpoint is a mandatory field for a provider",
        expect.stringContaining("resources[0].providers[2]: provider does not contain any of the expected providers"),
        "resources[0].providers[3].rot13: unknown provider; known are kms, aescbc, aesgcm, secretbox, identity",
      ],
    });
  });
});

describe("a cluster whose Secrets are encrypted", () => {
  const rules = (...providers: Provider[]): EncryptionRule[] => [{ resources: ["secrets"], providers }];
  const path = "/api/v1/namespaces/default/secrets";

  function raw(tank: Tank, key: string): string {
    let value = "";
    const range = {
      ...{ kind: "etcd.range", key: Buffer.from(key), rangeEnd: new Uint8Array(), limit: 0, revision: 0, sortOrder: "none" },
      ...{ sortTarget: "key", serializable: false, keysOnly: false, countOnly: false },
    };
    tank.simulation.ask<EtcdResponse>(address("etcd", 0), range, 5_000, (answer) => {
      if (answer.ok && answer.body.kind === "etcd.range.response") value = Buffer.from(answer.body.kvs[0]?.value ?? []).toString("latin1");
    });
    tank.until(() => value !== "", `nothing under ${key}`);
    return value;
  }

  /** The same etcd with API servers that were started anew with another configuration. */
  function restarted(before: EncryptionRule[], after: EncryptionRule[], prepare: (tank: Tank) => void): Tank {
    const encryption = [...before];
    const tank = new Tank({ config: { encryption } });
    prepare(tank);
    encryption.splice(0, encryption.length, ...after);
    tank.simulation.crashHost("apiserver-0");
    tank.simulation.startHost("apiserver-0");
    tank.until(() => tank.state()?.bootstrap.done === true, "apiserver/0 does not come back");
    return tank;
  }

  it("shows them as always, by get, list and watch, while etcd holds none of them in clear text", () => {
    const tank = new Tank({ config: { encryption: rules(provider("secretbox", key("one", 1))) } });
    const watched = tank.watch(`${path}?watch=true`);
    tank.create(path, { metadata: { name: "login" }, stringData: { password: "hunter2" } });
    tank.create("/api/v1/namespaces/default/configmaps", { metadata: { name: "login" }, data: { a: "hunter2" } });
    tank.simulation.runFor(1_000);
    const password = Buffer.from("hunter2").toString("base64");
    expect(tank.get(`${path}/login`).body.data.password).toBe(password);
    expect(tank.get(path).body.items.at(-1).data.password).toBe(password);
    expect(watched.events.map(({ object }) => object.data.password)).toEqual([password]);
    expect(raw(tank, "/registry/secrets/default/login")).toMatch(/^k8s:enc:secretbox:v1:one:/);
    expect(raw(tank, "/registry/secrets/default/login")).not.toContain(password);
    expect(raw(tank, "/registry/configmaps/default/login")).toContain("hunter2");
    // An update is guarded and stored as any other.
    expect(tank.patch(`${path}/login`, "merge", { data: { password: "eA==" } }).body.data.password).toBe("eA==");
    expect(tank.get(`${path}/login`).body.data.password).toBe("eA==");
  });

  it("goes over to a new key with the next write, even one that changes nothing", () => {
    const old = provider("aesgcm", key("one", 1));
    const tank = restarted(rules(old), rules(provider("aesgcm", key("two", 2), key("one", 1))), (before) => {
      before.create(path, { metadata: { name: "login" }, stringData: { password: "hunter2" } });
    });
    const { body } = tank.get(`${path}/login`);
    expect(raw(tank, "/registry/secrets/default/login")).toMatch(/^k8s:enc:aesgcm:v1:one:/);
    expect(tank.put(`${path}/login`, body).code).toBe(200);
    expect(raw(tank, "/registry/secrets/default/login")).toMatch(/^k8s:enc:aesgcm:v1:two:/);
    const again = tank.get(`${path}/login`).body;
    expect([again.data, again.metadata.resourceVersion > body.metadata.resourceVersion]).toEqual([body.data, true]);
    tank.simulation.runFor(1_000);
    expect(tank.put(`${path}/login`, again).body.metadata.resourceVersion).toBe(again.metadata.resourceVersion);
  });

  it("with a wrong key says so of each of them, leaves them as they are, and goes on with everything else", () => {
    const tank = restarted(rules(provider("aescbc", key("one", 1))), rules(provider("aescbc", key("two", 2)), identity), (before) => {
      before.create(path, { metadata: { name: "login" }, stringData: { password: "hunter2" } });
    });
    const stored = raw(tank, "/registry/secrets/default/login");
    const refusal =
      'Internal error occurred: unable to transform key "/registry/secrets/default/login": no matching key was found for the provided AES-CBC transformer';
    const answers = [
      tank.get(`${path}/login`),
      tank.get(`${path}/login?resourceVersion=0`),
      tank.get(path),
      tank.get("/api/v1/secrets?resourceVersion=0"),
      tank.create(path, { metadata: { name: "login" } }),
      tank.put(`${path}/login`, { metadata: { name: "login" } }),
      tank.delete(`${path}/login`),
    ];
    for (const { code, body } of answers) expect([code, body.message]).toEqual([500, refusal]);
    expect(raw(tank, "/registry/secrets/default/login")).toBe(stored);
    expect(tank.create(path, { metadata: { name: "other" } }).code).toBe(201);
    expect(tank.get(`${path}/other`).code).toBe(200);
    expect(tank.get("/api/v1/namespaces/kube-system/secrets").code).toBe(200);
    expect(tank.get("/api/v1/configmaps").code).toBe(200);
  });

  it("takes another configuration while it runs: watches go on, the next write uses the new key, and a bad file changes nothing", () => {
    const tank = new Tank({ config: { encryption: rules(provider("aesgcm", key("one", 1))) } });
    const watched = tank.watch(`${path}?watch=true`);
    tank.create(path, { metadata: { name: "login" }, stringData: { password: "hunter2" } });
    const reload = (document: unknown, fault = "") => {
      const told = { kind: "api.reload", what: "encryption", document, fault, hash: `sha256:${fault || "new"}`, serverHash: "sha256:me" };
      tank.simulation.portal().send(address("apiserver", 0), told as never);
      tank.simulation.runFor(500);
    };
    const file = (...providers: object[]) => ({
      ...{ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration" },
      resources: [{ resources: ["secrets"], providers }],
    });
    const keys = (...some: ReturnType<typeof key>[]) => ({ aesgcm: { keys: some } });
    const stored = () => raw(tank, "/registry/secrets/default/login").slice(0, 22);
    const figures = () =>
      tank
        .get("/metrics")
        .text.split("\n")
        .filter((line) => line.startsWith("apiserver_encryption_config_controller_") && !line.includes("timestamp"));
    expect(figures()).toEqual([]);
    reload(file(keys(key("two", 2), key("one", 1))));
    expect(stored()).toBe("k8s:enc:aesgcm:v1:one:");
    tank.put(`${path}/login`, tank.get(`${path}/login`).body);
    expect(stored()).toBe("k8s:enc:aesgcm:v1:two:");
    // The old key may go now.
    reload(file(keys(key("two", 2))));
    expect(tank.get(`${path}/login`).code).toBe(200);
    expect(watched.closed).toBeUndefined();
    reload(file(keys(key("three", 3, 5))));
    reload(null, "this is no YAML");
    expect(tank.warnings.filter((text) => text.includes("stays in use"))).toHaveLength(2);
    expect(figures()).toEqual([
      'apiserver_encryption_config_controller_automatic_reloads_total{status="failure",apiserver_id_hash="sha256:me"} 2',
      'apiserver_encryption_config_controller_automatic_reloads_total{status="success",apiserver_id_hash="sha256:me"} 2',
      'apiserver_encryption_config_controller_last_config_info{apiserver_id_hash="sha256:me",hash="sha256:new"} 1',
    ]);
    expect(tank.put(`${path}/login`, tank.get(`${path}/login`).body).code).toBe(200);
    expect(stored()).toBe("k8s:enc:aesgcm:v1:two:");
    // Without the key in use nothing of it can be read, and with it again everything can.
    reload(file(keys(key("four", 4))));
    expect(tank.get(`${path}/login`)).toMatchObject({ code: 500, body: { message: expect.stringContaining("no matching key was found") } });
    reload(file(keys(key("four", 4), key("two", 2))));
    expect(tank.get(`${path}/login`).body.data).toEqual({ password: Buffer.from("hunter2").toString("base64") });
  });
});
