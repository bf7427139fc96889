import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bornOf, lockDirectory } from "../../runtime/live/disk/lock";

describe("the lock of a data directory", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-lock-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test("is held by one at a time; the message names the directory and the process", () => {
    const unlock = lockDirectory(directory);
    expect(() => lockDirectory(directory)).toThrow(`${directory} is in use by process ${process.pid}`);
    unlock();
    lockDirectory(directory)();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("that a killed process left behind is taken over", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    writeFileSync(join(directory, "lock"), JSON.stringify({ pid: child.pid, born: bornOf(child.pid!) }));
    expect(() => lockDirectory(directory)).toThrow(`in use by process ${child.pid}`);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    lockDirectory(directory)();
  });

  test("is not kept alive by another process that was given the same number later", () => {
    writeFileSync(join(directory, "lock"), JSON.stringify({ pid: process.pid, born: "another boot 123" }));
    lockDirectory(directory)();
  });

  test("whose file is unreadable is taken over: it was never whole", () => {
    writeFileSync(join(directory, "lock"), "{");
    const unlock = lockDirectory(directory);
    expect(existsSync(join(directory, "lock"))).toBe(true);
    unlock();
  });
});
