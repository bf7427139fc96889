import type { ApiRequest } from "./api";

/**
 * Reads an api.request that a client sends over and over. But for the audit id, which stands last, a gateway's requests for one URL on one
 * connection are the same bytes; and so are those of a client that writes one object again and again, up to the body. What these say is remembered, and what
 * is read from them shares its parts, which are read-only as all that is decoded.
 */

const text = (value: string): Buffer => Buffer.concat([Buffer.from([0xa0 | value.length]), Buffer.from(value)]);
/** A map of 16 fields or more, and its first field; the number of fields in between is left out. */
const start = Buffer.concat([text("kind"), text("api.request")]);
const startAt = 3;
const auditIdBytes = 36;
/** The key, and the head of a string of 36 bytes. */
const tailStart = Buffer.concat([text("auditId"), Buffer.from([0xd9, auditIdBytes])]);
const tailBytes = tailStart.length + auditIdBytes;
const map16 = 0xde;

/** Longer ones hardly come twice. */
const headBytesMax = 2_048;
const headsMax = 1_024;

type Known = ApiRequest & { readonly sourceIp: string };

export class RequestReader {
  private readonly heads = new Map<string, Known>();
  /** Of requests with a body: what stands before it. */
  private readonly beginnings = new Map<string, ApiRequest>();

  /** What the bytes say: such a request, or whatever `decode` reads in them. */
  read(bytes: Uint8Array, decode: (bytes: Uint8Array) => unknown): unknown {
    const headLength = bytes.length - tailBytes;
    if (bytes[0] !== map16 || headLength < startAt + start.length || !isAt(bytes, startAt, start)) return decode(bytes);
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const body = bodyIn(buffer);
    if (body !== undefined) return this.readWithBody(buffer, body, decode);
    if (headLength > headBytesMax || !isAt(bytes, headLength, tailStart) || !isAscii(bytes, headLength + tailStart.length))
      return decode(bytes);
    const head = buffer.toString("latin1", 0, headLength);
    const auditId = buffer.toString("latin1", headLength + tailStart.length);
    const known = this.heads.get(head);
    if (known !== undefined) return withAuditId(known, auditId);
    const value = decode(bytes);
    if (isRemembered(value, auditId)) {
      if (this.heads.size >= headsMax) this.heads.clear();
      this.heads.set(head, value);
    }
    return value;
  }

  private readWithBody(bytes: Buffer, place: Place, decode: (bytes: Uint8Array) => unknown): unknown {
    const tail = tailIn(bytes, place.to);
    if (tail === undefined) return decode(bytes);
    const beginning = bytes.toString("latin1", 0, place.at);
    const known = this.beginnings.get(beginning);
    if (known === undefined) {
      const value = decode(bytes) as ApiRequest | null;
      if (!isRead(value, place, tail)) return value;
      if (this.beginnings.size >= headsMax) this.beginnings.clear();
      this.beginnings.set(beginning, { ...value, body: noBytes });
      return value;
    }
    const body = Buffer.allocUnsafeSlow(place.to - place.from);
    bytes.copy(body, 0, place.from, place.to);
    return tail === nothingBehind ? ofActor(known, body) : ofGateway(known, body, tail.sourceIp!, tail.auditId!);
  }
}

const noBytes = new Uint8Array(0);

