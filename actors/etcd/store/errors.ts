import type { EtcdError } from "../../../protocol/etcd";

/** etcd's refusals, with its own codes and messages (api/v3rpc/rpctypes), so that clients recognise them. */
const catalogue = {
  emptyKey: ["InvalidArgument", "etcdserver: key is not provided"],
  keyNotFound: ["InvalidArgument", "etcdserver: key not found"],
  valueProvided: ["InvalidArgument", "etcdserver: value is provided"],
  leaseProvided: ["InvalidArgument", "etcdserver: lease is provided"],
  duplicateKey: ["InvalidArgument", "etcdserver: duplicate key given in txn request"],
  tooManyOperations: ["InvalidArgument", "etcdserver: too many operations in txn request"],
  requestTooLarge: ["InvalidArgument", "etcdserver: request is too large"],
  compacted: ["OutOfRange", "etcdserver: mvcc: required revision has been compacted"],
  futureRevision: ["OutOfRange", "etcdserver: mvcc: required revision is a future revision"],
  noSpace: ["ResourceExhausted", "etcdserver: mvcc: database space exceeded"],
  leaseNotFound: ["NotFound", "etcdserver: requested lease not found"],
  leaseExists: ["FailedPrecondition", "etcdserver: lease already exists"],
  leaseTtlTooLarge: ["OutOfRange", "etcdserver: too large lease TTL"],
  noLeader: ["Unavailable", "etcdserver: no leader"],
  notLeader: ["FailedPrecondition", "etcdserver: not leader"],
  badLeaderTransferee: ["FailedPrecondition", "etcdserver: bad leader transferee"],
  memberNotFound: ["NotFound", "etcdserver: member not found"],
  memberExists: ["FailedPrecondition", "etcdserver: member ID already exist"],
  peerUrlExists: ["FailedPrecondition", "etcdserver: Peer URLs already exists"],
  memberBadUrls: ["InvalidArgument", "etcdserver: given member URLs are invalid"],
  notEnoughStarted: ["FailedPrecondition", "etcdserver: re-configuration failed due to not enough started members"],
  unhealthyCluster: ["Unavailable", "etcdserver: unhealthy cluster"],
  memberNotLearner: ["FailedPrecondition", "etcdserver: can only promote a learner member"],
  learnerNotReady: ["FailedPrecondition", "etcdserver: can only promote a learner member which is in sync with leader"],
  tooManyLearners: ["FailedPrecondition", "etcdserver: too many learner members in cluster"],
  notForLearner: ["Unavailable", "etcdserver: rpc not supported for learner"],
  leaderChanged: ["Unavailable", "etcdserver: leader changed"],
  stopped: ["Unavailable", "etcdserver: server stopped"],
  timeout: ["Unavailable", "etcdserver: request timed out"],
  timeoutLeaderFailed: ["Unavailable", "etcdserver: request timed out, possibly due to previous leader failure"],
  timeoutConnectionLost: ["Unavailable", "etcdserver: request timed out, possibly due to connection lost"],
  tooManyRequests: ["ResourceExhausted", "etcdserver: too many requests"],
  corrupt: ["DataLoss", "etcdserver: corrupt cluster"],
  rootUserNotFound: ["FailedPrecondition", "etcdserver: root user does not exist"],
  rootRoleNotGranted: ["FailedPrecondition", "etcdserver: root user does not have root role"],
  userExists: ["FailedPrecondition", "etcdserver: user name already exists"],
  userEmpty: ["InvalidArgument", "etcdserver: user name is empty"],
  userNotFound: ["FailedPrecondition", "etcdserver: user name not found"],
  roleExists: ["FailedPrecondition", "etcdserver: role name already exists"],
  roleNotFound: ["FailedPrecondition", "etcdserver: role name not found"],
  roleEmpty: ["InvalidArgument", "etcdserver: role name is empty"],
  permissionNotGiven: ["InvalidArgument", "etcdserver: permission not given"],
  permissionDenied: ["PermissionDenied", "etcdserver: permission denied"],
  roleNotGranted: ["FailedPrecondition", "etcdserver: role is not granted to the user"],
  permissionNotGranted: ["FailedPrecondition", "etcdserver: permission is not granted to the role"],
  authOldRevision: ["InvalidArgument", "etcdserver: revision of auth store is old"],
  invalidAuthManagement: ["InvalidArgument", "etcdserver: invalid auth management"],
} as const satisfies Record<string, readonly [EtcdError["code"], string]>;

export type ErrorName = keyof typeof catalogue;

/** One of etcd's refusals; `unknown` where a write may have happened all the same. */
export function etcdError(name: ErrorName, unknown = false): EtcdError {
  const [code, message] = catalogue[name];
  return { kind: "etcd.error", code, message, unknown };
}
