import type { Ctx, ServerState } from "../../../actors/api-server/state";
import { watchedMember } from "../../../actors/api-server/storage/feed";
import { gatherTimer, learnPresent, newFreshness, onGatherTimer } from "../../../actors/api-server/storage/freshness";
import type { MemberState } from "../../../actors/etcd/state";
import { address } from "../../../protocol/address";
import type { Message } from "../../../protocol/codec";
import { configMap, type Reply, Tank } from "./tank";

const maps = "/api/v1/namespaces/default/configmaps";

function leaderOf(tank: Tank): number {
  for (const n of [0, 1, 2]) {
    const state = tank.simulation.stateOf<MemberState>(address("etcd", n));
    if (state?.node.role.name === "leader") return n;
  }
  throw new Error("etcd has no leader");
}

describe("the question of consistent reads to etcd", () => {
  test("is put at once for a read that is alone, and once for all where several come together", () => {
    const said: string[] = [];
    let answered: (state: unknown, answer: unknown, ctx: unknown) => void = () => undefined;
    const ctx = {
      monotonicUs: () => 0,
      wallUs: () => 0,
      keep: <T>(then: T) => then,
      setTimer: (name: string, delayMs: number) => said.push(`timer ${name} ${delayMs}`),
      ask: (_to: string, body: Message, _options: object, then: typeof answered) => {
        said.push(body.kind);
        answered = then;
      },
    } as unknown as Ctx;
    const etcd = { members: ["etcd/0"], preferred: "etcd/0", readTimeoutMs: 1_000, vault: { plugins: [] } };
    const state = { freshness: newFreshness(), etcd, feed: { knownRevision: 0 } } as unknown as ServerState;
    const told: number[] = [];
    const read = () => learnPresent(state, ctx, 1e6, (_, outcome) => void told.push(outcome.type === "done" ? outcome.revision : -1));
    const answer = (revision: number) =>
      answered(state, { ok: true, body: { kind: "etcd.range.response", header: { revision }, kvs: [], more: false, count: 0 } }, ctx);
    read();
    expect(said.splice(0)).toEqual(["etcd.range"]);
    // These came after it was sent.
    read();
    read();
    answer(5);
    expect([said.splice(0), told.splice(0)]).toEqual([["etcd.range"], [5]]);
    answer(6);
    expect([said.splice(0), told.splice(0)]).toEqual([[], [6, 6]]);
    // The next ones come together as well, in all likelihood.
    for (let i = 0; i < 3; i++) read();
    expect(said.splice(0)).toEqual([`timer ${gatherTimer} 0`]);
    onGatherTimer(state, ctx);
    expect(said.splice(0)).toEqual(["etcd.range"]);
    answer(7);
    expect(told.splice(0)).toEqual([7, 7, 7]);
    // One that waited for others in vain: its like asks at once again.
    read();
    onGatherTimer(state, ctx);
    answer(8);
    said.splice(0);
    read();
    expect(said).toEqual(["etcd.range"]);
  });
});

