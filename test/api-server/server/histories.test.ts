import { configMap, type Json, Tank, type Watched } from "./tank";

const maps = "/api/v1/namespaces/default/configmaps";

/** Faults that come and go while clients work: everything that an API server has to live with. */
function trouble(tank: Tank): void {
  const { simulation } = tank;
  simulation.schedule(2_000_000, () => simulation.crashHost("etcd-0"));
  simulation.schedule(6_000_000, () => simulation.startHost("etcd-0"));
  simulation.schedule(9_000_000, () =>
    simulation.addRule({ id: "far", from: ["etcd-1"], to: ["apiserver-1"], kinds: null, effect: { type: "block" } }),
  );
  simulation.schedule(14_000_000, () => simulation.removeRule("far"));
  simulation.schedule(16_000_000, () => simulation.crashHost("etcd-2"));
  simulation.schedule(20_000_000, () => simulation.startHost("etcd-2"));
}

describe("histories under trouble", () => {
  test.each([1, 3])("counting up by compare-and-swap loses no acknowledged step and invents none (seed %d)", (seed) => {
    const tank = new Tank({ etcd: 3, servers: 2, seed });
    tank.create(maps, configMap("counter", { n: "0" }));
    let acknowledged = 0;
    let unknown = 0;
    let refused = 0;
    const count = (server: number, until: number) => {
      if (tank.simulation.now() > until) return;
      tank.ask("GET", `${maps}/counter`, { server, deadlineMs: 3_000 }, (read) => {
        if (read.code !== 200) return void tank.simulation.schedule(100_000, () => count(server, until));
        const body = { ...read.body, data: { n: String(Number(read.body.data.n) + 1) } };
        tank.ask("PUT", `${maps}/counter`, { server, body, deadlineMs: 3_000 }, ({ code }) => {
          if (code === 200) acknowledged += 1;
          else if (code === 409) refused += 1;
          else unknown += 1;
          tank.simulation.schedule(150_000, () => count(server, until));
        });
      });
    };
    trouble(tank);
    for (const server of [0, 0, 1, 1]) count(server, 24_000_000);
    tank.simulation.runFor(40_000);
    const value = Number(tank.get(`${maps}/counter`).body.data.n);
    expect(value).toBeGreaterThanOrEqual(acknowledged);
    expect(value).toBeLessThanOrEqual(acknowledged + unknown);
    expect(acknowledged).toBeGreaterThan(60);
    expect(refused).toBeGreaterThan(0);
  });

  test.each([4, 5])("who lists, watches and lists again when told to has the picture that a list shows (seed %d)", (seed) => {
    const tank = new Tank({ etcd: 3, servers: 2, seed });
    const pictures = [follow(tank, 0), follow(tank, 1)];
    trouble(tank);
    for (let i = 0; i < 200; i++)
      tank.simulation.schedule(100_000 * i, () => {
        const name = `m${(i * 7) % 10}`;
        const server = i % 2;
        if (i % 3 === 0) tank.ask("DELETE", `${maps}/${name}`, { server }, () => undefined);
        else tank.ask("POST", maps, { server, body: configMap(name, { i: String(i) }) }, () => undefined);
        tank.ask(
          "PATCH",
          `${maps}/m${(i * 3) % 10}`,
          { server, body: { data: { p: String(i) } }, contentType: "application/merge-patch+json" },
          () => undefined,
        );
      });
    tank.simulation.runFor(60_000);
    const listed = tank.get(maps).body.items.map(({ metadata }: Json) => `${metadata.name}@${metadata.resourceVersion}`);
    expect(listed.length).toBeGreaterThan(0);
    for (const picture of pictures) {
      expect(picture.disorder).toEqual([]);
      expect([...picture.objects].map(([name, version]) => `${name}@${version}`).sort()).toEqual(listed);
    }
  });
});

interface Picture {
  objects: Map<string, string>;
  /** Events that cannot follow on what was seen before. */
  readonly disorder: string[];
}

/** A small informer: lists, then watches from there; from where it stopped when a watch ends, anew when it is told 410. */
function follow(tank: Tank, server: number): Picture {
  const picture: Picture = { objects: new Map(), disorder: [] };
  let seen = 0;
  const list = () =>
    tank.ask("GET", maps, { server, deadlineMs: 5_000 }, ({ code, body }) => {
      if (code !== 200) return void tank.simulation.schedule(200_000, list);
      picture.objects = new Map(body.items.map(({ metadata }: Json) => [metadata.name, metadata.resourceVersion]));
      seen = Number(body.metadata.resourceVersion);
      watch();
    });
  const watch = () => {
    let told410 = false;
    const watched: Watched = tank.open(
      `${maps}?watch=true&resourceVersion=${seen}&allowWatchBookmarks=true`,
      { server },
      (type, object) => {
        if (type === "ERROR") {
          told410 = true;
          return;
        }
        const version = Number(object.metadata.resourceVersion);
        if (version <= seen && type !== "BOOKMARK") picture.disorder.push(`${type} ${object.metadata.name} at ${version} after ${seen}`);
        seen = Math.max(seen, version);
        const { name } = object.metadata;
        if (type === "ADDED" && picture.objects.has(name)) picture.disorder.push(`ADDED ${name} twice`);
        if ((type === "MODIFIED" || type === "DELETED") && !picture.objects.has(name))
          picture.disorder.push(`${type} ${name} out of nothing`);
        if (type === "DELETED") picture.objects.delete(name);
        else if (type !== "BOOKMARK") picture.objects.set(name, object.metadata.resourceVersion);
      },
    );
    watched.onClosed = () => void tank.simulation.schedule(100_000, told410 ? list : watch);
  };
  list();
  return picture;
}