/** Where the head of a body begins, and where its bytes do and end. */
interface Place {
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

interface Tail {
  readonly sourceIp?: string;
  readonly auditId?: string;
}

/** An actor's request ends with its body. */
const nothingBehind: Tail = {};

/** What stands before a body where nobody is impersonated. The first of these bytes is in no text. */
const bodyKey = Buffer.concat([Buffer.from([0xc0]), text("body")]);
const [bin8, bin16] = [0xc4, 0xc5];

/** The body, where it is neither empty nor longer than 64 KiB. */
function bodyIn(bytes: Buffer): Place | undefined {
  const found = bytes.indexOf(bodyKey);
  const at = found + bodyKey.length;
  if (found < 0 || at > headBytesMax || at + 3 > bytes.length) return undefined;
  const from = bytes[at] === bin8 ? at + 2 : at + 3;
  if (bytes[at] !== bin8 && bytes[at] !== bin16) return undefined;
  const to = from + (bytes[at] === bin8 ? bytes[at + 1]! : bytes.readUInt16BE(at + 1));
  return to > from && to <= bytes.length ? { at, from, to } : undefined;
}

const sourceIpKey = text("sourceIp");

/** What a gateway says last, where it is in the usual form. */
function tailIn(bytes: Buffer, from: number): Tail | undefined {
  if (from === bytes.length) return nothingBehind;
  const ipAt = from + sourceIpKey.length + 1;
  if (!isAt(bytes, from, sourceIpKey) || ipAt > bytes.length) return undefined;
  const first = bytes[ipAt - 1]!;
  const tailAt = ipAt + (first & 0x1f);
  if (first < 0xa0 || first > 0xbf || tailAt + tailBytes !== bytes.length) return undefined;
  if (!isAt(bytes, tailAt, tailStart) || !isAscii(bytes, ipAt, tailAt) || !isAscii(bytes, tailAt + tailStart.length)) return undefined;
  return { sourceIp: bytes.toString("latin1", ipAt, tailAt), auditId: bytes.toString("latin1", tailAt + tailStart.length) };
}

/** Whether the whole says that body and tail are where they seemed to be, and says nothing else behind the beginning. */
function isRead(request: ApiRequest | null, { from, to }: Place, tail: Tail): request is ApiRequest {
  if (request?.impersonation !== null || request.body?.length !== to - from || request.repeated !== undefined) return false;
  if (request.sourceIp !== tail.sourceIp || request.auditId !== tail.auditId) return false;
  const made = tail === nothingBehind ? ofActor(request, request.body) : withAuditId(request as Known, request.auditId!);
  return Object.keys(made).join() === Object.keys(request).join();
}

/** The same request with another body. Written out, so that all have one shape. */
function ofActor(request: ApiRequest, body: Uint8Array): ApiRequest {
  const { verb, path, isResource, group, version, resource, subresource, namespace, name, query } = request;
  const { accept, contentType, userAgent, credential, impersonation } = request;
  return {
    kind: "api.request",
    verb,
    path,
    isResource,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    query,
    accept,
    contentType,
    userAgent,
    credential,
    impersonation,
    body,
  };
}

/** A body is seldom sent twice; and whether the last bytes are the audit id, or only look like it, the whole has to say. */
function isRemembered(value: unknown, auditId: string): value is Known {
  const request = value as Known | null;
  if (request?.body?.length !== 0 || request.sourceIp === undefined || request.auditId !== auditId) return false;
  return Object.keys(withAuditId(request, auditId)).join() === Object.keys(request).join();
}

/** The same request under another audit id. */
function withAuditId(request: Known, auditId: string): ApiRequest {
  return request.repeated === undefined ? ofGateway(request, request.body, request.sourceIp, auditId) : { ...request, auditId };
}

/** A gateway's request. Written out, because it is made for each: all have one shape, but for the few with `repeated`. */
function ofGateway(request: ApiRequest, body: Uint8Array, sourceIp: string, auditId: string): ApiRequest {
  const { verb, path, isResource, group, version, resource, subresource, namespace, name, query } = request;
  const { accept, contentType, userAgent, credential, impersonation } = request;
  return {
    kind: "api.request",
    verb,
    path,
    isResource,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    query,
    accept,
    contentType,
    userAgent,
    credential,
    impersonation,
    body,
    sourceIp,
    auditId,
  };
}

function isAt(bytes: Uint8Array, at: number, expected: Buffer): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

function isAscii(bytes: Uint8Array, from: number, to = bytes.length): boolean {
  for (let i = from; i < to; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}
