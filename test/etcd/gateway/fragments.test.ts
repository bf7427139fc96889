import { fragmentsOf } from "../../../actors/etcd/gateway/fragments";
import { sizeOfEvent } from "../../../actors/etcd/gateway/responses";
import type { WatchEvent } from "../../../protocol/etcd";

function put(key: string, valueBytes: number): WatchEvent {
  const kv = { key: Buffer.from(key), value: Buffer.alloc(valueBytes), createRevision: 2, modRevision: 2, version: 1, lease: 0 };
  return { type: "put", kv, prevKv: null };
}
const keys = (parts: readonly (readonly WatchEvent[])[]) => parts.map((part) => part.map(({ kv }) => String(kv.key)).join(" "));

test("events are split in their order, no part above the limit unless it is one event by itself (rpc.proto: WatchCreateRequest.fragment)", () => {
  const events = [put("a", 400), put("b", 400), put("c", 3000), put("d", 10), put("e", 10)];
  const parts = fragmentsOf(events, 1000);
  expect(keys(parts)).toEqual(["a b", "c", "d e"]);
  for (const part of parts) if (part.length > 1) expect(part.reduce((sum, event) => sum + sizeOfEvent(event), 0)).toBeLessThanOrEqual(1000);
  expect(keys(fragmentsOf(events, 1_000_000))).toEqual(["a b c d e"]);
});
