import type {
  Compare,
  DeleteRangeRequest,
  DeleteRangeResponse,
  EtcdError,
  PutRequest,
  PutResponse,
  RangeResponse,
  ResponseHeader,
  TxnOperation,
  TxnRequest,
  TxnResponse,
} from "../../../protocol/etcd";
import { etcdError } from "./errors";
import { eachKey, rangeRefusal, readRange } from "./range";
import { inRange, type KeyRange, keyRange, type Store, textOf } from "./store";
import type { Version } from "./version";

const nothing = new Uint8Array(0);

/** Who answers; the revision is filled in when the transaction has ended. */
export type Answering = Pick<ResponseHeader, "member" | "term">;

/**
 * Faults that a request has whatever the store holds: no key, too many operations, one key put twice.
 * A member looks before it proposes, so that nothing of the kind gets into the log.
 */
export function requestRefusal(request: PutRequest | DeleteRangeRequest | TxnRequest, maxOperations: number): EtcdError | null {
  const refusal = operationRefusal(request, maxOperations);
  if (refusal || request.kind !== "etcd.txn") return refusal;
  return writesOf(request.success) && writesOf(request.failure) ? null : etcdError("duplicateKey");
}

/** Each level of a transaction leaves the nested ones less room for operations. */
function operationRefusal(operation: TxnOperation, maxOperations: number): EtcdError | null {
  if (operation.kind !== "etcd.txn") {
    if (operation.key.length === 0) return etcdError("emptyKey");
    if (operation.kind !== "etcd.put") return null;
    if (operation.ignoreValue && operation.value.length > 0) return etcdError("valueProvided");
    return operation.ignoreLease && operation.lease !== 0 ? etcdError("leaseProvided") : null;
  }
  const { compare, success, failure } = operation;
  const used = Math.max(compare.length, success.length, failure.length);
  if (used > maxOperations) return etcdError("tooManyOperations");
  if (compare.some(({ key }) => key.length === 0)) return etcdError("emptyKey");
  for (const nested of [...success, ...failure]) {
    const refusal = operationRefusal(nested, maxOperations - used);
    if (refusal) return refusal;
  }
  return null;
}

/** Applies one write request as one transaction: all of it or, with an error, nothing. */
export function applyWrite(
  store: Store,
  request: PutRequest | DeleteRangeRequest | TxnRequest,
  by: Answering,
): PutResponse | DeleteRangeResponse | TxnResponse | EtcdError {
  const path = request.kind === "etcd.txn" ? chooseBranches(store, request) : null;
  const refusal = path ? branchRefusal(store, path) : request.kind === "etcd.put" ? putRefusal(store, request, false) : null;
  if (refusal) return refusal;
  const header = { member: by.member, revision: store.revision, term: by.term };
  const changes: Version[] = [];
  const response =
    path !== null ? runTxn(store, path, changes, header) : runWrite(store, request as PutRequest | DeleteRangeRequest, changes, header);
  store.commit(changes);
  header.revision = store.revision;
  return response;
}

/** Deletes these keys in one transaction, as the end of a lease does. */
export function deleteKeys(store: Store, keys: readonly string[]): void {
  const changes: Version[] = [];
  for (const key of keys) {
    const before = store.get(key);
    if (before) changes.push(remove(store, before, changes.length));
  }
  store.commit(changes);
}

/** A txn whose conditions have been looked at: nested ones see the store as it was before the outermost began. */
interface Branch {
  readonly succeeded: boolean;
  readonly operations: readonly (Exclude<TxnOperation, TxnRequest> | Branch)[];
}

function chooseBranches(store: Store, request: TxnRequest): Branch {
  const succeeded = request.compare.every((compare) => holds(store, compare));
  const chosen = succeeded ? request.success : request.failure;
  return {
    succeeded,
    operations: chosen.map((operation) => (operation.kind === "etcd.txn" ? chooseBranches(store, operation) : operation)),
  };
}

/** As etcd does, first all puts are looked at, then all ranges. */
function branchRefusal(store: Store, branch: Branch): EtcdError | null {
  const operations = flattened(branch);
  for (const operation of operations) {
    const refusal = operation.kind === "etcd.put" ? putRefusal(store, operation, true) : null;
    if (refusal) return refusal;
  }
  for (const operation of operations) {
    const refusal = operation.kind === "etcd.range" ? rangeRefusal(store, operation) : null;
    if (refusal) return refusal;
  }
  return null;
}

function flattened(branch: Branch): readonly Exclude<TxnOperation, TxnRequest>[] {
  return branch.operations.flatMap((operation) => ("operations" in operation ? flattened(operation) : [operation]));
}

/** etcd looks for the lease first where a put stands alone, and for the key first where it is part of a transaction. */
function putRefusal(store: Store, request: PutRequest, inTxn: boolean): EtcdError | null {
  const lease = request.lease !== 0 && !store.leases.get(request.lease) ? etcdError("leaseNotFound") : null;
  const key = (request.ignoreValue || request.ignoreLease) && !store.get(textOf(request.key)) ? etcdError("keyNotFound") : null;
  return inTxn ? (key ?? lease) : (lease ?? key);
}

