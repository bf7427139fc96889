import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";

const root = join(__dirname, "..");
const rooms = ["protocol", "runtime", "actors", "scenarios", "cli"] as const;

/** Every TypeScript source of a room, as a path from the root. */
function sources(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder))) {
    const path = join(folder, entry);
    if (statSync(join(root, path)).isDirectory()) found.push(...sources(path));
    else if (path.endsWith(".ts") && entry !== "generated.ts") found.push(path);
  }
  return found;
}

const text = (path: string) => readFileSync(join(root, path), "utf8");
/** The code without comments and without what stands in quotes. */
const code = (path: string) =>
  text(path)
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");

function importsOf(path: string): string[] {
  return [...text(path).matchAll(/(?:from|import|require\()\s*"(\.{1,2}\/[^"]*)"/g)].map((match) =>
    relative(root, join(root, path, "..", match[1]!)),
  );
}

describe("the arrows between rooms", () => {
  it("go one way: protocol ← runtime ← actors ← scenarios ← cli", () => {
    const wrong: string[] = [];
    for (const [level, room] of rooms.entries())
      for (const path of sources(room))
        for (const target of importsOf(path)) {
          const targetLevel = rooms.findIndex((r) => target === r || target.startsWith(`${r}/`));
          if (targetLevel > level) wrong.push(`${path} imports ${target}`);
        }
    expect(wrong).toEqual([]);
  });

  it("never lead from the runtime's common part or its simulated half into its live half", () => {
    const wrong = sources("runtime")
      .filter((path) => !path.startsWith("runtime/live/"))
      .flatMap((path) =>
        importsOf(path)
          .filter((target) => target.startsWith("runtime/live"))
          .map((target) => `${path} imports ${target}`),
      );
    expect(wrong).toEqual([]);
  });
});

/** What would let the machine or the moment into an actor (DESIGN: all nondeterminism comes through the context). */
const banned: readonly (readonly [string, RegExp])[] = [
  ["Date.now", /\bDate\.now\b/],
  ["new Date()", /\bnew Date\(\s*\)/],
  ["performance", /\bperformance\./],
  ["Math.random", /\bMath\.random\b/],
  ["crypto", /\bcrypto\b\s*[.(]|from\s*""\s*;?\s*\/\/crypto|node:crypto/],
  ["timers", /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\b/],
  ["promises", /\basync\b|\bawait\b|\bnew Promise\b|\bPromise\./],
  ["process", /\bprocess\s*\./],
  // The zones of the tz database come from Intl only; a named locale keeps their form the same on every machine.
  ["locale", /\blocaleCompare\b|\bIntl\.(?!DateTimeFormat(?:;|PartTypes|\(""))|\btoLocale\w+\b/],
];
const bannedModules =
  /(?:from|require\()\s*"(?:node:)?(fs|fs\/promises|net|http|https|http2|tls|crypto|os|child_process|worker_threads|dgram|timers|perf_hooks)"/;

/** Folders in which decisions live. Gateways and the poison, which must name what it guards, are the doors. */
const pure = [...sources("protocol"), ...sources("actors"), ...sources("scenarios"), ...sources("runtime/simulated")].filter(
  (path) => !path.includes("/gateway/") && path !== "runtime/simulated/poison.ts",
);

describe("determinism", () => {
  it("is not broken by a clock, chance, promise, process or locale in the source of an actor", () => {
    const found = pure.flatMap((path) => banned.filter(([, pattern]) => pattern.test(code(path))).map(([name]) => `${path}: ${name}`));
    expect(found).toEqual([]);
  });

  it("is not broken by a module of the real world", () => {
    const allowed = new Set(["scenarios/report/write.ts"]);
    const found = pure.filter((path) => !allowed.has(path) && bannedModules.test(text(path)));
    expect(found).toEqual([]);
  });

  it("is not broken by module-level state that changes", () => {
    const found = pure.filter((path) => /^(export )?let /m.test(code(path)));
    expect(found).toEqual([]);
  });
});

describe("the code", () => {
  it("keeps files to what one idea needs: 400 lines at most", () => {
    const long = rooms.flatMap((room) => sources(room)).filter((path) => text(path).split("\n").length > 401);
    expect(long).toEqual([]);
  });

  it("leaves no tests switched off", () => {
    const off = sources("test").filter(
      (path) =>
        /\b(it|test|describe)\.(only|skip|todo)\b/.test(text(path)) && path !== "test/tidy.test.ts" && path !== "test/real-programs.ts",
    );
    expect(off).toEqual([]);
  });
});
