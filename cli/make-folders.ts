import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder with those above it, where they are not there yet. One by one: mkdir's own recursion never ends where a file system refuses new
 * folders with ENOENT, as /proc does. Throws the system's error, or an Error when a file is in the way.
 */
export function makeFolders(folder: string, options: { readonly mode?: number } = {}): void {
  const path = resolve(folder);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return;
  if (stat) throw new Error(`${path}: it is a file`);
  if (dirname(path) !== path) makeFolders(dirname(path), options);
  mkdirSync(path, options);
}
