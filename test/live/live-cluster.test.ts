import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeKubeconfig } from "../../cli/kubeconfig";
import type { LiveCluster } from "../../cli/live-cluster";
import { Admin } from "./commands";
import { startedCluster } from "./started-cluster";

jest.setTimeout(120_000);

describe("a live cluster", () => {
  let directory: string;
  let cluster: LiveCluster;
  let admin: Admin;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-cluster-"));
    cluster = await startedCluster({ nodes: 1 });
    const kubeconfig = join(directory, "kubeconfig");
    writeKubeconfig(kubeconfig, {
      control: "",
      server: cluster.addresses.front,
      authority: cluster.pki.authority.certificate,
      ...cluster.admin(),
    });
    admin = new Admin(kubeconfig);
  });
  afterAll(async () => {
    await cluster.close();
    rmSync(directory, { recursive: true });
  });

  /** Repeats a call until its answer has that code; what fails meanwhile is tried again. */
  async function until(code: number, method: string, path: string, body?: object, server?: string): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const answer = await admin.call(method, path, body, server).catch(() => undefined);
      if (answer?.code === code) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${method} ${path} never answered ${code}`);
  }

  test("whose API server's host dies keeps serving at the front; that server's own address is dead until the host is back", async () => {
    const [first] = cluster.addresses.apiServers;
    await cluster.world.crashHost("apiserver-0");
    await expect(admin.call("GET", "/readyz", undefined, first)).rejects.toThrow("ECONNREFUSED");
    for (let i = 0; i < 4; i++) expect((await admin.call("GET", "/readyz")).code).toBe(200);
    expect((await admin.call("POST", "/api/v1/namespaces", { metadata: { name: "meanwhile" } })).code).toBe(201);
    cluster.world.startHost("apiserver-0");
    await until(200, "GET", "/api/v1/namespaces/meanwhile", undefined, first);
    expect(cluster.addresses.apiServers[0]).toBe(first);
  });

  test("that loses a member of etcd, one after the other and so the leader too, keeps what was acknowledged and takes writes again", async () => {
    for (const member of [0, 1, 2]) {
      expect((await admin.call("POST", "/api/v1/namespaces", { metadata: { name: `before-${member}` } })).code).toBe(201);
      await cluster.world.crashHost(`etcd-${member}`);
      await until(201, "POST", "/api/v1/namespaces", { metadata: { name: `after-${member}` } });
      expect((await admin.call("GET", `/api/v1/namespaces/before-${member}`)).code).toBe(200);
      cluster.world.startHost(`etcd-${member}`);
      await until(201, "POST", "/api/v1/namespaces", { metadata: { name: `again-${member}` } });
    }
  });
});
