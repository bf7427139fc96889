import type { ApiEvent, ApiRequest } from "./api";
import { Fields, packedWords, reader as r, writer as w } from "./packed";

/** What is said to and by API servers, but for their answers: see packed-messages.ts and response-codec.ts. */

// ——— requests to an API server ———

const requestNames = [
  ...["verb", "path", "isResource", "group", "version", "resource", "subresource", "namespace", "name", "query"],
  ...["accept", "contentType", "userAgent", "credential", "impersonation", "body"],
];
/** An actor's says nothing of where it comes from; a gateway's does. They are read by RequestReader, which knows many by heart. */
const actorsRequest = new Fields("api.request", requestNames);
const gatewaysRequest = new Fields("api.request", [...requestNames, "sourceIp", "auditId"]);

export function writeRequest(request: ApiRequest): void {
  const isGateways = request.sourceIp !== undefined;
  const fields = isGateways ? gatewaysRequest : actorsRequest;
  const { keys } = fields;
  if (!w.record(fields, request)) return;
  w.raw(keys[0]!);
  w.text(request.verb);
  w.raw(keys[1]!);
  w.text(request.path);
  w.raw(keys[2]!);
  w.flag(request.isResource);
  w.raw(keys[3]!);
  w.text(request.group);
  w.raw(keys[4]!);
  w.text(request.version);
  w.raw(keys[5]!);
  w.text(request.resource);
  w.raw(keys[6]!);
  w.text(request.subresource);
  w.raw(keys[7]!);
  w.text(request.namespace);
  w.raw(keys[8]!);
  w.text(request.name);
  w.raw(keys[9]!);
  w.plain(request.query);
  w.raw(keys[10]!);
  w.text(request.accept);
  w.raw(keys[11]!);
  w.text(request.contentType);
  w.raw(keys[12]!);
  w.text(request.userAgent);
  w.raw(keys[13]!);
  w.plain(request.credential);
  w.raw(keys[14]!);
  w.plain(request.impersonation);
  w.raw(keys[15]!);
  w.bytes(request.body);
  if (!isGateways) return;
  w.raw(keys[16]!);
  w.text(request.sourceIp);
  w.raw(keys[17]!);
  w.text(request.auditId);
}

// ——— events of a watch ———

/** They are so short that the general codec writes them as fast. */
export const event = new Fields("api.event", ["type", "object"]);
const eventTypes = ["MODIFIED", "ADDED", "DELETED", "BOOKMARK"];
const packedEventTypes = packedWords(eventTypes);

export function readEvent(): ApiEvent {
  r.raw(event.start);
  r.raw(event.keys[0]!);
  const type = r.word(eventTypes, packedEventTypes) as ApiEvent["type"];
  r.raw(event.keys[1]!);
  return { kind: "api.event", type, object: r.bytes() };
}
