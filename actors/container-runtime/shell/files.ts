import { absolute, pathBytesMax } from "../../../protocol/paths";

/**
 * The files of a simulated container: what its pod gives it, and over that what has been written into it. They last as long as the container
 * and take so much and no more; what is mounted lasts as long as its volume. Paths are absolute and normal ("/tmp/a"); `absolute` makes them so.
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
export type GivenFiles = ReadonlyMap<string, GivenFile>;

export interface GivenFile {
  readonly content: string | Uint8Array;
  readonly mode: number;
  readonly readOnly: boolean;
}

export const newFiles = (): Files => ({ written: new Map(), bytes: 0 });

/** Where a container finds a volume, or a part of one. */
export interface Mount {
  readonly path: string;
  /** What lies in the volume, by path within it; others may mount it too. */
  readonly files: Files;
  /** What of the volume is shown: "/" is all of it. */
  readonly base: string;
  readonly readOnly: boolean;
  /** The permission bits of the volume's own directory. */
  readonly mode: number;
}

export { absolute };

/** /etc/hosts of a node. */
export const nodeHosts = "127.0.0.1\tlocalhost\n";

export const parentOf = (path: string) => path.slice(0, path.lastIndexOf("/")) || "/";
export const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

const emptyDirectories = ["/", "/home", "/root", "/tmp", "/var"];

/** What of a container's files a path belongs to: its own, or those of a volume. `inner` is the path there. */
interface Spot {
  readonly files: Files;
  readonly inner: string;
  readonly mount: Mount | undefined;
}

/**
 * The files of one container as its programs see them. `given` are those that the pod gives, by path; `mounts` are its volumes;
 * `writable` are the paths at and below which alone something of its own can be written, where its root cannot.
 */
export class FileView {
  constructor(
    private readonly files: Files,
    private readonly given: GivenFiles,
    private readonly nowS: number,
    private readonly mounts: readonly Mount[] = [],
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
    const names = new Set<string>();
    const add = (paths: Iterable<string>, folder: string) => {
      for (const one of paths) if (one.startsWith(folder) && one.length > folder.length) names.add(one.slice(folder.length).split("/")[0]!);
    };
    for (const paths of [emptyDirectories, this.mounts.map(({ path: at }) => at), this.given.keys()]) add(paths, folderOf(real));
    const { files, inner } = this.spot(real);
    add(files.written.keys(), folderOf(inner));
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
    const { files, inner } = this.spot(real);
    const own = files.written.get(inner);
    if (how.append === true && own?.is === "file") {
      if (!hasRoom(files, bytes.length, 0)) return "No space left on device" as const;
      own.parts.push(bytes);
      own.size += bytes.length;
      files.bytes += bytes.length;
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
    const folder = folderOf(real);
    if (this.given.has(real) || real === "/") return "Device or resource busy";
    if (this.isFrozen(real)) return "Read-only file system";
    const fixed = [...this.given.keys(), ...emptyDirectories, ...this.mounts.map(({ path: at }) => at)];
    if (fixed.some((one) => one === real || one.startsWith(folder))) return "Device or resource busy";
    if (entry.is === "directory" && !recursive) return this.names(real).length > 0 ? "Directory not empty" : "Is a directory";
    const { files, inner } = this.spot(real);
    for (const one of [...files.written.keys()]) if (one === inner || one.startsWith(folderOf(inner))) forget(files, one);
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
    const { mount } = this.spot(path);
    if (mount) return mount.readOnly;
    return this.writable !== undefined && !this.writable.some((one) => path === one || path.startsWith(`${one}/`));
  }

  private put(path: string, entry: Entry): FileError | undefined {
    const { files, inner } = this.spot(path);
    const before = files.written.get(inner);
    const freed = before?.is === "file" ? before.size : 0;
    if (!hasRoom(files, (entry.is === "file" ? entry.size : 0) - freed, before === undefined ? 1 : 0)) return "No space left on device";
    forget(files, inner);
    files.written.set(inner, entry);
    if (entry.is === "file") files.bytes += entry.size;
    return undefined;
  }

  private writtenAt(path: string): Entry | undefined {
    const { files, inner } = this.spot(path);
    return files.written.get(inner);
  }

  /** Of volumes that are mounted within each other the inner one counts. */
  private spot(path: string): Spot {
    let mount: Mount | undefined;
    for (const one of this.mounts)
      if (path === one.path || path.startsWith(folderOf(one.path))) if (!mount || one.path.length > mount.path.length) mount = one;
    if (!mount) return { files: this.files, inner: path, mount };
    const below = mount.path === "/" ? path : path.slice(mount.path.length);
    return {
      files: mount.files,
      inner: below === "" || below === "/" ? mount.base : `${mount.base === "/" ? "" : mount.base}${below}`,
      mount,
    };
  }

  private at(path: string): Entry | undefined {
    const { files, inner, mount } = this.spot(path);
    const own = files.written.get(inner);
    if (own !== undefined) return own;
    const given = this.given.get(path);
    if (given !== undefined) {
      const bytes = typeof given.content === "string" ? encoder.encode(given.content) : given.content;
      return { is: "file", parts: [bytes], size: bytes.length, mode: given.mode, mtimeS: this.nowS };
    }
    if (mount?.path === path) return { is: "directory", mode: mount.mode, mtimeS: this.nowS };
    const folder = folderOf(path);
    const above =
      emptyDirectories.includes(path) ||
      this.mounts.some((one) => one.path.startsWith(folder)) ||
      [...this.given.keys()].some((one) => one.startsWith(folder));
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
      const entry = rest.length > 0 || follow ? this.writtenAt(here) : undefined;
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

const folderOf = (path: string) => (path === "/" ? "/" : `${path}/`);

function forget(files: Files, path: string): void {
  const before = files.written.get(path);
  if (before?.is === "file") files.bytes -= before.size;
  files.written.delete(path);
}

function hasRoom(files: Files, bytes: number, entries: number): boolean {
  return files.bytes + bytes <= containerBytesMax && files.written.size + entries <= containerEntriesMax;
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
