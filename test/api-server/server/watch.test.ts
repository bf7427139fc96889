import { address } from "../../../protocol/address";
import type { Message } from "../../../protocol/codec";
import { configMap, Tank } from "./tank";

const maps = "/api/v1/namespaces/default/configmaps";

describe("watch (Kubernetes API concepts: efficient detection of changes)", () => {
  const tank = new Tank();
  const types = (events: readonly { readonly type: string; readonly object: { metadata: { name: string } } }[]) =>
    events.map(({ type, object }) => `${type} ${object.metadata.name}`);

  test("without a resourceVersion: the state as ADDED events, then each change once and in order", () => {
    tank.create(maps, configMap("w1"));
    const watched = tank.watch(`${maps}?watch=true`);
    expect(watched.response?.code).toBe(200);
    tank.create(maps, configMap("w2"));
    tank.patch(`${maps}/w1`, "merge", { data: { a: "1" } });
    tank.delete(`${maps}/w2`);
    tank.until(() => watched.events.length >= 4, "events are missing");
    expect(types(watched.events)).toEqual(["ADDED w1", "ADDED w2", "MODIFIED w1", "DELETED w2"]);
    const versions = watched.events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect([...versions].sort((a, b) => a - b)).toEqual(versions);
  });

  test("from a resourceVersion: what came after it and nothing else, also from the recent past", () => {
    const { resourceVersion } = tank.get(maps).body.metadata;
    tank.create(maps, configMap("w3"));
    const watched = tank.watch(`${maps}?watch=true&resourceVersion=${resourceVersion}`);
    tank.delete(`${maps}/w3`);
    tank.until(() => watched.events.length >= 2, "events are missing");
    expect(types(watched.events)).toEqual(["ADDED w3", "DELETED w3"]);
  });

  test("what comes to match a selector is ADDED, what ceases to is DELETED as it was before", () => {
    const watched = tank.watch(`${maps}?watch=true&labelSelector=app%3Dx`);
    tank.create(maps, configMap("w4"));
    tank.patch(`${maps}/w4`, "merge", { metadata: { labels: { app: "x" } } });
    tank.patch(`${maps}/w4`, "merge", { data: { a: "1" } });
    const left = tank.patch(`${maps}/w4`, "merge", { metadata: { labels: { app: "y" } } });
    tank.until(() => watched.events.length >= 3, "events are missing");
    expect(types(watched.events)).toEqual(["ADDED w4", "MODIFIED w4", "DELETED w4"]);
    expect(watched.events[2]!.object.metadata).toMatchObject({ labels: { app: "x" }, resourceVersion: left.body.metadata.resourceVersion });
  });

  test("a field selector on the name shows that object alone", () => {
    const watched = tank.watch(`${maps}?watch=true&fieldSelector=metadata.name%3Dw5`);
    tank.create(maps, configMap("w5"));
    tank.create(maps, configMap("w55"));
    tank.delete(`${maps}/w5`);
    tank.until(() => watched.events.length >= 2, "events are missing");
    expect(types(watched.events)).toEqual(["ADDED w5", "DELETED w5"]);
  });

  test("sendInitialEvents: the state, then a bookmark with the annotation that ends it (WatchList)", () => {
    const watched = tank.watch(`${maps}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`);
    tank.until(() => watched.events.at(-1)?.type === "BOOKMARK", "no bookmark");
    expect(watched.events.at(-1)!.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
    expect(watched.events.slice(0, -1).every(({ type }) => type === "ADDED")).toBe(true);
    expect(watched.events.length - 1).toBe(tank.get(maps).body.items.length);
  });

  test("sendInitialEvents without resourceVersionMatch is 422, so that clients fall back to a list", () => {
    expect(tank.watch(`${maps}?watch=true&sendInitialEvents=true`).response?.code).toBe(422);
  });

  test("bookmarks come about once a minute to those who allow them, and say how far the server has come", () => {
    const watched = tank.watch(
      `${maps}?watch=true&resourceVersion=${tank.get(maps).body.metadata.resourceVersion}&allowWatchBookmarks=true`,
    );
    const silent = tank.watch(`${maps}?watch=true&resourceVersion=${tank.get(maps).body.metadata.resourceVersion}`);
    tank.create("/api/v1/namespaces/default/secrets", { metadata: { name: "elsewhere" } });
    tank.simulation.runFor(61_000);
    expect(watched.events.map(({ type }) => type)).toContain("BOOKMARK");
    expect(silent.events).toEqual([]);
  });

  test("timeoutSeconds ends a watch", () => {
    const watched = tank.watch(`${maps}?watch=true&timeoutSeconds=5`);
    tank.simulation.runFor(4_900);
    expect(watched.closed).toBeUndefined();
    tank.simulation.runFor(200);
    expect(watched.closed).toMatchObject({ reason: "done" });
  });

  test("a Table watch carries the column definitions with the first event only", () => {
    const watched = tank.watch(`${maps}?watch=true&fieldSelector=metadata.name%3Dw6`, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    });
    tank.create(maps, configMap("w6"));
    tank.delete(`${maps}/w6`);
    tank.until(() => watched.events.length >= 2, "events are missing");
    expect(watched.events.map(({ object }) => [object.kind, object.columnDefinitions?.length > 0])).toEqual([
      ["Table", true],
      ["Table", false],
    ]);
  });

  test("a revision that has left the window is answered with an ERROR event that holds a 410 Status", () => {
    const small = new Tank({ knobs: { "default-watch-cache-size": 1 } });
    const { resourceVersion } = small.get(maps).body.metadata;
    for (let i = 0; i < 110; i++) small.create(maps, configMap(`m${i}`));
    const watched = small.watch(`${maps}?watch=true&resourceVersion=${resourceVersion}`);
    small.until(() => watched.closed !== undefined, "the watch goes on");
    expect(watched.events).toMatchObject([{ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }]);
  });
});

