import { readFileSync } from "node:fs";
import { InputError } from "./exit";

const reasons = new Map([
  ["ENOENT", "no such file"],
  ["EISDIR", "a folder: expected a file"],
  ["EACCES", "not readable: permission denied"],
  ["ENOTDIR", "no such file: a part of the path is not a folder"],
]);

/** The text of a file that the user named. Throws an InputError. */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new InputError(`${file}: ${reasons.get(code) ?? message}`);
  }
}
