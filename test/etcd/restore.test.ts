import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { portTo } from "../../actors/etcd/gateway/port";
import { readBackup } from "../../actors/etcd/gateway/read-backup";
import { etcdMember } from "../../actors/etcd/member";
import { revisionBumped, storeOfBackup } from "../../actors/etcd/restored";
import { hashKv } from "../../actors/etcd/store/hash";
import { type WrittenAccess, writeEtcdAccess } from "../../cli/etcd-access";
import { address } from "../../protocol/address";
import type { EtcdRequest, EtcdResponse } from "../../protocol/etcd";
import { LiveSecrets } from "../../runtime/live/secrets";
import { LiveWorld } from "../../runtime/live/world";
import { wavetank } from "../command-line";
import { startedCluster } from "../live/started-cluster";
import { describeWith } from "../real-programs";
import { EtcdDoors } from "./gateway/doors";
import { range } from "./store/requests";

jest.setTimeout(120_000);

const run = promisify(execFile);

const everything = range("\0", { to: "\0" });

/** etcdctl with some access. */
function etcdctlOf(endpoint: string, { cacert, cert, key }: Pick<WrittenAccess, "cacert" | "cert" | "key">) {
  const access = { ETCDCTL_ENDPOINTS: endpoint, ETCDCTL_CACERT: cacert, ETCDCTL_CERT: cert, ETCDCTL_KEY: key };
  const env = { PATH: process.env.PATH, ETCDCTL_API: "3", ...access };
  return async (...args: string[]) => (await run("etcdctl", args, { env, maxBuffer: 2 ** 26 })).stdout;
}

