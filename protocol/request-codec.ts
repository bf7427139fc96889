import type { ApiRequest } from "./api";

/**
 * Reads an api.request that a client sends over and over. But for the audit id, which stands last, a gateway's requests for one URL on one
 * connection are the same bytes: what these say is remembered, and what is read from them shares its parts, which are read-only as all that is decoded.
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

  /** What the bytes say: such a request, or whatever `decode` reads in them. */
  read(bytes: Uint8Array, decode: (bytes: Uint8Array) => unknown): unknown {
    const headLength = bytes.length - tailBytes;
    if (bytes[0] !== map16 || headLength < startAt + start.length || headLength > headBytesMax) return decode(bytes);
    if (!isAt(bytes, startAt, start) || !isAt(bytes, headLength, tailStart) || !isAscii(bytes, headLength + tailStart.length))
      return decode(bytes);
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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
}

/** A body is seldom sent twice; and whether the last bytes are the audit id, or only look like it, the whole has to say. */
function isRemembered(value: unknown, auditId: string): value is Known {
  const request = value as Known | null;
  if (request?.body?.length !== 0 || request.sourceIp === undefined || request.auditId !== auditId) return false;
  return Object.keys(withAuditId(request, auditId)).join() === Object.keys(request).join();
}

/** The same request under another audit id. Written out, because it is made for each request: all have one shape, but for the few with `repeated`. */
function withAuditId(request: Known, auditId: string): ApiRequest {
  const { verb, path, isResource, group, version, resource, subresource, namespace, name, query, repeated } = request;
  const { accept, contentType, userAgent, credential, impersonation, body, sourceIp } = request;
  if (repeated !== undefined) return { ...request, auditId };
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

function isAscii(bytes: Uint8Array, from: number): boolean {
  for (let i = from; i < bytes.length; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}
