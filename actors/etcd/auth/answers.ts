import type { EtcdError, ResponseHeader } from "../../../protocol/etcd";
import type { AuthQuestion, AuthResponse } from "../../../protocol/etcd-auth";
import { etcdError } from "../store/errors";
import { type AuthStore, namesOf } from "./users";

/** What an auth store answers; whether the asker may know is settled before (guard.ts). */
export function answerAuth(auth: AuthStore, question: AuthQuestion, header: ResponseHeader): AuthResponse | EtcdError {
  switch (question.type) {
    case "status":
    case "admin":
      return authResponse(auth, header);
    case "user": {
      const user = auth.users.get(question.user);
      return user ? authResponse(auth, header, { roles: user.roles }) : etcdError("userNotFound");
    }
    case "users":
      return authResponse(auth, header, { users: namesOf(auth.users) });
    case "role": {
      const permissions = auth.roles.get(question.role);
      return permissions ? authResponse(auth, header, { permissions }) : etcdError("roleNotFound");
    }
    case "roles":
      return authResponse(auth, header, { roles: namesOf(auth.roles) });
    case "secrets": {
      const { tokenKey, users } = auth;
      return authResponse(auth, header, { tokenKey, passwordHash: users.get(question.user)?.passwordHash ?? null });
    }
  }
}

export function authResponse({ enabled, revision }: AuthStore, header: ResponseHeader, more: Partial<AuthResponse> = {}): AuthResponse {
  return {
    kind: "etcd.auth.response",
    header,
    enabled,
    authRevision: revision,
    users: [],
    roles: [],
    permissions: [],
    tokenKey: new Uint8Array(0),
    passwordHash: null,
    ...more,
  };
}
