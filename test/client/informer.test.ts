import { type ApiClient, type Change, type Informer, pods } from "../../actors/client";
import { WatchLines } from "../../actors/client/watch-lines";
import { address } from "../../protocol/address";
import type { Pod } from "../../protocol/kinds/generated";
import { FakeStore, type Kept } from "./fake-api-server";
import { type Tester, tank, tester } from "./tank";

const pod = (name: string, labels: Record<string, string> = {}): Kept => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace: "shop", name, uid: `uid-${name}`, labels },
});

function following(options: Parameters<ApiClient<Tester>["informer"]>[1] = {}) {
  const seen: string[] = [];
  const informers: Informer<Tester, Pod>[] = [];
  const actor = tester("tester", (client, ctx) => {
    const informer = client.informer(pods, options as object);
    informer.addHandler((change: Change<Pod>) => {
      seen.push(`${change.type} ${change.object.metadata.name}`);
      return undefined;
    });
    informer.start(ctx);
    informers.push(informer);
  });
  return { actor, seen, informer: () => informers.at(-1)! };
}

test("an informer reports what is there, then what changes (client-go: ListAndWatch)", () => {
  const { actor, seen, informer } = following();
  const { simulation, store } = tank([actor]);
  const first = store.put("pods", "ADDED", pod("web-1"));
  simulation.runFor(100);
  expect(informer().synced).toBe(true);
  store.put("pods", "ADDED", pod("web-2"));
  store.put("pods", "MODIFIED", { ...first, status: { phase: "Running" } });
  store.remove("pods", first);
  simulation.runFor(100);
  expect(seen).toEqual(["added web-1", "added web-2", "updated web-1", "deleted web-1"]);
  expect([...informer().store.list()].map((p) => p.metadata.name)).toEqual(["web-2"]);
  expect(informer().resourceVersion).toBe(store.version);
});

test("objects in a cache are frozen", () => {
  const { actor, informer } = following();
  const { simulation, store } = tank([actor]);
  store.put("pods", "ADDED", pod("web-1", { app: "web" }));
  simulation.runFor(100);
  const cached = informer().store.get("shop/web-1") as unknown as { metadata: { labels: Record<string, string> } };
  expect(() => {
    cached.metadata.labels.app = "other";
  }).toThrow(TypeError);
});

test("indexes follow the objects as they change", () => {
  const { actor, informer } = following({ indexes: { app: (object) => [object.metadata.labels?.app ?? ""] } });
  const { simulation, store } = tank([actor]);
  const web = store.put("pods", "ADDED", pod("web-1", { app: "web" }));
  simulation.runFor(100);
  expect(informer().store.byIndex("app", "web")).toHaveLength(1);
  store.put("pods", "MODIFIED", { ...web, metadata: { ...web.metadata, labels: { app: "db" } } });
  simulation.runFor(100);
  expect(informer().store.byIndex("app", "web")).toHaveLength(0);
  expect(informer().store.byIndex("app", "db")).toHaveLength(1);
  expect(() => informer().store.byIndex("colour", "red")).toThrow("no index");
});

test("when its API server dies it goes on with the next one from where it was, without a gap and without a second list", () => {
  const { actor, seen } = following();
  const { simulation, store } = tank([actor]);
  store.put("pods", "ADDED", pod("web-1"));
  simulation.runFor(100);
  simulation.crashHost("apiserver-0");
  store.put("pods", "ADDED", pod("web-2"));
  simulation.runFor(10_000);
  expect(seen).toEqual(["added web-1", "added web-2"]);
  expect(store.requests.filter((request) => request === "list pods")).toHaveLength(1);
});

test("when what follows has been compacted away (410) it lists again and reports the difference", () => {
  const { actor, seen } = following();
  const { simulation, store } = tank([actor]);
  const first = store.put("pods", "ADDED", pod("web-1"));
  simulation.runFor(100);
  simulation.crashHost("apiserver-0");
  store.remove("pods", first);
  store.put("pods", "ADDED", pod("web-2"));
  store.compacted = store.version;
  simulation.runFor(20_000);
  expect(seen).toEqual(["added web-1", "added web-2", "deleted web-1"]);
});

test("an object deleted and made again under the same name between two looks is reported as deleted, then added", () => {
  const { actor, seen } = following();
  const { simulation, store } = tank([actor]);
  const first = store.put("pods", "ADDED", pod("web-1"));
  simulation.runFor(100);
  simulation.crashHost("apiserver-0");
  store.remove("pods", first);
  store.put("pods", "ADDED", { ...pod("web-1"), metadata: { ...pod("web-1").metadata, uid: "another" } });
  store.compacted = store.version;
  simulation.runFor(20_000);
  expect(seen).toEqual(["added web-1", "deleted web-1", "added web-1"]);
});

test("a server that is behind does not take the cache back in time (kubernetes/kubernetes#59848)", () => {
  const { actor, seen, informer } = following();
  const { simulation, store } = tank([actor]);
  store.put("pods", "ADDED", pod("web-1"));
  simulation.runFor(100);
  const before = informer().resourceVersion;
  // A store as it was long ago takes the place of the one that was followed.
  const old = new FakeStore();
  old.version = 10;
  store.objects.clear();
  store.version = old.version;
  store.compacted = before + 1;
  simulation.crashActor(address("apiserver", 0));
  simulation.runFor(30_000);
  expect(seen).toEqual(["added web-1"]);
  expect(informer().resourceVersion).toBe(before);
});

test("what an aggregated server streams is read line by line, and nothing that it sends can be taken for more than it is", () => {
  const lines = new WatchLines();
  const read = (text: string) =>
    lines.read({ type: "item", body: { kind: "api.chunk", bytes: Buffer.from(text) } }).map((input) => {
      if (input.type !== "item" || input.body.kind !== "api.event") throw new Error("no event");
      return `${input.body.type} ${JSON.parse(Buffer.from(input.body.object).toString()).metadata?.name ?? ""}`;
    });
  const event = (type: string, metadata: unknown) => `${JSON.stringify({ type, object: { metadata } })}\n`;
  const apple = event("ADDED", { name: "apple", resourceVersion: "1" });
  expect(read(apple.slice(0, 20))).toEqual([]);
  expect(read(apple.slice(20) + event("BOOKMARK", { resourceVersion: "2" }))).toEqual(["ADDED apple", "BOOKMARK "]);
  for (const wrong of [
    "null\n",
    "[]\n",
    "{\n",
    event("ADDED", null),
    event("ADDED", { name: 1, resourceVersion: "1" }),
    event("EATEN", { name: "a" }),
  ])
    expect(read(wrong)).toEqual(["ERROR "]);
  expect(read("x".repeat(4 * 1024 * 1024 + 1))).toEqual(["ERROR "]);
  expect(read(apple)).toEqual(["ADDED apple"]);
});
