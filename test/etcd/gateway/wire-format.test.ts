import { messageType } from "../../../actors/etcd/gateway/rpc";
import { checkWireFormat } from "../../../actors/etcd/gateway/wire-format";

/** What each line of hexadecimal bytes is taken for. */
function verdict(type: string, hex: string): string {
  try {
    checkWireFormat(messageType(`etcdserverpb.${type}`), Buffer.from(hex.replaceAll(" ", ""), "hex"));
    return "fine";
  } catch (error) {
    return (error as Error).message;
  }
}

describe("bytes that are no message of the type are refused (protobuf encoding: every field has one wire type)", () => {
  test.each([
    ["PutRequest", "", "fine"],
    ["PutRequest", "0a 01 61 12 01 62 18 05 20 01", "fine"],
    ["PutRequest", "08 05", "proto: wrong wireType = 0 for field key"],
    ["PutRequest", "1a 01 61", "proto: wrong wireType = 2 for field lease"],
    ["PutRequest", "0a 05 61", expect.stringContaining("index out of range")],
    ["PutRequest", "00 01", "proto: PutRequest: illegal tag 0"],
    ["PutRequest", "ff ff ff", expect.stringContaining("index out of range")],
    // A field of a later version is skipped.
    ["PutRequest", "a2 06 02 61 62 0a 01 61", "fine"],
    // Inside a transaction, at any depth; an inner message must not reach out of the outer.
    ["TxnRequest", "12 05 12 03 0a 01 61", "fine"],
    ["TxnRequest", "12 04 12 02 08 05", "proto: wrong wireType = 0 for field key"],
    ["TxnRequest", "12 02 12 09 0a 01 61", "proto: RequestOp: unexpected end"],
    ["TxnRequest", "12 06 22 04 12 02 08 01", "proto: wrong wireType = 0 for field request_range"],
    // Repeated numbers may be packed or not.
    ["WatchCreateRequest", "2a 02 00 01", "fine"],
    ["WatchCreateRequest", "28 00 28 01", "fine"],
  ])("%s %s", (type, hex, expected) => {
    expect(verdict(type, hex)).toEqual(expected);
  });

  test("a transaction nested beyond a hundred levels", () => {
    let bytes = Buffer.alloc(0);
    const wrap = (tag: number, inner: Buffer) => {
      const lengths: number[] = [];
      let { length } = inner;
      for (; length > 127; length >>>= 7) lengths.push((length & 127) | 128);
      return Buffer.concat([Buffer.from([tag, ...lengths, length]), inner]);
    };
    for (let i = 0; i < 60; i++) bytes = wrap(0x12, wrap(0x22, bytes));
    expect(verdict("TxnRequest", bytes.toString("hex"))).toMatch(/nested too deeply/);
  });
});
