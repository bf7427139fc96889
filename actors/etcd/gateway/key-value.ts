import { clamped, type Int64 } from "./int64";
import type { MemberLink } from "./member-link";
import {
  type DeleteFields,
  invalid,
  type PutFields,
  type RangeFields,
  readDelete,
  readPut,
  readRange,
  readTxn,
  type TxnFields,
} from "./requests";
import { writeDelete, writePut, writeRange, writeTxn } from "./responses";
import type { Incoming } from "./rpc";
import { type Handlers, unary } from "./serve";

interface CompactFields {
  readonly revision: Int64;
}

/** etcd's KV service. */
export function keyValueService(link: MemberLink): Handlers {
  const checkSize = ({ sizeBytes }: Incoming<unknown>): void => {
    if (sizeBytes > link.options.maxRequestBytes) throw invalid("etcdserver: request is too large");
  };
  return {
    Range: unary<RangeFields>(link, async ({ message }, asker) => {
      const response = await asker.ask("etcd.range.response", readRange(message));
      return writeRange(response, link.header(response.header));
    }),
    Put: unary<PutFields>(link, async (incoming, asker) => {
      checkSize(incoming);
      const response = await asker.ask("etcd.put.response", readPut(incoming.message));
      return writePut(response, link.header(response.header));
    }),
    DeleteRange: unary<DeleteFields>(link, async (incoming, asker) => {
      checkSize(incoming);
      const response = await asker.ask("etcd.delete.response", readDelete(incoming.message));
      return writeDelete(response, link.header(response.header));
    }),
    Txn: unary<TxnFields>(link, async (incoming, asker) => {
      checkSize(incoming);
      const response = await asker.ask("etcd.txn.response", readTxn(incoming.message));
      return writeTxn(response, link.header(response.header));
    }),
    // With `physical` etcd answers when the old versions are off its disk; here they are unreadable at once, and memory follows.
    Compact: unary<CompactFields>(link, async ({ message }, asker) => {
      const { header } = await asker.ask("etcd.compact.response", { kind: "etcd.compact", revision: clamped(message.revision) });
      return { header: link.header(header) };
    }),
  };
}
