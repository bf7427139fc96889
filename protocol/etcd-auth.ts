/** etcd's users, roles and alarms as messages. */

import type { ResponseHeader } from "./etcd";

/**
 * On whose behalf a gateway asks. A request without one comes from inside the cluster, where actors know each other by address (an API server
 * and its etcd): that way is trusted, whether auth is enabled or not. What comes over gRPC always carries one, the empty name where the client gave none.
 */
export interface Credential {
  readonly user: string;
  /** The auth revision at which the client's token was given out; null where a certificate says who it is, or nothing does. */
  readonly authRevision: number | null;
}

/** What every request may carry. */
export interface Asked {
  readonly as?: Credential;
}

/** A role's right on the keys from `key` up to but without `rangeEnd`, as in a RangeRequest. */
export interface Permission {
  readonly type: "read" | "write" | "readwrite";
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** A change of users and roles. Passwords come hashed: whoever asks has done the slow and random part. */
export type AuthOperation =
  /** `tokenKey`: 32 random bytes, with which the gateways of all members sign tokens until auth is enabled again. */
  | { readonly type: "enable"; readonly tokenKey: Uint8Array }
  | { readonly type: "disable" }
  /** `passwordHash`: empty for a user that has none and is known by a certificate alone. */
  | { readonly type: "userAdd"; readonly user: string; readonly passwordHash: string }
  | { readonly type: "userDelete"; readonly user: string }
  | { readonly type: "userChangePassword"; readonly user: string; readonly passwordHash: string }
  | { readonly type: "userGrantRole" | "userRevokeRole"; readonly user: string; readonly role: string }
  | { readonly type: "roleAdd" | "roleDelete"; readonly role: string }
  | { readonly type: "roleGrantPermission"; readonly role: string; readonly permission: Permission | null }
  | { readonly type: "roleRevokePermission"; readonly role: string; readonly key: Uint8Array; readonly rangeEnd: Uint8Array };

export interface AuthRequest extends Asked {
  readonly kind: "etcd.auth";
  readonly operation: AuthOperation;
}

export type AuthQuestion =
  | { readonly type: "status" }
  | { readonly type: "user"; readonly user: string }
  | { readonly type: "users" }
  | { readonly type: "role"; readonly role: string }
  | { readonly type: "roles" }
  /** Whether the asker may do what only root may. */
  | { readonly type: "admin" }
  /** A gateway, for itself: the key of tokens, and what a user's password is checked against. */
  | { readonly type: "secrets"; readonly user: string };

export interface AuthReadRequest extends Asked {
  readonly kind: "etcd.auth.read";
  readonly question: AuthQuestion;
}

/** Answers all of these; what was not asked for is empty. */
export interface AuthResponse {
  readonly kind: "etcd.auth.response";
  readonly header: ResponseHeader;
  readonly enabled: boolean;
  readonly authRevision: number;
  readonly users: readonly string[];
  readonly roles: readonly string[];
  readonly permissions: readonly Permission[];
  readonly tokenKey: Uint8Array;
  /** null: there is no such user; empty: it has no password. */
  readonly passwordHash: string | null;
}

export type AlarmType = "NOSPACE" | "CORRUPT";

/** An alarm is a member's, and binds all: NOSPACE stops what takes space, CORRUPT stops everything. */
export interface Alarm {
  /** The member's address. */
  readonly member: string;
  readonly alarm: AlarmType;
}

export interface AlarmRequest extends Asked {
  readonly kind: "etcd.alarm";
  readonly action: "activate" | "deactivate";
  readonly alarm: Alarm;
}
export interface AlarmListRequest extends Asked {
  readonly kind: "etcd.alarm.list";
}
/** The alarm that was raised or taken back, none where it was not there to take back; or all. */
export interface AlarmResponse {
  readonly kind: "etcd.alarm.response";
  readonly header: ResponseHeader;
  readonly alarms: readonly Alarm[];
}

/** The member is to write its state anew and let go of what on its disk is in the way; answered when that is done. */
export interface DefragmentRequest extends Asked {
  readonly kind: "etcd.defragment";
}
export interface DefragmentResponse {
  readonly kind: "etcd.defragment.response";
  readonly header: ResponseHeader;
}
