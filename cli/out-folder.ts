import { accessSync, constants } from "node:fs";
import { InputError } from "./exit";
import { makeFolders } from "./make-folders";

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
