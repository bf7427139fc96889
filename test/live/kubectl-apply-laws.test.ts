import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describeWith } from "../real-programs";
import { Command } from "./commands";

jest.setTimeout(240_000);

/** What somebody wants of a Deployment, in terms of how kubectl merges it: maps and keyed lists by entry, args as a whole. */
interface Wanted {
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: Readonly<Record<string, Container>>;
}
interface Container {
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly args?: readonly string[] | undefined;
}

const word = fc.constantFrom("one", "two", "three");
const few = (keys: readonly string[]) =>
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...keys), word), { selector: ([key]) => key, maxLength: 3 })
    .map((pairs) => Object.fromEntries(pairs));
const container = fc.record({
  image: word,
  env: few(["A", "B", "C", "D"]),
  args: fc.option(fc.array(word, { minLength: 1, maxLength: 2 }), { nil: undefined }),
});
const wanted: fc.Arbitrary<Wanted> = fc
  .record({ labels: few(["a", "b", "c", "d"]), first: container, more: fc.dictionary(fc.constantFrom("y", "z"), container) })
  .map(({ labels, first, more }) => ({ labels, containers: { x: first, ...more } }));

const manifest = (name: string, { labels, containers }: Wanted) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name, labels },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: "a" } },
    template: {
      metadata: { labels: { app: "a" } },
      spec: {
        containers: Object.entries(containers).map(([called, { image, env, args }]) => ({
          ...{ name: called, image },
          env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
          ...(args ? { args } : {}),
        })),
      },
    },
  },
});

// biome-ignore lint/suspicious/noExplicitAny: what kubectl printed
const readBack = ({ metadata, spec }: any): Wanted => ({
  labels: metadata.labels ?? {},
  containers: Object.fromEntries(
    // biome-ignore lint/suspicious/noExplicitAny: as above
    spec.template.spec.containers.map(({ name, image, env = [], args }: any) => [
      name,
      // biome-ignore lint/suspicious/noExplicitAny: as above
      { image, env: Object.fromEntries(env.map(({ name: variable, value }: any) => [variable, value])), ...(args ? { args } : {}) },
    ]),
  ),
});

/** The law: what is wanted now is so; what was wanted before and is no more goes; what others added stays. */
function threeWay<T>(
  before: Readonly<Record<string, T>>,
  now: Readonly<Record<string, T>>,
  live: Readonly<Record<string, T>>,
  both: (b: T | undefined, n: T, l: T | undefined) => T,
) {
  const merged: Record<string, T> = {};
  for (const key of new Set([...Object.keys(live), ...Object.keys(now)]))
    if (key in now) merged[key] = both(before[key], now[key]!, live[key]);
    else if (!(key in before)) merged[key] = live[key]!;
  return merged;
}
const theNew = (_before: string | undefined, now: string) => now;
function expected(before: Wanted, now: Wanted, live: Wanted): Wanted {
  const containerOf = (b: Container | undefined, n: Container, l: Container | undefined): Container => {
    const args = n.args ?? (b?.args ? undefined : l?.args);
    return { image: n.image, env: threeWay(b?.env ?? {}, n.env, l?.env ?? {}, theNew), ...(args ? { args } : {}) };
  };
  return {
    labels: threeWay(before.labels, now.labels, live.labels, theNew),
    containers: threeWay(before.containers, now.containers, live.containers, containerOf),
  };
}

describeWith(["kubectl"], "the three-way merge of the real kubectl", () => {
  let directory: string;
  let kubeconfig: string;
  let up: Command;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-apply-laws-"));
    up = new Command(["up", "--listen", "127.0.0.1:0", "--control-plane-only"], directory);
    kubeconfig = /kubeconfig=(.*)$/.exec(await up.line("ready "))![1]!;
  });
  afterAll(async () => {
    await up.stop("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });

  const kubectl = (input: object | undefined, ...args: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = execFile(
        "kubectl",
        args,
        { env: { ...process.env, KUBECONFIG: kubeconfig, HOME: directory } },
        (error, stdout, stderr) => (error ? reject(new Error(`kubectl ${args.join(" ")}: ${stderr}`)) : resolve(stdout)),
      );
      child.stdin!.end(input === undefined ? undefined : JSON.stringify(input));
    });
  const live = async (name: string) => JSON.parse(await kubectl(undefined, "get", "deployment", name, "-o", "json"));

  test("apply after somebody else's change: mine as I want it now, theirs kept, what I want no more gone", async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(wanted, wanted, wanted, async (before, now, theirs) => {
        const name = `d${count++}`;
        await kubectl(manifest(name, before), "apply", "-f", "-");
        await kubectl(
          undefined,
          "patch",
          "deployment",
          name,
          "-p",
          JSON.stringify({ metadata: manifest(name, theirs).metadata, spec: manifest(name, theirs).spec }),
        );
        const between = readBack(await live(name));
        await kubectl(manifest(name, now), "apply", "-f", "-");
        expect(readBack(await live(name))).toEqual(expected(before, now, between));
      }),
      { seed: 7, numRuns: 12, endOnFailure: true },
    );
    expect(count).toBeGreaterThanOrEqual(12);
  });
});
