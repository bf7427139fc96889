import { type ChildProcess, spawn } from "node:child_process";

/** How long a command that does not end may take to print what is waited for. */
const patienceMs = 30_000;

/** What one run of etcdctl printed. */
export interface Printed {
  readonly stdout: string;
  /** Without the client's log. */
  readonly stderr: string;
  readonly status: number | string;
}

/** The real etcdctl (Debian's etcd-client) against one server, which has ids and leases of its own: what is printed of them is made comparable. */
export class Etcdctl {
  /** The server's leases in the order in which they were granted: "L1" stands for the first. */
  private readonly leases: string[] = [];

  constructor(private readonly environment: Readonly<Record<string, string>>) {}

  /** Runs a command; "L1" in it stands for the first lease. */
  async run(args: readonly string[], input = ""): Promise<Printed> {
    const child = this.start(args);
    child.stdin!.end(input);
    const printed = await outcomeOf(child);
    const granted = /^lease ([0-9a-f]{16}) granted/.exec(printed.stdout);
    if (granted) this.leases.push(granted[1]!);
    return { ...printed, stdout: this.comparable(printed.stdout), stderr: this.comparable(printed.stderr) };
  }

  /** Runs a command that does not end by itself until what it printed matches, then stops it; answers with what was printed up to the end of the match. */
  async runUntil(args: readonly string[], pattern: RegExp, input = ""): Promise<string> {
    const child = this.start(args);
    let stdout = "";
    // Some commands end with their input, so it stays open.
    if (input !== "") child.stdin!.write(input);
    child.stdout!.on("data", (chunk: Buffer) => {
      stdout += chunk;
      if (pattern.test(stdout)) child.kill("SIGKILL");
    });
    const late = setTimeout(() => child.kill("SIGKILL"), patienceMs);
    const { stderr } = await outcomeOf(child);
    clearTimeout(late);
    const found = pattern.exec(stdout);
    if (found === null) throw new Error(`etcdctl ${args.join(" ")} printed "${stdout}", then ended: ${stderr}`);
    // How much more had come by then is a matter of moments.
    return this.comparable(stdout.slice(0, found.index + found[0].length));
  }

  private start(args: readonly string[]): ChildProcess {
    const given = args.map((argument) => argument.replace(/\bL(\d)\b/, (text, n) => this.leases[Number(n) - 1] ?? text));
    // A slow machine may need more than etcdctl's own five seconds.
    const always = { PATH: process.env.PATH, ETCDCTL_API: "3", ETCDCTL_COMMAND_TIMEOUT: "60s" };
    return spawn("etcdctl", given, { env: { ...always, ...this.environment } });
  }

  private comparable(text: string): string {
    let out = text
      .replaceAll(
        /("?(?:cluster_id|member_id|ClusterID|MemberID|raft_term|RaftTerm|Raft Term)"? ?: ?)\d+/g,
        (_, name: string) => `${name}0`,
      )
      .replaceAll(/https?:\/\/127\.0\.0\.1:\d+|127\.0\.0\.1:\d+/g, "ENDPOINT");
    for (const [i, lease] of this.leases.entries())
      out = out
        .replaceAll(lease, `L${i + 1}`)
        .replaceAll(lease.replace(/^0+/, ""), `L${i + 1}`)
        .replaceAll(String(BigInt(`0x${lease}`)), `L${i + 1}`);
    return out;
  }
}

function outcomeOf(child: ChildProcess): Promise<Printed> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ["", ""];
    child.stdout!.on("data", (chunk: Buffer) => {
      stdout += chunk;
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      stderr += chunk;
    });
    child.stdin!.on("error", () => {});
    child.on("error", (error) => reject(new Error(`etcdctl cannot be run (Debian's package etcd-client has it): ${error.message}`)));
    child.on("close", (code, signal) => {
      const said = stderr.split("\n").filter((line) => !line.startsWith('{"level":'));
      resolve({ stdout, stderr: said.join("\n"), status: code ?? signal ?? "" });
    });
  });
}
