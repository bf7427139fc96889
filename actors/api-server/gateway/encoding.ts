import { stringify } from "yaml";
import type { ApiEvent, ApiResponse } from "../../../protocol/api";
import type { JsonObject } from "../../../protocol/kinds/object";
import { apiVersionOf, kindOfResource } from "../../../protocol/kinds/registry";
import { type MediaRange, parseAccept } from "../negotiation";
import type { RequestInfo } from "../request-info";
import { indented, withLineEnd } from "./json-text";
import { hasProtobuf, toProtobuf, toProtobufEvent } from "./protobuf-encode";
import { protobufType } from "./protobuf-messages";
import { eventLine } from "./streaming";

/**
 * In which encoding a client gets its answers. The server answers JSON; who likes protobuf or YAML better gets what it answered written
 * anew here. A custom resource has no protobuf but for its metadata, and a watch no YAML: then the client's next choice counts, as in Kubernetes'
 * servers.
 */
export interface Encoding {
  /** What the server is asked for: the client's own Accept, or JSON in the form (Table, PartialObjectMetadata) that was asked for. */
  readonly accept: string;
  /** An answer in this encoding; what is no JSON (a log, metrics) stays as it is. */
  response(answer: ApiResponse): ApiResponse;
  /** The head of a stream of events. */
  streamType: string;
  /** One event of a stream. */
  event(event: ApiEvent): Uint8Array;
}

const jsonType = "application/json";
const aggregated = `${jsonType};g=apidiscovery.k8s.io;`;

export function encodingFor(info: RequestInfo, accept: string, isForPeople: boolean): Encoding {
  for (const range of accept === "" ? [] : parseAccept(accept)) {
    if (isType(range, jsonType)) break;
    if (isType(range, "application/yaml") && info.verb !== "watch") return inYaml(range);
    if (isType(range, protobufType) && offersProtobuf(info, range)) return inProtobuf(range);
  }
  return inJson(info, accept, isForPeople);
}

/** Whether JSON is to be indented: on request (`?pretty=`), and for programs that people look at it with. */
export function isForPeople({ query: { pretty } }: RequestInfo, userAgent: string): boolean {
  if (pretty) return /^(1|t|T|true|TRUE|True)$/.test(pretty);
  return /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent);
}

function inJson({ path, subresource }: RequestInfo, accept: string, isForPeople: boolean): Encoding {
  // What another server answered goes through as it is.
  const isOurs = path.startsWith("/api") && subresource !== "proxy";
  return {
    accept,
    response(answer) {
      if (answer.contentType !== jsonType || answer.body.length === 0 || (!isOurs && answer.code < 400)) return answer;
      return { ...answer, body: isForPeople ? Buffer.from(indented(textOf(answer.body))) : withLineEnd(answer.body) };
    },
    streamType: jsonType,
    event: eventLine,
  };
}

/** What can be written as protobuf: the kinds that are built in, the metadata of all, and what discovery says. A Table has no message. */
function offersProtobuf({ isResource, path, group, version, resource }: RequestInfo, { parameters }: MediaRange): boolean {
  const as = parameters.get("as");
  if (!isResource) return discovery.test(path) && (as === undefined || (as === "APIGroupDiscoveryList" && parameters.get("v") === "v2"));
  if (as !== undefined) return as.startsWith("PartialObjectMetadata");
  const kind = kindOfResource(group, version, resource);
  return kind !== undefined && hasProtobuf(apiVersionOf(kind), kind.kind);
}

const discovery = /^\/(api(\/[^/]+)?|apis(\/[^/]+){0,2})\/?$/;

function isType({ type, subtype }: MediaRange, mediaType: string): boolean {
  const [wantedType, wantedSubtype] = mediaType.split("/");
  return (type === "*" || type === wantedType) && (subtype === "*" || subtype === wantedSubtype);
}

/** The same form, but as JSON. */
function asJson({ parameters }: MediaRange): string {
  const kept = ["as", "g", "v"].filter((name) => parameters.has(name)).map((name) => `;${name}=${parameters.get(name)}`);
  return jsonType + kept.join("");
}

function inProtobuf(range: MediaRange): Encoding {
  return {
    accept: asJson(range),
    response(answer) {
      // Aggregated discovery says in its parameters which of its forms it is.
      const form = answer.contentType.startsWith(aggregated) ? answer.contentType.slice(jsonType.length) : "";
      const body = answer.contentType === jsonType + form ? toProtobuf(parsed(answer.body)) : undefined;
      return body === undefined ? answer : { ...answer, contentType: protobufType + form, body };
    },
    streamType: `${protobufType};stream=watch`,
    event(event) {
      const frame = toProtobufEvent(event.type, parsed(event.object));
      if (frame === undefined) throw new Error(`an event of a kind that has no protobuf message: ${Buffer.from(event.object).toString()}`);
      return frame;
    },
  };
}

function inYaml(range: MediaRange): Encoding {
  return {
    accept: asJson(range),
    response: (answer) =>
      answer.contentType === jsonType
        ? {
            ...answer,
            contentType: "application/yaml",
            body: Buffer.from(stringify(parsed(answer.body), { sortMapEntries: true, indentSeq: false })),
          }
        : answer,
    streamType: jsonType,
    event: eventLine,
  };
}

function parsed(bytes: Uint8Array): JsonObject {
  return JSON.parse(textOf(bytes)) as JsonObject;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}
