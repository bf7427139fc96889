import { readFileSync } from "node:fs";
import { hasSoundProgress } from "../../actors/real-etcd/gateway/version";
import type { EtcdRequest, EtcdResponse } from "../../protocol/etcd";
import { eventually } from "../contracts/worlds";
import { RealEtcd } from "../etcd/differential/real-etcd";
import { EtcdDoors } from "../etcd/gateway/doors";
import { compare, del, put, range, text, txn, watch } from "../etcd/store/requests";
import { describeWith } from "../real-programs";
import { Asking } from "./bridged";

jest.setTimeout(60_000);

/** What an API server may ask, and what goes wrong; each line depends on those before it. */
const script: readonly EtcdRequest[] = [
  range("missing"),
  range("a", { to: "z" }),
  put("a", "1"),
  put("b", "2"),
  put("a", "3", 0, true),
  range("a"),
  range("a", { revision: 2 }),
  range("a", { to: "c", limit: 1 }),
  range("a", { to: "\0", countOnly: true }),
  range("a", { to: "c", sortOrder: "descend", sortTarget: "mod", keysOnly: true }),
  txn([compare("a", "mod", "equal", 4)], [put("a", "4")], [range("a")]),
  txn([compare("a", "mod", "equal", 4)], [put("a", "5")], [range("a")]),
  txn([compare("new", "version", "equal", 0), compare("a", "value", "equal", "4")], [put("new", "1"), range("a", { to: "c" })]),
  txn([compare("a", "create", "greater", 1)], [txn([compare("b", "lease", "equal", 0)], [del("b", "", true)])]),
  del("new", "", true),
  del("x", "z"),
  { kind: "etcd.lease.grant", id: 77, ttlSeconds: 100 },
  { kind: "etcd.lease.grant", id: 77, ttlSeconds: 100 },
  put("leased", "1", 77),
  put("leased", "1", 78),
  { kind: "etcd.lease.timeToLive", id: 77, keys: true },
  { kind: "etcd.lease.keepAlive", id: 77 },
  { kind: "etcd.lease.list" },
  { kind: "etcd.lease.revoke", id: 77 },
  { kind: "etcd.lease.revoke", id: 77 },
  { kind: "etcd.lease.keepAlive", id: 77 },
  { kind: "etcd.lease.timeToLive", id: 77, keys: true },
  range("leased"),
  put("", "x"),
  range("a", { revision: 1_000 }),
  txn([], [put("twice", "1"), put("twice", "2")]),
  { ...put("none", ""), ignoreValue: true },
  { kind: "etcd.compact", revision: 4 },
  { kind: "etcd.compact", revision: 4 },
  { kind: "etcd.compact", revision: 1_000 },
  range("a", { revision: 2 }),
];

/**
 * Without what differs by nature: who answers, in which term, and the seconds that a lease has left; and without what etcd does not say: the
 * revision within a nested transaction (3.4), what was granted in answer to a keep-alive.
 */
function comparable({ kind }: EtcdRequest, answer: EtcdResponse | string): unknown {
  return JSON.parse(
    JSON.stringify(answer, (key, value) => {
      if (key === "member" || key === "term" || (key === "grantedTtlSeconds" && kind === "etcd.lease.keepAlive")) return undefined;
      if (key === "responses")
        return (value as { kind: string }[]).map((one) => (one.kind === "etcd.txn.response" ? { ...one, header: {} } : one));
      if (key === "ttlSeconds" && value > 90) return "fresh";
      return value?.type === "Buffer" ? text(Buffer.from(value.data)) : value;
    }),
  );
}

