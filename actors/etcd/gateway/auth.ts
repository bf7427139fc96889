import { randomBytes } from "node:crypto";
import { status } from "@grpc/grpc-js";
import type { AuthOperation, AuthQuestion, AuthResponse, Permission } from "../../../protocol/etcd-auth";
import type { MemberLink } from "./member-link";
import { hashPassword, isPassword } from "./passwords";
import { Refusal } from "./refusal";
import { bytesOf } from "./requests";
import { type Handlers, unary } from "./serve";

interface NameFields {
  readonly name: string;
}
interface RoleFields {
  readonly role: string;
}
interface PasswordFields extends NameFields {
  readonly password: string;
}
interface UserAddFields extends PasswordFields {
  readonly options: { readonly no_password: boolean } | null;
}
interface PermissionFields {
  readonly permType: number;
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
}

/** authpb.Permission.Type. */
const permissionTypes: readonly Permission["type"][] = ["read", "write", "readwrite"];
const tokenKeyBytes = 32;

/**
 * etcd's Auth service. Members decide who may do what (actors/etcd/auth); here is what takes chance and time: salts, hashes, tokens.
 * Users exist for clients of this door alone: API servers, which ask their etcd by messages between actors, are trusted as they are.
 */
export function authService(link: MemberLink): Handlers {
  return {
    AuthEnable: change(link, async () => ({ type: "enable", tokenKey: randomBytes(tokenKeyBytes) })),
    AuthDisable: change(link, async () => ({ type: "disable" })),
    AuthStatus: read<object>(
      link,
      () => ({ type: "status" }),
      ({ enabled, authRevision }) => ({ enabled, authRevision }),
    ),
    Authenticate: unary<PasswordFields>(link, async ({ message: { name, password } }) => {
      const secrets = await link.ask("etcd.auth.response", { kind: "etcd.auth.read", question: { type: "secrets", user: name } });
      if (!secrets.enabled) throw new Refusal(status.FAILED_PRECONDITION, "etcdserver: authentication is not enabled");
      // etcd has no code for this one.
      if (secrets.passwordHash === "")
        throw new Refusal(status.UNKNOWN, "auth: authentication failed, password was given for no password user");
      if (!(await isPassword(password, secrets.passwordHash)))
        throw new Refusal(status.INVALID_ARGUMENT, "etcdserver: authentication failed, invalid user ID or password");
      return { header: link.header(secrets.header), token: link.tokens.issue(name, secrets, Date.now()) };
    }),
    UserAdd: change<UserAddFields>(link, async ({ name, password, options }) => ({
      type: "userAdd",
      user: name,
      passwordHash: options?.no_password ? "" : await hashPassword(password),
    })),
    UserGet: read<NameFields>(
      link,
      ({ name }) => ({ type: "user", user: name }),
      ({ roles }) => ({ roles }),
    ),
    UserList: read<object>(
      link,
      () => ({ type: "users" }),
      ({ users }) => ({ users }),
    ),
    UserDelete: change<NameFields>(link, async ({ name }) => ({ type: "userDelete", user: name })),
    UserChangePassword: change<PasswordFields>(link, async ({ name, password }) => ({
      type: "userChangePassword",
      user: name,
      passwordHash: await hashPassword(password),
    })),
    UserGrantRole: change<{ readonly user: string } & RoleFields>(link, async ({ user, role }) => ({ type: "userGrantRole", user, role })),
    UserRevokeRole: change<NameFields & RoleFields>(link, async ({ name, role }) => ({ type: "userRevokeRole", user: name, role })),
    RoleAdd: change<NameFields>(link, async ({ name }) => ({ type: "roleAdd", role: name })),
    RoleGet: read<RoleFields>(
      link,
      ({ role }) => ({ type: "role", role }),
      ({ permissions }) => ({ perm: permissions.map(writePermission) }),
    ),
    RoleList: read<object>(
      link,
      () => ({ type: "roles" }),
      ({ roles }) => ({ roles }),
    ),
    RoleDelete: change<RoleFields>(link, async ({ role }) => ({ type: "roleDelete", role })),
    RoleGrantPermission: change<NameFields & { readonly perm: PermissionFields | null }>(link, async ({ name, perm }) => ({
      type: "roleGrantPermission",
      role: name,
      permission: perm && readPermission(perm),
    })),
    RoleRevokePermission: change<RoleFields & Omit<PermissionFields, "permType">>(link, async ({ role, key, range_end }) => ({
      type: "roleRevokePermission",
      role,
      key: bytesOf(key),
      rangeEnd: bytesOf(range_end),
    })),
  };
}

function change<T>(link: MemberLink, operationOf: (message: T) => Promise<AuthOperation>) {
  return unary<T>(link, async ({ message }, asker) => {
    const { header } = await asker.ask("etcd.auth.response", { kind: "etcd.auth", operation: await operationOf(message) });
    return { header: link.header(header) };
  });
}

function read<T>(link: MemberLink, questionOf: (message: T) => AuthQuestion, write: (response: AuthResponse) => object) {
  return unary<T>(link, async ({ message }, asker) => {
    const response = await asker.ask("etcd.auth.response", { kind: "etcd.auth.read", question: questionOf(message) });
    return { header: link.header(response.header), ...write(response) };
  });
}

function readPermission({ permType, key, range_end }: PermissionFields): Permission {
  const type = permissionTypes[permType];
  if (type === undefined) throw new Refusal(status.INVALID_ARGUMENT, "etcdserver: invalid auth management");
  return { type, key: bytesOf(key), rangeEnd: bytesOf(range_end) };
}

function writePermission({ type, key, rangeEnd }: Permission): object {
  return { permType: permissionTypes.indexOf(type), key, range_end: rangeEnd };
}
