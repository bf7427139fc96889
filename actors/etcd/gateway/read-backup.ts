import { createHash } from "node:crypto";
import { magic, pageBytes } from "./backup";

const hashBytes = 32;
/** What bbolt's first page, which etcd's own backups begin with, holds at byte 16. */
const bboltMagic = 0xed0cdaed;

/**
 * The store's snapshot in a backup file as `etcdctl snapshot save` wrote it. Throws an Error that says what is wrong, and at which byte, on a
 * file that is not whole.
 */
export function readBackup(file: Buffer): Uint8Array {
  if (file.length >= 20 && file.readUInt32LE(16) === bboltMagic)
    throw new Error("byte 16: a bbolt database, as etcd itself writes it; only backups of this etcd can be restored here");
  if (file.toString("latin1", 0, magic.length) !== magic) throw new Error("byte 0: does not begin as a backup");
  const end = file.length - hashBytes;
  if (end < pageBytes || end % pageBytes !== 0)
    throw new Error(`byte ${file.length}: ends here, with no hash behind whole pages of ${pageBytes} bytes: the file is cut short`);
  if (!createHash("sha256").update(file.subarray(0, end)).digest().equals(file.subarray(end)))
    throw new Error(`byte ${end}: the SHA-256 that is here is not that of bytes 0 to ${end - 1}: the file is damaged`);
  return file.subarray(pageBytes, end);
}
