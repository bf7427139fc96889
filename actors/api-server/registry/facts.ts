import type { ResourceCall } from "../call";
import type { Ctx } from "../state";

/** Records that this server changed an object. */
export function recordWrite(ctx: Ctx, call: ResourceCall, verb: string, name: string, revision: number): void {
  const { kind, request, user } = call;
  const object = [kind.group, kind.plural, request.namespace, name].filter((part) => part !== "").join("/");
  ctx.record({ kind: "api.write", verb, object, resourceVersion: String(revision), user: user.name });
}
