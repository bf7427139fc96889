import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(__dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "wavetank-mutants-"));
jest.setTimeout(300_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** The compiled program in a process of its own: a bug is planted while its modules are loaded. */
function wavetank(...args: string[]): { readonly status: number | null; readonly out: string; readonly err: string } {
  const env = { ...process.env, NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "bin/wavetank.cjs"), ...args], {
    cwd: root,
    env,
    encoding: "utf8",
  });
  return { status, out: stdout, err: stderr };
}

function mutantFile(name: string, fields: Readonly<Record<string, unknown>>): string {
  const path = join(folder, `${name}.yaml`);
  const scenarios = [join(root, "scenarios/mutants/storms/etcd-crashes.yaml")];
  // JSON is YAML.
  writeFileSync(path, JSON.stringify({ id: name, title: "a bug", source: "here", scenarios, ...fields }));
  return path;
}

interface Hunted {
  readonly id: string;
  readonly verdict: string;
  readonly attempts: readonly {
    readonly caught: { readonly check: string; readonly also: readonly string[] } | null;
    readonly runs: number;
  }[];
}

describe("the mutants that come with Wavetank", () => {
  it("can each be planted: their texts occur exactly once, compile, and their scenarios are right", () => {
    const { status, out, err } = wavetank("mutants", "--dry-run", "--json");
    expect(err).toBe("");
    expect(status).toBe(0);
    const ids = (JSON.parse(out) as { readonly id: string }[]).map(({ id }) => id);
    const files = readdirSync(join(root, "scenarios/mutants")).filter((name) => name.endsWith(".yaml"));
    expect(ids.map((id) => `${id}.yaml`).sort()).toEqual(files.sort());
    expect(ids.length).toBeGreaterThanOrEqual(30);
  });

  it("are caught, the quick ones here and all of them in the soak, and the same seeds hold without them", () => {
    const quick = ["R18", "R3-append", "R8", "R11", "R15"];
    const { status, out } = wavetank("mutants", ...quick, "--json");
    const hunted = JSON.parse(out) as Hunted[];
    expect(hunted.map(({ id, verdict }) => `${id} ${verdict}`)).toEqual(hunted.map(({ id }) => `${id} caught`));
    expect(hunted).toHaveLength(quick.length);
    expect(status).toBe(0);
    const caughtBy = (id: string) => {
      const { caught } = hunted.find((one) => one.id.startsWith(id))!.attempts[0]!;
      return [caught!.check, ...caught!.also];
    };
    expect(caughtBy("R18")).toContain("raft-election-safety");
    expect(caughtBy("R8")).toContain("linearizability");
    expect(caughtBy("R11")).toContain("raft-stable-leader");
    expect(caughtBy("R15")).toContain("etcd-availability");
  });
});

describe("a mutant", () => {
  const file = "actors/etcd/raft/quorum.ts";
  const find = "return Math.floor(memberCount / 2) + 1;";

  it("that is no bug is missed, and then the status is 1", () => {
    const harmless = mutantFile("harmless", { file, find, replace: "return Math.floor((memberCount + 2) / 2);" });
    const { status, out } = wavetank("mutants", harmless, "--within", "1ms", "--json");
    expect((JSON.parse(out) as Hunted[])[0]).toMatchObject({ id: "harmless", verdict: "missed" });
    expect(status).toBe(1);
  });

  it.each([
    [
      "whose text is not in the source",
      { file, find: "return memberCount;", replace: "return 1;" },
      /\$\.find: occurs 0 times in actors\/etcd\/raft\/quorum\.ts: expected exactly once/,
    ],
    [
      "whose text is there twice",
      { file, find: "answers", replace: "questions" },
      /\$\.find: occurs \d+ times in actors\/etcd\/raft\/quorum\.ts: expected exactly once/,
    ],
    ["that does not compile", { file, find, replace: "return (;" }, /\$\.replace: does not compile: .*Unexpected ";"/s],
    [
      "of a file that there is not",
      { file: "actors/etcd/raft/nothing.ts", find, replace: "" },
      /\$\.file: no such file: actors\/etcd\/raft\/nothing\.ts/,
    ],
    ["with a field that there is not", { file, find, replace: "", seeds: 3 }, /\$\.seeds: unknown field "seeds"/],
    ["with a scenario that there is not", { file, find, replace: "return 1;", scenarios: ["nowhere.yaml"] }, /nowhere\.yaml: no such file/],
  ])("%s is refused with file and line, and nothing is run", (name, fields, message) => {
    const { status, err } = wavetank("mutants", mutantFile(`wrong-${name.length}`, fields));
    expect(err).toMatch(message);
    expect(status).toBe(2);
  });

  it("is in every worker thread of a run, and in the run's record, by which it is planted again", () => {
    const storm = "scenarios/mutants/storms/etcd-crashes.yaml";
    const seeds = wavetank("run", storm, "--seeds", "1..2", "--workers", "2", "--mutant", "R18", "--json");
    const results = JSON.parse(seeds.out) as { readonly seed: number; readonly verdict: string; readonly mutant: string }[];
    expect(results.map(({ seed, verdict, mutant }) => ({ seed, verdict, mutant }))).toEqual(
      [1, 2].map((seed) => ({ seed, verdict: "violated", mutant: "R18-less-than-a-majority" })),
    );
    const once = wavetank("run", storm, "--seed", "1", "--until", "6s", "--mutant", "R18-less-than-a-majority", "--out", folder, "--quiet");
    expect(once.out).toContain("planted R18-less-than-a-majority");
    expect(once.status).toBe(1);
    expect(JSON.parse(readFileSync(join(folder, "run.json"), "utf8"))).toMatchObject({ mutant: { id: "R18-less-than-a-majority", file } });
    const replayed = wavetank("replay", join(folder, "run.json"), "--json");
    expect(JSON.parse(replayed.out)).toMatchObject({ same: true, verdict: "violated", mutant: "R18-less-than-a-majority" });
  });
});