describe("a watch that begins with thousands of objects", () => {
  const many = 6_000;
  const tank = new Tank();
  const stored = (name: string) =>
    Buffer.from(JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default", uid: name } }));
  const name = (i: number) => `m${String(i).padStart(5, "0")}`;
  let written = 0;
  const writeAll = () => {
    written = 0;
    for (let from = 0; from < many; from += 100) writeFrom(from);
  };
  const writeFrom = (from: number) => {
    const success = Array.from({ length: 100 }, (_, i) => {
      const key = Buffer.from(`/registry/configmaps/default/${name(from + i)}`);
      return { kind: "etcd.put", key, value: stored(name(from + i)), lease: 0, prevKv: false };
    });
    tank.simulation.ask(address("etcd", 0), { kind: "etcd.txn", compare: [], success, failure: [] } as Message, 10_000, () => {
      written += 100;
    });
  };
  writeAll();
  tank.until(() => written === many, "not written");

  test("a list of thousands leaves others their turns, and is of the revision at which it began", () => {
    const told: string[] = [];
    const before = tank.get(`${maps}?limit=1`).body.metadata.resourceVersion;
    tank.ask("GET", `${maps}?resourceVersion=0&labelSelector=%21none`, {}, ({ body }) => {
      told.push(`list of ${body.items.length}`, body.metadata.resourceVersion);
    });
    tank.ask("GET", `${maps}/${name(0)}?resourceVersion=0`, {}, ({ code }) => told.push(`get ${code}`));
    tank.ask("PATCH", `${maps}/${name(0)}`, { body: {}, contentType: "application/merge-patch+json" }, () => undefined);
    tank.until(() => told.length === 3, "not answered");
    expect(told).toEqual(["get 200", `list of ${many}`, before]);
  });

  test("is shown them all, then the bookmark, then what happened meanwhile, and is not cut off for it", () => {
    const watched = tank.watch(`${maps}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`);
    expect(tank.patch(`${maps}/${name(0)}`, "merge", { data: { during: "1" } }).code).toBe(200);
    tank.until(() => watched.events.some(({ type }) => type === "MODIFIED"), "no event");
    expect(watched.closed).toBeUndefined();
    expect(watched.events.map(({ type }) => type)).toEqual([...Array.from({ length: many }, () => "ADDED"), "BOOKMARK", "MODIFIED"]);
    expect(watched.events[many]!.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
    expect(new Set(watched.events.slice(0, many).map(({ object }) => object.metadata.name)).size).toBe(many);
  });

  test("does not wait for a watcher that takes nothing: it is cut off after some thousands of events, and begins anew", () => {
    const { resourceVersion } = tank.get(`${maps}?limit=1`).body.metadata;
    const slow = tank.watch(`${maps}?watch=true&resourceVersion=${resourceVersion}`);
    const { watchers, metrics } = tank.state()!;
    const open = watchers.byStream.size;
    // What it has taken the server does not hear of.
    tank.simulation.addRule({ id: "deaf", from: ["outside"], to: ["apiserver-0"], kinds: null, effect: { type: "block" } });
    writeAll();
    tank.until(() => watchers.byStream.size < open, "it is not cut off");
    expect(watchers.byStream.size).toBe(open - 1);
    expect(metrics.terminatedWatchers.get(["", "configmaps"])).toBe(1);
    tank.simulation.removeRule("deaf");
    tank.until(() => slow.closed !== undefined, "it does not learn of it");
    expect(slow.closed).toMatchObject({ reason: "slow" });
    // What it was sent until then has no gap.
    const names = slow.events.map(({ object }) => object.metadata.name);
    expect(names.length).toBeGreaterThan(0);
    expect(names).toEqual(Array.from(names, (_, i) => name(i)));
    const { items, metadata } = tank.get(maps).body;
    expect(items).toHaveLength(many);
    const again = tank.watch(`${maps}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    tank.patch(`${maps}/${name(1)}`, "merge", { data: { after: "1" } });
    tank.until(() => again.events.length > 0, "no event");
    expect(again.events[0]).toMatchObject({ type: "MODIFIED", object: { metadata: { name: name(1) } } });
  });
});
