import type { HttpChunk, HttpRequest, HttpResponse } from "../../protocol/web";
import type { AnyActor, Context, StreamRef } from "../../runtime/actor";
import type { Json } from "./server/tank";

/** What an orchard does, and what it was asked; shared with the test, as nothing here is a real cluster's. */
export interface Orchard {
  readonly fruits: Map<string, Json>;
  readonly asked: string[];
  isSilent: boolean;
  openApi: "v3" | "v2 alone" | "none";
}

export const orchardGroup = "orchard.example.com";
const root = `/apis/${orchardGroup}/v1`;
const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const fruitName = "com.example.orchard.v1.Fruit";

/** An aggregated API server with one kind, Fruit, that it keeps in memory: no deletecollection, and types that it describes. */
export function orchardActor(orchard: Orchard): AnyActor {
  interface State {
    readonly watchers: StreamRef[];
    version: number;
  }
  const tell = ({ watchers }: State, ctx: Context<State>, type: string, object: Json) => {
    const chunk: HttpChunk = { kind: "http.chunk", bytes: Buffer.from(`${JSON.stringify({ type, object })}\n`) };
    for (const stream of watchers) ctx.push(stream, chunk);
  };
  const write = (state: State, ctx: Context<State>, type: string, object: Json): Json => {
    state.version += 1;
    const written = { ...object, metadata: { ...object.metadata, resourceVersion: String(state.version) } };
    const key = `${written.metadata.namespace}/${written.metadata.name}`;
    if (type === "DELETED") orchard.fruits.delete(key);
    else orchard.fruits.set(key, written);
    tell(state, ctx, type, written);
    return written;
  };
  const answer = (state: State, ctx: Context<State>, { method, url, body }: HttpRequest): HttpResponse => {
    const { pathname, searchParams } = new URL(url);
    if (pathname.startsWith("/openapi/")) return describe(orchard, pathname, searchParams.get("hash") ?? "");
    if (pathname === root) return json(200, resources);
    const [, namespace = "", name = ""] = /^\/apis\/[^/]+\/v1(?:\/namespaces\/([^/]+))?\/fruits(?:\/([^/]+))?$/.exec(pathname) ?? [];
    const key = `${namespace}/${name}`;
    const found = orchard.fruits.get(key);
    if (method === "POST") return json(201, write(state, ctx, "ADDED", planted(JSON.parse(Buffer.from(body).toString()), namespace)));
    if (name !== "" && !found) return json(404, { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 });
    if (method === "DELETE") return json(200, write(state, ctx, "DELETED", found));
    if (method === "PUT") return json(200, write(state, ctx, "MODIFIED", JSON.parse(Buffer.from(body).toString())));
    if (name !== "") return json(200, found);
    const items = [...orchard.fruits.values()].filter(({ metadata }) => namespace === "" || metadata.namespace === namespace);
    return json(200, { kind: "FruitList", apiVersion: `${orchardGroup}/v1`, metadata: { resourceVersion: String(state.version) }, items });
  };
  return {
    role: "orchard",
    start: (): State => ({ watchers: [], version: 1 }),
    receive: (state: State, input, ctx) => {
      if (input.type === "opened") {
        state.watchers.push(input.stream);
        const head: HttpResponse = { ...json(200, {}), body: new Uint8Array() };
        ctx.push(input.stream, head);
      } else if (input.type === "closed")
        state.watchers.splice(0, state.watchers.length, ...state.watchers.filter(({ key }) => key !== input.stream.key));
      else if (input.type === "request" && !orchard.isSilent) {
        const request = input.body as HttpRequest;
        orchard.asked.push(`${request.method} ${new URL(request.url).pathname}`);
        ctx.reply(input.request, answer(state, ctx, request));
      }
      return undefined;
    },
  };
}

const planted = (object: Json, namespace: string): Json => ({
  ...{ apiVersion: `${orchardGroup}/v1`, kind: "Fruit" },
  ...object,
  metadata: { uid: `uid-${object.metadata.name}`, ...object.metadata, namespace },
});

const resources = {
  ...{ kind: "APIResourceList", apiVersion: "v1", groupVersion: `${orchardGroup}/v1` },
  resources: [
    {
      ...{ name: "fruits", singularName: "fruit", namespaced: true, kind: "Fruit" },
      verbs: ["get", "list", "create", "update", "delete", "watch"],
    },
  ],
};

const schemas = {
  [fruitName]: {
    ...{ description: "Fruit grows on trees.", type: "object", required: ["colour"] },
    properties: {
      ...{ apiVersion: { type: "string" }, kind: { type: "string" } },
      metadata: { $ref: `#/definitions/${meta}.ObjectMeta` },
      colour: { type: "string", description: "How it looks." },
    },
    "x-kubernetes-group-version-kind": [{ group: orchardGroup, version: "v1", kind: "Fruit" }],
  },
  // Not what our own document says under that name.
  [`${meta}.ObjectMeta`]: { type: "object", description: "Of an older version.", properties: { name: { type: "string" } } },
  "com.example.orchard.Unused": { type: "object" },
};

function describe({ openApi }: Orchard, path: string, hash: string): HttpResponse {
  const document = `/openapi/v3/apis/${orchardGroup}/v1`;
  if (openApi === "none" || (openApi === "v2 alone" && path !== "/openapi/v2")) return json(404, {});
  if (path === "/openapi/v3")
    return json(200, { paths: { [document.slice("/openapi/v3/".length)]: { serverRelativeURL: `${document}?hash=ORCHARD` } } });
  if (path === document)
    return json(200, { openapi: "3.0.0", "x-hash": hash, components: { schemas: { [fruitName]: schemas[fruitName] } } });
  const post = {
    operationId: "createFruit",
    parameters: [{ in: "body", name: "body", schema: { $ref: `#/definitions/${fruitName}` } }, { $ref: "#/parameters/pretty" }],
    responses: { 201: { description: "Created", schema: { $ref: `#/definitions/${fruitName}` } } },
  };
  return json(200, {
    swagger: "2.0",
    paths: { [`${root}/namespaces/{namespace}/fruits`]: { post }, "/apis/elsewhere.example.com/v1/things": { post } },
    definitions: schemas,
    parameters: { pretty: { in: "query", name: "pretty", type: "string" } },
  });
}

function json(code: number, body: unknown): HttpResponse {
  return { kind: "http.response", code, headers: [["content-type", "application/json"]], body: Buffer.from(JSON.stringify(body)) };
}
