import { loadPki, type Pki } from "../runtime/live/pki";
import type { DataDirectory } from "./data-directory";
import { InputError } from "./exit";

/** The keys and certificates of a cluster's directory, made where there are none. Throws an InputError where they cannot be read. */
export function readPki(directory: DataDirectory): Pki {
  try {
    return loadPki(directory.at("pki"));
  } catch (error) {
    throw new InputError((error as Error).message);
  }
}
