import { createHash } from "node:crypto";
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { BackupChunk } from "../../../protocol/etcd";
import type { Credential } from "../../../protocol/etcd-auth";
import type { MemberLink } from "./member-link";
import { Refusal, streamEnded } from "./refusal";

/**
 * What `etcdctl snapshot save` gets: a first page that says what it is, the store's own snapshot format (store/snapshot.ts), zeros up to a
 * whole page, and the SHA-256 of all before it, by which etcdctl checks that a file is complete. It is no bbolt file: etcd's own restore
 * cannot read it.
 */

export const pageBytes = 512;
export const magic = "wavetank etcd backup 1\n";

/** The first page of a backup. */
function firstPage(): Buffer {
  const page = Buffer.alloc(pageBytes);
  page.write(magic);
  return page;
}

/** Sends a backup of the member's store over a Snapshot call, a chunk at a time, as fast as the client takes it. */
export async function sendBackup(link: MemberLink, call: ServerWritableStream<unknown, object>, as: Credential): Promise<void> {
  const gone = new Promise<void>((resolve) => call.once("cancelled", resolve));
  const hash = createHash("sha256");
  let length = 0;
  const write = (header: object, blob: Uint8Array) =>
    Promise.race([gone, new Promise<void>((resolve) => call.write({ header, blob }, () => resolve()))]);
  const send = (header: object, blob: Uint8Array): Promise<void> => {
    hash.update(blob);
    length += blob.length;
    return write(header, blob);
  };
  for await (const chunk of chunksOf(link, as)) {
    if (call.cancelled) return;
    const header = link.header(chunk.header);
    if (length === 0) await send(header, firstPage());
    await send(header, chunk.bytes);
    if (!chunk.last) continue;
    await send(header, Buffer.alloc((pageBytes - (length % pageBytes)) % pageBytes));
    await write(header, hash.digest());
  }
  call.end();
}

/** The member's chunks, each asked for when the one before has been dealt with. Throws a Refusal where they end too early. */
async function* chunksOf(link: MemberLink, as: Credential): AsyncGenerator<BackupChunk> {
  let ended: Refusal | undefined;
  let take: ((next: BackupChunk | Refusal) => void) | undefined;
  const stream = link.port.open<BackupChunk>({ kind: "etcd.backup", as }, (input) => {
    const next = input.type === "item" ? input.body : streamEnded(input.reason, input.detail);
    if (next instanceof Refusal) ended = next;
    take?.(next);
  });
  try {
    for (;;) {
      const next = await new Promise<BackupChunk | Refusal>((resolve) => {
        take = resolve;
        if (ended) resolve(ended);
        else stream.push({ kind: "etcd.backup.next" });
      });
      if (next instanceof Refusal) throw next;
      yield next;
      if (next.last) return;
    }
  } finally {
    stream.close();
  }
}
