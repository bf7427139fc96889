import { execFile, execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeWith } from "../real-programs";
import { Command } from "./commands";
import { matches, minorOf, parseTranscript, type Step } from "./transcript";

jest.setTimeout(600_000);

const folder = join(__dirname, "transcripts");
const chosen = process.env.STORY;
const stories = readdirSync(folder)
  .filter((file) => file.endsWith(".txt") && (chosen === undefined || file === `${chosen}.txt`))
  .map((file) => file.slice(0, -4));
const transports = { "HTTP/2": "", "HTTP/1.1": "http2client=0" } as const;
type Transport = keyof typeof transports;
const runs = stories.flatMap((story) => (Object.keys(transports) as Transport[]).map((transport) => ({ story, transport })));
const together = 4;
const repeatMs = 60_000;
/** What is asked again and again is asked ever more seldom: each time costs as much as a tenth of a second of a processor's work. */
const pauseMs = { first: 100, growth: 1.4, longest: 1_000 };

/** What a command ended with. */
interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `$ command` with what it said, in the form of a transcript. */
const told = (command: string, { stdout, stderr, status }: Ended) => {
  const lines = (text: string, mark: string) => (text === "" ? [] : text.trimEnd().split("\n")).map((line) => `${mark}${line}`.trimEnd());
  return [`$ ${command}`, ...lines(stdout, ""), ...lines(stderr, "! "), ...(status === 0 ? [] : [`? ${status}`])].join("\n");
};

describeWith(["kubectl"], "kubectl is answered as by a real cluster", () => {
  let directory: string;
  let up: Command;
  let minor: number;
  let commands = 0;
  const results = new Map<string, Promise<readonly string[]>>();

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-transcripts-"));
    const { clientVersion } = JSON.parse(execFileSync("kubectl", ["version", "--client", "-o", "json"], { encoding: "utf8" }));
    minor = minorOf(clientVersion.gitVersion);
    up = new Command(["up", "--listen", "127.0.0.1:0", "--nodes", "4"], directory);
    const kubeconfig = /kubeconfig=(.*)$/.exec(await up.line("ready "))![1]!;
    // A few stories at a time, as most of a story is waiting.
    const waiting = [...runs];
    const started = new Map<string, (told: Promise<readonly string[]>) => void>();
    for (const { story, transport } of runs)
      results.set(`${story} ${transport}`, new Promise((resolve) => started.set(`${story} ${transport}`, resolve)));
    const worker = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const outcome = tell(next.story, next.transport, kubeconfig);
        started.get(`${next.story} ${next.transport}`)!(outcome);
        await outcome.catch(() => undefined);
      }
    };
    for (let n = 0; n < together; n++) void worker();
  });
  afterAll(async () => {
    await up.stop("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });

  /** Carries a story out in a namespace of its own; answers with what was not as told. */
  async function tell(story: string, transport: Transport, kubeconfig: string): Promise<readonly string[]> {
    const over = transport === "HTTP/2" ? "h2" : "h1";
    const ns = `${story}-${over}`;
    const node = transport === "HTTP/2" ? "node-2" : "node-3";
    const home = join(directory, ns);
    mkdirSync(home);
    cpSync(kubeconfig, join(home, "config"));
    cpSync(join(folder, "files"), join(home, "files"), { recursive: true });
    // What discovery says is the same for all stories but the one that adds to it, so they may keep it together.
    const cache = join(directory, story === "discovery" ? ns : "cache");
    const environment = {
      PATH: process.env.PATH,
      HOME: home,
      KUBECACHEDIR: cache,
      KUBECONFIG: join(home, "config"),
      GODEBUG: transports[transport],
      // A command is over before collecting its garbage pays.
      GOGC: "off",
      GOMEMLIMIT: "512MiB",
      NS: ns,
      NODE: node,
    };
    const run = (command: string) =>
      new Promise<Ended>((resolve) => {
        execFile("sh", ["-c", command], { cwd: home, env: environment, timeout: 120_000 }, (error, stdout, stderr) =>
          resolve({ status: error === null ? 0 : typeof error.code === "number" ? error.code : 255, stdout, stderr }),
        ).stdin!.end();
      });
    spawnSync("kubectl", ["config", "set-context", "--current", `--namespace=${ns}`], { env: environment });
    const begun = await run(
      `kubectl create namespace ${ns} && until kubectl get serviceaccount default >/dev/null 2>&1; do sleep 0.1; done`,
    );
    if (begun.status !== 0) return [told("create namespace", begun)];
    const different: string[] = [];
    for (const step of parseTranscript(readFileSync(join(folder, `${story}.txt`), "utf8"), `${story}.txt`)) {
      if (minor < (step.since ?? 0) || minor >= (step.before ?? Number.POSITIVE_INFINITY)) continue;
      commands++;
      const startedMs = performance.now();
      let ended = await run(step.command);
      for (let ms = pauseMs.first; step.repeats && !same(step, ended, { ns, node }); ms = Math.min(pauseMs.longest, ms * pauseMs.growth)) {
        if (performance.now() - startedMs > repeatMs) break;
        await new Promise((resolve) => setTimeout(resolve, ms));
        ended = await run(step.command);
      }
      if (same(step, ended, { ns, node })) continue;
      const expected = { status: step.status, stdout: step.stdout.join("\n"), stderr: step.stderr.join("\n") };
      different.push(`${story}.txt:${step.line}\n${told(step.command, ended)}\n--- expected\n${told("…", expected)}\n`);
    }
    await run(`kubectl delete namespace ${ns} --wait=false`);
    return different;
  }

  const same = (step: Step, ended: Ended, own: Readonly<Record<string, string>>) =>
    ended.status === step.status && matches(ended.stdout, step.stdout, own) && matches(ended.stderr, step.stderr, own);

  test.each(runs)("$story, over $transport", async ({ story, transport }) => {
    const different = await results.get(`${story} ${transport}`)!;
    if (different.length > 0) throw new Error(`\n${different.join("\n")}`);
  });

  test("the transcripts are many", () => {
    if (chosen === undefined) expect(commands).toBeGreaterThan(minor >= 28 ? 300 : 150);
  });
});
