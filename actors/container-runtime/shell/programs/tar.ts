import { gunzipSync } from "node:zlib";
import { withoutTrailingSlashes } from "../../../../protocol/paths";
import { absolute, containerBytesMax, type Entry, type FileView, joined, parentOf } from "../files";
import { ended, failed, filesAt, type Place, type Program, type Reader } from "../program";
import { ArchiveReader, archived, archiveEnd, type Member, zipped } from "./archive";

/** What the words after "tar" ask for. */
interface Asked {
  readonly verb: "c" | "x" | "t";
  /** The archive's name; "-" is what is read or written. */
  readonly archive: string;
  readonly folder: string;
  readonly zipped: boolean;
  readonly verbose: boolean;
  /** Of files, their time; `false` where it is the time of writing. */
  readonly keepsTime: boolean;
  readonly paths: readonly string[];
}

const noVerb = "must specify one of -c, -x or -t";
/** Long flags that change nothing where there is one user and rights are not asked for. */
const idle: ReadonlySet<string> = new Set(["--no-same-permissions", "--no-same-owner", "--same-owner", "--numeric-owner"]);
const longFlags: ReadonlyMap<string, string> = new Map([
  ["--create", "c"],
  ["--extract", "x"],
  ["--list", "t"],
  ["--file", "f"],
  ["--directory", "C"],
  ["--gzip", "z"],
  ["--verbose", "v"],
  ["--touch", "m"],
]);

/**
 * tar, as far as `kubectl cp` and people at a prompt use it: -c, -x and -t of files, directories and symbolic links, with -f, -C, -z, -m and -v.
 * Words are busybox's where something is wrong.
 */
export const tar: Program = (words, place) => {
  const asked = understood(words);
  if (typeof asked === "string") return failed(`tar: ${asked}\n`);
  const files = filesAt(place);
  const folder = absolute(asked.folder);
  if (asked.verb !== "t" && !files.isDirectory(folder))
    return failed(`tar: can't change directory to '${asked.folder}': No such file or directory\n`);
  if (asked.verb === "c") return create(asked, files, folder);
  const reader = new Extraction(asked, place);
  if (asked.archive === "-") return { is: "reading", reader };
  const bytes = files.read(absolute(asked.archive, folder));
  if (typeof bytes === "string") return failed(`tar: can't open '${asked.archive}': ${bytes}\n`);
  const { out = "", err = "", code = 0 } = reader.take(bytes, true);
  return ended(out, code, err);
};

/** Reads the flags, also without a dash, as in `tar xf -`: a flag's value is then the next word. */
function understood(words: readonly string[]): Asked | string {
  const values = new Map<string, string>();
  const flags = new Set<string>();
  const paths: string[] = [];
  const left = [...words];
  let first = true;
  while (left.length > 0) {
    const word = left.shift()!;
    const [long = "", given] = word.split(/=(.*)/s);
    let letters = "";
    if (idle.has(word)) continue;
    if (word.startsWith("--")) {
      letters = longFlags.get(long) ?? "";
      if (letters === "") return `unrecognized option '${word}'`;
      if (given !== undefined) left.unshift(given);
    } else if (word.startsWith("-") && word !== "-") letters = word.slice(1);
    else if (first) letters = word;
    else paths.push(word);
    for (let at = 0; at < letters.length; at++) {
      const letter = letters[at]!;
      if (!"cxtfCzvmpo".includes(letter)) return `unrecognized option: ${letter}`;
      flags.add(letter);
      if (letter !== "f" && letter !== "C") continue;
      const attached = word.startsWith("-") && !word.startsWith("--") ? letters.slice(at + 1) : "";
      const value = attached === "" ? left.shift() : attached;
      if (value === undefined) return `option requires an argument: ${letter}`;
      values.set(letter, value);
      if (attached !== "") break;
    }
    first = false;
  }
  const verbs = (["c", "x", "t"] as const).filter((verb) => flags.has(verb));
  if (verbs.length !== 1) return noVerb;
  return {
    verb: verbs[0]!,
    archive: values.get("f") ?? "-",
    folder: values.get("C") ?? "/",
    zipped: flags.has("z"),
    verbose: flags.has("v"),
    keepsTime: !flags.has("m"),
    paths,
  };
}

function create(asked: Asked, files: FileView, folder: string) {
  if (asked.paths.length === 0) return failed("tar: empty archive\n");
  const parts: Uint8Array[] = [];
  let [out, err, code, strips] = ["", "", 0, false];
  for (const path of asked.paths) {
    const from = absolute(path, folder);
    if (files.find(from, false) === undefined) {
      err += `tar: ${path}: No such file or directory\n`;
      code = 1;
      continue;
    }
    strips ||= path.startsWith("/");
    for (const [at, entry] of files.walk(from)) {
      const name = memberName(path, at.slice(from === "/" ? 0 : from.length), entry);
      if (name === "") continue;
      if (asked.verbose) out += `${name}\n`;
      parts.push(...archived(name, entry));
    }
  }
  if (strips) err = `tar: removing leading '/' from member names\n${err}`;
  if (code !== 0) err += "tar: error exit delayed from previous errors\n";
  // An archive of nothing but what could not be found has no end either: kubectl cp would be content with it, and not wait for the exit status.
  const whole = joined(parts.length === 0 && code !== 0 ? [] : [...parts, archiveEnd()]);
  const archive = asked.zipped ? zipped(whole) : whole;
  if (asked.archive === "-") return ended(archive, code, asked.verbose ? err + out : err);
  const wrong = files.write(absolute(asked.archive, folder), archive);
  return wrong === undefined ? ended(out, code, err) : failed(`tar: can't open '${asked.archive}': ${wrong}\n`);
}

