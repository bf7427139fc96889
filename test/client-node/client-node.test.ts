import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Readable, Writable } from "node:stream";
import type { ApiException, KubeConfig, V1ConfigMap, V1Lease, V1Status } from "@kubernetes/client-node";
import { besiegeDoor } from "../../bench/hostile/wire/siege";
import { FaultClient } from "../../cli/live/fault-client";
import { ServiceClient } from "../etcd/gateway/client";
import { Command } from "../live/commands";
import { clientNode } from "./library";

jest.setTimeout(120_000);

const k8s = clientNode();
const namespace = "default";

/** Text that was written to it. */
class Collected extends Writable {
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

/** Waits until it holds; for a minute, so that a slow machine has time. */
async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const startedMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedMs > 60_000) throw new Error(`it did not come to pass that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The code with which a call is refused. */
const refusal = (call: Promise<unknown>) =>
  call.then(
    () => 0,
    (error: ApiException<unknown>) => error.code,
  );

describe("@kubernetes/client-node against a live cluster", () => {
  let directory: string;
  let up: Command;
  let config: KubeConfig;
  let kubeconfig: string;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-client-node-test-"));
    up = new Command(["up", "--listen", "127.0.0.1:0", "--nodes", "1"], directory);
    kubeconfig = /kubeconfig=(.*)$/.exec(await up.line("ready "))![1]!;
    config = new k8s.KubeConfig();
    config.loadFromFile(kubeconfig);
    const core = config.makeApiClient(k8s.CoreV1Api);
    await eventually(
      async () => (await refusal(core.readNamespacedServiceAccount({ name: "default", namespace }))) === 0,
      "pods may be made",
    );
    await core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: "box", labels: { app: "box" } },
        spec: { containers: [{ name: "box", image: "busybox", args: ["serve"], ports: [{ containerPort: 8080 }] }] },
      },
    });
    const isReady = async () =>
      (await core.readNamespacedPod({ name: "box", namespace })).status?.conditions?.some(
        ({ type, status }) => type === "Ready" && status === "True",
      ) ?? false;
    await eventually(isReady, "the pod is ready");
  });
  afterAll(async () => {
    await up.stop("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });

  const api = () => config.makeApiClient(k8s.CoreV1Api);
  const configMap = (name: string, data: Record<string, string> = {}): V1ConfigMap => ({
    metadata: { name, labels: { told: "yes" } },
    data,
  });
  const make = (name: string, data: Record<string, string> = {}) =>
    api().createNamespacedConfigMap({ namespace, body: configMap(name, data) });

  test("objects are made, read, replaced, listed by page, and deleted; what is wrong is an ApiException with the Status", async () => {
    for (let n = 0; n < 5; n++) await make(`page-${n}`);
    const listed: string[] = [];
    let from: string | undefined;
    do {
      const page = await api().listNamespacedConfigMap({
        namespace,
        labelSelector: "told=yes",
        limit: 2,
        ...(from ? { _continue: from } : {}),
      });
      expect(page.items.length).toBeLessThanOrEqual(2);
      listed.push(...page.items.map(({ metadata }) => metadata!.name!));
      from = page.metadata?._continue;
    } while (from);
    expect(listed).toEqual(["page-0", "page-1", "page-2", "page-3", "page-4"]);
    expect(await refusal(make("page-0"))).toBe(409);
    expect(await refusal(api().readNamespacedConfigMap({ name: "nobody", namespace }))).toBe(404);
    expect(await refusal(make("Not a name"))).toBe(422);
    const read = await api().readNamespacedConfigMap({ name: "page-0", namespace });
    await api().replaceNamespacedConfigMap({ name: "page-0", namespace, body: { ...read, data: { a: "1" } } });
    expect(await refusal(api().replaceNamespacedConfigMap({ name: "page-0", namespace, body: { ...read, data: { a: "2" } } }))).toBe(409);
    await api().deleteCollectionNamespacedConfigMap({ namespace, labelSelector: "told=yes" });
    expect((await api().listNamespacedConfigMap({ namespace, labelSelector: "told=yes" })).items).toEqual([]);
  });

  test("each kind of patch does what its media type says", async () => {
    await make("patched", { a: "1", b: "2" });
    const patched = (type: string, body: object, force?: boolean) =>
      api().patchNamespacedConfigMap(
        { name: "patched", namespace, body, ...(type.includes("apply") ? { fieldManager: "test", force: force ?? false } : {}) },
        k8s.setHeaderOptions("Content-Type", type),
      );
    expect((await patched(k8s.PatchStrategy.JsonPatch, [{ op: "remove", path: "/data/a" }])).data).toEqual({ b: "2" });
    expect((await patched(k8s.PatchStrategy.MergePatch, { data: { b: null, c: "3" } })).data).toEqual({ c: "3" });
    expect((await patched(k8s.PatchStrategy.StrategicMergePatch, { data: { d: "4" } })).data).toEqual({ c: "3", d: "4" });
    const applied = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "patched" }, data: { c: "5" } };
    expect(await refusal(patched(k8s.PatchStrategy.ServerSideApply, applied))).toBe(409);
    expect((await patched(k8s.PatchStrategy.ServerSideApply, applied, true)).data).toEqual({ c: "5", d: "4" });
  });

  test("a watch tells what happens from a resourceVersion on, bookmarks and 410 for what is gone", async () => {
    const { metadata } = await api().listNamespacedConfigMap({ namespace });
    const seen: string[] = [];
    let done: unknown = "not yet";
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const query = { resourceVersion: metadata!.resourceVersion!, labelSelector: "told=yes", allowWatchBookmarks: true };
    const abort = await new k8s.Watch(config).watch(
      path,
      query,
      (phase, object) => seen.push(`${phase} ${object.metadata.name}`),
      (error) => {
        done = error;
      },
    );
    await make("watched");
    await api().patchNamespacedConfigMap(
      { name: "watched", namespace, body: { metadata: { labels: { told: "no" } } } },
      k8s.setHeaderOptions("Content-Type", k8s.PatchStrategy.MergePatch),
    );
    await eventually(() => seen.length >= 2, "two events came");
    expect(seen).toEqual(["ADDED watched", "DELETED watched"]);
    abort.abort();
    await eventually(() => done !== "not yet", "the watch ended");
  });

  test("an informer lists, follows, and starts again after it was stopped, with what changed in between", async () => {
    const list = () => api().listNamespacedConfigMap({ namespace, labelSelector: "told=yes" });
    await make("before");
    const informer = k8s.makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, list, "told=yes");
    const told: string[] = [];
    for (const verb of ["add", "update", "delete"] as const) informer.on(verb, (object) => told.push(`${verb} ${object.metadata!.name}`));
    informer.on("error", () => undefined);
    try {
      await informer.start();
      await eventually(() => told.includes("add before"), "what was there was told");
      await make("after");
      await eventually(() => told.includes("add after"), "what came was told");
      await api().deleteNamespacedConfigMap({ name: "before", namespace });
      await eventually(() => told.includes("delete before"), "what went was told");
      await informer.stop();
      await make("meanwhile");
      await api().deleteNamespacedConfigMap({ name: "after", namespace });
      await informer.start();
      await eventually(
        () => informer.get("meanwhile", namespace) !== undefined && informer.get("after", namespace) === undefined,
        "it caught up",
      );
    } finally {
      // One that is left running would list for ever, and keep its process.
      await informer.stop();
    }
  });

  /** Forgets what was before that revision in etcd, as API servers do every five minutes. */
  async function compact(revision: number): Promise<void> {
    const file = (flag: string) => new RegExp(`--${flag}=(\\S+)`).exec(up.stdout)![1]!;
    const [endpoint = ""] = file("endpoints").split(",");
    const etcd = new ServiceClient("KV", endpoint, { ca: file("cacert"), cert: file("cert"), key: file("key") });
    await etcd.call("Compact", { revision, physical: true }).finally(() => etcd.close());
  }

  /** What a watch from there says first. */
  async function firstOfWatch(resourceVersion: string): Promise<string> {
    let abort: AbortController | undefined;
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const said = await new Promise<string>((resolve) => {
      void new k8s.Watch(config)
        .watch(
          path,
          { resourceVersion },
          (phase, { code, reason, message }) => resolve(`${phase} ${code} ${reason} ${message}`),
          (error) => resolve(String(error)),
        )
        .then((controller) => {
          abort = controller;
        });
    });
    abort?.abort();
    return said;
  }

  test("informers outlive a crash of all API servers: one that runs, and one that rests and comes back to a version that is compacted away", async () => {
    const selector = "crash=yes";
    const create = (name: string) => api().createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { crash: "yes" } } } });
    const list = () => api().listNamespacedConfigMap({ namespace, labelSelector: selector });
    const informer = () => k8s.makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, list, selector);
    const names = (of: ReturnType<typeof informer>) => of.list().map(({ metadata }) => metadata!.name!);
    const [runs, rests] = [informer(), informer()];
    let [errors, over, waits] = [0, false, false];
    // What breaks is begun again a little later, as the library's examples have it.
    runs.on("error", () => {
      errors++;
      if (over || waits) return;
      waits = true;
      setTimeout(() => {
        waits = false;
        if (!over) void runs.start();
      }, 100);
    });
    const told: string[] = [];
    for (const verb of ["add", "delete"] as const) rests.on(verb, (object) => told.push(`${verb} ${object.metadata!.name}`));
    try {
      await create("stays");
      await create("goes");
      await Promise.all([runs.start(), rests.start()]);
      await rests.stop();
      const { metadata: before } = await list();
      await api().deleteNamespacedConfigMap({ name: "goes", namespace });
      const faults = new FaultClient(kubeconfig);
      const target = { role: "apiserver", mode: "all" };
      await faults.stop((await faults.start({ fault: "crash", target, for: "30s", leased: true })).id);
      await eventually(async () => [0, 409].includes(await refusal(create("new")).catch(() => -1)), "something is written again");
      await eventually(() => names(runs).sort().join() === "new,stays", "the one that ran caught up");
      expect(errors).toBeGreaterThan(0);
      const { metadata } = await list();
      await compact(Number(metadata!.resourceVersion));
      expect(await firstOfWatch(before!.resourceVersion!)).toMatch(/^ERROR 410 Expired too old resource version/);
      await rests.start();
      await eventually(() => names(rests).sort().join() === "new,stays", "the one that rested caught up");
      expect(told).toEqual(["add goes", "add stays", "delete goes", "add new"]);
    } finally {
      over = true;
      await Promise.all([runs.stop(), rests.stop()]);
    }
  });

  test("exec gives streams and the exit status, attach what the process prints, logs its past", async () => {
    const out = new Collected();
    const error = new Collected();
    const run = (command: string[], stdin: Readable | null = null) =>
      new Promise<V1Status>((resolve, reject) => {
        new k8s.Exec(config).exec(namespace, "box", "box", command, out, error, stdin, false, resolve).catch(reject);
      });
    const failed = await run(["sh", "-c", "echo out; wombat; exit 3"]);
    expect([failed.status, failed.details?.causes?.[0]?.message]).toEqual(["Failure", "3"]);
    await eventually(() => out.text === "out\n" && error.text === "sh: wombat: not found\n", "both streams came");
    expect((await run(["true"])).status).toBe("Success");
    const said = new Collected();
    const socket = await new k8s.Attach(config).attach(namespace, "box", "box", said, said, null, false);
    socket.close();
    const log = new PassThrough();
    const logged = new Collected();
    log.pipe(logged);
    await new k8s.Log(config).log(namespace, "box", "box", log, { tailLines: 5, timestamps: true });
    await eventually(() => /^\d{4}-\d\d-\d\dT.*started/m.test(logged.text), "the log was told");
    await expect(new k8s.Log(config).log(namespace, "nobody", "box", new PassThrough())).rejects.toMatchObject({ code: 404 });
  });

  test("port-forward carries a connection into the pod", async () => {
    const forward = new k8s.PortForward(config);
    const door = createServer((socket) => void forward.portForward(namespace, "box", [8080], socket, null, socket));
    await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
    const socket = connect((door.address() as { port: number }).port, "127.0.0.1");
    const answer = new Collected();
    socket.pipe(answer);
    socket.write("GET /hello HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n");
    await eventually(() => answer.text.includes("200"), "the pod answered");
    socket.destroy();
    await new Promise((resolve) => door.close(resolve));
  });

  test("a Lease has one holder: of two that take it at the same version one is refused with a conflict", async () => {
    const leases = config.makeApiClient(k8s.CoordinationV1Api);
    const name = "leader";
    await leases.createNamespacedLease({ namespace, body: { metadata: { name }, spec: { holderIdentity: "", leaseDurationSeconds: 15 } } });
    const free = await leases.readNamespacedLease({ name, namespace });
    const takenBy = (holderIdentity: string): V1Lease => ({
      ...free,
      spec: { ...free.spec, holderIdentity, renewTime: new k8s.V1MicroTime(new Date()) },
    });
    const codes = await Promise.all(
      ["ann", "bob"].map((who) => refusal(leases.replaceNamespacedLease({ name, namespace, body: takenBy(who) }))),
    );
    expect([...codes].sort()).toEqual([0, 409]);
    const { spec } = await leases.readNamespacedLease({ name, namespace });
    expect(spec!.holderIdentity).toBe(codes[0] === 0 ? "ann" : "bob");
    expect(String(spec!.renewTime)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  // The library has no elector of its own; this is what client-go's does with a Lease, as its users write it.
  test("a leader that no longer renews its Lease is followed by another one, once the Lease has run out", async () => {
    const leases = config.makeApiClient(k8s.CoordinationV1Api);
    const name = "election";
    const [durationSeconds, retryMs] = [1, 50];
    const led: { readonly who: string; readonly renewedMs: number }[] = [];
    const gone = new Set<string>();
    /** When it took or renewed the Lease, by the clock that all of them have; undefined where it does not hold it. */
    const holds = async (who: string): Promise<number | undefined> => {
      let nowMs = Date.now();
      const spec = () => ({ holderIdentity: who, leaseDurationSeconds: durationSeconds, renewTime: new k8s.V1MicroTime(new Date(nowMs)) });
      try {
        const lease = await leases.readNamespacedLease({ name, namespace });
        const { holderIdentity, renewTime, leaseTransitions = 0 } = lease.spec!;
        const mine = holderIdentity === who;
        nowMs = Date.now();
        if (!mine && nowMs < new Date(renewTime!).getTime() + durationSeconds * 1000) return undefined;
        const transitions = mine ? leaseTransitions : leaseTransitions + 1;
        await leases.replaceNamespacedLease({ name, namespace, body: { ...lease, spec: { ...spec(), leaseTransitions: transitions } } });
        return nowMs;
      } catch (error) {
        if ((error as ApiException<unknown>).code === 409) return undefined;
        if ((error as ApiException<unknown>).code !== 404) throw error;
        const body: V1Lease = { metadata: { name }, spec: spec() };
        return (await refusal(leases.createNamespacedLease({ namespace, body }))) === 0 ? nowMs : undefined;
      }
    };
    const candidate = async (who: string) => {
      while (!gone.has(who)) {
        const renewedMs = await holds(who);
        if (renewedMs !== undefined) led.push({ who, renewedMs });
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    };
    const candidates = ["ann", "bob", "cid"].map(candidate);
    await eventually(() => led.length >= 3, "somebody leads");
    const first = led[0]!.who;
    expect(led.every(({ who }) => who === first)).toBe(true);
    gone.add(first);
    await eventually(() => led.at(-1)!.who !== first, "another one leads");
    for (const who of ["ann", "bob", "cid"]) gone.add(who);
    await Promise.all(candidates);
    const handover = led.findIndex(({ who }) => who !== first);
    expect(new Set(led.slice(handover).map(({ who }) => who)).size).toBe(1);
    expect(led[handover]!.renewedMs - led[handover - 1]!.renewedMs).toBeGreaterThanOrEqual(durationSeconds * 1000);
    expect((await leases.readNamespacedLease({ name, namespace })).spec).toMatchObject({
      holderIdentity: led.at(-1)!.who,
      leaseTransitions: 1,
    });
  });

  // Cp.cpFromPod of this version asks for gzip and reads tar, whichever server it has; so the way back is by its Exec.
  test("Cp copies a folder into a container, and an archive comes out of it", async () => {
    const [here, back] = ["here", "back"].map((name) => join(directory, name)) as [string, string];
    for (const folder of [join(here, "deep"), back]) mkdirSync(folder, { recursive: true });
    const large = Buffer.alloc(300_000, "wave");
    writeFileSync(join(here, "deep", "large"), large);
    await new k8s.Cp(config).cpToPod(namespace, "box", "box", here, "/tmp");
    const run = (command: string[], out: Writable) =>
      new Promise<V1Status>((resolve, reject) => {
        new k8s.Exec(config).exec(namespace, "box", "box", command, out, new Collected(), null, false, resolve).catch(reject);
      });
    await eventually(async () => (await run(["test", "-f", "/tmp/deep/large"], new Collected())).status === "Success", "it is there");
    const archive: Buffer[] = [];
    const collect = new Writable({ write: (chunk: Buffer, _encoding, done) => done(void archive.push(chunk) as undefined) });
    expect((await run(["tar", "zcf", "-", "-C", "/tmp", "deep"], collect)).status).toBe("Success");
    await eventually(() => archive.reduce((sum, { length }) => sum + length, 0) > large.length, "all of it came");
    execFileSync("tar", ["xzf", "-", "-C", back], { input: Buffer.concat(archive) });
    expect(readFileSync(join(back, "deep", "large")).equals(large)).toBe(true);
  });

  // The same for hours, with other seeds: npm run soak.
  test("hostile bytes on the wire are never answered with a 500, write nothing, and keep nobody else from being served", async () => {
    const { hostname: host, port } = new URL(config.getCurrentCluster()!.server);
    const bytes = (base64: string | undefined) => Buffer.from(base64!, "base64");
    const { certData, keyData } = config.getCurrentUser()!;
    const siege = await besiegeDoor(
      {
        ...{ host, port: Number(port), namespace, pod: "box" },
        tls: { ca: bytes(config.getCurrentCluster()!.caData), cert: bytes(certData), key: bytes(keyData) },
        configMaps: async () => (await api().listNamespacedConfigMap({ namespace })).items.map(({ metadata }) => metadata!.name!),
      },
      ...([7, 150] as const),
    );
    expect(siege.violations).toEqual([]);
    // Not vacuous: most of it was answered, and what was right was written.
    expect(siege.answered).toBeGreaterThan(90);
    expect(siege.written).toBe(10);
    expect(up.process.exitCode).toBeNull();
  });

  test("KubernetesObjectApi works with any kind by its apiVersion, custom ones too, and Metrics asks the metrics server", async () => {
    const objects = k8s.KubernetesObjectApi.makeApiClient(config);
    const names = { plural: "boats", singular: "boat", kind: "Boat" };
    const schema = { openAPIV3Schema: { type: "object", x_kubernetes_preserve_unknown_fields: true } };
    const definition = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "boats.example.com" },
      spec: { group: "example.com", scope: "Namespaced", names, versions: [{ name: "v1", served: true, storage: true, schema }] },
    };
    await objects.create(definition);
    const custom = config.makeApiClient(k8s.CustomObjectsApi);
    const place = { group: "example.com", version: "v1", namespace, plural: "boats" };
    await eventually(async () => (await refusal(custom.listNamespacedCustomObject(place))) === 0, "boats are served");
    const boat = { apiVersion: "example.com/v1", kind: "Boat", metadata: { name: "gull", namespace }, spec: { length: 9 } };
    await objects.create(boat);
    const changed = { ...boat, spec: { length: 10 } };
    await objects.patch(changed, undefined, undefined, undefined, undefined, k8s.PatchStrategy.MergePatch);
    expect(await objects.read(boat as never)).toMatchObject({ spec: { length: 10 } });
    expect((await objects.list("example.com/v1", "Boat", namespace)).items).toHaveLength(1);
    expect(await custom.getNamespacedCustomObject({ ...place, name: "gull" })).toMatchObject({ spec: { length: 10 } });
    await objects.delete(boat as never);
    expect(await refusal(objects.read(boat as never))).toBe(404);
    const measured = async () => (await new k8s.Metrics(config).getNodeMetrics()).items;
    await eventually(async () => (await measured()).length === 1, "the node is measured");
    expect((await measured())[0]).toMatchObject({
      metadata: { name: "node-0" },
      usage: { memory: expect.stringMatching(/^\d+([KMG]i)?$/) },
    });
    expect(await refusal(objects.create({ apiVersion: "v1", kind: "ConfigMap" }))).toBe(422);
  });
});
