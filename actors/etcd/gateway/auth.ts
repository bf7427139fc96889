import { status } from "@grpc/grpc-js";
import type { MemberLink } from "./member-link";
import { Refusal, unimplemented } from "./refusal";
import { serviceDefinition } from "./rpc";
import { type Handlers, unary } from "./serve";

/** etcd's Auth service where there are no users or roles: whoever has a client certificate may do everything. */
export function authService(link: MemberLink): Handlers {
  const refused = Object.keys(serviceDefinition("Auth")).map((method) => [
    method,
    unary<object>(link, async () => {
      throw unimplemented(`${method}, with all of users and roles,`);
    }),
  ]);
  return {
    ...Object.fromEntries(refused),
    AuthStatus: unary<object>(link, async () => ({ header: link.header(await link.currentHeader()), enabled: false, authRevision: 1 })),
    Authenticate: unary<object>(link, async () => {
      throw new Refusal(status.FAILED_PRECONDITION, "etcdserver: authentication is not enabled");
    }),
  };
}
