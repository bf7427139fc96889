import type { Permission } from "../../../protocol/etcd-auth";

/** The user, and the role, that may do everything. */
export const root = "root";

export interface User {
  /** Empty where it has no password. */
  readonly passwordHash: string;
  /** Ascending. */
  readonly roles: readonly string[];
}

/** Permissions, in the order of their keys. */
export type Role = readonly Permission[];

const nothing = new Uint8Array(0);

/**
 * etcd's auth store: who there is, and what their roles allow. It changes only by entries of the log, and so is the same on every member
 * at the same index; nothing in it depends on a clock or on chance.
 */
export class AuthStore {
  enabled = false;
  /** Counts the changes; what a token was given out at must not be older. */
  revision = 1;
  tokenKey: Uint8Array = nothing;
  readonly users = new Map<string, User>();
  readonly roles = new Map<string, Role>();
}

type PermissionRow = readonly [type: Permission["type"], key: Uint8Array, rangeEnd: Uint8Array];

/** An auth store as plain values, in one order whatever happened before. */
export type AuthRow = readonly [
  enabled: boolean,
  revision: number,
  tokenKey: Uint8Array,
  users: readonly (readonly [name: string, passwordHash: string, roles: readonly string[]])[],
  roles: readonly (readonly [name: string, permissions: readonly PermissionRow[]])[],
];

export function authRowOf(auth: AuthStore): AuthRow {
  return [
    auth.enabled,
    auth.revision,
    auth.tokenKey,
    namesOf(auth.users).map((name) => [name, auth.users.get(name)!.passwordHash, auth.users.get(name)!.roles]),
    namesOf(auth.roles).map((name) => [name, auth.roles.get(name)!.map(({ type, key, rangeEnd }): PermissionRow => [type, key, rangeEnd])]),
  ];
}

export function authStoreOf([enabled, revision, tokenKey, users, roles]: AuthRow): AuthStore {
  const auth = new AuthStore();
  auth.enabled = enabled;
  auth.revision = revision;
  auth.tokenKey = tokenKey;
  for (const [name, passwordHash, granted] of users) auth.users.set(name, { passwordHash, roles: granted });
  for (const [name, permissions] of roles)
    auth.roles.set(
      name,
      permissions.map(([type, key, rangeEnd]) => ({ type, key, rangeEnd })),
    );
  return auth;
}

/** Ascending, as etcd lists them. */
export function namesOf(all: ReadonlyMap<string, unknown>): readonly string[] {
  return [...all.keys()].sort();
}
