import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import Module from "node:module";
import { dirname, join, relative } from "node:path";
import { cachedDataVersionTag } from "node:v8";
import vm from "node:vm";
import { crc32 } from "node:zlib";

/** What Node does not declare of its loader of CommonJS modules. */
interface Loader {
  _compile(this: NodeModule, code: string, filename: string, format?: string): unknown;
}
interface ModuleClass {
  readonly prototype: Loader;
  wrap(code: string): string;
  _resolveFilename(request: string, parent: NodeModule, isMain: boolean, options?: object): string;
  _resolveLookupPaths(request: string, parent: NodeModule): string[] | null;
  readonly _extensions: NodeJS.Require["extensions"];
  readonly _cache: NodeJS.Require["cache"];
}

/** One module's code as V8 compiled it, with the checksum of the source that it was made of. */
interface Compiled {
  readonly checksum: number;
  readonly data: Buffer;
}

const modules = Module as unknown as ModuleClass;
const wrapperLength = modules.wrap("|").indexOf("|");
/** Where V8 keeps a hash of its flags in what it has compiled, in four bytes. */
const flagsOffset = 12;

/** How many modules were taken from the cache, and how many were compiled from their source. */
export interface Counts {
  taken: number;
  compiled: number;
}

/**
 * Loading Wavetank compiles some 1,200 modules, which takes longer than many a run. So what V8 made of them lies in `folder` (beside the compiled
 * sources), a file for each kind of process: `name`, and whatever makes V8 refuse what another has compiled (version, flags, processor). A file that is
 * missing, of an earlier build or damaged is the same as none, and so is a module that has changed since; then it is compiled as ever, and the first
 * process leaves a new file when it ends, if it has worked for `worthKeepingCpuMs`: those that are over sooner have not called what is worth keeping.
 * Nothing of what a program does depends on it.
 */
export function useCodeCache(name: string, folder: string, worthKeepingCpuMs = 1500): Counts {
  const file = join(folder, `${name}-${process.version}-${cachedDataVersionTag().toString(16)}`);
  const root = dirname(folder);
  const build = String(statSync(join(root, ".built"), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const kept = readCache(file, build);
  // Simulations set flags of V8 after all is loaded, and no compiled code depends on these; but V8 wants those back under which it compiled.
  const flags = new vm.Script("").createCachedData().subarray(flagsOffset, flagsOffset + 4);
  const scripts = new Map<string, { readonly script: vm.Script; readonly checksum: number }>();
  const counts: Counts = { taken: 0, compiled: 0 };
  const { _compile } = modules.prototype;
  modules.prototype._compile = function (code, filename, format) {
    if (format !== undefined && format !== "commonjs") return _compile.call(this, code, filename, format);
    const source = modules.wrap(code.startsWith("#!") ? `//${code}` : code);
    const checksum = crc32(source);
    const key = relative(root, filename);
    const found = kept?.get(key);
    const cachedData = found?.checksum === checksum ? found.data : undefined;
    let script: vm.Script;
    try {
      // The first line's columns are those of the file, not of the wrapper.
      const place = { filename, columnOffset: -wrapperLength, importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };
      script = new vm.Script(source, cachedData ? { ...place, cachedData } : place);
    } catch {
      // Node knows better how to say what is wrong with it.
      return _compile.call(this, code, filename, format);
    }
    if (cachedData && !script.cachedDataRejected) counts.taken++;
    else counts.compiled++;
    if (kept === undefined) scripts.set(key, { script, checksum });
    const body = script.runInThisContext() as (...args: unknown[]) => unknown;
    return body.call(this.exports, this.exports, requireOf(this), this, filename, dirname(filename));
  };
  if (kept !== undefined || process.env.WAVETANK_MUTANT !== undefined) return counts;
  process.once("exit", () => {
    const { user, system } = process.cpuUsage();
    if ((user + system) / 1000 < worthKeepingCpuMs) return;
    const compiled = new Map<string, Compiled>();
    for (const [key, { script, checksum }] of scripts) {
      const data = script.createCachedData();
      flags.copy(data, flagsOffset);
      compiled.set(key, { checksum, data });
    }
    writeCache(file, build, compiled);
  });
  return counts;
}

/** A module's own `require`, as Node gives it. */
function requireOf(module: NodeModule): NodeJS.Require {
  const own = ((id: string) => module.require(id)) as NodeJS.Require;
  const resolve = ((request: string, options?: object) =>
    modules._resolveFilename(request, module, false, options)) as NodeJS.RequireResolve;
  resolve.paths = (request) => modules._resolveLookupPaths(request, module);
  return Object.assign(own, { resolve, main: require.main, extensions: modules._extensions, cache: modules._cache });
}

/** Of each module in the file: its checksum and its compiled code. Undefined where there is no such file of this build. */
function readCache(file: string, build: string): ReadonlyMap<string, Compiled> | undefined {
  try {
    const bytes = readFileSync(file);
    const headerLength = bytes.readUInt32LE(0);
    const header = bytes.subarray(8, 8 + headerLength);
    const body = bytes.subarray(8 + headerLength);
    if (crc32(bytes.subarray(8)) !== bytes.readUInt32LE(4)) return undefined;
    const { build: of, entries } = JSON.parse(header.toString()) as { build: string; entries: [string, number, number, number][] };
    if (of !== build) return undefined;
    return new Map(entries.map(([key, checksum, start, end]) => [key, { checksum, data: body.subarray(start, end) }]));
  } catch {
    return undefined;
  }
}

/** Puts the file in its place at once, so that nobody reads half of one; where that cannot be there is none. */
function writeCache(file: string, build: string, compiled: ReadonlyMap<string, Compiled>): void {
  let end = 0;
  const entries = [...compiled].map(([key, { checksum, data }]) => [key, checksum, end, (end += data.length)]);
  const header = Buffer.from(JSON.stringify({ build, entries }));
  const bytes = Buffer.concat([Buffer.alloc(8), header, ...[...compiled.values()].map(({ data }) => data)]);
  bytes.writeUInt32LE(header.length, 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  const draft = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(draft, bytes);
    renameSync(draft, file);
  } catch {
    rmSync(draft, { force: true });
  }
}
