import { badRequest, type Failure, requestEntityTooLarge, timeout } from "../../../protocol/status";
import { parseMediaType } from "../negotiation";
import { isRepeatedKey, parseYaml } from "../objects/yaml";
import { type HttpRequest, header } from "./http";
import { fromProtobuf } from "./protobuf";
import { protobufType } from "./protobuf-messages";

export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** Whether a request says by its head that nothing follows: such ones need nobody who listens for a body. */
export function hasNoBody(request: HttpRequest): boolean {
  if ("stream" in request) return request.stream.endAfterHeaders === true;
  const { headers } = request;
  return headers["transfer-encoding"] === undefined && (headers["content-length"] ?? "0") === "0";
}

/** Reads a request's body; a 413 Status where it is too long, a 504 where it does not come to its end in time. */
export function readBody(request: HttpRequest, { maxBytes, timeoutMs }: BodyLimits): Promise<Uint8Array | Failure> {
  const tooLarge = () => requestEntityTooLarge(`Request entity too large: limit is ${maxBytes}`);
  if (Number(header(request, "content-length") || "0") > maxBytes) return Promise.resolve(tooLarge());
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (result: Uint8Array | Failure) => {
      clearTimeout(timer);
      request.removeAllListeners("data");
      resolve(result);
    };
    const timer = setTimeout(() => settle(timeout("the body of the request did not arrive in time")), timeoutMs);
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) settle(tooLarge());
      else chunks.push(chunk);
    });
    request.on("end", () => settle(Buffer.concat(chunks)));
    const ends: { on(event: string, listener: () => void): unknown } = request;
    for (const end of ["error", "aborted"]) ends.on(end, () => settle(badRequest("the body of the request broke off")));
  });
}

/** A body as the server takes it: YAML and protobuf have become JSON, and the type says so, but for apply patches, whose one type stands for both. */
export interface ServerBody {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/**
 * Turns bodies in YAML and in Kubernetes' protobuf into JSON; all others are passed on as they are, for the server to judge. A 400 Status
 * for what does not parse.
 */
export function toServerBody(contentType: string, bytes: Uint8Array): ServerBody | Failure {
  const media = parseMediaType(contentType);
  const essence = media === undefined ? "" : `${media.type}/${media.subtype}`;
  if (essence === protobufType) {
    const object = bytes.length === 0 ? undefined : fromProtobuf(bytes);
    if (typeof object === "string") return badRequest(`the protobuf in the body of the request cannot be decoded: ${object}`);
    return { contentType: "application/json", bytes: object === undefined ? bytes : Buffer.from(JSON.stringify(object)) };
  }
  const isApply = essence === "application/apply-patch+yaml";
  if (bytes.length === 0 || !(isApply || essence === "application/yaml" || essence === "application/x-yaml")) return { contentType, bytes };
  const type = isApply ? contentType : "application/json";
  // JSON is YAML; leaving it alone keeps what only its text tells, such as fields that come twice.
  if (isJson(bytes)) return { contentType: type, bytes };
  if (bytes.length > maxYamlBytes)
    return requestEntityTooLarge(`Request entity too large: limit is ${maxYamlBytes} for YAML; as JSON it may be larger`);
  try {
    const value: unknown = parseYaml(Buffer.from(bytes).toString("utf8"), { uniqueKeys: true });
    return { contentType: type, bytes: Buffer.from(JSON.stringify(value ?? null)) };
  } catch (error) {
    // Only the text tells that a field comes twice, and the server what to do about it.
    if (isRepeatedKey(error)) return { contentType: isApply ? contentType : "application/yaml", bytes };
    const [firstLine = "it does not parse"] = (error as Error).message.split("\n");
    return badRequest(`${isApply ? "error decoding YAML: " : ""}error converting YAML to JSON: yaml: ${firstLine.replace(/:$/, "")}`);
  }
}

/** Parsing YAML takes seconds for what takes JSON milliseconds, and while it lasts nothing else in this process moves. kubectl sends JSON. */
const maxYamlBytes = 256 * 1024;

function isJson(bytes: Uint8Array): boolean {
  if (bytes[0] !== "{".charCodeAt(0) && bytes[0] !== "[".charCodeAt(0)) return false;
  try {
    JSON.parse(Buffer.from(bytes).toString("utf8"));
    return true;
  } catch {
    return false;
  }
}