describeWith(["etcd"], "a real etcd behind an actor's address", () => {
  let real: RealEtcd;
  let doors: EtcdDoors;
  const open: Asking[] = [];
  beforeAll(async () => {
    [real, doors] = await Promise.all([RealEtcd.start(), EtcdDoors.open()]);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((asking) => asking.close()));
  });
  afterAll(async () => {
    await Promise.all([real.stop(), doors.close()]);
  });

  const keep = (asking: Asking) => {
    open.push(asking);
    return asking;
  };
  const bridgeToReal = () => keep(Asking.bridge(`127.0.0.1:${real.port}`));
  /** Our own door is a later release than Debian's etcd, and asks for certificates. */
  const bridgeToDoor = () => {
    const files = doors.clientFiles("bridge");
    const tls = { ca: readFileSync(files.ca), cert: readFileSync(files.cert), key: readFileSync(files.key) };
    return keep(Asking.bridge(`127.0.0.1:${doors.gateways[0]!.listenPort}`, tls));
  };
  const both = [
    ["Debian's etcd", bridgeToReal],
    ["a door of ours, over TLS", bridgeToDoor],
  ] as const;

  test.each(both)("%s answers all that an API server asks as a member of ours does", async (_name, bridge) => {
    const [bridged, own] = [bridge(), keep(Asking.actor())];
    for (const request of script) {
      const [theirs, ours] = [comparable(request, await bridged.ask(request)), comparable(request, await own.ask(request))];
      expect([request, theirs]).toEqual([request, ours]);
    }
  });

  test.each(both)("%s: a lease that the member is to name has an id that messages can carry", async (_name, bridge) => {
    const answer = await bridge().ask({ kind: "etcd.lease.grant", id: 0, ttlSeconds: 60 });
    expect(answer).toMatchObject({ kind: "etcd.lease.response", ttlSeconds: 60 });
    expect(Number.isSafeInteger((answer as { id: number }).id) && (answer as { id: number }).id > 0).toBe(true);
  });

  test.each(both)("%s: a watch has the events of its range alone, and goes on where another ended", async (_name, bridge) => {
    const asking = bridge();
    const first = await asking.opened(watch("w/", { to: "w0", prevKv: true }));
    await asking.ask(put("w/a", "1"));
    await asking.ask(put("outside", "x"));
    const at = await asking.revision(put("w/a", "2"));
    await eventually(() => first.events().length === 2);
    first.close();
    await asking.ask(del("w/a"));
    await asking.ask(put("w/b", "3"));
    const second = await asking.opened(watch("w/", { to: "w0", startRevision: at + 1, prevKv: true }));
    await eventually(() => second.events().length === 2);
    expect(first.events()).toEqual([`put w/a=1@${at - 2}`, `put w/a=2@${at}`]);
    expect(second.events()).toEqual([`delete w/a@${at + 1}`, `put w/b=3@${at + 2}`]);
    const deleted = second.inputs.find((input) => input.type === "item" && input.body.events.length > 0);
    expect(deleted?.type === "item" && text(deleted.body.events[0]!.prevKv!.value)).toBe("2");
  });

  test.each(both)("%s: asked for its progress, a watch says a revision up to which it has passed on everything", async (_name, bridge) => {
    const asking = bridge();
    const watching = await asking.opened(watch("p/", { to: "p0" }));
    let newest = 0;
    const told: { readonly progress: number; readonly sent: number }[] = [];
    for (let n = 0; n < 40; n++) {
      const inside = n % 3 === 0;
      newest = await asking.revision(put(inside ? "p/a" : "elsewhere", String(n)));
      watching.push({ kind: "etcd.watch.progress" });
    }
    await eventually(() => {
      told.length = 0;
      let sent = 0;
      for (const input of watching.inputs) {
        if (input.type !== "item" || input.body.created) continue;
        if (input.body.events.length > 0) sent = input.body.events.at(-1)!.kv.modRevision;
        else told.push({ progress: input.body.header.revision, sent });
      }
      return told.at(-1)?.progress === newest;
    });
    const insides = watching.events().map((event) => Number(event.split("@")[1]));
    for (const { progress, sent } of told) expect(insides.filter((revision) => revision <= progress && revision > sent)).toEqual([]);
    expect(insides).toHaveLength(14);
  });

  test.each(both)("%s: a long history comes whole and in order, no faster than it is taken", async (_name, bridge) => {
    const asking = bridge();
    const from = (await asking.revision(put("h", "0"))) + 1;
    const total = 1_000;
    for (let n = 0; n < total; n += 100) await Promise.all(Array.from({ length: 100 }, (_, i) => asking.ask(put("h", String(n + i)))));
    const watching = asking.watch(watch("h", { startRevision: from }));
    await eventually(() => watching.events().length === total || watching.inputs.at(-1)?.type === "closed");
    expect(watching.events().map((event) => Number(event.split("@")[1]))).toEqual(Array.from({ length: total }, (_, i) => from + i));
  });

  test.each(both)("%s: a watch from a compacted revision says which is the oldest that is left, and ends", async (_name, bridge) => {
    const asking = bridge();
    await asking.ask(put("c", "1"));
    const at = await asking.revision(put("c", "2"));
    await asking.ask({ kind: "etcd.compact", revision: at });
    const watching = asking.watch(watch("c", { startRevision: 2 }));
    await eventually(() => watching.inputs.at(-1)?.type === "closed");
    const compacted = watching.inputs.find((input) => input.type === "item" && input.body.compactRevision > 0);
    expect(compacted).toMatchObject({ body: { compactRevision: at } });
    expect(watching.inputs.at(-1)).toMatchObject({ reason: "done", detail: "etcdserver: mvcc: required revision has been compacted" });
  });

  test("what is not bridged is refused by name", async () => {
    const asking = bridgeToReal();
    expect(await asking.ask({ kind: "etcd.member.list", linearizable: true })).toBe(
      "refused: etcd.member.list cannot be asked of an etcd outside; ask it with etcdctl",
    );
  });

  test("when etcd is gone a write certainly did not happen where nobody could be reached, and watches end; when it is back all goes on", async () => {
    const asking = bridgeToReal();
    const watching = await asking.opened(watch("k"));
    await real.kill();
    await eventually(() => watching.inputs.at(-1)?.type === "closed");
    expect(watching.inputs.at(-1)).toMatchObject({ type: "closed", reason: "refused" });
    await eventually(() => watching.inputs.length > 0);
    const refused = await asking.ask(put("k", "1"));
    expect(refused).toMatchObject({ kind: "etcd.error", code: "Unavailable" });
    const later = await asking.ask(put("k", "1"));
    expect(later).toMatchObject({ kind: "etcd.error", unknown: false });
    expect((later as { message: string }).message).toMatch(/^No connection established: connect ECONNREFUSED 127\.0\.0\.1:\d+$/);
    await real.restart();
    let answer: EtcdResponse | string = "";
    for (let tries = 0; tries < 100 && (typeof answer === "string" || answer.kind !== "etcd.put.response"); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      answer = await asking.ask(put("k", "2"));
    }
    expect(answer).toMatchObject({ kind: "etcd.put.response" });
  });

  test.each([
    ["empty", /has gone back from revision \d+ to \d+: its data was lost or replaced; start anew$/],
    ["of another cluster", /is a member of another cluster now$/],
  ] as const)("a server that comes back %s is not taken for the one that was there", async (how, expected) => {
    const other = await RealEtcd.start();
    try {
      const asking = keep(Asking.bridge(`127.0.0.1:${other.port}`));
      for (let n = 0; n < 3; n++) await asking.ask(put("k", "1"));
      await other.kill();
      await other.restart(how);
      let message = "";
      for (let tries = 0; tries < 100 && !expected.test(message); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        message = ((await asking.ask(range("k"))) as { readonly message?: string }).message ?? "";
      }
      expect(message).toMatch(expected);
    } finally {
      await other.stop();
    }
  });
});

test.each([
  ["3.4.23", false],
  ["3.4.30", false],
  ["3.4.31", true],
  ["3.5.12", false],
  ["3.5.13", true],
  ["3.5.30", true],
  ["3.6.0", true],
  ["4.0.0", true],
  ["3.3.99", false],
  ["devel", false],
])("progress of release %s is relied on: %s", (version, expected) => {
  expect(hasSoundProgress(version)).toBe(expected);
});
