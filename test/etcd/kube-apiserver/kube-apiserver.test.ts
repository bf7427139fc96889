import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EtcdConnection } from "../../../actors/real-etcd/gateway/connection";
import { serviceErrorOf } from "../../../actors/real-etcd/gateway/errors";
import { address } from "../../../protocol/address";
import type { StatusResponse } from "../../../protocol/etcd";
import { describeWith } from "../../real-programs";
import { type ClientFiles, EtcdDoors } from "../gateway/doors";
import { SecureEtcd } from "./secure-etcd";
import { StorageSession } from "./storage-session";
import { tellStorageStory } from "./storage-story";

jest.setTimeout(60_000);

const expected = join(__dirname, "..", "transcripts", "kube-apiserver-storage.txt");

// There is no kube-apiserver in Debian: what its storage says to etcd is said here, message for message.
describe("what kube-apiserver's storage sends", () => {
  let doors: EtcdDoors;
  let files: ClientFiles;
  beforeAll(async () => {
    doors = await EtcdDoors.open(1);
    const leads = async () => {
      const status = await doors.world.ask<StatusResponse>(address("etcd", 0), { kind: "etcd.status" }, 1_000);
      return status.ok && status.body.leader !== "";
    };
    while (!(await leads())) await new Promise((resolve) => setTimeout(resolve, 20));
    files = doors.clientFiles("kube-apiserver-etcd-client");
  });
  afterAll(() => doors.close());

  const tls = (shown = true) => ({
    ca: readFileSync(files.ca),
    cert: shown ? readFileSync(files.cert) : null,
    key: shown ? readFileSync(files.key) : null,
  });
  const ourPort = () => doors.gateways[0]!.listenPort;

  async function story(port: number): Promise<string> {
    const connection = new EtcdConnection({ authority: `127.0.0.1:${port}`, tls: tls() });
    try {
      const session = new StorageSession(connection);
      await tellStorageStory(session);
      return `${session.lines.join("\n").trimStart()}\n`;
    } finally {
      connection.close();
    }
  }

  /** How a call ends when no certificate is shown. */
  async function withoutCertificate(port: number): Promise<string> {
    const connection = new EtcdConnection({ authority: `127.0.0.1:${port}`, tls: tls(false) });
    try {
      await connection.ask("KV", "Range", { key: Buffer.from("health") }, 3_000);
      return "served";
    } catch (error) {
      return serviceErrorOf(error).code === 14 ? "refused" : serviceErrorOf(error).details;
    } finally {
      connection.close();
    }
  }

  let ours = "";
  test("is served as the transcript says (UPDATE_TRANSCRIPTS=1 rewrites it), to whoever shows a certificate", async () => {
    ours = await story(ourPort());
    if (process.env.UPDATE_TRANSCRIPTS === "1") writeFileSync(expected, ours);
    if (!existsSync(expected)) throw new Error(`${expected} is missing: run the test with UPDATE_TRANSCRIPTS=1 and read what it wrote`);
    expect(ours).toBe(readFileSync(expected, "utf8"));
    expect(doors.errors).toEqual([]);
    expect(await withoutCertificate(ourPort())).toBe("refused");
  });

  describeWith(["etcd"], "and a real etcd with the same certificates", () => {
    test("is answered by both the same, message for message", async () => {
      const real = await SecureEtcd.start(doors.authority, files.ca, tls());
      try {
        expect(await story(real.port)).toBe(ours);
        expect(await withoutCertificate(real.port)).toBe("refused");
      } finally {
        await real.stop();
      }
    });
  });
});
