import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeKubeconfig } from "../../cli/kubeconfig";
import { FaultClient } from "../../cli/live/fault-client";
import { asFlags } from "../../cli/live/flag-names";
import type { LiveCluster } from "../../cli/live-cluster";
import { daySeconds } from "../../runtime/live/certificates";
import { startedCluster } from "./started-cluster";

jest.setTimeout(120_000);

/** Lets real time pass until the condition holds. */
async function eventually(condition: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  for (const startedMs = performance.now(); !(await condition()); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (performance.now() - startedMs > withinMs) throw new Error(`the condition did not come true within ${withinMs} ms`);
}

interface Credentials {
  readonly certificate: string;
  readonly key: string;
}

test("what is wrong with a request is told by the names of the flags that it was given with", () => {
  const said =
    '$.params.rate: expected a percentage, found 200%\n$.params: the field "max" is missing\n$.target.role: unknown value "nodez"\n$.for: expected a duration';
  expect(asFlags(said).split("\n")).toEqual([
    "--set rate: expected a percentage, found 200%",
    "--set max=…: is missing; `wavetank describe` shows what a fault wants",
    '--target.role: unknown value "nodez"',
    "--for: expected a duration",
  ]);
});

describe("faults on a running cluster", () => {
  let directory: string;
  let cluster: LiveCluster;
  let client: FaultClient;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-faults-"));
    cluster = await startedCluster({ nodes: 1, controllers: 1 });
    const kubeconfig = join(directory, "kubeconfig");
    const { front, control } = cluster.addresses;
    writeKubeconfig(kubeconfig, { server: front, control, authority: cluster.pki.authority.certificate, ...cluster.admin() });
    client = new FaultClient(kubeconfig);
  });
  afterAll(async () => {
    await cluster.close();
    rmSync(directory, { recursive: true });
  });

  /** Asks as whoever these credentials name, through the front unless another address is given. */
  function call(
    path: string,
    {
      userAgent = "kubectl/v1",
      as = cluster.admin() as Credentials | null,
      method = "GET",
      body = "",
      base = cluster.addresses.front,
      timeoutMs = 5_000,
      begun = () => {},
    } = {},
  ) {
    return new Promise<{ readonly code: number; readonly retryAfter: string | undefined; readonly body: string }>((resolve, reject) => {
      const headers = { "user-agent": userAgent, "content-type": "application/json" };
      const credentials = as === null ? {} : { cert: as.certificate, key: as.key };
      const sent = request(
        `${base}${path}`,
        { method, ca: cluster.pki.authority.certificate, ...credentials, headers, agent: false },
        (response) => {
          let text = "";
          begun();
          response.on("data", (chunk) => {
            text += chunk;
          });
          response.on("end", () => resolve({ code: response.statusCode ?? 0, retryAfter: response.headers["retry-after"], body: text }));
          response.on("error", reject);
        },
      );
      sent.setTimeout(timeoutMs, () => sent.destroy(new Error("no answer")));
      sent.on("error", reject);
      sent.end(body);
    });
  }

  const ofOperator = { userAgent: "operator/1" };
  const createMap = (name: string) =>
    call("/api/v1/namespaces/default/configmaps", {
      method: "POST",
      body: JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } }),
    });
  const mapsOf = async (who: object) => {
    const { items } = JSON.parse((await call("/api/v1/namespaces/default/configmaps?resourceVersion=0", who)).body) as {
      items: { metadata: { name: string } }[];
    };
    return items.map(({ metadata }) => metadata.name);
  };

  it("are begun by administrators, and by nobody else", async () => {
    const base = cluster.addresses.control;
    const nobody = await call("/faults", { base, as: null });
    expect(nobody).toMatchObject({ code: 401, body: expect.stringContaining("administrator") });
    const node = cluster.pki.authority.issue({
      subject: { commonName: "system:node:node-0", organizations: ["system:nodes"] },
      usages: ["client"],
      names: [],
      ttlSeconds: daySeconds,
    });
    expect(await call("/faults", { base, as: node })).toMatchObject({ code: 403, body: expect.stringContaining("system:masters") });
    expect(await call("/faults", { base })).toMatchObject({ code: 200, body: "[]" });
  });

  it.each([
    ["an unknown fault", { fault: "isolat", target: { role: "etcd" } }, /unknown fault "isolat".*did you mean "isolate"/],
    ["no target", { fault: "isolate", leased: true }, /\$: the field "target" is missing/],
    [
      "a selector that cannot match",
      { fault: "isolate", target: { hosts: ["node-9"] }, leased: true },
      /\$\.target\.hosts\[0\]: unknown host "node-9"/,
    ],
    [
      "a selector that matches nothing now",
      { fault: "pause", target: { zone: "zone-b", role: "node" }, leased: true },
      /no host of the cluster/,
    ],
    [
      "a parameter of no such name",
      { fault: "delay", target: { role: "etcd" }, params: { maxx: "1s" }, leased: true },
      /\$\.params\.maxx|"max" is missing/,
    ],
    ["a fault that has no end", { fault: "pause", target: { role: "etcd" } }, /\$\.for: how long/],
    ["damage to disks", { fault: "corrupt-disk", target: { role: "etcd" }, leased: true }, /damages data for good/],
    ["a client that nobody knows", { fault: "client-stale", params: {}, leased: true }, /whose requests/],
    ["what is not JSON", "{", /not JSON|expected/],
  ])("are refused with the place and what was expected: %s", async (_name, body, expected) => {
    const { code, body: said } = await call("/faults", {
      base: cluster.addresses.control,
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    expect(JSON.parse(said).error).toMatch(expected);
    expect([400, 422]).toContain(code);
    expect(await client.list()).toEqual([]);
  });

  it("take effect, are listed, and are healed when they are stopped: etcd's leader cut off", async () => {
    const begun = await client.start({ fault: "isolate", target: { role: "etcd", is: "leader" }, for: "60s" });
    const [cut] = begun.targets;
    expect(await client.list()).toEqual([
      expect.objectContaining({ id: begun.id, fault: "isolate", targets: [cut], leftMs: expect.any(Number) }),
    ]);
    // Another leads then: the write goes through.
    await eventually(async () => [201, 409].includes((await createMap("meanwhile").catch(() => ({ code: 0 }))).code), 30_000);
    expect(cluster.tank.hosts().filter(({ role, leads }) => role === "etcd" && leads)).not.toContainEqual(
      expect.objectContaining({ name: cut }),
    );
    expect(await client.stop(begun.id)).toMatchObject({ effect: expect.stringMatching(/^\d+ packets blocked$/), why: "stopped" });
    expect(cluster.world.installedRules()).toEqual([]);
    expect(await client.list()).toEqual([]);
    await expect(client.stop("f99")).rejects.toThrow("there is no fault f99: none goes on");
  });

  it("end when their time is over, and when whoever began them is silent for too long", async () => {
    const timed = await client.start({ fault: "pause", target: { hosts: ["node-0"] }, for: "300ms", leased: false });
    expect(cluster.world.conditionOf("node-0").paused).toBe(true);
    await eventually(() => !cluster.world.conditionOf("node-0").paused);
    expect(await client.renew(timed.id)).toMatchObject({ effect: "node-0 frozen and resumed", why: "its time is over" });
    const leased = await client.start({ fault: "crash", target: { role: "apiserver", hosts: ["apiserver-1"] }, leased: true });
    expect(cluster.world.hosts.get("apiserver-1")?.up).toBe(false);
    await eventually(() => cluster.world.hosts.get("apiserver-1")?.up === true, 8_000);
    expect(await client.renew(leased.id)).toMatchObject({ why: "whoever began it is gone" });
  });

  it("hit one client alone: throttled, failed, slowed", async () => {
    const throttle = await client.start({
      fault: "api-throttle",
      target: { role: "apiserver", mode: "all" },
      params: { userAgent: "operator", requestsPerSecond: 0.01, burst: 1, retryAfter: 7 },
      for: "60s",
    });
    const codes = [];
    for (let i = 0; i < 4; i++) codes.push(await call("/api/v1/nodes", ofOperator));
    expect(codes.filter(({ code }) => code === 429)).toContainEqual(expect.objectContaining({ retryAfter: "7" }));
    expect((await call("/api/v1/nodes")).code).toBe(200);
    expect((await client.stop(throttle.id)).effect).toMatch(/\d requests? throttled/);
    const failing = await client.start({
      fault: "api-error",
      target: { role: "apiserver", mode: "all" },
      params: { address: "127.0.0.1", userAgent: "operator", code: 503 },
      for: "60s",
    });
    expect((await call("/api/v1/nodes", ofOperator)).code).toBe(503);
    expect((await call("/api/v1/nodes")).code).toBe(200);
    await client.stop(failing.id);
    const slow = await client.start({
      fault: "api-latency",
      target: { role: "apiserver", mode: "all" },
      params: { user: "kubernetes-admin", userAgent: "operator", max: "400ms" },
      for: "60s",
    });
    const beganMs = performance.now();
    expect((await call("/api/v1/nodes", ofOperator)).code).toBe(200);
    expect(performance.now() - beganMs).toBeGreaterThan(390);
    await client.stop(slow.id);
    expect((await call("/api/v1/nodes", ofOperator)).code).toBe(200);
  });

  it("restart the API servers gracefully: nobody's request fails, and a watch comes to its end", async () => {
    const base = `${cluster.addresses.apiServers[0]}`;
    const maps = "/api/v1/namespaces/default/configmaps";
    let watched = call(`${maps}/none`);
    await new Promise<void>((begun) => {
      watched = call(`${maps}?watch=true&allowWatchBookmarks=true`, { base, timeoutMs: 60_000, begun });
    });
    const { id } = await client.start({ fault: "graceful-restart", target: { role: "apiserver", mode: "all" }, for: "60s", leased: true });
    const failed: unknown[] = [];
    let written = 0;
    // As client-go does: what is answered with 429 and Retry-After is sent again.
    const write = async () => {
      const { code } = await createMap(`restart-${written}`);
      if (code === 201) written++;
      else if (code !== 429) failed.push(code);
    };
    let over: unknown;
    for (let at = performance.now(); !over; ) {
      await write().catch((error: Error) => failed.push(error.message));
      if (performance.now() - at < 300) continue;
      at = performance.now();
      over = await client.renew(id);
    }
    expect(over).toMatchObject({ effect: "2 API servers restarted", why: "it is done" });
    expect(failed).toEqual([]);
    expect((await mapsOf({})).filter((name) => name.startsWith("restart-")).length).toBe(written);
    // It ended as a stream ends; one that is broken off is an error.
    expect(await watched).toMatchObject({ code: 200, body: expect.stringMatching(/"kind":"ConfigMap".*\}\n$/) });
    expect(await call("/readyz", { base })).toMatchObject({ code: 200 });
  });

  it("are refused where only API servers can be told to go", async () => {
    await expect(client.start({ fault: "graceful-restart", target: { hosts: ["etcd-0"] }, for: "60s", leased: false })).rejects.toThrow(
      "no API server runs on etcd-0",
    );
  });

  it("let the API servers vanish for one client alone", async () => {
    const { id } = await client.start({ fault: "client-vanish", params: { userAgent: "operator" }, for: "60s" });
    await expect(call("/api/v1/nodes", { ...ofOperator, timeoutMs: 300 })).rejects.toThrow("no answer");
    expect((await call("/api/v1/nodes")).code).toBe(200);
    expect((await client.stop(id)).effect).toBe("1 request left without an answer");
    expect((await call("/api/v1/nodes", ofOperator)).code).toBe(200);
  });

  it("show one client alone the past, and let it see the present when they end", async () => {
    const { id } = await client.start({ fault: "client-stale", params: { userAgent: "operator" }, for: "60s" });
    expect((await createMap("news")).code).toBe(201);
    await eventually(async () => (await mapsOf({})).includes("news"));
    expect(await mapsOf(ofOperator)).not.toContain("news");
    // What it writes itself it writes in the present.
    expect((await call("/api/v1/namespaces/default/configmaps/news", { ...ofOperator, method: "DELETE" })).code).toBe(200);
    // Who still waits for that server when it goes is told.
    const waiting = call("/api/v1/namespaces/default/configmaps?resourceVersion=999999", { ...ofOperator, timeoutMs: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await client.stop(id)).effect).toMatch(/requests answered by a server of the past/);
    expect((await waiting).code).toBeGreaterThanOrEqual(500);
    expect((await createMap("later")).code).toBe(201);
    await eventually(async () => (await mapsOf(ofOperator)).includes("later"));
    expect([...cluster.world.hosts.keys()]).not.toContain(`apiserver-${id}`);
  });
});