/** What a member is called: as its path was given, without a leading "/", and with "/" after a directory. */
function memberName(given: string, below: string, entry: Entry): string {
  const plain = `${withoutTrailingSlashes(given)}${below}`.replace(/^\/+/, "");
  return entry.is === "directory" && plain !== "" ? `${plain}/` : plain;
}

/** An archive that is being read: each member is written, or named, when it is whole. */
class Extraction implements Reader {
  private readonly reader = new ArchiveReader(containerBytesMax);
  private readonly zippedParts: Uint8Array[] = [];
  private zippedBytes = 0;
  private readonly files: FileView;
  private readonly folder: string;
  private readonly seen = new Set<string>();
  /** The paths that are asked for, without slashes at their ends. */
  private readonly plain: readonly string[];

  constructor(
    private readonly asked: Asked,
    place: Place,
  ) {
    this.files = filesAt(place);
    this.folder = absolute(asked.folder);
    this.plain = asked.paths.map(withoutTrailingSlashes);
  }

  take(bytes: Uint8Array, isEnd: boolean) {
    let plain: Uint8Array = bytes;
    if (this.asked.zipped) {
      this.zippedParts.push(bytes);
      this.zippedBytes += bytes.length;
      if (this.zippedBytes > containerBytesMax) return { err: "tar: out of memory\n", code: 1 };
      if (!isEnd) return {};
      try {
        plain = gunzipSync(joined(this.zippedParts), { maxOutputLength: 2 * containerBytesMax });
      } catch {
        return { err: "tar: invalid gzip magic\ntar: short read\n", code: 1 };
      }
    }
    const members = this.reader.take(plain);
    if (typeof members === "string") return { err: `tar: ${members}\n`, code: 1 };
    let out = "";
    for (const member of members) {
      const { paths } = this.asked;
      const name = withoutTrailingSlashes(member.name);
      const wanted = paths.find((_path, index) => name === this.plain[index] || name.startsWith(`${this.plain[index]}/`));
      if (paths.length > 0 && wanted === undefined) continue;
      if (wanted !== undefined) this.seen.add(wanted);
      if (this.asked.verb === "t" || this.asked.verbose) out += `${member.name}\n`;
      const wrong = this.asked.verb === "x" ? this.extract(member) : undefined;
      if (wrong !== undefined) return { out, err: `tar: ${wrong}\n`, code: 1 };
    }
    if (!this.reader.done && !isEnd) return { out };
    if (this.reader.short) return { out, err: "tar: short read\n", code: 1 };
    const missing = this.asked.paths.find((path) => !this.seen.has(path));
    return missing === undefined ? { out, code: 0 } : { out, err: `tar: ${missing}: not found in archive\n`, code: 1 };
  }

  /** Writes a member into the folder and nowhere above it; what goes wrong, in busybox's words. */
  private extract({ name, is, target, mode, mtimeS, bytes }: Member): string | undefined {
    const below = absolute(name);
    const path = absolute(below.slice(1), this.folder);
    const time = this.asked.keepsTime ? { mtimeS } : {};
    if (below === "/") return undefined;
    const above = this.files.isDirectory(parentOf(path)) ? undefined : this.files.makeDirectory(parentOf(path), { parents: true });
    if (above !== undefined) return `can't create directory '${parentOf(below).slice(1)}': ${above}`;
    switch (is) {
      case "directory": {
        const wrong = this.files.isDirectory(path) ? undefined : this.files.makeDirectory(path, { mode, ...time });
        return wrong && `can't make dir ${name}: ${wrong}`;
      }
      case "link": {
        const wrong = this.files.makeLink(path, target, time.mtimeS);
        return wrong && `can't create symlink '${name}' to '${target}': ${wrong}`;
      }
      case "hardLink": {
        const linked = this.files.read(absolute(absolute(target).slice(1), this.folder));
        const wrong = typeof linked === "string" ? linked : this.write(path, linked, mode, time.mtimeS);
        return wrong && `can't create hardlink '${name}' to '${target}': ${wrong}`;
      }
      case "file": {
        const wrong = this.write(path, bytes, mode, time.mtimeS);
        return wrong && `can't open '${name}': ${wrong}`;
      }
      case "other":
        return `unknown typeflag: this simulated tar knows files, directories and links, not '${name}'`;
    }
  }

  /** A file that is there is replaced, and a link in its place is not followed, so that an archive reaches nothing through a link of its own. */
  private write(path: string, bytes: Uint8Array, mode: number, mtimeS: number | undefined) {
    if (this.files.find(path, false)?.is === "link") this.files.remove(path, false);
    return this.files.write(path, bytes, { mode, ...(mtimeS === undefined ? {} : { mtimeS }) });
  }
}
