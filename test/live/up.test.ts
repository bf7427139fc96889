import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { eventually } from "../contracts/worlds";
import { Admin, Command } from "./commands";

jest.setTimeout(180_000);

/** One controller manager and few members: what these tests are about does not depend on numbers. */
const small = ["--listen", "127.0.0.1:0", "--etcd", "1", "--api-servers", "1"];

describe("wavetank up", () => {
  let directory: string;
  const running: Command[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-up-"));
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((command) => command.stop("SIGKILL")));
    rmSync(directory, { recursive: true });
  });

  function run(...args: string[]): Command {
    const command = new Command(args, directory);
    running.push(command);
    return command;
  }
  const kubeconfigOf = (line: string) => /kubeconfig=(.*)$/.exec(line)![1]!;
  const joinArguments = (line: string) => line.split(" ").slice(2);

  /** What a command that must fail said, on standard error alone. */
  async function refusal(...args: string[]): Promise<string> {
    const command = run(...args);
    expect(await command.ended).toBe(2);
    expect(command.stdout).toBe("");
    return command.stderr.trim();
  }

  test("says how to join and where it is ready, serves over one address and each server's own, and ends cleanly", async () => {
    const up = run("up", "--listen", "127.0.0.1:0", "--nodes", "2");
    const ready = await up.line("ready ");
    expect(ready).toMatch(/^ready https:\/\/127\.0\.0\.1:\d+ kubeconfig=.*\/\.wavetank\/kubeconfig$/);
    expect(up.stdout.trim().split("\n").at(-2)).toMatch(
      /^npx wavetank join wss:\/\/127\.0\.0\.1:\d+ --token [0-9a-f]{6}\.[0-9a-f]{32}\.[0-9a-f]{64}$/,
    );
    const admin = new Admin(kubeconfigOf(ready));
    expect(await admin.nodes()).toEqual({ ready: ["node-0", "node-1"], other: [] });
    const own = up.stdout.split("\n").filter((line) => line.startsWith("apiserver/"));
    expect(own).toHaveLength(2);
    for (const line of own) expect(await admin.call("GET", "/readyz", undefined, line.split(" ")[1])).toEqual({ code: 200, body: "ok" });
    const { body } = await admin.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "SelfSubjectReview",
    });
    expect(body.status.userInfo).toMatchObject({ username: "kubernetes-admin", groups: expect.arrayContaining(["system:masters"]) });
    expect(await up.stop()).toBe(0);
    await expect(admin.call("GET", "/readyz")).rejects.toThrow("ECONNREFUSED");
    // The home directory was this directory: nothing else was written to it.
    expect(readdirSync(directory)).toEqual([".wavetank"]);
  });

  test("with --control-plane-only has no nodes, and prints JSON lines when asked", async () => {
    const up = run("up", ...small, "--control-plane-only", "--json", "--kubeconfig", "access");
    await up.line('{"event":"ready"');
    const events = up.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).toEqual(["api-server", "etcd", "join", "ready"]);
    expect(events.at(-1)).toMatchObject({ kubeconfig: join(directory, "access") });
    expect(statSync(join(directory, "access")).mode & 0o777).toBe(0o600);
    const admin = new Admin(join(directory, "access"));
    expect(await admin.nodes()).toEqual({ ready: [], other: [] });
    // Its controllers work: a namespace gets what every namespace has.
    await admin.call("POST", "/api/v1/namespaces", { metadata: { name: "shop" } });
    await eventuallyAsync(async () => (await admin.call("GET", "/api/v1/namespaces/shop/serviceaccounts/default")).code === 200);
    const root = "/api/v1/namespaces/shop/configmaps/kube-root-ca.crt";
    await eventuallyAsync(async () => (await admin.call("GET", root)).code === 200);
    expect((await admin.call("GET", root)).body.data["ca.crt"]).toContain("BEGIN CERTIFICATE");
    expect(await up.stop("SIGINT")).toBe(0);
  });

  test("with --data survives kill -9: what was acknowledged is there, also for the access that was handed out before", async () => {
    const data = join(directory, "data");
    const first = run("up", ...small, "--nodes", "1", "--data", data);
    const before = kubeconfigOf(await first.line("ready "));
    expect(before).toBe(join(data, "kubeconfig"));
    const admin = new Admin(before);
    const written: string[] = [];
    for (let i = 0; i < 20; i++) {
      const { code } = await admin.call("POST", "/api/v1/namespaces/default/configmaps", {
        metadata: { name: `proof-${i}` },
        data: { i: String(i) },
      });
      if (code === 201) written.push(`proof-${i}`);
    }
    expect(written).toHaveLength(20);
    await first.stop("SIGKILL");
    const second = run("up", ...small, "--nodes", "1", "--data", data);
    const { server } = new Admin(kubeconfigOf(await second.line("ready ")));
    const { body } = await admin.call("GET", "/api/v1/namespaces/default/configmaps", undefined, server);
    const names = body.items.map((item: { metadata: { name: string } }) => item.metadata.name);
    expect(names).toEqual(expect.arrayContaining(written));
    expect(await refusal("up", ...small, "--nodes", "1", "--data", data)).toMatch(/is in use by process \d+/);
    expect(await second.stop()).toBe(0);
    expect(await refusal("up", "--data", data, "--etcd", "3")).toBe(`--data ${data}: this cluster was made with 1 members of etcd, not 3`);
    damage(data);
    expect(await refusal("up", ...small, "--nodes", "1", "--data", data)).toMatch(
      /^etcd-0: .*\/hosts\/etcd-0\/etcd~0\/log\.raft\.\d+: corrupt at byte \d+: /,
    );
    expect(existsSync(join(data, "lock"))).toBe(false);
  });

  /** Changes a byte early in the log of etcd. */
  function damage(data: string): void {
    const folder = join(data, "hosts", "etcd-0", "etcd~0");
    const log = join(folder, readdirSync(folder).filter((name) => name.startsWith("log."))[0]!);
    const bytes = readFileSync(log);
    bytes[100]! ^= 0xff;
    writeFileSync(log, bytes);
  }

  test("a second process joins by the line that was printed; kill -9 makes its nodes NotReady, its pods come back elsewhere, and it can join again", async () => {
    writeFileSync(
      join(directory, "cluster.yaml"),
      "etcd: 1\napiServers: 1\nnodes: 1\nknobs:\n  kube-controller-manager.node-monitor-grace-period: 8s\n  kube-controller-manager.node-monitor-period: 500ms\n  kubelet.node-status-update-frequency: 1s\n  kubelet.node-lease-duration-seconds: 8\n",
    );
    const up = run("up", "--config", "cluster.yaml", "--listen", "127.0.0.1:0");
    const admin = new Admin(kubeconfigOf(await up.line("ready ")));
    const line = await up.line("npx wavetank join ");
    const joined = run(...joinArguments(line), "--nodes", "2");
    expect(await joined.line("joined ")).toMatch(/ as node-1, node-2$/);
    await eventuallyAsync(async () => (await admin.nodes()).ready.length === 3);
    expect((await admin.call("POST", "/apis/apps/v1/namespaces/default/deployments", deployment)).code).toBe(201);
    await eventuallyAsync(async () => new Set((await livingPods(admin)).map(({ node }) => node)).size === 3);
    await joined.stop("SIGKILL");
    await eventuallyAsync(async () => {
      const { ready, other } = await admin.nodes();
      return ready.join() === "node-0" && other.join() === "node-1,node-2";
    });
    await eventuallyAsync(async () => {
      const pods = await livingPods(admin);
      return pods.length === 3 && pods.every(({ node, isReady }) => node === "node-0" && isReady);
    });
    const again = run(...joinArguments(line), "--nodes", "2");
    expect(await again.line("joined ")).toMatch(/ as node-1, node-2$/);
    await eventuallyAsync(async () => (await admin.nodes()).ready.length === 3);
    // What was deleted while nobody could reach it is cleared away by the kubelet that is back.
    await eventuallyAsync(async () => (await admin.call("GET", "/api/v1/namespaces/default/pods")).body.items.length === 3);
    expect(await again.stop()).toBe(0);
  });

  const tolerate = (key: string) => ({ key: `node.kubernetes.io/${key}`, operator: "Exists", effect: "NoExecute", tolerationSeconds: 2 });
  const labels = { app: "web" };
  const deployment = {
    metadata: { name: "web" },
    spec: {
      replicas: 3,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [{ name: "web", image: "example.com/web:1" }],
          tolerations: ["not-ready", "unreachable"].map(tolerate),
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: labels },
            },
          ],
        },
      },
    },
  };

  /** Pods that are not being deleted, and where they are. */
  async function livingPods(admin: Admin): Promise<readonly { readonly node: string; readonly isReady: boolean }[]> {
    const { body } = await admin.call("GET", "/api/v1/namespaces/default/pods");
    type Condition = { readonly type: string; readonly status: string };
    type Pod = {
      readonly metadata: { readonly deletionTimestamp?: string };
      readonly spec: { readonly nodeName?: string };
      readonly status: { readonly conditions?: readonly Condition[] };
    };
    const living = (body.items as readonly Pod[]).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    return living.map(({ spec, status }) => ({
      node: spec.nodeName ?? "",
      isReady: status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false,
    }));
  }

  test("a joined process with --data comes back as the same nodes, and by itself when the hub was killed and started again", async () => {
    const data = join(directory, "data");
    const up = run("up", ...small, "--nodes", "0", "--data", data);
    await up.line("ready ");
    const line = await up.line("npx wavetank join ");
    const joined = run(...joinArguments(line), "--data", join(directory, "joined"));
    await joined.line("joined ");
    await up.stop("SIGKILL");
    const second = run("up", ...small, "--nodes", "0", "--data", data);
    const admin = new Admin(kubeconfigOf(await second.line("ready ")));
    await eventually(() => joined.stdout.split("\n").filter((text) => text.startsWith("joined ")).length === 2);
    expect(await second.line("npx wavetank join ")).toBe(line);
    await eventuallyAsync(async () => (await admin.nodes()).ready.join() === "node-0");
    await joined.stop("SIGKILL");
    const again = run(...joinArguments(line), "--data", join(directory, "joined"));
    expect(await again.line("joined ")).toMatch(/ as node-0$/);
    expect(await refusal(...joinArguments(line), "--data", join(directory, "joined"))).toMatch(/is in use by process/);
  });

  test.each<[string, string[], string | RegExp]>([
    ["even members of etcd", ["--etcd", "2"], "--etcd 2: expected 1, 3, 5 or 7 members"],
    ["nodes that are no number", ["--nodes", "many"], "--nodes many: expected a whole number from 0 to 1000"],
    ["an address without a port", ["--listen", "localhost"], "--listen localhost: expected HOST:PORT, such as 127.0.0.1:6443"],
    ["an address of another machine", ["--listen", "192.0.2.1:6443"], "--listen 192.0.2.1:6443: this machine has no such address"],
    ["a name with a port", ["--advertise", "host:1"], "--advertise host:1: expected a host name or an IP address, without a port"],
    ["a configuration that is not there", ["--config", "none.yaml"], "none.yaml: no such file"],
    ["an unknown flag", ["--node", "3"], /unknown option '--node'/],
  ])("refuses %s with one message and status 2", async (_name, flags, expected) => {
    const said = await refusal("up", ...flags);
    if (typeof expected === "string") expect(said).toBe(expected);
    else expect(said).toMatch(expected);
  });

  test("refuses a configuration with a mistake, by line and path", async () => {
    writeFileSync(join(directory, "cluster.yaml"), "etcd: 3\nnods: 4\n");
    expect(await refusal("up", "--config", "cluster.yaml")).toMatch(
      /^cluster\.yaml:2:1: \$\.nods: unknown field "nods": .*did you mean "nodes"\?$/,
    );
  });

  test("refuses a port that is in use, and has written nothing then", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    expect(await refusal("up", "--listen", `127.0.0.1:${port}`)).toBe(`--listen 127.0.0.1:${port}: the port is in use`);
    await new Promise((resolve) => other.close(resolve));
    expect(readdirSync(directory)).toEqual([]);
  });

  test("puts its access into a kubeconfig beside what is there; a file that is none is left alone", async () => {
    const file = join(directory, "config");
    const mine = { name: "mine", cluster: { server: "https://192.0.2.1" } };
    writeFileSync(file, stringify({ apiVersion: "v1", kind: "Config", clusters: [mine], users: [], contexts: [] }));
    const up = run("up", ...small, "--control-plane-only", "--kubeconfig", file);
    await up.line("ready ");
    await up.stop();
    const config = parse(readFileSync(file, "utf8"));
    expect(config.clusters.map(({ name }: { name: string }) => name)).toEqual(["mine", "wavetank"]);
    expect(config["current-context"]).toBe("wavetank");
    writeFileSync(file, "- a list\n");
    expect(await refusal("up", ...small, "--kubeconfig", file)).toBe(`${file}: is not a kubeconfig; nothing was written to it`);
    expect(readFileSync(file, "utf8")).toBe("- a list\n");
  });

  test("join refuses what cannot work, with one message and status 2", async () => {
    const token = `${"a".repeat(6)}.${"b".repeat(32)}.${"c".repeat(64)}`;
    expect(await refusal("join", "https://127.0.0.1:1", "--token", token)).toBe(
      '"https://127.0.0.1:1" is not the address of a cluster: expected wss://HOST:PORT',
    );
    expect(await refusal("join", "wss://127.0.0.1:1", "--token", "secret")).toMatch(/^the token is not of the form ID\.SECRET\.CAHASH/);
    expect(await refusal("join", "wss://127.0.0.1:1", "--token", token)).toBe(
      "127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1",
    );
    const up = run("up", ...small, "--control-plane-only");
    await up.line("ready ");
    const [, address, , right] = joinArguments(await up.line("npx wavetank join "));
    const [id, , hash] = right!.split(".");
    expect(await refusal("join", address!, "--token", `${id}.${"0".repeat(32)}.${hash}`)).toMatch(
      /refused: the cluster does not know this token$/,
    );
    expect(await refusal("join", address!, "--token", `${right!.slice(0, -64)}${"0".repeat(64)}`)).toMatch(
      /is not the cluster that the token is for/,
    );
  });
});

async function eventuallyAsync(condition: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > withinMs) throw new Error(`the condition did not come true within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
