import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { request } from "node:https";
import { Authority } from "../../../runtime/live/certificates";
import { ServiceClient } from "./client";
import { type ClientFiles, EtcdDoors } from "./doors";

const text = (value: string) => Buffer.from(value);

describe("etcd's door", () => {
  let doors: EtcdDoors;
  let files: ClientFiles;
  const clients: ServiceClient[] = [];
  const client = (service: string, shown: Partial<ClientFiles> & Pick<ClientFiles, "ca"> = files, member = 0) => {
    const made = new ServiceClient(service, doors.endpoints[member]!, shown);
    clients.push(made);
    return made;
  };
  beforeAll(async () => {
    doors = await EtcdDoors.open(3, {}, { requestTimeoutMs: 4_000 });
    files = doors.clientFiles("client");
  });
  afterAll(async () => {
    for (const made of clients) made.close();
    expect(doors.errors).toEqual([]);
    await doors.close();
  });

  test("is shut to whoever shows no certificate, or one of another authority (etcd: --client-cert-auth)", async () => {
    expect(await client("KV", { ca: files.ca }).refusal("Range", { key: text("a") })).toMatch(/^14: /);
    const strange = doors.clientFiles("stranger", Authority.create("another"));
    expect(await client("KV", strange).refusal("Range", { key: text("a") })).toMatch(/^14: /);
    expect((await client("KV").call("Range", { key: text("a") })).header.revision.toNumber()).toBeGreaterThanOrEqual(1);
  });

  test("says over HTTP/1.1 and HTTP/2 how its member is, to whoever shows a certificate (etcd: /metrics and /health at the client URL)", async () => {
    const get = (path: string, shown: Partial<ClientFiles> = files) =>
      new Promise<{ readonly code: number | undefined; readonly text: string }>((resolve, reject) => {
        const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
        const options = { ca: read(files.ca), cert: read(shown.cert), key: read(shown.key), agent: false };
        const sent = request(`${doors.endpoints[0]}${path}`, options, (response) => {
          let said = "";
          response.on("data", (chunk) => {
            said += chunk;
          });
          response.on("end", () => resolve({ code: response.statusCode, text: said }));
        });
        sent.on("error", reject);
        sent.end();
      });
    expect(await get("/health")).toEqual({ code: 200, text: '{"health":"true","reason":""}' });
    expect((await get("/metrics")).text).toMatch(/^etcd_disk_wal_fsync_duration_seconds_count [1-9]/m);
    expect(JSON.parse((await get("/version")).text)).toEqual({ etcdserver: "3.5.30", etcdcluster: "3.5.0" });
    expect((await get("/none")).code).toBe(404);
    await expect(get("/health", {})).rejects.toThrow();
    // Over HTTP/2 as well, on a connection that carries gRPC too.
    const read = (file: string) => readFileSync(file);
    const session = connect(doors.endpoints[0]!, { ca: read(files.ca), cert: read(files.cert), key: read(files.key) });
    const over2 = (headers: object) =>
      new Promise<{ readonly code: unknown; readonly text: string }>((resolve, reject) => {
        const stream = session.request({ ":method": "GET", ...headers });
        let code: unknown;
        let said = "";
        stream.on("response", (head) => {
          code = head[":status"];
        });
        stream.on("data", (chunk) => {
          said += chunk;
        });
        stream.on("end", () => resolve({ code, text: said }));
        stream.on("error", reject);
        stream.end();
      });
    try {
      const received = async () =>
        Number(/^etcd_network_client_grpc_received_bytes_total (\d+)$/m.exec((await over2({ ":path": "/metrics" })).text)?.[1]);
      const before = await received();
      const key = text("of nineteen letters");
      await client("KV").call("Range", { key });
      expect((await received()) - before).toBe(21);
      expect(await over2({ ":path": "/health" })).toEqual({ code: 200, text: '{"health":"true","reason":""}' });
      expect((await over2({ ":path": "/metrics", ":method": "HEAD" })).text).toBe("");
      expect((await over2({ ":path": "/health", ":method": "POST" })).code).toBe(405);
      // A method of gRPC's that nobody knows is answered by gRPC.
      expect((await over2({ ":path": "/none", ":method": "POST", "content-type": "application/grpc" })).code).toBe(200);
    } finally {
      session.close();
    }
  });

  test("refuses what is no protobuf of the method, and what no method is", async () => {
    const kv = client("KV");
    expect(await kv.raw("/etcdserverpb.KV/Put", Buffer.from("0805", "hex"))).toBe("13: Error deserializing request");
    expect(await kv.raw("/etcdserverpb.KV/Put", Buffer.from("0aff", "hex"))).toMatch(/^13: /);
    expect(await kv.raw("/etcdserverpb.KV/Steal", Buffer.alloc(0))).toMatch(/^12: /);
    expect((await kv.call("Range", { key: text("\0"), range_end: text("\0") })).kvs).toEqual([]);
  });

  test("takes requests up to 1.5 MiB (etcd: --max-request-bytes) and applies nothing of a larger one", async () => {
    const kv = client("KV");
    const mebibyte = 1024 * 1024;
    await kv.call("Put", { key: text("large"), value: Buffer.alloc(1.5 * mebibyte - 100) });
    for (const size of [1.5 * mebibyte, 2 * mebibyte - 100])
      expect(await kv.refusal("Put", { key: text("larger"), value: Buffer.alloc(size) })).toBe("3: etcdserver: request is too large");
    expect(await kv.refusal("Put", { key: text("larger"), value: Buffer.alloc(3 * mebibyte) })).toMatch(/^8: .*larger than max/);
    expect((await kv.call("Range", { key: text("larger") })).kvs).toEqual([]);
    await kv.call("DeleteRange", { key: text("large") });
  });

  test("refuses with etcd's own codes and messages", async () => {
    const kv = client("KV");
    const lease = client("Lease");
    expect(await kv.refusal("Range", {})).toBe("3: etcdserver: key is not provided");
    expect(await kv.refusal("Put", { value: text("v") })).toBe("3: etcdserver: key is not provided");
    expect(await kv.refusal("Put", { key: text("a"), value: text("v"), ignore_value: true })).toBe("3: etcdserver: value is provided");
    expect(await kv.refusal("Put", { key: text("a"), lease: 1, ignore_lease: true })).toBe("3: etcdserver: lease is provided");
    expect(await kv.refusal("Put", { key: text("absent"), ignore_value: true })).toBe("3: etcdserver: key not found");
    expect(await kv.refusal("Put", { key: text("a"), lease: 12345 })).toBe("5: etcdserver: requested lease not found");
    expect(await kv.refusal("Txn", { success: [{}] })).toBe("3: etcdserver: key not found");
    const puts = (count: number) => Array.from({ length: count }, (_, i) => ({ request_put: { key: text(`k${i}`) } }));
    expect(await kv.refusal("Txn", { success: puts(129) })).toBe("3: etcdserver: too many operations in txn request");
    expect(await kv.refusal("Txn", { success: [...puts(1), ...puts(1)] })).toBe("3: etcdserver: duplicate key given in txn request");
    expect(await kv.refusal("Range", { key: text("a"), revision: 1_000_000 })).toBe(
      "11: etcdserver: mvcc: required revision is a future revision",
    );
    expect(await kv.refusal("Compact", { revision: "9223372036854775807" })).toBe(
      "11: etcdserver: mvcc: required revision is a future revision",
    );
    expect(await lease.refusal("LeaseRevoke", { ID: "9223372036854775807" })).toBe("5: etcdserver: requested lease not found");
    expect(await lease.refusal("LeaseGrant", { TTL: "9223372036854775807" })).toBe("11: etcdserver: too large lease TTL");
    await lease.call("LeaseGrant", { ID: 77, TTL: 60 });
    expect(await lease.refusal("LeaseGrant", { ID: 77, TTL: 60 })).toBe("9: etcdserver: lease already exists");
    const maintenance = client("Maintenance");
    expect(await maintenance.refusal("HashKV", { revision: 1_000_000 })).toBe(
      "11: etcdserver: mvcc: required revision is a future revision",
    );
    expect(await maintenance.refusal("MoveLeader", { targetID: 1 })).toBe("9: etcdserver: bad leader transferee");
    expect(await client("Auth").refusal("Authenticate", { name: "root", password: "x" })).toBe(
      "9: etcdserver: authentication is not enabled",
    );
    expect(await client("Cluster").refusal("MemberAdd", { peerURLs: ["http://x:1"] })).toMatch(
      /^3: etcdserver: given member URLs are invalid/,
    );
    expect(await client("Cluster").refusal("MemberRemove", { ID: 1 })).toBe("5: etcdserver: member not found");
    expect(await maintenance.refusal("Downgrade", {})).toMatch(/^12: /);
  });

  test("Put with ignore_value or ignore_lease keeps what the key has", async () => {
    const kv = client("KV");
    const { ID } = await client("Lease").call("LeaseGrant", { TTL: 60 });
    await kv.call("Put", { key: text("kept"), value: text("v"), lease: ID });
    await kv.call("Put", { key: text("kept"), value: text("w"), ignore_lease: true });
    expect((await kv.call("Range", { key: text("kept") })).kvs[0]).toMatchObject({ value: text("w"), lease: ID });
    await kv.call("Put", { key: text("kept"), ignore_value: true });
    const [entry] = (await kv.call("Range", { key: text("kept") })).kvs;
    expect([entry.value, entry.lease.toNumber(), entry.version.toNumber()]).toEqual([text("w"), 0, 3]);
  });

  test("Range with bounds on revisions answers the keys within them and counts all (rpc.proto: min_mod_revision …)", async () => {
    const kv = client("KV");
    const revisions: number[] = [];
    for (const key of ["r/a", "r/b", "r/c"]) revisions.push((await kv.call("Put", { key: text(key) })).header.revision.toNumber());
    const range = { key: text("r/"), range_end: text("r0") };
    const keys = async (bounds: object) => {
      const { kvs, count, more } = await kv.call("Range", { ...range, ...bounds });
      return [kvs.map(({ key }: { key: Buffer }) => String(key)).join(" "), count.toNumber(), more];
    };
    expect(await keys({ min_mod_revision: revisions[1] })).toEqual(["r/b r/c", 3, false]);
    expect(await keys({ max_create_revision: revisions[1] })).toEqual(["r/a r/b", 3, false]);
    expect(await keys({ min_mod_revision: revisions[1], limit: 1 })).toEqual(["r/b", 3, true]);
    expect(await keys({ count_only: true })).toEqual(["", 3, false]);
  });

  test("Txn compares every key of a range (rpc.proto: Compare.range_end); of none as if there were one with zeros", async () => {
    const kv = client("KV");
    for (const key of ["c/a", "c/b"]) await kv.call("Put", { key: text(key), value: text("same") });
    const holds = async (key: string, end: string, compare: object) =>
      (await kv.call("Txn", { compare: [{ key: text(key), range_end: text(end), ...compare }] })).succeeded;
    expect(await holds("c/", "c0", { target: 3, value: text("same") })).toBe(true);
    await kv.call("Put", { key: text("c/b"), value: text("other") });
    expect(await holds("c/", "c0", { target: 3, value: text("same") })).toBe(false);
    expect(await holds("c/", "c0", { target: 0, result: 1, version: 0 })).toBe(true);
    expect(await holds("d/", "d0", { target: 0, result: 0, version: 0 })).toBe(true);
    expect(await holds("d/", "d0", { target: 3, result: 0, value: text("") })).toBe(false);
  });

  test("keeps leases alive in the order in which it is asked, and says TTL 0 of one that is gone", async () => {
    const lease = client("Lease");
    const { ID } = await lease.call("LeaseGrant", { TTL: 50 });
    const alive = lease.open("LeaseKeepAlive");
    for (const id of [ID, 424242, ID]) alive.send({ ID: id });
    const answers = [await alive.next(), await alive.next(), await alive.next()];
    expect(answers.map((answer) => [answer.ID.toNumber(), answer.TTL.toNumber()])).toEqual([
      [ID.toNumber(), 50],
      [424242, 0],
      [ID.toNumber(), 50],
    ]);
    alive.finish();
    expect(await alive.end()).toBe("ended");
  });

  test("all members say the same of the cluster, each its own id, and the same hash of a revision", async () => {
    const list = await client("Cluster").call("MemberList", {});
    expect(list.members.map(({ name }: { name: string }) => name)).toEqual(["etcd-0", "etcd-1", "etcd-2"]);
    const { header } = await client("KV").call("Put", { key: text("hashed") });
    const seen = await Promise.all(
      [0, 1, 2].map(async (member) => {
        // A linearizable read first: a member may be behind the others.
        await client("KV", files, member).call("Range", { key: text("hashed") });
        const status = await client("Maintenance", files, member).call("Status", {});
        const hash = await client("Maintenance", files, member).call("HashKV", { revision: header.revision });
        return { status, hash };
      }),
    );
    expect(seen.map(({ status }) => String(status.header.member_id))).toEqual(list.members.map(({ ID }: { ID: object }) => String(ID)));
    expect(new Set(seen.map(({ status }) => String(status.leader))).size).toBe(1);
    expect(new Set(seen.map(({ hash }) => hash.hash)).size).toBe(1);
  });

  test("a member whose actor is down answers Unavailable, so that clients turn to another", async () => {
    const kv = client("KV", files, 2);
    await doors.world.crashHost("etcd-2");
    expect(await kv.refusal("Range", { key: text("a"), serializable: true })).toBe("14: etcdserver: server stopped");
  });
});
