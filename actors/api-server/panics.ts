import type { ApiRequest } from "../../protocol/api";
import { internalError } from "../../protocol/status";
import { type Caller, refuse } from "./call";
import type { Ctx } from "./state";

/**
 * Serves a part of a request. What throws in it, now or in a later turn, is a bug of this server: the one who asked is told so with a 500, as
 * kube-apiserver tells it after a panic, and everybody else's requests and watches go on. The fact `apiserver.panic` says it to checks.
 */
export function recovering(ctx: Ctx, request: ApiRequest, caller: Caller, work: () => undefined): undefined {
  return ctx.protect(work, (error, ctx) => {
    const what = `${request.verb} ${request.path}`;
    const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
    ctx.record({ kind: "apiserver.panic", request: what, error: trace });
    ctx.log("error", "a request met a bug of this server", { request: what, error: trace });
    caller.exchange.panic = error instanceof Error ? error.message : String(error);
    return refuse(ctx, { caller }, internalError("this request met a bug of the API server, whose log tells more"));
  });
}
