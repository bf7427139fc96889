import { request } from "node:https";
import { actors } from "../../actors";
import { meddlerIn } from "../../cli/live/joined-tank";
import type { LiveCluster } from "../../cli/live-cluster";
import type { Pod } from "../../protocol/kinds/generated";
import { join, type Membership, parseHubUrl } from "../../runtime/live/join/admission";
import { Elsewhere } from "../../runtime/live/join/elsewhere";
import { Joined } from "../../runtime/live/join/joined";
import { parseToken } from "../../runtime/live/join/token";
import { NoSecrets } from "../../runtime/live/secrets";
import { LiveWorld } from "../../runtime/live/world";
import { startedCluster } from "./started-cluster";

jest.setTimeout(180_000);

async function eventually(condition: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const startedMs = performance.now(); !(await condition()); await new Promise((resolve) => setTimeout(resolve, 50)))
    if (performance.now() - startedMs > withinMs) throw new Error(`the condition did not come true within ${withinMs} ms`);
}

describe("faults reach actors in joined processes", () => {
  let cluster: LiveCluster;
  let membership: Membership;
  let process: { readonly world: LiveWorld; readonly link: Joined };
  let host = "";

  /** A process that joins, here in this one, with a world of its own. */
  async function joinIn() {
    const world = new LiveWorld({ actors, secrets: new NoSecrets(), connectionTimeoutUs: 400_000 });
    const url = parseHubUrl(cluster.addresses.join);
    membership ??= await join(url, parseToken(cluster.addresses.token), 1);
    const link = await new Promise<Joined>((connected, refused) => {
      const made: Joined = new Joined({
        ...{ world, url, membership, meddler: meddlerIn(world) },
        connected: ([name]) => {
          host = name!;
          connected(made);
        },
        disconnected: () => {},
        refused: (why) => refused(new Error(why)),
      });
    });
    return { world, link };
  }

  beforeAll(async () => {
    cluster = await startedCluster({ etcd: 1, apiServers: 1, controllers: 1, nodes: 0 });
    process = await joinIn();
    await eventually(async () => (await call<{ items: unknown[] }>("GET", "/api/v1/nodes")).items?.length === 1);
  });
  afterAll(async () => {
    process.link.close();
    await process.world.close();
    await cluster.close();
  });

  function call<T>(method: string, path: string, body?: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const { certificate: cert, key } = cluster.admin();
      const options = {
        method,
        ca: cluster.pki.authority.certificate,
        cert,
        key,
        headers: { "content-type": "application/json" },
        agent: false,
      };
      const sent = request(`${cluster.addresses.front}${path}`, options, (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve(JSON.parse(text) as T));
      });
      sent.on("error", reject);
      sent.end(body === undefined ? "" : JSON.stringify(body));
    });
  }

  const begin = (fault: string, params: object = {}, more: object = {}) =>
    cluster.faults.start(JSON.stringify({ fault, target: { hosts: [host] }, params, for: "120s", ...more }));
  const pods = "/api/v1/namespaces/default/pods";
  const create = (name: string) =>
    call("POST", pods, {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name } },
      spec: { nodeName: host, terminationGracePeriodSeconds: 1, containers: [{ name: "main", image: `example.com/${name}:1` }] },
    });
  const phase = async (name: string) => (await call<Pod>("GET", `${pods}/${name}`)).status?.phase;
  const waiting = async (name: string) =>
    (await call<Pod>("GET", `${pods}/${name}`)).status?.containerStatuses?.[0]?.state?.waiting?.reason ?? "";

  it("by rules of the wire, whose packets are counted where they set out", async () => {
    const { id } = await begin("isolate", { direction: "out" });
    await eventually(() => cluster.hub.elsewhere.packetsHitBy(cluster.world.installedRules()[0]!.id) > 0);
    expect(cluster.faults.stop(id)!.effect).toMatch(/^[1-9]\d* packets? blocked$/);
    await eventually(() => process.world.wire.rules.length === 0);
  });

  it("in the middle of their hosts, with what they did; and are healed at their end", async () => {
    const { id } = await begin("image-pull-failure", { image: "example.com/one" });
    await create("one");
    await eventually(async () => /ImagePull/.test(await waiting("one")));
    await eventually(() => cluster.hub.elsewhere.didOf(`step ${id.slice(1)}`).length > 0);
    expect(cluster.faults.stop(id)!.effect).toMatch(/^[1-9]\d* pulls? of an image failed$/);
    await eventually(async () => (await phase("one")) === "Running", 120_000);
  });

  it("again when the process comes back, and are healed when it is gone", async () => {
    const { id } = await begin("image-pull-failure", { image: "example.com/two" });
    process.link.close();
    await process.world.close();
    process = await joinIn();
    await create("two");
    await eventually(async () => /ImagePull/.test(await waiting("two")));
    cluster.faults.stop(id);
    await eventually(async () => (await phase("two")) === "Running", 120_000);
  });

  it("not, where they take away what is for the hub to give: said, and nothing is left behind", async () => {
    await expect(begin("replace-member")).rejects.toThrow();
    expect(cluster.faults.list()).toEqual([]);
  });
});

describe("what a hub knows of joined processes", () => {
  it("is what they told last, and goes on growing when one begins anew", () => {
    const said: string[] = [];
    const elsewhere = new Elsewhere((host, { type }) => said.push(`${type} ${host}`));
    elsewhere.hearCounts("a", [["r", 5]], [["node-1", 3, 1]]);
    elsewhere.hearCounts("b", [["r", 2]], []);
    elsewhere.hearCounts("a", [["r", 1]], [["node-1", 1, 0]]);
    expect(elsewhere.packetsHitBy("r")).toBe(8);
    expect(elsewhere.diskCountsOf("node-1")).toEqual({ syncs: 4, failedWrites: 1 });
    elsewhere.begin("w", ["node-1", "node-2"], { x: 1 });
    elsewhere.hearDid("a", "w", "1 thing");
    elsewhere.hearDid("a", "w", "2 things");
    elsewhere.welcome(["node-2", "node-9"]);
    expect(elsewhere.end("w")).toEqual(["2 things"]);
    elsewhere.welcome(["node-2"]);
    expect(said).toEqual(["work node-1", "work node-2", "work node-2", "workOver node-1", "workOver node-2"]);
  });
});
