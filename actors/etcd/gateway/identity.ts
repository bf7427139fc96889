import { createHash } from "node:crypto";

/** An unsigned number of 64 bits, as protobufjs writes it. */
export interface Id {
  readonly low: number;
  readonly high: number;
  readonly unsigned: true;
}

export const noId: Id = { low: 0, high: 0, unsigned: true };

/** etcd knows members and clusters by 64 bits of a hash over what names them; so do we: the same names always give the same ids. */
export function idOf(...names: readonly string[]): Id {
  const hash = createHash("sha1").update(names.join("\n")).digest();
  return { high: hash.readInt32BE(0), low: hash.readInt32BE(4), unsigned: true };
}

export function isSameId(id: Id, other: { readonly low: number; readonly high: number } | number): boolean {
  return typeof other !== "number" && id.low === other.low && id.high === other.high;
}

/** In decimal digits, as texts name ids. */
export function decimal({ high, low }: Id): string {
  return String((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
}

/** As etcdctl names members. */
export function hexadecimal({ high, low }: Id): string {
  return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16);
}
