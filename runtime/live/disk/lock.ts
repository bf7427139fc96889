import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Holder {
  readonly pid: number;
  /** When that process began, in words of this boot of this machine; "" where the system does not tell. */
  readonly born: string;
}

/**
 * Holds a data directory for this process alone. The lock is a file that names its holder: one left behind by `kill -9` names a process
 * that is gone, or a process of the same number that began at another time, and is taken over.
 * Throws an Error that names the holder while it lives. Returns what gives the lock back.
 */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "lock");
  const mine = join(directory, `lock.${process.pid}`);
  const content = JSON.stringify({ pid: process.pid, born: bornOf(process.pid) } satisfies Holder);
  writeFileSync(mine, content);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        // A link appears with its content or not at all, and fails if the name is taken.
        linkSync(mine, file);
        return () => {
          if (read(file) === content) rmSync(file, { force: true });
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const found = read(file);
      const holder = parse(found);
      if (attempt > 3 || (holder !== undefined && isAlive(holder)))
        throw new Error(`${directory} is in use by process ${holder?.pid ?? "unknown"}; one cluster at a time may use a data directory`);
      // Only the file that was judged stale is moved away: of two that take over at once, one finds the other's lock and stops.
      const aside = `${mine}.stale`;
      try {
        renameSync(file, aside);
        if (read(aside) !== found) linkSync(aside, file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
      rmSync(aside, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function parse(content: string | undefined): Holder | undefined {
  try {
    const value = JSON.parse(content ?? "") as Partial<Holder>;
    return typeof value.pid === "number" && typeof value.born === "string" ? { pid: value.pid, born: value.born } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return bornOf(holder.pid) === holder.born;
}

/** When a process began, in words of this boot of this machine; "" where the system does not tell. */
export function bornOf(pid: number): string {
  const boot = read("/proc/sys/kernel/random/boot_id");
  const stat = read(`/proc/${pid}/stat`);
  if (boot === undefined || stat === undefined) return "";
  // The command in parentheses may hold spaces; the start time is the 20th field behind it.
  return `${boot.trim()} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
}
