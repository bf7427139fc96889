import type { BackupRequest, EtcdError, EtcdRequest, TxnOperation, WatchRequest } from "../../../protocol/etcd";
import type { AuthQuestion, Credential } from "../../../protocol/etcd-auth";
import { etcdError } from "../store/errors";
import { type KeyRange, keyRange, type Store } from "../store/store";
import { type AuthStore, root } from "./users";

type Guarded = EtcdRequest | WatchRequest | BackupRequest;
type Access = "read" | "write";

/**
 * Why a client may not do that, or null. Judged where it takes effect: writes when their entry is applied, on all members alike; reads by the
 * state that they read. A request without a credential comes from inside the cluster and is not asked (protocol/etcd-auth.ts).
 */
export function authRefusal(store: Store, request: Guarded): EtcdError | null {
  const { as } = request;
  if (as === undefined) return null;
  const { auth } = store;
  if (request.kind === "etcd.auth.read" && request.question.type === "secrets") return etcdError("permissionDenied");
  if (!auth.enabled) return null;
  const may = (access: Access, key: Uint8Array, rangeEnd: Uint8Array) => keysRefusal(auth, as, access, keyRange(key, rangeEnd));
  switch (request.kind) {
    case "etcd.range":
    case "etcd.put":
    case "etcd.delete":
    case "etcd.txn":
      return operationRefusal(store, as, request);
    case "etcd.watch":
      return may("read", request.key, request.rangeEnd);
    case "etcd.lease.revoke":
      return leaseRefusal(store, as, "write", request.id);
    case "etcd.lease.timeToLive":
      return request.keys ? leaseRefusal(store, as, "read", request.id) : null;
    case "etcd.lease.list":
      return firstOf(store.leases.list(), (id) => leaseRefusal(store, as, "read", id));
    case "etcd.auth":
    case "etcd.backup":
    case "etcd.hashKv":
    case "etcd.defragment":
      return adminRefusal(auth, as);
    case "etcd.auth.read":
      return questionRefusal(auth, as, request.question);
    default:
      // Whatever changes the members is root's alone; the rest etcd lets anybody do.
      return request.kind.startsWith("etcd.member.") && !request.kind.startsWith("etcd.member.list") ? adminRefusal(auth, as) : null;
  }
}

/** Anybody may look at himself and at the roles that he has; the rest is root's. */
function questionRefusal(auth: AuthStore, as: Credential, question: AuthQuestion): EtcdError | null {
  const refusal = adminRefusal(auth, as);
  if (refusal?.message !== etcdError("permissionDenied").message) return refusal;
  if (question.type === "user" && question.user === as.user) return null;
  if (question.type === "role" && auth.users.get(as.user)?.roles.includes(question.role)) return null;
  return refusal;
}

function adminRefusal(auth: AuthStore, as: Credential): EtcdError | null {
  if (as.user === "") return etcdError("userEmpty");
  return auth.users.get(as.user)?.roles.includes(root) ? outdated(auth, as) : etcdError("permissionDenied");
}

/** A transaction needs the rights for both of its branches, whichever is taken. */
function operationRefusal(store: Store, as: Credential, operation: TxnOperation): EtcdError | null {
  const { auth } = store;
  const may = (access: Access, key: Uint8Array, rangeEnd: Uint8Array = new Uint8Array(0)) =>
    keysRefusal(auth, as, access, keyRange(key, rangeEnd));
  switch (operation.kind) {
    case "etcd.range":
      return may("read", operation.key, operation.rangeEnd);
    case "etcd.put":
      return (
        may("write", operation.key) ??
        (operation.prevKv ? may("read", operation.key) : null) ??
        // With the lease's end its keys are deleted: who puts his key to those of others could delete theirs.
        (operation.lease === 0 ? null : leaseRefusal(store, as, "write", operation.lease))
      );
    case "etcd.delete":
      return may("write", operation.key, operation.rangeEnd) ?? (operation.prevKv ? may("read", operation.key, operation.rangeEnd) : null);
    case "etcd.txn":
      return (
        // An empty transaction touches no key, but whoever sends it must be somebody.
        whoRefusal(auth, as) ??
        firstOf(operation.compare, ({ key, rangeEnd }) => may("read", key, rangeEnd)) ??
        firstOf([...operation.success, ...operation.failure], (nested) => operationRefusal(store, as, nested))
      );
  }
}

/** All keys on the lease. */
function leaseRefusal(store: Store, as: Credential, access: Access, id: number): EtcdError | null {
  return (
    whoRefusal(store.auth, as) ??
    firstOf(store.leases.get(id)?.keys ?? [], (key) => keysRefusal(store.auth, as, access, { from: key, to: `${key}\0` }))
  );
}

function keysRefusal(auth: AuthStore, as: Credential, access: Access, range: KeyRange): EtcdError | null {
  const refusal = whoRefusal(auth, as);
  if (refusal) return refusal;
  const { roles } = auth.users.get(as.user)!;
  if (roles.includes(root)) return null;
  const granted = roles
    .flatMap((role) => auth.roles.get(role) ?? [])
    .filter(({ type }) => type === access || type === "readwrite")
    .map(({ key, rangeEnd }) => keyRange(key, rangeEnd));
  return covers(granted, range) ? null : etcdError("permissionDenied");
}

function whoRefusal(auth: AuthStore, as: Credential): EtcdError | null {
  if (as.user === "") return etcdError("userEmpty");
  return outdated(auth, as) ?? (auth.users.has(as.user) ? null : etcdError("permissionDenied"));
}

function outdated(auth: AuthStore, as: Credential): EtcdError | null {
  return as.authRevision !== null && as.authRevision < auth.revision ? etcdError("authOldRevision") : null;
}

/** Whether these ranges together hold all of one that is not empty. */
export function covers(granted: readonly KeyRange[], wanted: KeyRange): boolean {
  if (wanted.to !== null && wanted.to <= wanted.from) return false;
  let at = wanted.from;
  for (const { from, to } of [...granted].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))) {
    if (from > at) return false;
    if (to === null) return true;
    if (to > at) at = to;
    if (wanted.to !== null && at >= wanted.to) return true;
  }
  return false;
}

function firstOf<T>(all: Iterable<T>, refusalOf: (one: T) => EtcdError | null): EtcdError | null {
  for (const one of all) {
    const refusal = refusalOf(one);
    if (refusal) return refusal;
  }
  return null;
}