function runTxn(store: Store, branch: Branch, changes: Version[], header: ResponseHeader): TxnResponse {
  const responses = branch.operations.map((operation): RangeResponse | PutResponse | DeleteRangeResponse | TxnResponse => {
    if ("operations" in operation) return runTxn(store, operation, changes, header);
    // Reads see what the transaction wrote before them.
    if (operation.kind === "etcd.range") return readRange(store, operation, store.revision + (changes.length > 0 ? 1 : 0), header);
    return runWrite(store, operation, changes, header);
  });
  return { kind: "etcd.txn.response", header, succeeded: branch.succeeded, responses };
}

function runWrite(
  store: Store,
  request: PutRequest | DeleteRangeRequest,
  changes: Version[],
  header: ResponseHeader,
): PutResponse | DeleteRangeResponse {
  if (request.kind === "etcd.put") {
    const before = put(store, request, changes);
    return { kind: "etcd.put.response", header, prevKv: request.prevKv ? (before?.kv ?? null) : null };
  }
  const found: Version[] = [];
  eachKey(store, keyRange(request.key, request.rangeEnd), store.revision + 1, (version) => found.push(version));
  for (const before of found) changes.push(remove(store, before, changes.length));
  const prevKvs = request.prevKv ? found.map(({ kv }) => kv) : [];
  return { kind: "etcd.delete.response", header, deleted: found.length, prevKvs };
}

function put(store: Store, request: PutRequest, changes: Version[]): Version | undefined {
  const key = textOf(request.key);
  const before = store.get(key);
  const modRevision = store.revision + 1;
  const lease = request.ignoreLease ? (before?.lease ?? 0) : request.lease;
  store.leases.move(key, before?.lease ?? 0, lease);
  const added = store.addVersion(key, {
    value: request.ignoreValue ? (before?.value ?? nothing) : request.value,
    createRevision: before?.createRevision ?? modRevision,
    modRevision,
    version: (before?.version ?? 0) + 1,
    lease,
    sub: changes.length,
    tombstone: false,
  });
  changes.push(added);
  return before;
}

function remove(store: Store, before: Version, sub: number): Version {
  const { key } = before.history;
  store.leases.move(key, before.lease, 0);
  const modRevision = store.revision + 1;
  return store.addVersion(key, { value: nothing, createRevision: 0, modRevision, version: 0, lease: 0, sub, tombstone: true });
}

function holds(store: Store, compare: Compare): boolean {
  if (compare.rangeEnd === undefined) return holdsFor(store.get(textOf(compare.key)), compare);
  const found: Version[] = [];
  eachKey(store, keyRange(compare.key, compare.rangeEnd), store.revision, (version) => found.push(version));
  return found.length === 0 ? holdsFor(undefined, compare) : found.every((version) => holdsFor(version, compare));
}

function holdsFor(kv: Version | undefined, compare: Compare): boolean {
  // A value that is not there cannot be told from an empty one on the wire, so it compares as nothing at all.
  if (!kv && compare.target === "value") return false;
  const order =
    compare.target === "value" ? orderOf(textOf(kv!.value), textOf(compare.value)) : orderOf(numberOf(kv, compare.target), compare.number);
  switch (compare.result) {
    case "equal":
      return order === 0;
    case "notEqual":
      return order !== 0;
    case "greater":
      return order > 0;
    case "less":
      return order < 0;
  }
}

function numberOf(kv: Version | undefined, target: "version" | "create" | "mod" | "lease"): number {
  if (!kv) return 0;
  switch (target) {
    case "version":
      return kv.version;
    case "create":
      return kv.createRevision;
    case "mod":
      return kv.modRevision;
    case "lease":
      return kv.lease;
  }
}

function orderOf<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Writes {
  readonly puts: Set<string>;
  readonly deletes: KeyRange[];
}

/** Here etcd takes a range's end as it stands: a single 0 byte, "no end" everywhere else, makes a range without keys. */
function literalRange({ key, rangeEnd }: DeleteRangeRequest): KeyRange {
  return rangeEnd.length === 0 ? keyRange(key, rangeEnd) : { from: textOf(key), to: textOf(rangeEnd) };
}

/**
 * What these operations may write together; null where etcd finds that a key could be written twice. It looks at a level's deletions, then at nested
 * transactions one after the other, then at the level's puts: a key may be put in both branches of a nested one, and a later one may delete what an earlier put.
 */
function writesOf(operations: readonly TxnOperation[]): Writes | null {
  const puts = new Set<string>();
  const deletes = operations.flatMap((operation) => (operation.kind === "etcd.delete" ? [literalRange(operation)] : []));
  const writtenBefore = (key: string) => puts.has(key) || deletes.some((range) => inRange(range, key));
  for (const operation of operations) {
    if (operation.kind !== "etcd.txn") continue;
    const success = writesOf(operation.success);
    const failure = success && writesOf(operation.failure);
    if (!success || !failure) return null;
    const either = new Set([...success.puts, ...failure.puts]);
    for (const key of either) if (writtenBefore(key)) return null;
    for (const key of either) puts.add(key);
    deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const operation of operations) {
    if (operation.kind !== "etcd.put") continue;
    const key = textOf(operation.key);
    if (writtenBefore(key)) return null;
    puts.add(key);
  }
  return { puts, deletes };
}
