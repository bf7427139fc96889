import { createCipheriv, createHash, createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, type ServiceDefinition, type sendUnaryData } from "@grpc/grpc-js";
import { KmsGateway, kmsMessage, kmsPath } from "../../../actors/api-server/gateway/kms";
import { type KmsProvider, readEncryptionConfiguration } from "../../../actors/api-server/storage/encryption/configuration";
import { decodeEnvelope, encodeEnvelope, sealWithSeed } from "../../../actors/api-server/storage/encryption/envelope";
import { address } from "../../../protocol/address";
import type { EtcdResponse } from "../../../protocol/etcd";
import type { KmsMessage } from "../../../protocol/kms";
import { configMap, type Json, Tank } from "../server/tank";
import { Plugin } from "./kms-actor";

const endpoint = "unix:///run/kms.sock";
const provider: KmsProvider = { type: "kms", name: "vault", endpoint, timeoutMs: 3_000 };
const counting = (bytes: number) => Buffer.from(Array.from({ length: bytes }, (_, i) => i));

describe("envelopes of KMS v2", () => {
  it("are those of a real API server: an EncryptedObject; info, nonce and AES-GCM over the object's key", () => {
    const [seed, plain, at] = [Buffer.alloc(32, 7), Buffer.from("plain"), Buffer.from("/registry/secrets/a/b")];
    const info = counting(32);
    const gcm = createCipheriv("aes-256-gcm", createHmac("sha256", seed).update(info).update(Buffer.of(1)).digest(), counting(12)).setAAD(
      at,
    );
    const body = Buffer.concat([gcm.update(plain), gcm.final()]);
    const data = Buffer.concat([info, counting(12), body, gcm.getAuthTag()]);
    expect(Buffer.from(sealWithSeed(seed, plain, at, counting))).toEqual(data);
    const envelope = {
      ...{ encryptedData: Buffer.from("d"), keyId: "k", source: Buffer.from("s") },
      ...{ annotations: [["a.b", Buffer.from("v")] as const], type: "seed" as const },
    };
    // Field by field, as protobuf numbers them in kmsv2/v2/api.proto.
    const bytes = Buffer.from(encodeEnvelope(envelope));
    expect(bytes.toString("hex")).toBe("0a0164" + "12016b" + "1a0173" + "22080a03612e62120176" + "2801");
    expect(JSON.stringify(decodeEnvelope(bytes))).toBe(JSON.stringify(envelope));
    expect(decodeEnvelope(bytes.subarray(0, 2))).toContain("proto: cannot parse invalid wire-format data");
    expect(decodeEnvelope(encodeEnvelope({ ...envelope, keyId: "" }))).toBe("failed to validate key id: keyID is empty");
    expect(decodeEnvelope(Buffer.from("2805", "hex"))).toBe("unknown encryptedDEKSourceType: 5");
  });

  it("come of a configuration; what cannot be right is refused with the place", () => {
    const read = (...kms: object[]) =>
      readEncryptionConfiguration({
        ...{ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration" },
        resources: [{ resources: ["secrets"], providers: kms.map((each) => ({ kms: each })) }],
      });
    expect(read({ apiVersion: "v2", name: "vault", endpoint })).toEqual({
      ok: true,
      rules: [{ resources: ["secrets"], providers: [provider] }],
    });
    const at = "resources[0].providers";
    expect(
      read(
        { name: "a", endpoint },
        { apiVersion: "v2", name: "b:c", endpoint: "tcp://127.0.0.1:1", timeout: "0s", cachesize: 1, other: 1 },
        { apiVersion: "v2", name: "a" },
      ),
    ).toEqual({
      ok: false,
      problems: [
        expect.stringContaining(`${at}[0].kms.apiVersion: KMSv1 is deprecated`),
        expect.stringContaining(`${at}[1].kms.other: unknown field`),
        `${at}[1].kms.name: Invalid value: "b:c": invalid KMS provider name, must not contain ':'`,
        `${at}[1].kms.cachesize: Invalid value: cachesize is not supported in v2`,
        `${at}[1].kms.endpoint: Invalid value: "tcp://127.0.0.1:1": unsupported scheme "tcp" for KMS provider, only unix is supported`,
        `${at}[1].kms.timeout: Invalid value: "0s": timeout should be a positive value`,
        `${at}[2].kms.endpoint: Required value: endpoint is a mandatory field for a provider`,
        "resources: Invalid value: duplicate KMS provider name a, names must be unique",
      ],
    });
  });
});

describe("a cluster whose Secrets a plug-in keeps the keys of", () => {
  const path = "/api/v1/namespaces/default/secrets";
  const secret = (name: string) => ({ metadata: { name }, stringData: { password: "hunter2" } });
  const password = Buffer.from("hunter2").toString("base64");

  function world(servers = 1) {
    const plugin = new Plugin();
    const tank = new Tank({
      ...{ servers, actors: [plugin.actor], web: { kms: address("kms", 0) } },
      config: {
        encryption: [{ resources: ["secrets"], providers: [provider, { type: "identity" }] }],
        kms: { actors: { [endpoint]: address("kms", 0) } },
      },
    });
    tank.namespace("default");
    return { plugin, tank, crash: () => tank.simulation.crashHost("web-kms-0"), start: () => tank.simulation.startHost("web-kms-0") };
  }

  function raw(tank: Tank, name: string): string {
    let value = "";
    const range = {
      ...{ kind: "etcd.range", key: Buffer.from(`/registry/secrets/default/${name}`), rangeEnd: new Uint8Array(), limit: 0, revision: 0 },
      ...{ sortOrder: "none", sortTarget: "key", serializable: false, keysOnly: false, countOnly: false },
    };
    tank.simulation.ask<EtcdResponse>(address("etcd", 0), range, 5_000, (answer) => {
      if (answer.ok && answer.body.kind === "etcd.range.response") value = Buffer.from(answer.body.kvs[0]?.value ?? []).toString("latin1");
    });
    tank.until(() => value !== "", `nothing is kept of ${name}`);
    return value;
  }
  const keyOf = (tank: Tank, name: string) => {
    const envelope = decodeEnvelope(Buffer.from(raw(tank, name), "latin1").subarray("k8s:enc:kms:v2:vault:".length));
    return typeof envelope === "string" ? envelope : envelope.keyId;
  };

  it("asks it once for each seed, and other API servers can read what one wrote: get, list and watch wait for the key", () => {
    const { plugin, tank } = world(2);
    const watched = tank.watch(`${path}?watch=true`, { server: 1 });
    for (const name of ["a", "b", "c"]) expect(tank.create(path, secret(name)).code).toBe(201);
    expect(raw(tank, "a")).toMatch(/^k8s:enc:kms:v2:vault:/);
    expect(raw(tank, "a")).not.toContain(password);
    const items: Json[] = tank.get(path, { server: 1 }).body.items;
    const shown = items.filter(({ data }) => data?.password === password).map(({ metadata }) => metadata.name);
    expect(shown).toEqual(["a", "b", "c"]);
    tank.simulation.runFor(1_000);
    expect(
      watched.events.filter(({ object }) => object.data?.password === password).map(({ type, object }) => [type, object.metadata.name]),
    ).toEqual(["a", "b", "c"].map((name) => ["ADDED", name]));
    // Source: apiserver's pkg/storage/value/encrypt/envelope/metrics.
    const figures = (server: number) => {
      const lines = tank.get("/metrics", { server }).text.split("\n");
      return (name: string) =>
        lines.filter((line) => line.startsWith(name)).map((line) => line.slice(line.indexOf("{") < 0 ? name.length : line.indexOf("{")));
    };
    const [writer, reader] = [figures(0), figures(1)];
    const sha = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;
    const key = (server: number) => `provider_name="vault",key_id_hash="${sha("key-1")}",apiserver_id_hash="${sha(`apiserver/${server}`)}"`;
    const used = "apiserver_envelope_encryption_key_id_hash";
    expect(writer(`${used}_total`)).toContain(`{transformation_type="to_storage",${key(0)}} 3`);
    expect(reader(`${used}_total`)[0]).toMatch(`{transformation_type="from_storage",${key(1)}} `);
    expect(reader(`${used}_last_timestamp_seconds`)[0]).toMatch(/ 17\d{8}(\.\d+)?$/);
    expect(reader(`${used}_status_last_timestamp_seconds`)[0]).toMatch(`{${key(1)}} 17`);
    const method = (server: typeof reader, name: string) =>
      server("apiserver_envelope_encryption_kms_operations_latency_seconds_count").filter((line) => line.includes(`/${name}"`));
    expect(method(reader, "Decrypt")).toEqual([
      '{provider_name="vault",method_name="/v2.KeyManagementService/Decrypt",grpc_status_code="OK"} 1',
    ]);
    expect(method(writer, "Decrypt")).toEqual([]);
    expect(reader("apiserver_envelope_encryption_dek_source_cache_size")).toEqual(['{provider_name="vault"} 2']);
    expect(reader("apiserver_storage_envelope_transformation_cache_misses_total")).toEqual([" 1"]);
    expect(writer("apiserver_storage_transformation_operations_total")).toContain(
      '{resource="secrets",transformation_type="to_storage",transformer_prefix="k8s:enc:kms:v2:vault:",status="OK"} 3',
    );
    expect(reader("apiserver_storage_transformation_duration_seconds_count")[0]).toMatch(
      /^\{resource="secrets",transformation_type="from_storage",transformer_prefix="k8s:enc:kms:v2:vault:"\} \d+$/,
    );
    // One seed of each server, and one asks for the other's once.
    expect([plugin.times("kms.encrypt"), plugin.times("kms.decrypt")]).toEqual([2, 1]);
    const asked = plugin.asked.find((each) => each.kind === "kms.decrypt");
    expect(asked).toMatchObject({ keyId: "key-1", annotations: [["version.encryption.remote.io", Buffer.from("1")]] });
    expect(tank.get("/readyz?verbose").text).toContain("[+]kms-providers ok\n");
    tank.simulation.runFor(21_000);
    const before = plugin.times("kms.status");
    for (let i = 0; i < 5; i++) tank.ask("GET", "/readyz", {}, () => undefined);
    expect(tank.get("/readyz").code).toBe(200);
    expect(plugin.times("kms.status")).toBe(before + 1);
  });

  it("takes another seed within a minute where the plug-in has another key, and stores anew what is written", () => {
    const { plugin, tank } = world();
    tank.create(path, secret("a"));
    plugin.keyId = "key-2";
    expect(tank.put(`${path}/a`, tank.get(`${path}/a`).body).body.metadata.resourceVersion).toBe(
      tank.get(`${path}/a`).body.metadata.resourceVersion,
    );
    expect(keyOf(tank, "a")).toBe("key-1");
    tank.simulation.runFor(61_000);
    tank.create(path, secret("b"));
    expect([keyOf(tank, "a"), keyOf(tank, "b")]).toEqual(["key-1", "key-2"]);
    tank.put(`${path}/a`, tank.get(`${path}/a`).body);
    expect(keyOf(tank, "a")).toBe("key-2");
    expect(tank.get(`${path}/a`).body.data.password).toBe(password);
  });

  it("goes on for three minutes without the plug-in, then reads but writes no longer, and says that it is not well", () => {
    const { tank, crash, start } = world();
    tank.create(path, secret("a"));
    crash();
    tank.simulation.runFor(100_000);
    expect(tank.get("/livez?verbose").text).toContain("[-]kms-providers failed: reason withheld\n");
    expect(tank.create(path, secret("b")).code).toBe(201);
    tank.simulation.runFor(100_000);
    const refused = tank.create(path, secret("c"));
    expect([refused.code, refused.body.message]).toEqual([
      500,
      expect.stringMatching(/encryptedDEKSource with keyID hash "sha256:[0-9a-f]{64}" expired at /),
    ]);
    expect(tank.get(`${path}/b`).body.data.password).toBe(password);
    expect(tank.create("/api/v1/namespaces/default/configmaps", configMap("c")).code).toBe(201);
    start();
    tank.simulation.runFor(11_000);
    expect([tank.create(path, secret("c")).code, tank.get("/readyz").code]).toEqual([201, 200]);
  });

  it("that starts while the plug-in is away refuses what it cannot open, and shows it when the plug-in is back", () => {
    const { plugin, tank, crash, start } = world();
    tank.create(path, secret("a"));
    crash();
    tank.simulation.crashHost("apiserver-0");
    tank.simulation.startHost("apiserver-0");
    tank.until(() => tank.state()?.bootstrap.done === true, "apiserver/0 does not come back");
    const refused = tank.get(`${path}/a`);
    expect([refused.code, refused.body.message]).toEqual([
      500,
      expect.stringContaining("failed to decrypt DEK, error: rpc error: code = "),
    ]);
    expect(tank.create(path, secret("b")).body.message).toContain("got unexpected nil transformer");
    expect([tank.get(path).code, tank.get("/readyz").code]).toEqual([500, 500]);
    start();
    plugin.broken = "rpc error: code = Unknown desc = sealed";
    tank.simulation.runFor(11_000);
    // It is well, but does not decrypt yet.
    expect([tank.get(`${path}/a`).code, tank.create(path, secret("b")).code]).toEqual([500, 201]);
    plugin.broken = "";
    tank.simulation.runFor(12_000);
    expect(tank.get(`${path}/a`).body.data.password).toBe(password);
    expect([tank.get(path).code, tank.get("/readyz").code]).toEqual([200, 200]);
  });

  it("comes and goes with the file: what another provider encrypted is read, and stored anew", () => {
    const { plugin, tank } = world();
    tank.create(path, secret("a"));
    const reload = (...providers: object[]) => {
      const document = {
        ...{ apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration" },
        resources: [{ resources: ["secrets"], providers }],
      };
      const told = { kind: "api.reload", what: "encryption", document, fault: "", hash: "h", serverHash: "me" };
      tank.simulation.portal().send(address("apiserver", 0), told as never);
      tank.simulation.runFor(2_000);
    };
    const kms = (name: string) => ({ kms: { apiVersion: "v2", name, endpoint } });
    reload({ identity: {} });
    expect(tank.get(`${path}/a`).body.message).toContain("no matching prefix found");
    reload(kms("other"), kms("vault"));
    tank.create(path, secret("b"));
    expect([raw(tank, "a").slice(0, 21), raw(tank, "b").slice(0, 21)]).toEqual(["k8s:enc:kms:v2:vault:", "k8s:enc:kms:v2:other:"]);
    tank.put(`${path}/a`, tank.get(`${path}/a`).body);
    expect(raw(tank, "a")).toMatch(/^k8s:enc:kms:v2:other:/);
    expect(plugin.times("kms.encrypt")).toBe(2);
  });

  it("does not believe a plug-in that contradicts itself", () => {
    const { plugin, tank } = world();
    const why = () => {
      tank.simulation.runFor(61_000);
      return tank.state()!.etcd.vault.unwell();
    };
    plugin.healthz = "tired";
    plugin.version = "v3";
    expect(why()).toBe("[got unexpected healthz status: tired, expected KMSv2 API version v2, got v3]");
    Object.assign(plugin, { healthz: "ok", version: "v2", keyId: "" });
    expect(why()).toBe('got invalid KMSv2 KeyID hash "": keyID is empty');
    expect(tank.get("/metrics").text).toMatch(
      /^apiserver_envelope_encryption_invalid_key_id_from_status_total\{provider_name="vault",error="empty"\} [1-9]/m,
    );
    Object.assign(plugin, { keyId: "key-3", annotations: [["big", Buffer.alloc(33 * 1024)]] });
    expect(why()).toContain(
      "errGen=failed to validate annotations: total size of annotations is 33795, which exceeds the max size of 32768",
    );
    plugin.annotations = [];
    expect(why()).toBeUndefined();
  });
});

describe("the door to plug-ins", () => {
  it("speaks gRPC to one at a Unix socket, and says in Go's words what went wrong", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kms-"));
    const plugin = new Plugin();
    const server = new Server();
    const unary = (method: "Status" | "Encrypt" | "Decrypt") => ({
      ...{ path: kmsPath(method), requestStream: false, responseStream: false },
      requestSerialize: (message: object) => kmsMessage(method, "Request").encode(message).finish() as Buffer,
      requestDeserialize: (bytes: Buffer) => kmsMessage(method, "Request").toObject(kmsMessage(method, "Request").decode(bytes)),
      responseSerialize: (message: object) => kmsMessage(method, "Response").encode(message).finish() as Buffer,
      responseDeserialize: (bytes: Buffer) => kmsMessage(method, "Response").decode(bytes),
    });
    const serve = (kind: string) => (call: { request: Record<string, never> }, callback: sendUnaryData<object>) => {
      const annotations = Object.entries(call.request.annotations ?? {});
      const answer = plugin.answer({ ...call.request, kind, annotations } as unknown as KmsMessage);
      if (answer.kind === "kms.error") return callback({ code: 13, details: answer.message });
      return callback(null, "annotations" in answer ? { ...answer, annotations: Object.fromEntries(answer.annotations) } : answer);
    };
    server.addService({ Status: unary("Status"), Encrypt: unary("Encrypt"), Decrypt: unary("Decrypt") } as ServiceDefinition, {
      ...{ Status: serve("kms.status") as never, Encrypt: serve("kms.encrypt") as never, Decrypt: serve("kms.decrypt") as never },
    });
    const socket = `unix://${join(folder, "kms.sock")}`;
    const gateway = new KmsGateway();
    const asked = (body: object, at = socket) =>
      new Promise<never>((resolve) =>
        gateway.asked({
          ...{ from: address("apiserver", 0), body: { endpoint: at, uid: "u", ...body } as KmsMessage, deadlineMs: 10_000 },
          ...{ reply: resolve as never, refuse: resolve as never },
        }),
      );
    try {
      await new Promise<void>((resolve, reject) =>
        server.bindAsync(socket, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
      );
      expect(await asked({ kind: "kms.status" })).toEqual({ kind: "kms.status.response", version: "v2", healthz: "ok", keyId: "key-1" });
      const sealed = (await asked({ kind: "kms.encrypt", plaintext: Buffer.from("seed") })) as { ciphertext: Buffer; annotations: [] };
      expect(sealed).toMatchObject({
        kind: "kms.encrypt.response",
        keyId: "key-1",
        annotations: [["version.encryption.remote.io", Buffer.from("1")]],
      });
      const { ciphertext, annotations } = sealed;
      const opened = await asked({ kind: "kms.decrypt", ciphertext, keyId: "key-1", annotations });
      expect(opened).toEqual({ kind: "kms.decrypt.response", plaintext: Buffer.from("seed") });
      plugin.broken = "sealed";
      expect(await asked({ kind: "kms.decrypt", ciphertext, keyId: "key-1", annotations })).toEqual({
        ...{ kind: "kms.error", message: "rpc error: code = Internal desc = sealed" },
      });
      expect(((await asked({ kind: "kms.status" }, `${socket}-none`)) as { message: string }).message).toMatch(
        /^rpc error: code = Unavailable desc = /,
      );
    } finally {
      gateway.close();
      server.forceShutdown();
      rmSync(folder, { recursive: true });
    }
  });
});
