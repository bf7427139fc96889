import type { ApiRequest } from "../../../protocol/api";
import { authenticated, masters } from "../authentication/user";
import type { ResourceCall } from "../call";
import { removeOne } from "../registry/delete";
import type { Ctx, ServerState } from "../state";
import { cacheOf } from "../storage/feed";
import type { Definition } from "./definition";

const deadlineMs = 30_000;
/** Deletions that are begun at a time; each one that is done brings the next look. */
const atOnce = 100;

/**
 * Begins to delete the objects of a definition that is going. Answers how many there are still: objects with finalizers stay until whoever put
 * those there is done.
 */
export function removeInstances(state: ServerState, ctx: Ctx, { metadata }: Definition): number {
  const resource = state.definitions.known.get(metadata.name)?.resource;
  if (!resource) return 0;
  const { kind } = resource.stored;
  const entries = cacheOf(state.feed, resource.stored).list(resource.stored.prefix);
  const staying = entries.filter(({ object }) => object.metadata.deletionTimestamp === undefined);
  for (const { object } of staying.slice(0, atOnce)) {
    const { namespace = "", name, uid } = object.metadata;
    const request = {
      ...noRequest,
      verb: "delete",
      group: kind.group,
      version: kind.version,
      resource: kind.plural,
      namespace,
      name,
    } as const;
    const call: ResourceCall = {
      ...{ request, from: ctx.self, caller: nobody, user, deadlineUs: ctx.monotonicUs() + deadlineMs * 1000 },
      ...{ kind, resource: resource.stored },
    };
    removeOne(state, ctx, call, name, { preconditions: { uid }, propagationPolicy: "Background" }, () => undefined);
  }
  return entries.length;
}

const user = authenticated("system:apiserver", [masters]);
/** The server itself asks: there is nobody to answer. */
const nobody: ResourceCall["caller"] = {
  type: "ask",
  request: { from: "", fromIncarnation: 0, id: 0 },
  exchange: { headers: [], annotations: {}, auditId: "", onAnswer: [] },
} as never;
const noRequest: ApiRequest = {
  ...({ kind: "api.request", verb: "get", path: "", isResource: true, group: "", version: "", resource: "", subresource: "" } as const),
  ...{ namespace: "", name: "", query: {}, accept: "", contentType: "", userAgent: "", credential: { type: "actor" } as const },
  ...{ impersonation: null, body: new Uint8Array() },
};
