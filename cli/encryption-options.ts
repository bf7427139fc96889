import { parse } from "yaml";
import { type EncryptionRule, readEncryptionConfiguration } from "../actors/api-server/storage/encryption/configuration";
import { InputError } from "./exit";
import { readText } from "./read-text";

/** Reads the file of --encryption-provider-config. Throws an InputError that names the file and the place; it never shows a key. */
export function readEncryption(file: string | undefined): readonly EncryptionRule[] {
  if (file === undefined) return [];
  const text = readText(file);
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw new InputError(`${file}: this is no YAML`);
  }
  const read = readEncryptionConfiguration(document);
  if (!read.ok) throw new InputError(read.problems.map((problem) => `${file}: ${problem}`).join("\n"));
  return read.rules;
}
