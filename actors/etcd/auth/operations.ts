import type { EtcdError } from "../../../protocol/etcd";
import type { AuthOperation, Permission } from "../../../protocol/etcd-auth";
import { etcdError } from "../store/errors";
import { keyRange, textOf } from "../store/store";
import { type AuthStore, root } from "./users";

/** Does one operation, or says with etcd's words why not, and has changed nothing then. */
export function changeAuth(auth: AuthStore, operation: AuthOperation): EtcdError | null {
  switch (operation.type) {
    case "enable": {
      if (auth.enabled) return null;
      const user = auth.users.get(root);
      if (!user) return etcdError("rootUserNotFound");
      if (!user.roles.includes(root)) return etcdError("rootRoleNotGranted");
      auth.enabled = true;
      auth.tokenKey = operation.tokenKey;
      return null;
    }
    case "disable":
      if (!auth.enabled) return null;
      auth.enabled = false;
      break;
    case "userAdd":
      if (operation.user === "") return etcdError("userEmpty");
      if (auth.users.has(operation.user)) return etcdError("userExists");
      auth.users.set(operation.user, { passwordHash: operation.passwordHash, roles: [] });
      break;
    case "userDelete":
      if (auth.enabled && operation.user === root) return etcdError("invalidAuthManagement");
      if (!auth.users.delete(operation.user)) return etcdError("userNotFound");
      break;
    case "userChangePassword": {
      const user = auth.users.get(operation.user);
      if (!user) return etcdError("userNotFound");
      auth.users.set(operation.user, { ...user, passwordHash: operation.passwordHash });
      break;
    }
    case "userGrantRole": {
      const user = auth.users.get(operation.user);
      if (!user) return etcdError("userNotFound");
      // The role root needs no entry: it allows everything by its name.
      if (operation.role !== root && !auth.roles.has(operation.role)) return etcdError("roleNotFound");
      if (user.roles.includes(operation.role)) return null;
      auth.users.set(operation.user, { ...user, roles: [...user.roles, operation.role].sort() });
      break;
    }
    case "userRevokeRole": {
      if (auth.enabled && operation.user === root && operation.role === root) return etcdError("invalidAuthManagement");
      const user = auth.users.get(operation.user);
      if (!user) return etcdError("userNotFound");
      if (!user.roles.includes(operation.role)) return etcdError("roleNotGranted");
      auth.users.set(operation.user, { ...user, roles: user.roles.filter((role) => role !== operation.role) });
      break;
    }
    case "roleAdd":
      if (operation.role === "") return etcdError("roleEmpty");
      if (auth.roles.has(operation.role)) return etcdError("roleExists");
      auth.roles.set(operation.role, []);
      break;
    case "roleDelete":
      if (auth.enabled && operation.role === root) return etcdError("invalidAuthManagement");
      if (!auth.roles.delete(operation.role)) return etcdError("roleNotFound");
      for (const [name, user] of auth.users)
        if (user.roles.includes(operation.role))
          auth.users.set(name, { ...user, roles: user.roles.filter((role) => role !== operation.role) });
      break;
    case "roleGrantPermission": {
      const { permission } = operation;
      if (!permission) return etcdError("permissionNotGiven");
      if (!isRange(permission)) return etcdError("invalidAuthManagement");
      const role = auth.roles.get(operation.role);
      if (!role) return etcdError("roleNotFound");
      const others = role.filter((other) => !isSameRange(other, permission));
      auth.roles.set(operation.role, [...others, permission].sort(byKey));
      break;
    }
    case "roleRevokePermission": {
      const role = auth.roles.get(operation.role);
      if (!role) return etcdError("roleNotFound");
      const others = role.filter((other) => !isSameRange(other, operation));
      if (others.length === role.length) return etcdError("permissionNotGranted");
      auth.roles.set(operation.role, others);
      break;
    }
  }
  auth.revision++;
  return null;
}

type Range = Pick<Permission, "key" | "rangeEnd">;

function isRange({ key, rangeEnd }: Range): boolean {
  const { from, to } = keyRange(key, rangeEnd);
  return key.length > 0 && (to === null || from < to);
}

function isSameRange(a: Range, b: Range): boolean {
  return textOf(a.key) === textOf(b.key) && textOf(a.rangeEnd) === textOf(b.rangeEnd);
}

function byKey(a: Range, b: Range): number {
  const [keyA, keyB] = [textOf(a.key), textOf(b.key)];
  if (keyA !== keyB) return keyA < keyB ? -1 : 1;
  const [endA, endB] = [textOf(a.rangeEnd), textOf(b.rangeEnd)];
  return endA < endB ? -1 : endA > endB ? 1 : 0;
}
