#!/usr/bin/env node
// Makes a checkout ready: installs the packages and compiles, each only when something has changed since the last time.
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const root = path.join(__dirname, "..");
const sources = ["protocol", "runtime", "actors", "scenarios", "cli", "bench"];

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`wavetank needs Node 20.19 or newer; this is ${process.version}\n`);
  process.exit(2);
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (result.status !== 0) {
    process.stderr.write(`wavetank: \`${command} ${args.join(" ")}\` failed${result.error ? `: ${result.error.message}` : ""}\n`);
    process.exit(result.status ?? 1);
  }
}

/** Milliseconds of the newest change below a folder, or of one file; 0 where there is none. */
function newest(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  let latest = stat.mtimeMs;
  for (const entry of fs.readdirSync(file)) latest = Math.max(latest, newest(path.join(file, entry)));
  return latest;
}

const at = (...parts) => path.join(root, ...parts);

if (newest(at("package-lock.json")) > newest(at("node_modules", ".package-lock.json"))) {
  process.stderr.write("wavetank: installing packages\n");
  run("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"]);
  const now = new Date();
  fs.utimesSync(at("node_modules", ".package-lock.json"), now, now);
}

const stamp = at("dist", ".built");
const changed = Math.max(
  ...sources.map((folder) => newest(at(folder))),
  newest(at("tsconfig.build.json")),
  newest(at("bin", "generate.cjs")),
  newest(at("bin", "describe.cjs")),
  newest(at("bin", "wavetank.cjs")),
);
if (changed > newest(stamp)) {
  process.stderr.write("wavetank: compiling\n");
  const started = new Date();
  run(process.execPath, [at("bin", "generate.cjs")]);
  run(process.execPath, [at("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
  run(process.execPath, [at("bin", "describe.cjs")]);
  // What V8 has compiled of the last build; see cli/code-cache.ts.
  fs.rmSync(at("dist", "code-cache"), { recursive: true, force: true });
  fs.writeFileSync(stamp, "");
  // What changed while the compiler ran is to be compiled next time; the types made above are older than this.
  const safe = new Date(Math.max(started.getTime(), newest(at("protocol", "kinds"))));
  fs.utimesSync(stamp, safe, safe);
}
