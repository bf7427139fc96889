import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeWith } from "../real-programs";
import { Admin, Command } from "./commands";

jest.setTimeout(120_000);

const configMaps = "/api/v1/namespaces/default/configmaps";

describeWith(["etcdctl"], "the members of etcd in a data directory", () => {
  let directory: string;
  let data: string;
  const running: Command[] = [];
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-members-"));
    data = join(directory, "data");
  });
  afterAll(async () => {
    await Promise.all(running.map((command) => command.stop("SIGKILL")));
    rmSync(directory, { recursive: true });
  });

  const up = (): Command => {
    const command = new Command(["up", "--listen", "127.0.0.1:0", "--api-servers", "1", "--control-plane-only", "--data", data], directory);
    running.push(command);
    return command;
  };
  const adminOf = async (command: Command) => new Admin(/kubeconfig=(.*)$/.exec(await command.line("ready "))![1]!);
  const etcdctl = async (command: Command, ...args: string[]): Promise<string> => {
    const [program, ...given] = (await command.line("etcdctl ")).split(" ");
    const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
    return new Promise((resolve, reject) => {
      // A slow machine may need more than etcdctl's own five seconds.
      execFile(program!, ["--command-timeout=30s", ...given, ...args], { env }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
    });
  };
  const names = async (command: Command) =>
    (await etcdctl(command, "member", "list"))
      .trim()
      .split("\n")
      .map((line) => line.split(", ")[2]);
  const until = async (condition: () => Promise<boolean>) => {
    for (let tries = 0; !(await condition()); tries++) {
      if (tries > 200) throw new Error("it did not come true");
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const folder = (n: number) => join(data, "hosts", `etcd-${n}`);

  /** Where a leader was lost meanwhile etcdctl cannot say what became of it: then it is asked for again, until the list is without the member. */
  const removeMember = (command: Command, id: string): Promise<void> =>
    until(async () => {
      await etcdctl(command, "member", "remove", id).catch(() => "");
      return !(await etcdctl(command, "member", "list").catch(() => id)).includes(id);
    });

  test("one whose data is gone is not started, and told how to be replaced; the others run on, and who takes its place is started and stays", async () => {
    const first = up();
    expect((await (await adminOf(first)).call("POST", configMaps, { metadata: { name: "before" } })).code).toBe(201);
    expect(await first.stop()).toBe(0);
    rmSync(folder(1), { recursive: true });

    const second = up();
    const admin = await adminOf(second);
    expect((await admin.call("GET", `${configMaps}/before`)).code).toBe(200);
    const [, remove, add] =
      /^etcd\/1 has already been bootstrapped, .* To replace it: etcdctl (member remove [0-9a-f]+), then etcdctl (member add .*)$/m.exec(
        second.stderr,
      )!;
    expect((await second.line("etcdctl ")).split(",")).toHaveLength(2);
    await removeMember(second, remove!.split(" ").at(-1)!);
    await etcdctl(second, ...add!.split(" "));
    const added = await second.line("etcd/3 ");
    await until(async () => (await names(second)).join() === "etcd-0,etcd-2,etcd-3");
    await until(async () => (await etcdctl(second, "endpoint", "status", `--endpoints=${added.split(" ")[1]}`).catch(() => "")) !== "");

    // Whoever is removed is stopped: its door is shut, and it does not come back.
    const [gone] = (await etcdctl(second, "member", "list")).split(",");
    await removeMember(second, gone!);
    // A member that has yet to apply the change lists the others as it knows them, as etcd's of this release do.
    await until(async () => (await names(second)).join() === "etcd-2,etcd-3");
    // The API server may still have asked the one that goes.
    const write = () => admin.call("POST", configMaps, { metadata: { name: "after" } });
    await until(async () => [201, 409].includes((await write()).code));
    await until(async () => JSON.parse(readFileSync(join(data, "cluster.json"), "utf8")).members.join() === "etcd/2,etcd/3");
    await second.stop("SIGKILL");

    const third = up();
    expect((await (await adminOf(third)).call("GET", `${configMaps}/after`)).code).toBe(200);
    expect(await names(third)).toEqual(["etcd-2", "etcd-3"]);
    expect((await third.line("etcdctl ")).split(",")).toHaveLength(2);
    expect(third.stderr).toBe("");
    expect(await third.stop()).toBe(0);

    const refusal = async () => {
      const command = up();
      expect(await command.ended).toBe(2);
      return command.stderr.trim();
    };
    renameSync(folder(2), join(directory, "aside"));
    expect(await refusal()).toBe(
      `--data ${data}: the data of etcd/2 is gone, and the rest of 2 members is no quorum: restore a backup (wavetank etcd restore)`,
    );
    cpSync(join(folder(3), "etcd~3"), join(folder(2), "etcd~2"), { recursive: true });
    expect(await refusal()).toBe(`${join(folder(2), "etcd~2")}: holds the data of etcd/3, not of etcd/2`);
  });
});
