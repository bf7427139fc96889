import { absolute, pathBytesMax } from "../../../protocol/paths";

/**
 * The files of a simulated container: what its pod gives it, and over that what has been written into it. They last as long as the container
 * and take so much and no more. Paths are absolute and normal ("/tmp/a"); `absolute` makes them so.
 */

/** What lies at a path. A file's bytes come in the pieces in which they were written. */
export type Entry =
  | { readonly is: "file"; readonly parts: Uint8Array[]; size: number; readonly mode: number; readonly mtimeS: number }
  | { readonly is: "directory"; readonly mode: number; readonly mtimeS: number }
  | { readonly is: "link"; readonly target: string; readonly mode: number; readonly mtimeS: number };

export interface Files {
  /** What has been written, over what the pod gives. */
  readonly written: Map<string, Entry>;
  /** Of everything that has been written. */
  bytes: number;
}

/** Why something cannot be done with a path, in the words of the C library. */
export type FileError =
  | "No such file or directory"
  | "Not a directory"
  | "Is a directory"
  | "File exists"
  | "Directory not empty"
  | "No space left on device"
  | "Too many levels of symbolic links"
  | "File name too long"
  | "Device or resource busy"
  | "Read-only file system";

export const containerBytesMax = 32 * 1024 * 1024;
export const containerEntriesMax = 10_000;
const linksMax = 40;

/** Files that nobody in the container made, by path. */
export type GivenFiles = ReadonlyMap<string, { readonly content: string; readonly mode: number; readonly readOnly: boolean }>;

export const newFiles = (): Files => ({ written: new Map(), bytes: 0 });

export { absolute };

export const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/")) || "/";
export const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

const emptyDirectories = ["/", "/home", "/root", "/tmp"];

/**
 * The files of one container as its programs see them. `given` are those that the pod gives, by path; `mounts` are directories that are there;
 * `writable` are the paths at and below which alone something can be written, where its root cannot.
 */
export class FileView {
  constructor(
    private readonly files: Files,
    private readonly given: GivenFiles,
    private readonly nowS: number,
    private readonly mounts: readonly string[] = [],
    private readonly writable?: readonly string[],
  ) {}

  /** What lies at a path; links are followed, the last one unless `follow` is false. */
  find(path: string, follow = true): Entry | undefined {
    const real = this.real(path, follow);
    return real === undefined ? undefined : this.at(real);
  }

  isDirectory(path: string): boolean {
    return this.find(path)?.is === "directory";
  }

  /** The bytes of a file. */
  read(path: string): Uint8Array | FileError {
    const real = this.real(path, true);
    const entry = real === undefined ? undefined : this.at(real);
    if (real === undefined) return lost(path);
    if (entry === undefined) return "No such file or directory";
    return entry.is === "file" ? joined(entry.parts) : "Is a directory";
  }

  /** The names in a directory, sorted. */
  names(path: string): readonly string[] {
    const real = this.real(path, true);
    if (real === undefined) return [];
    const folder = real === "/" ? "/" : `${real}/`;
    const names = new Set<string>();
    for (const paths of [emptyDirectories, this.mounts, this.given.keys(), this.files.written.keys()])
      for (const one of paths) if (one.startsWith(folder) && one.length > folder.length) names.add(one.slice(folder.length).split("/")[0]!);
    return [...names].sort();
  }

  /** Makes a file of these bytes, or adds them to the one that is there; its directory has to be there. */
  write(path: string, bytes: Uint8Array, how: { readonly append?: boolean; readonly mode?: number; readonly mtimeS?: number } = {}) {
    const real = this.real(path, true);
    if (real === undefined) return lost(path);
    const before = this.at(real);
    if (before?.is === "directory") return "Is a directory" as const;
    if (this.given.get(real)?.readOnly) return "Read-only file system" as const;
    const wrong = this.wrongPlace(real);
    if (wrong !== undefined) return wrong;
    const own = this.files.written.get(real);
    if (how.append === true && own?.is === "file") {
      if (!this.hasRoom(bytes.length, 0)) return "No space left on device" as const;
      own.parts.push(bytes);
      own.size += bytes.length;
      this.files.bytes += bytes.length;
      return undefined;
    }
    const parts = how.append === true && before?.is === "file" ? [...before.parts, bytes] : [bytes];
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const mode = how.mode ?? (before?.is === "file" ? before.mode : 0o644);
    return this.put(real, { is: "file", parts, size, mode, mtimeS: how.mtimeS ?? this.nowS });
  }

  /** Makes a directory, with those above it where `parents` says so; then one that is there already is no error. */
  makeDirectory(path: string, how: { readonly parents?: boolean; readonly mode?: number; readonly mtimeS?: number } = {}) {
    const real = this.real(path, true);
    if (real === undefined) return lost(path);
    const before = this.at(real);
    if (before !== undefined) return before.is === "directory" && how.parents === true ? undefined : ("File exists" as const);
    if (how.parents === true) {
      const above = this.makeParents(real);
      if (above !== undefined) return above;
    }
    return this.wrongPlace(real) ?? this.put(real, { is: "directory", mode: how.mode ?? 0o755, mtimeS: how.mtimeS ?? this.nowS });
  }

