import type { ApiRequest, Credential } from "./api";

/**
 * Writes and reads an api.request that a client sends over and over. But for the audit id, which stands last, a gateway's requests for one URL on one
 * connection are the same bytes: these are put together once, and what they say is remembered. What is read from them shares its parts, which are
 * read-only as all that is decoded.
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

/** Connections for which the head of one URL's requests is kept. */
const writtenMax = 4;

interface Written {
  readonly request: ApiRequest;
  readonly fields: number;
  readonly head: Uint8Array;
}

export class RequestWriter {
  /** By the query, which a gateway takes apart once for each URL. */
  private readonly heads = new WeakMap<object, Written[]>();

  /** The very bytes that `encode` makes of it; undefined where it has to be asked, as for what comes with a body or is from no gateway. */
  write(request: ApiRequest, encode: (request: ApiRequest) => Uint8Array): Uint8Array | undefined {
    const { auditId, query, body } = request;
    if (auditId?.length !== auditIdBytes || body.length !== 0 || request.sourceIp === undefined) return undefined;
    const known = this.heads.get(query);
    const written = known?.find((each) => isSameHead(each, request));
    if (written === undefined) {
      const whole = encode(request);
      const head = whole.slice(0, whole.length - tailBytes);
      const last = Object.keys(request).at(-1);
      if (last !== "auditId" || head.length > headBytesMax || !isAt(whole, head.length, tailStart)) return whole;
      const one = { request, fields: fieldsOf(request), head };
      if (known === undefined || known.length >= writtenMax) this.heads.set(query, [one]);
      else known.push(one);
      return whole;
    }
    const { head } = written;
    const bytes = Buffer.allocUnsafe(head.length + tailBytes);
    bytes.set(head);
    bytes.set(tailStart, head.length);
    const at = head.length + tailStart.length;
    for (let i = 0; i < auditIdBytes; i++) {
      const code = auditId.charCodeAt(i);
      if (code > 0x7f) return undefined;
      bytes[at + i] = code;
    }
    return bytes;
  }
}

function isSameHead({ request: a, fields }: Written, b: ApiRequest): boolean {
  return (
    a.path === b.path &&
    isSameCredential(a.credential, b.credential) &&
    a.sourceIp === b.sourceIp &&
    a.userAgent === b.userAgent &&
    a.accept === b.accept &&
    a.contentType === b.contentType &&
    a.impersonation === null &&
    b.impersonation === null &&
    a.verb === b.verb &&
    a.isResource === b.isResource &&
    a.group === b.group &&
    a.version === b.version &&
    a.resource === b.resource &&
    a.subresource === b.subresource &&
    a.namespace === b.namespace &&
    a.name === b.name &&
    a.repeated === b.repeated &&
    fields === fieldsOf(b)
  );
}

function isSameCredential(a: Credential, b: Credential): boolean {
  // A connection's certificate is one object.
  return a === b || (a.type === "bearer" && b.type === "bearer" && a.token === b.token) || (a.type === "anonymous" && b.type === a.type);
}

function fieldsOf(request: ApiRequest): number {
  let fields = 0;
  for (const _ in request) fields++;
  return fields;
}

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
