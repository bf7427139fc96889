import { isOwnDoor } from "../../../actors/api-server/shutdown";
import { address } from "../../../protocol/address";
import { configMap, type Json, Tank } from "../server/tank";

const maps = "/api/v1/namespaces/default/configmaps";

function shutDown(tank: Tank, server: number): void {
  tank.simulation.portal().send(address("apiserver", server), { kind: "api.shutdown" });
}

const addresses = (tank: Tank, server: number): readonly string[] =>
  tank
    .get("/api/v1/namespaces/default/endpoints/kubernetes", { server })
    .body.subsets.flatMap(({ addresses }: Json) => addresses.map(({ ip }: Json) => ip));

describe("an API server that is told to stop", () => {
  test("says so before it turns anybody away: readyz fails, its address leaves the endpoints, requests are still served", () => {
    const tank = new Tank({ servers: 2, knobs: { "shutdown-delay-duration": 5_000 } });
    tank.until(() => addresses(tank, 1).length === 2, "the servers are not both among the endpoints");
    const watched = tank.watch(`${maps}?watch=true&allowWatchBookmarks=true`);
    shutDown(tank, 0);
    tank.simulation.runFor(200);
    expect(tank.get("/readyz")).toMatchObject({ code: 500, text: expect.stringContaining("[-]shutdown failed: reason withheld\n") });
    expect(tank.get("/livez").code).toBe(200);
    expect(tank.create(maps, configMap("late")).code).toBe(201);
    tank.until(() => addresses(tank, 1).length === 1, "the address stays among the endpoints");
    expect(addresses(tank, 1)).toEqual(["172.18.0.11"]);
    expect(watched.closed).toBeUndefined();
    tank.create("/api/v1/namespaces/default/secrets", { metadata: { name: "other" } });
    tank.simulation.runFor(5_000);
    // A last bookmark, so that whoever watched goes on elsewhere without a list.
    expect(watched.events.at(-1)?.type).toBe("BOOKMARK");
    expect(watched.closed).toMatchObject({ reason: "done" });
    const late = tank.get(maps);
    expect(late).toMatchObject({ code: 429, text: "The apiserver is shutting down, please try again later.\n" });
    expect([late.headers.get("Retry-After"), late.headers.get("Connection")]).toEqual(["5", "close"]);
    expect(tank.get("/healthz").code).toBe(200);
  });

  test("nobody may tell it but its door", () => {
    expect(isOwnDoor(address("gateway", "apiserver-0"))).toBe(true);
    expect(isOwnDoor(address("kubelet", "node-1"))).toBe(false);
  });

  test("one after the other is restarted, and a client that goes where it is sent sees no error and misses no event", () => {
    const tank = new Tank({ servers: 2, knobs: { "shutdown-delay-duration": 1_000 } });
    let server = 0;
    const failures: string[] = [];
    const seen = new Set<string>();
    let revision = tank.get(maps).body.metadata.resourceVersion as string;
    // A watcher that goes on where it stopped, at the server that a balancer would choose: one that is ready.
    const follow = () => {
      const stream = tank.open(`${maps}?watch=true&allowWatchBookmarks=true&resourceVersion=${revision}`, { server }, (type, object) => {
        if (type === "ERROR") failures.push(object.message);
        revision = object.metadata.resourceVersion;
        if (type === "ADDED") seen.add(object.metadata.name);
      });
      stream.onClosed = follow;
    };
    follow();
    let written = 0;
    const write = () => {
      const { code, text } = tank.create(maps, configMap(`m${written}`), { server });
      if (code !== 201) failures.push(`${code} ${text}`);
      written++;
    };
    for (const going of [0, 1]) {
      shutDown(tank, going);
      for (let i = 0; i < 5; i++) write();
      tank.until(() => tank.get("/readyz", { server: going }).code !== 200, "readyz does not fail");
      server = 1 - going;
      for (let i = 0; i < 5; i++) write();
      tank.until(() => tank.state(going)?.shutdown === "draining", "it does not drain");
      for (let i = 0; i < 5; i++) write();
      tank.simulation.crashHost(`apiserver-${going}`);
      tank.simulation.startHost(`apiserver-${going}`);
      tank.until(
        () => tank.state(going)?.bootstrap.done === true && tank.get("/readyz", { server: going }).code === 200,
        "it does not come back",
      );
    }
    tank.until(() => seen.size === written, "an event is missing");
    expect(failures).toEqual([]);
    tank.until(() => addresses(tank, 0).length === 2, "the servers are not both back among the endpoints");
  });
});

describe("the time that a request may take", () => {
  const tank = new Tank();

  test("?timeout that is no duration is refused in Kubernetes' words", () => {
    expect(tank.get(`${maps}?timeout=soon`)).toMatchObject({
      code: 400,
      body: { reason: "BadRequest", message: 'invalid timeout specified in the request URL - time: invalid duration "soon"' },
    });
    expect(tank.get(`${maps}?timeout=5`).body.message).toBe(
      'invalid timeout specified in the request URL - time: missing unit in duration "5"',
    );
    expect(tank.get(`${maps}?timeout=0s`).code).toBe(200);
  });

  test("?timeout shortens what etcd is waited for; watches do not know it", () => {
    tank.simulation.pauseHost("etcd-0");
    const from = tank.simulation.now();
    expect(tank.get(`${maps}?timeout=700ms`)).toMatchObject({ code: 504, body: { reason: "Timeout" } });
    expect(tank.simulation.now() - from).toBeLessThan(1_000_000);
    const watched = tank.watch(`${maps}?watch=true&resourceVersion=0&timeout=100ms`);
    tank.simulation.runFor(1_000);
    expect(watched.closed).toBeUndefined();
    tank.simulation.resumeHost("etcd-0");
  });
});
