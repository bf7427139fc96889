import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { etcdMember } from "../../actors/etcd/member";
import { etcdctlCommand, writeEtcdAccess } from "../../cli/etcd-access";
import { EtcdDoors } from "../../cli/etcd-doors";
import { liveLog } from "../../runtime/live/log";
import { adminCertificate, loadPki } from "../../runtime/live/pki";
import { LiveWorld } from "../../runtime/live/world";
import { defaultShape, planCluster } from "../../scenarios/cluster";
import { ServiceClient } from "../etcd/gateway/client";

describe("the doors of a live cluster's etcd", () => {
  let directory: string;
  let world: LiveWorld;
  let doors: EtcdDoors;
  const pki = loadPki(undefined);
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-doors-"));
    const plan = planCluster({ ...defaultShape, nodes: 0 }, { rootCa: pki.authority.certificate });
    const members = plan.hosts.filter(({ role }) => role === "etcd");
    world = new LiveWorld({ actors: [etcdMember], secrets: pki.secrets });
    for (const member of members) world.addHost(member);
    world.start();
    doors = new EtcdDoors(world, liveLog("silent"), pki);
    for (const { name, actors } of members) await doors.open(name, actors[0]!.address);
  });
  afterAll(async () => {
    await doors.close();
    await world.close();
    rmSync(directory, { recursive: true });
  });

  const put = async (endpoint: string, files: { readonly ca: string; readonly cert: string; readonly key: string }) => {
    const kv = new ServiceClient("KV", endpoint, files);
    const done = kv.call("Put", { key: Buffer.from("a"), value: Buffer.from("1") }).then(
      () => "done",
      (error: { readonly details: string }) => error.details,
    );
    return done.finally(() => kv.close());
  };
  const access = () => {
    const { cacert, cert, key } = writeEtcdAccess(directory, doors.endpoints(), pki.etcdAuthority);
    return { ca: cacert, cert, key };
  };

  test("each member serves, on loopback, whoever shows what was written for etcdctl; the key is its owner's alone", async () => {
    expect(doors.endpoints()).toHaveLength(3);
    for (const endpoint of doors.endpoints()) {
      expect(endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
      expect(await put(endpoint, access())).toBe("done");
    }
    expect(statSync(access().key).mode & 0o777).toBe(0o600);
    expect(readFileSync(access().ca, "utf8")).toBe(pki.etcdAuthority.certificate);
  });

  test("a certificate of the cluster's own authority, be it an administrator's, opens none of them", async () => {
    const { certificate, key } = adminCertificate(pki.authority);
    const files = { ca: access().ca, cert: join(directory, "admin.crt"), key: join(directory, "admin.key") };
    writeFileSync(files.cert, certificate);
    writeFileSync(files.key, key);
    expect(await put(doors.endpoints()[0]!, files)).not.toBe("done");
  });

  test("a member's door is shut while its host is down, and opens at the same port when it is back", async () => {
    const endpoint = doors.endpoints()[1]!;
    await world.crashHost("etcd-1");
    expect(await put(endpoint, access())).toMatch(/ECONNREFUSED|No connection established/);
    world.startHost("etcd-1");
    expect(doors.endpoints()[1]).toBe(endpoint);
    for (let tries = 0; (await put(endpoint, access())) !== "done"; tries++) {
      if (tries > 200) throw new Error("the door stayed shut");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });

  test("the command can be pasted, whatever the directory is called", () => {
    const command = etcdctlCommand({
      endpoints: ["https://127.0.0.1:1", "https://127.0.0.1:2"],
      cacert: "/a/ca",
      cert: "/it's/c",
      key: "/a b/k",
    });
    expect(command).toBe(`etcdctl --endpoints=https://127.0.0.1:1,https://127.0.0.1:2 --cacert=/a/ca '--cert=/it'\\''s/c' '--key=/a b/k'`);
  });
});
