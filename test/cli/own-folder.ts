import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of each test's own, gone after it. */
export interface OwnFolder {
  readonly path: string;
  /** What a wrong flag or file is refused with, the folder as DIR; "" where it is taken. */
  complaint(run: () => unknown): string;
}

/** To be called once in a test file. */
export function ownFolder(): OwnFolder {
  let path = "";
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), "wavetank-options-"));
  });
  afterEach(() => rmSync(path, { recursive: true }));
  return {
    get path() {
      return path;
    },
    complaint(run) {
      try {
        run();
      } catch (error) {
        return (error as Error).message.replaceAll(path, "DIR");
      }
      return "";
    },
  };
}