describe("faults below the API server", () => {
  test("through the death of etcd's leader no acknowledged write is lost and no unacknowledged one is doubled", () => {
    const tank = new Tank({ etcd: 3, servers: 2 });
    const replies = new Map<string, Reply>();
    const names = Array.from({ length: 60 }, (_, i) => `m${i}`);
    for (const [i, name] of names.entries())
      tank.simulation.schedule(i * 100_000, () =>
        tank.ask("POST", maps, { server: i % 2, body: configMap(name) }, (reply) => replies.set(name, reply)),
      );
    tank.simulation.runFor(2_000);
    tank.simulation.crashHost(`etcd-${leaderOf(tank)}`);
    tank.until(() => replies.size === names.length, "not every write was answered");
    const stored = new Set(tank.get(maps).body.items.map((item: { metadata: { name: string } }) => item.metadata.name));
    const acknowledged = names.filter((name) => replies.get(name)!.code === 201);
    expect(acknowledged.filter((name) => !stored.has(name))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(30);
    // Nobody else wrote these names, so AlreadyExists would be the server's own first try coming back as somebody else's.
    expect([...replies.values()].filter(({ code }) => code === 409)).toEqual([]);
  });

  test("a write whose answer was lost is recognised as done, not written twice and not refused", () => {
    const tank = new Tank({ etcd: 3 });
    tank.create(maps, configMap("a", { k: "1" }));
    tank.simulation.addRule({ id: "lost", from: ["etcd-0"], to: ["apiserver-0"], kinds: ["etcd.txn"], effect: { type: "block" } });
    expect(tank.create(maps, configMap("b")).code).toBe(201);
    tank.simulation.removeRule("lost");
    expect(tank.get(`${maps}/b`).code).toBe(200);
  });

  test("an update whose answer was lost is not taken for done because somebody else wrote the very same", () => {
    const tank = new Tank({ etcd: 3, servers: 2 });
    const { body } = tank.create(maps, configMap("counter", { n: "0" }));
    tank.simulation.addRule({ id: "lost", from: ["apiserver-0"], to: ["etcd-0"], kinds: ["etcd.txn"], effect: { type: "block" } });
    const replies: Reply[] = [];
    tank.ask("PUT", `${maps}/counter`, { body: { ...body, data: { n: "1" } } }, (reply) => replies.push(reply));
    tank.simulation.runFor(100);
    expect(tank.put(`${maps}/counter`, { ...body, data: { n: "1" } }, { server: 1 }).code).toBe(200);
    tank.until(() => replies.length > 0, "no answer");
    expect(replies[0]).toMatchObject({ code: 504, body: { reason: "Timeout" } });
  });

  test("a server whose etcd member is cut off from the others watches another one, and its watches go on without a gap", () => {
    const tank = new Tank({ etcd: 3, servers: 2 });
    const watched = tank.watch(`${maps}?watch=true`);
    const cut = watchedMember(tank.state(0)!.feed).replace("/", "-");
    const others = ["etcd-0", "etcd-1", "etcd-2"].filter((host) => host !== cut);
    tank.simulation.addRule({ id: "in", from: others, to: [cut], kinds: null, effect: { type: "block" } });
    tank.simulation.addRule({ id: "out", from: [cut], to: others, kinds: null, effect: { type: "block" } });
    tank.simulation.runFor(5_000);
    for (const name of ["x", "y", "z"]) expect(tank.create(maps, configMap(name), { server: 1 }).code).toBe(201);
    tank.simulation.runFor(20_000);
    expect(watched.events.map(({ object }) => object.metadata.name)).toEqual(["x", "y", "z"]);
    expect(watched.closed).toBeUndefined();
  });

  test("a server that was away for longer than etcd remembers lists anew and cuts off its watches, which then are told 410", () => {
    const tank = new Tank({ etcd: 3, servers: 2, knobs: { "etcd-compaction-interval": 5_000 } });
    const watched = tank.watch(`${maps}?watch=true&allowWatchBookmarks=true`);
    const { resourceVersion } = tank.get(maps).body.metadata;
    tank.simulation.addRule({
      id: "away",
      from: ["apiserver-0"],
      to: ["etcd-0", "etcd-1", "etcd-2"],
      kinds: null,
      effect: { type: "block" },
    });
    tank.simulation.runFor(1_000);
    for (let i = 0; i < 5; i++) {
      tank.create(maps, configMap(`away-${i}`), { server: 1 });
      tank.simulation.runFor(10_000);
    }
    tank.simulation.removeRule("away");
    tank.until(() => tank.facts.some((fact) => fact.kind === "api.relist" && String(fact.why).includes("compacted")), "no list anew");
    tank.until(() => watched.closed !== undefined, "the watch goes on over a gap");
    expect(tank.get(maps).body.items).toHaveLength(5);
    const again = tank.watch(`${maps}?watch=true&resourceVersion=${resourceVersion}`);
    tank.until(() => again.events.length > 0, "no event");
    expect(again.events[0]).toMatchObject({ type: "ERROR", object: { code: 410 } });
  });

  test("without etcd a server refuses within its time, keeps reading from its cache, and says that it is not ready", () => {
    const tank = new Tank();
    tank.create(maps, configMap("kept"));
    tank.simulation.runFor(100);
    tank.simulation.crashHost("etcd-0");
    expect(tank.get("/readyz").code).toBe(500);
    expect(tank.get(`${maps}/kept?resourceVersion=0`).code).toBe(200);
    expect(tank.create(maps, configMap("late")).code).toBeGreaterThanOrEqual(500);
    expect(tank.get(maps).code).toBeGreaterThanOrEqual(500);
    tank.simulation.startHost("etcd-0");
    tank.until(() => tank.get("/readyz").code === 200, "the server does not come back");
    expect(tank.create(maps, configMap("after")).code).toBe(201);
  });

  test("a list without resourceVersion shows what another server has written, also while the own cache lags", () => {
    const tank = new Tank({ etcd: 3, servers: 2 });
    tank.simulation.addRule({
      id: "slow",
      from: ["etcd-0", "etcd-1", "etcd-2"],
      to: ["apiserver-0"],
      kinds: ["etcd.watch"],
      effect: { type: "delay", minUs: 500_000, maxUs: 500_001 },
    });
    expect(tank.create(maps, configMap("new"), { server: 1 }).code).toBe(201);
    expect(tank.get(`${maps}?resourceVersion=0`).body.items).toHaveLength(0);
    expect(tank.get(maps).body.items).toHaveLength(1);
    // A cache that hears of nothing more is passed by after three seconds.
    tank.simulation.removeRule("slow");
    tank.simulation.runFor(1_000);
    tank.simulation.host("apiserver-0").host.interpose({ arriving: ({ kind }) => (kind === "etcd.watch.response" ? [] : "pass") });
    expect(tank.create(maps, configMap("newer"), { server: 1 }).code).toBe(201);
    expect(tank.get(maps, { deadlineMs: 5_000 }).body.items).toHaveLength(2);
    expect(tank.get(`${maps}?resourceVersion=0`).body.items).toHaveLength(1);
  });

  test("who watches from a revision that a lagging server has not reached is not sent what came before it", () => {
    const tank = new Tank({ etcd: 3, servers: 2 });
    const etcd = ["etcd-0", "etcd-1", "etcd-2"];
    const effect = { type: "delay", minUs: 500_000, maxUs: 500_001 } as const;
    tank.simulation.addRule({ id: "slow", from: etcd, to: ["apiserver-1"], kinds: ["etcd.watch"], effect });
    const { resourceVersion } = tank.create(maps, configMap("known"), { server: 0 }).body.metadata;
    expect(tank.state(1)!.feed.revision).toBeLessThan(Number(resourceVersion));
    const watched = tank.watch(`${maps}?watch=true&resourceVersion=${resourceVersion}`, { server: 1 });
    tank.create(maps, configMap("new"), { server: 0 });
    tank.until(() => watched.events.length > 0, "no event");
    tank.simulation.runFor(2_000);
    expect(watched.events.map(({ object }) => object.metadata.name)).toEqual(["new"]);
  });

  test("a client that goes from server to server never goes back in time, though one of them lags", () => {
    const tank = new Tank({ etcd: 3, servers: 2, seed: 11 });
    const effect = { type: "delay", minUs: 200_000, maxUs: 900_000 } as const;
    tank.simulation.addRule({ id: "slow", from: ["etcd-0", "etcd-1", "etcd-2"], to: ["apiserver-1"], kinds: ["etcd.watch"], effect });
    const counter = `${maps}/counter`;
    let seen = Number(tank.create(maps, configMap("counter", { n: "0" })).body.metadata.resourceVersion);
    let counted = 0;
    let behind = 0;
    const watches: { readonly from: number; readonly watched: ReturnType<Tank["watch"]> }[] = [];
    for (let i = 1; i <= 60; i++) {
      if (i % 3 === 0) {
        const { metadata } = tank.patch(counter, "merge", { data: { n: String(i) } }).body;
        [seen, counted] = [Number(metadata.resourceVersion), i];
      }
      const lagging = { server: 1 };
      if (tank.state(1)!.feed.revision < seen) behind++;
      if (i % 20 === 0) watches.push({ from: seen, watched: tank.watch(`${maps}?watch=true&resourceVersion=${seen}`, lagging) });
      const notOlder = `resourceVersion=${seen}`;
      const path = [
        counter,
        `${counter}?${notOlder}`,
        maps,
        `${maps}?${notOlder}`,
        `${maps}?${notOlder}&resourceVersionMatch=NotOlderThan`,
      ][i % 5]!;
      const { body } = tank.get(path, i % 4 === 0 ? {} : lagging);
      const object = body.items ? body.items.find((item: Reply["body"]) => item.metadata.name === "counter") : body;
      expect([path, Number(object.data.n)]).toEqual([path, counted]);
      expect(Number(body.metadata.resourceVersion)).toBeGreaterThanOrEqual(seen);
      seen = Number(body.metadata.resourceVersion);
    }
    expect(behind).toBeGreaterThan(5);
    tank.simulation.runFor(2_000);
    for (const { from, watched } of watches) {
      const revisions = watched.events.map(({ object }) => Number(object.metadata.resourceVersion));
      expect(revisions.every((revision, at) => revision > (revisions[at - 1] ?? from))).toBe(true);
      expect(watched.events.map(({ object }) => Number(object.data.n)).every((n, at, all) => n > (all[at - 1] ?? 0))).toBe(true);
    }
    expect(watches[0]!.watched.events.length).toBeGreaterThan(10);
  });

  test("a server that has not read its objects yet answers 503, and its health says what is missing", () => {
    const tank = new Tank();
    tank.simulation.crashHost("etcd-0");
    tank.simulation.crashActor(address("apiserver", 0));
    tank.until(() => tank.state(0) !== undefined, "the server does not start again");
    expect(tank.get(maps)).toMatchObject({ code: 503, body: { reason: "ServiceUnavailable" } });
    expect(tank.get("/readyz").text).toContain("[-]informer-sync failed");
    expect(tank.get("/livez/ping").code).toBe(200);
    tank.simulation.startHost("etcd-0");
    tank.until(() => tank.get("/readyz").code === 200, "the server does not become ready");
    expect(tank.get(maps).code).toBe(200);
  });

  test("a value that is no object does not stop the server: it is not there in lists, and asking for it is a 500", () => {
    const tank = new Tank();
    tank.create(maps, configMap("good"));
    const key = Buffer.from("/registry/configmaps/default/bad");
    let put = false;
    tank.simulation.ask(
      address("etcd", 0),
      { kind: "etcd.put", key, value: Buffer.from("nonsense"), lease: 0, prevKv: false } as Message,
      1_000,
      () => {
        put = true;
      },
    );
    tank.until(() => put, "not put");
    expect(tank.get(maps).body.items).toHaveLength(1);
    expect(tank.get(`${maps}/bad`)).toMatchObject({ code: 500, body: { message: expect.stringContaining("is not an object") } });
  });

  test("the same seed gives the same trace", () => {
    const run = () => {
      const tank = new Tank({ etcd: 3, servers: 2, seed: 7 });
      for (let i = 0; i < 20; i++) tank.create(maps, configMap(`m${i}`), { server: i % 2 });
      return tank.simulation.traceHash();
    };
    expect(run()).toBe(run());
  });
});
