import { readRange } from "../actors/etcd/store/range";
import { snapshotOf } from "../actors/etcd/store/snapshot";
import { Store } from "../actors/etcd/store/store";
import { applyWrite } from "../actors/etcd/store/txn";
import type { PutRequest, RangeRequest } from "../protocol/etcd";

const by = { member: "etcd/0", term: 1 };
const namespaces = 100;

/** etcd's store alone, without log and disk, filled with values of 256 bytes under keys as Kubernetes has them. */
export function etcdStoreFigures(keys: number): {
  readonly putsPerSecond: number;
  readonly updatesPerSecond: number;
  /** Ranges over one namespace, a hundredth of the keys, in keys read per second. */
  readonly keysReadPerSecond: number;
  readonly snapshotBytesPerSecond: number;
} {
  const store = new Store();
  const fill = () => {
    for (let n = 0; n < keys; n++) applyWrite(store, putOf(n, keys), by);
  };
  const putsPerSecond = keys / secondsOf(fill);
  const updatesPerSecond = keys / secondsOf(fill);
  const header = { ...by, revision: store.revision };
  let read = 0;
  const reading = secondsOf(() => {
    for (let n = 0; n < namespaces; n++) read += readRange(store, namespaceOf(n), store.revision, header).kvs.length;
  });
  let bytes = 0;
  const writing = secondsOf(() => {
    bytes = snapshotOf(store).length;
  });
  return { putsPerSecond, updatesPerSecond, keysReadPerSecond: read / reading, snapshotBytesPerSecond: bytes / writing };
}

function putOf(n: number, keys: number): PutRequest {
  const key = Buffer.from(`/registry/pods/ns-${n % namespaces}/pod-${(n * 7919) % keys}`, "latin1");
  return { kind: "etcd.put", key, value: Buffer.alloc(256, n % 251), lease: 0, prevKv: false };
}

function namespaceOf(n: number): RangeRequest {
  const prefix = `/registry/pods/ns-${n}`;
  const [key, rangeEnd] = [Buffer.from(`${prefix}/`, "latin1"), Buffer.from(`${prefix}0`, "latin1")];
  const plain = { limit: 0, revision: 0, sortOrder: "none", sortTarget: "key", keysOnly: false, countOnly: false } as const;
  return { kind: "etcd.range", key, rangeEnd, serializable: true, ...plain };
}

function secondsOf(work: () => void): number {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
}
