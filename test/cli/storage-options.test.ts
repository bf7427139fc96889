import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../cli/exit";
import { readStorage, type StorageFlags } from "../../cli/storage-options";
import { readUpOptions } from "../../cli/up-options";

describe("--storage", () => {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-options-"));
  const pem = join(directory, "pem");
  writeFileSync(pem, "-----BEGIN CERTIFICATE-----\n");
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each([
    ["etcd://10.0.0.1:2379", ["10.0.0.1:2379"], false],
    ["http://etcd.example.com:2379/", ["etcd.example.com:2379"], false],
    ["etcds://a:1,b:2,[::1]:3", ["a:1", "b:2", "[::1]:3"], true],
    ["https://a:1,https://b:2", ["a:1", "b:2"], true],
  ])("%s names its members and whether they speak TLS", (storage, authorities, tls) => {
    expect(readStorage({ storage })).toMatchObject({ authorities, tls: tls ? { cacert: null, cert: null, key: null } : null });
  });

  test("takes certificates from flags or from the address", () => {
    const expected = { cacert: { path: pem }, cert: { path: pem }, key: { path: pem } };
    const flags = { storageCacert: pem, storageCert: pem, storageKey: pem };
    expect(readStorage({ storage: "etcds://a:1", ...flags })?.tls).toMatchObject(expected);
    expect(readStorage({ storage: `etcds://a:1?cacert=${pem}&cert=${pem}&key=${pem}` })?.tls).toMatchObject(expected);
    expect(readStorage({ storage: `etcds://a:1?cacert=${pem}`, storageCert: pem, storageKey: pem })?.tls).toMatchObject(expected);
  });

  const form = "expected etcd://HOST:PORT[,HOST:PORT…], or etcds:// for TLS";
  test.each<[string, StorageFlags, string]>([
    ["another scheme", { storage: "redis://a:1" }, `--storage redis://a:1: ${form}`],
    ["no scheme", { storage: "a:1" }, `--storage a:1: ${form}`],
    ["nothing", { storage: "" }, `--storage : ${form}`],
    ["no port", { storage: "etcd://a" }, `--storage a: ${form}`],
    ["no host", { storage: "etcd://:2379" }, `--storage etcd://:2379: ${form}`],
    ["both schemes", { storage: "etcd://a:1,etcds://b:1" }, "etcds:// beside etcd://: all members are spoken to in one way"],
    ["the same member twice", { storage: "etcd://a:1,a:1" }, "--storage etcd://a:1,a:1: a:1 is there twice"],
    ["certificates without TLS", { storage: `etcd://a:1?cacert=${pem}` }, "speaks without TLS; with certificates write etcds://"],
    [
      "half a certificate",
      { storage: "etcds://a:1", storageCert: pem },
      "a client certificate needs both, --storage-cert and --storage-key",
    ],
    ["a file that is not there", { storage: "etcds://a:1", storageCacert: "none" }, "--storage-cacert none: no such file"],
    ["a file that is not PEM", { storage: "etcds://a:1", storageCacert: join(__dirname, "../../package.json") }, "is not PEM"],
    ["a parameter that is none", { storage: "etcds://a:1?ca=x" }, 'unknown parameter "ca"; there are cacert, cert, key'],
    ["a file twice", { storage: `etcds://a:1?cacert=${pem}`, storageCacert: pem }, '"cacert" is given twice'],
    ["certificates for nothing", { storageKey: pem }, "--storage-key: is for a storage outside: give --storage etcds://HOST:PORT too"],
  ])("refuses %s", (_name, flags, expected) => {
    expect(() => readStorage(flags)).toThrow(InputError);
    expect(() => readStorage(flags)).toThrow(expected);
  });

  test("goes with no members of the cluster's own, and gives as many as it has endpoints", () => {
    const rest = { listen: "127.0.0.1:0", san: [], logLevel: "warn" };
    expect(() => readUpOptions({ ...rest, storage: "etcd://a:1", etcd: "3" })).toThrow(
      "--etcd 3: with --storage the members of etcd are those of the storage",
    );
    expect(readUpOptions({ ...rest, storage: "etcd://a:1,b:1" }).shape.etcd).toBe(2);
  });
});