  makeLink(path: string, target: string, mtimeS = this.nowS): FileError | undefined {
    const real = this.real(path, false);
    if (real === undefined) return lost(path);
    if (target.length > pathBytesMax) return "File name too long";
    if (this.at(real)?.is === "directory") return "Is a directory";
    return this.wrongPlace(real) ?? this.put(real, { is: "link", target, mode: 0o777, mtimeS });
  }

  /** Takes away a file, a link or a directory; one with something in it only where `recursive` says so. What the pod gives is mounted and stays. */
  remove(path: string, recursive: boolean): FileError | undefined {
    const real = this.real(path, false);
    const entry = real === undefined ? undefined : this.at(real);
    if (real === undefined || entry === undefined) return "No such file or directory";
    const folder = real === "/" ? "/" : `${real}/`;
    if (this.given.has(real) || real === "/") return "Device or resource busy";
    if (this.isFrozen(real)) return "Read-only file system";
    if ([...this.given.keys(), ...emptyDirectories, ...this.mounts].some((one) => one === real || one.startsWith(folder)))
      return "Device or resource busy";
    if (entry.is === "directory" && !recursive) return this.names(real).length > 0 ? "Directory not empty" : "Is a directory";
    for (const one of [...this.files.written.keys()]) if (one === real || one.startsWith(folder)) this.forget(one);
    return undefined;
  }

  /** The path itself and everything below it, each directory before what is in it. */
  *walk(path: string): Generator<readonly [string, Entry]> {
    const open = [path];
    // Directories may lie in each other deeper than a function may call itself.
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const entry = this.find(next, false);
      if (entry === undefined) continue;
      yield [next, entry];
      if (entry.is !== "directory") continue;
      for (const name of this.names(next).toReversed()) open.push(next === "/" ? `/${name}` : `${next}/${name}`);
    }
  }

  private makeParents(path: string): FileError | undefined {
    const above = parentOf(path);
    return this.isDirectory(above) ? undefined : this.makeDirectory(above, { parents: true });
  }

  private wrongPlace(path: string): FileError | undefined {
    const above = this.at(parentOf(path));
    if (above === undefined) return "No such file or directory";
    if (above.is !== "directory") return "Not a directory";
    return this.isFrozen(path) ? "Read-only file system" : undefined;
  }

  private isFrozen(path: string): boolean {
    return this.writable !== undefined && !this.writable.some((one) => path === one || path.startsWith(`${one}/`));
  }

  private put(path: string, entry: Entry): FileError | undefined {
    const before = this.files.written.get(path);
    const freed = before?.is === "file" ? before.size : 0;
    if (!this.hasRoom((entry.is === "file" ? entry.size : 0) - freed, before === undefined ? 1 : 0)) return "No space left on device";
    this.forget(path);
    this.files.written.set(path, entry);
    if (entry.is === "file") this.files.bytes += entry.size;
    return undefined;
  }

  private forget(path: string): void {
    const before = this.files.written.get(path);
    if (before?.is === "file") this.files.bytes -= before.size;
    this.files.written.delete(path);
  }

  private hasRoom(bytes: number, entries: number): boolean {
    return this.files.bytes + bytes <= containerBytesMax && this.files.written.size + entries <= containerEntriesMax;
  }

  private at(path: string): Entry | undefined {
    const own = this.files.written.get(path);
    if (own !== undefined) return own;
    const given = this.given.get(path);
    if (given !== undefined) {
      const bytes = encoder.encode(given.content);
      return { is: "file", parts: [bytes], size: bytes.length, mode: given.mode, mtimeS: this.nowS };
    }
    const folder = path === "/" ? "/" : `${path}/`;
    const above =
      [...emptyDirectories, ...this.mounts].includes(path) || [...this.mounts, ...this.given.keys()].some((one) => one.startsWith(folder));
    return above ? { is: "directory", mode: 0o755, mtimeS: this.nowS } : undefined;
  }

  /** Where a path leads through links; undefined where there are too many, or it is too long: `lost` says which. */
  private real(path: string, follow: boolean): string | undefined {
    if (isTooLong(path)) return undefined;
    let left = absolute(path).split("/").slice(1);
    let real = "/";
    for (let links = 0; left.length > 0; ) {
      const [name = "", ...rest] = left;
      if (name === "") break;
      const here = real === "/" ? `/${name}` : `${real}/${name}`;
      const entry = rest.length > 0 || follow ? this.files.written.get(here) : undefined;
      if (entry?.is === "link") {
        if (++links > linksMax) return undefined;
        left = [...absolute(entry.target, real).split("/").slice(1), ...rest].filter((part) => part !== "");
        real = "/";
      } else {
        real = here;
        left = rest;
      }
    }
    return real;
  }
}

/** What directories that lie in each other cost is the square of their number, for each of them: Linux would take some 2,000. */
const levelsMax = 400;

const isTooLong = (path: string) => path.length > pathBytesMax || path.split("/").length > levelsMax;

const lost = (path: string): FileError => (isTooLong(path) ? "File name too long" : "Too many levels of symbolic links");

const encoder = new TextEncoder();

/** Pieces as one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
