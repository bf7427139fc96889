import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { InputError } from "./load";

/**
 * Makes a folder for results, with those above it, and makes sure that files can be made in it. Called before the work whose results go there. Throws an
 * InputError.
 */
export function makeOutFolder(folder: string): void {
  try {
    makeFolders(folder);
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new InputError(`--out ${folder}: ${(error as Error).message}; expected a folder that can be written`);
  }
}

/** One by one: mkdir's own recursion never ends where a file system refuses new folders with ENOENT, as /proc does. */
function makeFolders(folder: string): void {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return;
  if (stat) throw new Error("it is a file");
  if (dirname(folder) !== folder) makeFolders(dirname(folder));
  mkdirSync(folder);
}
