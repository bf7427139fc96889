import type { Subresource } from "../../../protocol/kinds/registry";
import { methodNotAllowed } from "../../../protocol/status";
import { type ResourceCall, refuse } from "../call";
import { patch } from "../registry/patch";
import { get } from "../registry/read";
import { update } from "../registry/update";
import type { Ctx, ServerState } from "../state";
import { bind } from "./binding";
import { evict } from "./eviction";
import { podLog } from "./log";
import { serveProxy } from "./proxy";
import { serveScale } from "./scale";
import { requestToken } from "./token";
import { openTunnel } from "./tunnel";

/** Each subresource, by name. Those that are a part of the object go the way of the object itself. */
export function serveSubresource(state: ServerState, ctx: Ctx, call: ResourceCall, subresource: Subresource): undefined {
  switch (subresource.name) {
    case "status":
    case "finalize":
    case "approval":
    case "ephemeralcontainers":
    case "resize":
      return servePart(state, ctx, call);
    case "scale":
      return serveScale(state, ctx, call);
    case "binding":
      return bind(state, ctx, call);
    case "eviction":
      return evict(state, ctx, call);
    case "log":
      return podLog(state, ctx, call);
    case "token":
      return requestToken(state, ctx, call);
    case "exec":
    case "attach":
    case "portforward":
      return openTunnel(state, ctx, call, subresource);
    case "proxy":
      return serveProxy(state, ctx, call);
    default:
      throw new Error(`nobody serves ${call.kind.plural}/${subresource.name}`);
  }
}

function servePart(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  switch (call.request.verb) {
    case "get":
      return get(state, ctx, call);
    case "update":
      return update(state, ctx, call);
    case "patch":
      return patch(state, ctx, call);
    default:
      return refuse(ctx, call, methodNotAllowed({ group: call.kind.group, resource: call.kind.plural }, call.request.verb));
  }
}
