import { readFileSync } from "node:fs";
import { InputError } from "./exit";

/** The text of a file that the user named. Throws an InputError. */
export function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new InputError(`${file}: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (error as Error).message}`);
  }
}
