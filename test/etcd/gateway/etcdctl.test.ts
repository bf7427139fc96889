import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { address } from "../../../protocol/address";
import { describeWith } from "../../real-programs";
import { RealEtcd } from "../differential/real-etcd";
import { EtcdDoors } from "./doors";
import { Etcdctl } from "./etcdctl";

jest.setTimeout(180_000);

/**
 * The same commands of the real etcdctl (Debian's etcd-client, a 3.4) against our members and against a real etcd server of this machine.
 * What they print is equal, but for ids, terms, endpoints and the leases' numbers, which etcdctl.ts makes comparable.
 */
describeWith(["etcd", "etcdctl"], "etcdctl prints the same of our members as of etcd", () => {
  let real: RealEtcd;
  let doors: EtcdDoors;
  let theirs: Etcdctl;
  let ours: Etcdctl;
  let access: Readonly<Record<string, string>>;
  beforeAll(async () => {
    [real, doors] = await Promise.all([RealEtcd.start(), EtcdDoors.open(3)]);
    theirs = new Etcdctl({ ETCDCTL_ENDPOINTS: `http://127.0.0.1:${real.port}` });
    // A certificate that names nobody: the real server's door asks for none, so there too only a password says who it is.
    const { ca, cert, key } = doors.clientFiles("etcdctl", doors.authority, "");
    // Through a member that may have to forward: the second of three.
    access = { ETCDCTL_CACERT: ca, ETCDCTL_CERT: cert, ETCDCTL_KEY: key };
    ours = new Etcdctl({ ...access, ETCDCTL_ENDPOINTS: doors.endpoints[1]! });
  });
  afterAll(async () => {
    expect(doors.errors).toEqual([]);
    await Promise.all([real?.stop(), doors?.close()]);
  });

  /** Runs it on both sides, and answers with what both printed. */
  async function both(line: string, input?: string): Promise<string> {
    const args = argumentsOf(line);
    const [mine, other] = await Promise.all([ours.run(args, input), theirs.run(args, input)]);
    expect({ line, ...mine }).toEqual({ line, ...other });
    return mine.stdout;
  }

  async function bothUntil(line: string, pattern: RegExp, input?: string): Promise<string> {
    const args = argumentsOf(line);
    const [mine, other] = await Promise.all([ours.runUntil(args, pattern, input), theirs.runUntil(args, pattern, input)]);
    expect({ line, printed: mine }).toEqual({ line, printed: other });
    return mine;
  }

  test("put and get, with every flag", async () => {
    for (const line of [
      "put a 1",
      "put ab 2 --prev-kv",
      "put ab 3 --prev-kv",
      "put b 0",
      "put c 9 -w json",
      "put c 8 --prev-kv -w fields",
      "put '' x",
      "put absent --ignore-value",
      "put a --ignore-value",
      "put a x --ignore-value",
      "get a",
      "get a -w json",
      "get a -w fields",
      "get a -w table",
      "get nothing",
      "get nothing -w json",
      "get a --prefix",
      "get a --prefix --keys-only",
      "get a --prefix --print-value-only",
      "get '' --prefix",
      "get '' --from-key",
      "get ab --from-key --limit=2 -w json",
      "get a c",
      "get c a",
      "get '' --prefix --limit=1 -w json",
      "get '' --prefix --order=DESCEND",
      "get '' --prefix --sort-by=KEY --order=DESCEND --limit=2",
      "get '' --prefix --sort-by=VALUE",
      "get '' --prefix --sort-by=VERSION --order=DESCEND -w json",
      "get '' --prefix --sort-by=CREATE --order=DESCEND",
      "get '' --prefix --sort-by=MODIFY --order=ASCEND",
      "get ab --rev=3 -w json",
      "get ab --rev=2",
      "get ab --rev=1000",
      "get a --consistency=s",
      "get a --consistency=l -w json",
      "get --hex a",
    ])
      await both(line);
    expect(await both("get a --prefix")).toBe("a\n1\nab\n3\n");
  });

  test("del, with what was there, of one key, a range, a prefix and from a key on", async () => {
    for (const key of ["d1", "d2", "d3", "e", "zz"]) await both(`put ${key} was-${key}`);
    for (const line of [
      "del d1 --prev-kv",
      "del d1",
      "del d2 d4 --prev-kv -w json",
      "del e --prefix",
      "del zy --from-key --prev-kv",
      "del ''",
    ])
      await both(line);
  });

  test("txn, both branches, nested in none", async () => {
    await both("put t 1");
    for (const input of [
      'value("t") = "1"\n\nput t 2\nget t\n\nput t 3\n\n',
      'value("t") = "1"\n\nput t 2\n\nput t 4 \nget t\ndel t --prev-kv\n\n',
      'mod("t") > "0"\n\nget t\n\nput t 5\n\n',
      'create("t") = "0"\nver("t") = "0"\n\nput t 6\nput u 7\nget t --prefix\n\n\n',
      "\nput t 8\nput t 9\n\n\n",
      "\n\n\n",
    ]) {
      await both("txn --interactive=false", input);
      await both("txn --interactive=false -w json", input);
    }
  });

  test("watch from a revision on, of a key, a prefix, with what was there and with progress, and what is compacted", async () => {
    const at = async () => (JSON.parse(await both("get w -w json")) as { readonly header: { readonly revision: number } }).header.revision;
    const from = (await at()) + 1;
    for (const line of ["put w 1", "put w 2", "put wx 3", "del w"]) await both(line);
    await bothUntil(`watch w --rev=${from}`, /DELETE\nw\n\n/);
    await bothUntil(`watch w --prefix --rev=${from}`, /DELETE\nw\n/);
    await bothUntil(`watch w --prev-kv --rev=${from}`, /DELETE\nw\n2\nw\n\n/);
    await bothUntil(`watch w wz --rev=${from} -w json`, /"type":1.*\n/);
    await bothUntil(`watch w --rev=${from} -w fields`, /"Type" : DELETE\n(.*\n){6}/);
    await bothUntil("watch --interactive", /DELETE\nw\n/, `watch w --rev=${from}\n`);
    expect(await bothUntil("watch --interactive", /progress notify: \d+\n/, "watch w\nprogress\n")).toMatch(
      /^progress notify: [1-9]\d*\n$/,
    );
    for (const line of [
      `compaction ${from + 1}`,
      `compaction ${from + 1}`,
      "compaction 100000",
      `get w --rev=${from}`,
      `get w --rev=${from + 1}`,
    ])
      await both(line);
    await both(`watch w --rev=${from}`);
  });

  test("leases: granted, listed, kept alive, looked at, revoked with their keys", async () => {
    for (const line of [
      "lease grant 300",
      "put l1 x --lease=L1",
      "put l2 y --lease=L1",
      "get l1 -w json",
      "lease keep-alive --once L1",
      "lease list",
      "lease list -w json",
      "put l1 z --ignore-lease",
      "lease revoke L1",
      "get l --prefix",
      "lease revoke L1",
      "lease keep-alive --once L1",
      "lease timetolive L1",
      "lease timetolive 1234 -w json",
      "lease grant 1",
      "lease grant 99999999999",
      "put l x --lease=1234",
    ])
      await both(line);
    // What is left of the time differs between two runs.
    await both("lease grant 60");
    await both("put l3 x --lease=L3");
    const left = await Promise.all([ours, theirs].map(async (side) => (await side.run(["lease", "timetolive", "L3", "--keys"])).stdout));
    for (const printed of left)
      expect(printed).toMatch(/^lease L3 granted with TTL\(60s\), remaining\((60|5\d)s\), attached keys\(\[l3\]\)\n$/);
  });

  test("lock and elect", async () => {
    expect(await both("lock mutex echo held")).toBe("held\n");
    const held = await Promise.all([ours, theirs].map((side) => side.runUntil(["lock", "mutex"], /^mutex\/[0-9a-f]+\n\n/)));
    for (const printed of held) expect(printed).toMatch(/^mutex\/[0-9a-f]+\n\n$/);
    const elected = await Promise.all([ours, theirs].map((side) => side.runUntil(["elect", "crown", "proposal"], /proposal\n/)));
    for (const printed of elected) expect(printed).toMatch(/^crown\/[0-9a-f]+\nproposal\n$/);
  });

  test("alarms, defragmenting, health", async () => {
    await both("alarm list");
    await both("alarm disarm");
    await both("defrag");
    const health = await Promise.all([ours, theirs].map((side) => side.run(["endpoint", "health"])));
    for (const { stdout, stderr } of health)
      expect(stdout + stderr).toMatch(/^ENDPOINT is healthy: successfully committed proposal: took = [\d.]+m?s\n$/);
  });

  test("what belongs to one cluster alone is printed in the same form", async () => {
    const columns = (table: string) => table.split("\n")[1];
    for (const args of [
      ["endpoint", "status", "-w", "table"],
      ["member", "list", "-w", "table"],
      ["endpoint", "hashkv", "-w", "table"],
    ]) {
      const [mine, other] = await Promise.all([ours.run(args), theirs.run(args)]);
      expect({ args, status: mine.status, columns: columns(mine.stdout)?.replaceAll(/ +/g, " ") }).toEqual({
        args,
        status: other.status,
        columns: columns(other.stdout)?.replaceAll(/ +/g, " "),
      });
    }
    const members = (await ours.run(["member", "list"])).stdout.trim().split("\n");
    expect(members.map((line) => line.split(", ").slice(1).join(", "))).toEqual(
      [0, 1, 2].map((i) => `started, etcd-${i}, etcd/${i}, ENDPOINT, false`),
    );
  });

  test("move-leader hands over to the member that is named, through the leader alone", async () => {
    const leaderNow = async () => {
      const { stdout } = await ours.run(["endpoint", "status", "-w", "fields"]);
      return BigInt(/"Leader" : (\d+)/.exec(stdout)![1]!).toString(16);
    };
    const listed = (await ours.run(["member", "list"])).stdout.trim().split("\n");
    const ids = listed.map((line) => line.split(", ")[0]!);
    const names = new Map(listed.map((line) => [line.split(", ")[0]!, line.split(", ")[2]!]));
    const through = (id: string) =>
      new Etcdctl({ ...access, ETCDCTL_ENDPOINTS: doors.endpoints[Number(names.get(id)!.slice("etcd-".length))]! });
    const leader = await leaderNow();
    const other = ids.find((id) => id !== leader)!;
    expect((await through(leader).run(["move-leader", other])).stdout).toBe(`Leadership transferred from ${leader} to ${other}\n`);
    // The member that is asked here may hear of it a heartbeat later.
    for (let tries = 0; tries < 50 && (await leaderNow()) !== other; tries++) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await leaderNow()).toBe(other);
    const again = await through(leader).run(["move-leader", leader]);
    expect(again.stdout + again.stderr).toMatch(/no leader endpoint given at/);
  });

  test("members are added as learners, promoted once they have caught up, and removed; an address that is none of an actor's host is refused", async () => {
    const added = await ours.run(["member", "add", "fourth", "--learner", "--peer-urls=http://etcd-3:2380"]);
    expect(added.stdout).toMatch(/^Member +([0-9a-f]+) added to cluster +[0-9a-f]+\n/);
    const id = /^Member +([0-9a-f]+)/.exec(added.stdout)![1]!;
    expect((await ours.run(["member", "list"])).stdout).toMatch(new RegExp(`^${id}, .*http://etcd-3:2380.*, true$`, "m"));
    expect((await ours.run(["member", "promote", id])).stderr).toMatch(/can only promote a learner member which is in sync with leader/);
    expect((await ours.run(["member", "update", id, "--peer-urls=http://etcd-3:2390"])).stdout).toMatch(/updated in cluster/);
    const joining = { address: address("etcd", 3), config: { members: [], join: true, settings: {} } };
    doors.world.addHost({ name: "etcd-3", zone: "a", actors: [joining] });
    doors.world.startHost("etcd-3");
    const promote = async () => (await ours.run(["member", "promote", id])).stdout;
    let promoted = await promote();
    for (let tries = 0; tries < 100 && promoted === ""; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      promoted = await promote();
    }
    expect(promoted).toMatch(new RegExp(`^Member +${id} promoted in cluster +[0-9a-f]+\n`));
    expect((await ours.run(["member", "list"])).stdout).toMatch(new RegExp(`^${id}, .*http://etcd-3:2390.*, false$`, "m"));
    expect((await ours.run(["member", "remove", id])).stdout).toMatch(new RegExp(`^Member +${id} removed from cluster`));
    expect((await ours.run(["member", "remove", id])).stderr).toMatch(/member not found/i);
    expect((await ours.run(["member", "add", "x", "--peer-urls=http://x:1"])).stderr).toMatch(/given member URLs are invalid/);
    expect((await ours.run(["member", "list"])).stdout.trim().split("\n")).toHaveLength(3);
  });

  test("users and roles: what may be done, by whom, and what is said where it may not", async () => {
    for (const line of [
      "put shop/a 1",
      "put bank/a 2",
      "auth enable",
      "role add reader",
      "role add reader",
      "role add writer",
      "role grant-permission reader read shop/ --prefix",
      "role grant-permission writer readwrite shop/ --prefix",
      "role grant-permission writer write bank/a",
      "role grant-permission nobody read x",
      "role get writer",
      "role get nobody",
      "role list",
      "user add root:secret",
      "user add ann:pw",
      "user add ann:pw",
      "user add bob:pw",
      "user grant-role ann reader",
      "user grant-role bob writer",
      "user grant-role bob nobody",
      "user grant-role nobody reader",
      "user get bob",
      "user get nobody",
      "user list",
      "auth enable",
    ])
      await both(line);
    try {
      for (const line of [
        "get shop/a",
        "get shop/a --user ann:pw",
        "get shop/ --prefix --user ann:pw",
        "get bank/a --user ann:pw",
        "put shop/a 3 --user ann:pw",
        "put shop/a 3 --user bob:pw",
        "put bank/a 3 --user bob:pw",
        "put bank/a 3 --prev-kv --user bob:pw",
        "get '' --prefix --user bob:pw",
        "del shop/ --prefix --user bob:pw",
        "get shop/a --user bob:wrong",
        "get shop/a --user nobody:pw",
        "watch bank/a --user ann:pw",
        "user list --user bob:pw",
        "user get bob --user bob:pw",
        "role revoke-permission writer bank/a --user root:secret",
        "put bank/a 4 --user bob:pw",
        "user revoke-role ann reader --user root:secret",
        "get shop/a --user ann:pw",
        "user delete ann --user root:secret",
        "get shop/a --user ann:pw",
        "user delete root --user root:secret",
        "get bank --prefix --user root:secret",
      ])
        await both(line);
    } finally {
      await both("auth disable --user root:secret");
    }
    for (const line of ["get bank/a", "role delete reader", "role delete reader", "user delete bob", "role list", "user list"])
      await both(line);
  });

  test("snapshot save checks what it got: a backup in a format of our own, whole pages and their SHA-256 (no bbolt file)", async () => {
    const file = join(doors.directory, "backup");
    expect((await ours.run(["snapshot", "save", file])).stdout).toBe(`Snapshot saved at ${file}\n`);
    const bytes = readFileSync(file);
    const content = bytes.subarray(0, -32);
    expect(content.length % 512).toBe(0);
    expect(createHash("sha256").update(content).digest()).toEqual(bytes.subarray(-32));
    expect(content.toString("latin1", 0, 23)).toBe("wavetank etcd backup 1\n");
  });
});

/** Arguments of a line; quotes only for an empty one. */
function argumentsOf(line: string): readonly string[] {
  return line.split(" ").map((argument) => (argument === "''" ? "" : argument));
}
