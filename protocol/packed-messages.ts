import { reader, writer } from "./packed";
import { event, readEvent, writeRequest } from "./packed-api";
import { range, readRange, readTxn, txn, writeRange, writeTxn } from "./packed-etcd-requests";
import {
  rangeResponse,
  readRangeResponse,
  readTxnResponse,
  readWatchResponse,
  txnResponse,
  watchResponse,
  writeRangeResponse,
  writeTxnResponse,
  writeWatchResponse,
} from "./packed-etcd-responses";

/**
 * The messages of a write, which are most of what is said in a cluster at rest and under load: from a component to an API server, from there to etcd, back, and to
 * everybody who watches. Each as its fields stand in the type of the message; see packed.ts.
 */

type Message = { readonly kind: string };
type Write = (value: never) => void;
type Read = () => Message | undefined;

/** The message's bytes; undefined for what the general codec has to write. */
export function encodePacked(message: Message): Uint8Array | undefined {
  const write = writers.get(message.kind);
  if (write === undefined) return undefined;
  writer.begin();
  write(message as never);
  return writer.end();
}

/** The message; undefined for what the general codec has to read. */
export function decodePacked(bytes: Uint8Array): Message | undefined {
  reader.begin(bytes);
  for (const [fields, read] of readers)
    if (reader.isNext(fields.start)) {
      const message = read();
      return reader.end() ? message : undefined;
    }
  reader.end();
  return undefined;
}

const writers: ReadonlyMap<string, Write> = new Map<string, Write>([
  ["api.request", writeRequest],
  ["etcd.txn", writeTxn],
  ["etcd.range", writeRange],
  ["etcd.txn.response", writeTxnResponse],
  ["etcd.range.response", writeRangeResponse],
  ["etcd.watch.response", writeWatchResponse],
]);

const readers: readonly (readonly [{ readonly start: Buffer }, Read])[] = [
  [txn, readTxn],
  [watchResponse, readWatchResponse],
  [event, readEvent],
  [txnResponse, readTxnResponse],
  [range, readRange],
  [rangeResponse, readRangeResponse],
];
