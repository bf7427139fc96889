import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RealEtcd } from "../etcd/differential/real-etcd";
import { describeWith } from "../real-programs";
import { Admin, Command } from "./commands";

jest.setTimeout(120_000);

const configMaps = "/api/v1/namespaces/default/configmaps";

describeWith(["etcd", "etcdctl"], "wavetank up --storage", () => {
  let directory: string;
  let etcd: RealEtcd;
  const running: Command[] = [];
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-storage-"));
    etcd = await RealEtcd.start();
  });
  afterAll(async () => {
    await Promise.all(running.map((command) => command.stop("SIGKILL")));
    await etcd.stop();
    rmSync(directory, { recursive: true });
  });

  function run(...args: string[]): Command {
    const command = new Command(["up", "--listen", "127.0.0.1:0", ...args], directory);
    running.push(command);
    return command;
  }
  const storage = () => `etcd://127.0.0.1:${etcd.port}`;

  async function refusal(...args: string[]): Promise<string> {
    const command = run(...args);
    expect(await command.ended).toBe(2);
    expect(command.stdout).toBe("");
    return command.stderr.trim();
  }

  /** The line that `up` printed, with more behind it. */
  const etcdctl = (line: string, ...args: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const [program, ...given] = line.split(" ");
      const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
      execFile(program!, [...given, ...args], { env }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
    });

  async function until<T>(question: () => Promise<T>, good: (answer: T) => boolean): Promise<T> {
    for (let tries = 0; ; tries++) {
      const answer = await question();
      if (good(answer)) return answer;
      if (tries > 300) throw new Error(`it stayed ${JSON.stringify(answer)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  test("pods run, their keys are in the real etcd, which may be killed and come back, and so may `up`", async () => {
    const first = run("--storage", storage(), "--nodes", "1", "--data", join(directory, "data"));
    const admin = new Admin(/kubeconfig=(.*)$/.exec(await first.line("ready "))![1]!);
    const line = await first.line("etcdctl ");
    expect(line).toBe(`etcdctl --endpoints=http://127.0.0.1:${etcd.port}`);

    const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "example.com/web:1" }] } };
    const spec = { replicas: 2, selector: { matchLabels: { app: "web" } }, template };
    expect((await admin.call("POST", "/apis/apps/v1/namespaces/default/deployments", { metadata: { name: "web" }, spec })).code).toBe(201);
    type Pod = { readonly metadata: { readonly name: string }; readonly status: { readonly phase: string } };
    const pods = await until(
      async () => (await admin.call("GET", "/api/v1/namespaces/default/pods")).body.items as readonly Pod[],
      (items) => items.length === 2 && items.every(({ status }) => status.phase === "Running"),
    );
    const keys = await etcdctl(line, "get", "/registry/pods/", "--prefix", "--keys-only");
    expect(keys.split("\n").filter((key) => key !== "")).toEqual(
      pods.map(({ metadata }) => `/registry/pods/default/${metadata.name}`).sort(),
    );

    // What others write to the same etcd holds no read up for long.
    await etcdctl(line, "put", "elsewhere", "1");
    expect((await admin.call("GET", configMaps)).code).toBe(200);

    await etcd.kill();
    const during = await admin.call("POST", configMaps, { metadata: { name: "during" } });
    expect(during.code).toBeGreaterThanOrEqual(500);
    expect((await admin.call("GET", "/readyz?verbose")).body).toContain("[-]etcd failed");
    await etcd.restart();
    const create = (name: string) => admin.call("POST", configMaps, { metadata: { name } });
    await until(
      async () => (await create("after")).code,
      (code) => code === 201 || code === 409,
    );
    // The caches follow again: what etcdctl deletes is seen.
    await etcdctl(line, "del", "/registry/configmaps/default/after");
    await until(
      async () => (await admin.call("GET", `${configMaps}/after?resourceVersion=0`)).code,
      (code) => code === 404,
    );
    expect((await create("kept")).code).toBe(201);
    expect(await first.stop("SIGKILL")).toBe("SIGKILL");

    const second = run("--storage", storage(), "--nodes", "1", "--data", join(directory, "data"));
    const again = new Admin(/kubeconfig=(.*)$/.exec(await second.line("ready "))![1]!);
    expect((await again.call("GET", `${configMaps}/kept`)).code).toBe(200);
    expect((await again.call("GET", "/api/v1/namespaces/default/pods")).body.items).toHaveLength(2);
    expect(await second.stop()).toBe(0);
    expect(await refusal("--data", join(directory, "data"))).toBe(
      `--data ${join(directory, "data")}: this cluster was made on an etcd outside; give --storage again, its objects are there`,
    );
  });

  test("takes over another cluster's etcd over TLS, with the files that it printed", async () => {
    const other = run("--control-plane-only", "--etcd", "1", "--api-servers", "1");
    await other.line("ready ");
    const [, endpoint, ca, cert, key] = /^etcdctl --endpoints=(\S+) --cacert=(\S+) --cert=(\S+) --key=(\S+)$/.exec(
      await other.line("etcdctl "),
    )!;
    const files = ["--storage-cacert", ca!, "--storage-cert", cert!, "--storage-key", key!, "--kubeconfig", "second"];
    const up = run("--control-plane-only", "--api-servers", "1", "--storage", endpoint!, ...files);
    const admin = new Admin(/kubeconfig=(.*)$/.exec(await up.line("ready "))![1]!);
    expect((await admin.call("POST", configMaps, { metadata: { name: "shared" } })).code).toBe(201);
    expect(await up.line("etcdctl ")).toBe(await other.line("etcdctl "));
    expect(await etcdctl(await up.line("etcdctl "), "get", "/registry/configmaps/default/shared", "--keys-only")).toContain("shared");
    // Whoever shows no certificate is turned away, and told so.
    expect(await refusal("--storage", endpoint!, "--storage-cacert", ca!)).toMatch(
      /^--storage https:\/\/\S+: no etcd answers: 127\.0\.0\.1:\d+: /,
    );
    await Promise.all([up.stop(), other.stop()]);
  });

  test("where no etcd answers, says so and why, with status 2", async () => {
    expect(await refusal("--storage", "etcd://127.0.0.1:1")).toBe(
      "--storage etcd://127.0.0.1:1: no etcd answers: 127.0.0.1:1: No connection established: connect ECONNREFUSED 127.0.0.1:1",
    );
  });
});