describeWith(["etcdctl"], "a backup that etcdctl saved", () => {
  let directory: string;
  let snapshot: string;
  let doors: EtcdDoors;
  let hash: number;
  let revision: number;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-restore-"));
    snapshot = join(directory, "backup");
    doors = await EtcdDoors.open(3);
    const { ca, cert, key } = doors.clientFiles("backup");
    const etcdctl = etcdctlOf(doors.endpoints[0]!, { cacert: ca, cert, key });
    await etcdctl("put", "a", "1");
    await etcdctl("put", "a", "2");
    await etcdctl("put", "b", "3");
    await etcdctl("del", "b");
    await etcdctl("lease", "grant", "600");
    await etcdctl("user", "add", "root:secret");
    await etcdctl("snapshot", "save", snapshot);
    const store = storeOfBackup(readBackup(readFileSync(snapshot)));
    hash = hashKv(store, store.revision);
    revision = store.revision;
  });
  afterAll(async () => {
    await doors.close();
    rmSync(directory, { recursive: true });
  });

  /** A live etcd on a data directory, and how to ask each of its members. */
  function membersOn(data: string, count: number) {
    const members = Array.from({ length: count }, (_, i) => address("etcd", i));
    const secrets = new LiveSecrets(doors.authority, new Map());
    const world = new LiveWorld({ actors: [etcdMember], secrets, dataDirectory: data });
    for (const [i, member] of members.entries())
      world.addHost({ name: `etcd-${i}`, zone: "a", actors: [{ address: member, config: { members } }] });
    world.start();
    const asks = members.map((member, i) => {
      const port = portTo(member, world.portal(`etcd-${i}`, `etcd-${i}`));
      return async <K extends EtcdResponse["kind"]>(kind: K, request: EtcdRequest) => {
        for (let tries = 1; ; tries++) {
          const answer = await port.ask(request, 10_000);
          if (answer.ok && answer.body.kind === kind) return answer.body as Extract<EtcdResponse, { kind: K }>;
          // Until there is a leader.
          if (tries > 100) throw new Error(`${request.kind}: ${JSON.stringify(answer)}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
    });
    return { asks, close: () => world.close() };
  }

  test("becomes a cluster in which every member holds the same keys, history, leases, users and revision", async () => {
    const data = join(directory, "restored");
    const done = await wavetank("etcd", "restore", snapshot, "--data", data);
    expect(done).toEqual({
      status: 0,
      out: `restored revision ${revision} with 1 keys for 3 members: wavetank up --data ${data}\n`,
      err: "",
    });
    const { asks, close } = membersOn(data, 3);
    for (const ask of asks) {
      const old = await ask("etcd.range.response", { ...everything, revision: 2 });
      expect(old.kvs.map(({ value }) => Buffer.from(value).toString())).toEqual(["1"]);
      const now = await ask("etcd.range.response", everything);
      expect(now.kvs.map(({ value, version }) => `${Buffer.from(value)} ${version}`)).toEqual(["2 2"]);
      expect(now.header).toMatchObject({ revision });
      expect((await ask("etcd.hashKv.response", { kind: "etcd.hashKv", revision })).hash).toBe(hash);
      expect((await ask("etcd.lease.response", { kind: "etcd.lease.list" })).leases).toHaveLength(1);
      expect((await ask("etcd.auth.response", { kind: "etcd.auth.read", question: { type: "users" } })).users).toEqual(["root"]);
      const { members } = await ask("etcd.member.response", { kind: "etcd.member.list", linearizable: true });
      expect(members.map(({ id }) => id)).toEqual(["etcd/0", "etcd/1", "etcd/2"]);
    }
    await close();
  });

  test("may become a cluster of another size", async () => {
    const data = join(directory, "single");
    expect((await wavetank("etcd", "restore", snapshot, "--data", data, "--etcd", "1")).status).toBe(0);
    expect((await wavetank("etcd", "restore", snapshot, "--data", `${data}2`, "--bump-revision", "9")).err).toBe(
      "--bump-revision 9: expected --bump-revision N and --mark-compacted together\n",
    );
    expect((await wavetank("etcd", "restore", snapshot, "--data", `${data}2`, "--bump-revision", "x", "--mark-compacted")).err).toBe(
      "--bump-revision x: expected a whole number, 1 or more\n",
    );
    const { asks, close } = membersOn(data, 1);
    expect((await asks[0]!("etcd.range.response", everything)).header.revision).toBe(revision);
    await close();
  });

  test("may have its revision raised and its history compacted, with the keys as they were", () => {
    const store = revisionBumped(storeOfBackup(readBackup(readFileSync(snapshot))), 1000);
    expect([store.revision, store.compacted, store.get("a")!.modRevision]).toEqual([revision + 1000, revision + 1000, 3]);
    expect([store.index.get("a")!.versions.length, store.index.get("b")]).toEqual([1, undefined]);
  });

  test("is refused where a byte of it is wrong or missing, with the place, and nothing is left behind", async () => {
    const whole = readFileSync(snapshot);
    const damaged = Buffer.from(whole);
    damaged[600]! ^= 1;
    const end = whole.length - 32;
    const bbolt = Buffer.alloc(4096);
    bbolt.writeUInt32LE(0xed0cdaed, 16);
    const cases: readonly (readonly [Buffer, string])[] = [
      [damaged, `byte ${end}: the SHA-256 that is here is not that of bytes 0 to ${end - 1}: the file is damaged`],
      [whole.subarray(0, -40), `byte ${whole.length - 40}: ends here, with no hash behind whole pages of 512 bytes: the file is cut short`],
      [Buffer.from("hello"), "byte 0: does not begin as a backup"],
      [Buffer.alloc(0), "byte 0: does not begin as a backup"],
      [bbolt, "byte 16: a bbolt database, as etcd itself writes it; only backups of this etcd can be restored here"],
    ];
    for (const [bytes, why] of cases) {
      const file = join(directory, "bad");
      const data = join(directory, "never");
      writeFileSync(file, bytes);
      expect(await wavetank("etcd", "restore", file, "--data", data)).toEqual({ status: 2, out: "", err: `${file}: ${why}\n` });
      expect(existsSync(data)).toBe(false);
    }
  });

  test("is never restored over what is there", async () => {
    const data = join(directory, "taken");
    mkdirSync(data);
    writeFileSync(join(data, "precious"), "1");
    const said = await wavetank("etcd", "restore", snapshot, "--data", data);
    expect(said).toMatchObject({
      status: 2,
      err: `--data ${data}: is not empty (precious): a backup is restored into a new directory\n`,
    });
    expect(readFileSync(join(data, "precious"), "utf8")).toBe("1");
    expect(await wavetank("etcd", "restore", snapshot, "--data", join(directory, "two"), "--etcd", "2")).toMatchObject({
      status: 2,
      err: "--etcd 2: expected 1, 3, 5 or 7 members\n",
    });
  });
});

describeWith(["etcdctl"], "a whole live cluster", () => {
  /** `wavetank up` in this process: API servers and controllers, no nodes. */
  async function up(data: string) {
    const cluster = await startedCluster({ etcd: 1, apiServers: 1, nodes: 0 }, data);
    const access = writeEtcdAccess(join(data, "etcd-client"), cluster.addresses.etcd, cluster.pki.etcdAuthority);
    return { cluster, etcdctl: etcdctlOf(access.endpoints[0]!, access) };
  }

  test("comes up with the backup of another: every object is there, a revision is what it was, the identity is new", async () => {
    const directory = mkdtempSync(join(tmpdir(), "wavetank-restore-"));
    const [from, to, snapshot] = [join(directory, "from"), join(directory, "to"), join(directory, "snapshot")];
    const objects = ["get", "/registry/", "--prefix", "--keys-only"];
    const first = await up(from);
    await first.etcdctl("put", "hello", "world");
    const kept = (await first.etcdctl(...objects)).split("\n").filter((key) => key !== "" && !key.includes("/events/"));
    await first.etcdctl("snapshot", "save", snapshot);
    await first.cluster.close();
    expect((await wavetank("etcd", "restore", snapshot, "--data", to, "--etcd", "1")).status).toBe(0);

    const second = await up(to);
    expect(kept.length).toBeGreaterThan(50);
    expect((await second.etcdctl(...objects)).split("\n")).toEqual(expect.arrayContaining(kept));
    const { kvs } = JSON.parse(await second.etcdctl("get", "hello", "-w", "json"));
    expect(kvs[0].mod_revision).toBe(storeOfBackup(readBackup(readFileSync(snapshot))).get("hello")!.modRevision);
    expect(second.cluster.pki.etcdAuthority.publicKeyHash).not.toBe(first.cluster.pki.etcdAuthority.publicKeyHash);
    await second.cluster.close();
    rmSync(directory, { recursive: true });
  });
});
