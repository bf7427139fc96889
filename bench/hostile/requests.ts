import { toProtobuf } from "../../actors/api-server/gateway/protobuf-encode";
import type { Draws } from "./draws";
import { everyKind, kinds } from "./kinds";
import { type Document, hostileValue, mutate, textOf, torn } from "./values";

/** One request as a client might send it. */
export interface HostileRequest {
  readonly method: string;
  readonly target: string;
  readonly accept: string;
  readonly contentType: string;
  readonly body: Uint8Array;
}

const names = [
  "a",
  "b",
  "c",
  "d",
  "kubernetes",
  "default",
  "A",
  "a.b",
  "-",
  "..",
  "%2e%2e",
  "%00",
  "%",
  "%zz",
  "a%2Fb",
  "é",
  "__proto__",
  "a".repeat(254),
  "",
];
const subresources = [
  "",
  "",
  "",
  "",
  "/status",
  "/scale",
  "/finalize",
  "/eviction",
  "/binding",
  "/token",
  "/log",
  "/ephemeralcontainers",
  "/resize",
  "/approval",
  "/nothing",
  "/proxy/x",
  "//",
  "/status/status",
];
const selectors = [
  "a=b",
  "a in (b",
  "!",
  "a==b,,",
  "(((",
  "a notin ()",
  "a>1",
  "a>x",
  ",",
  "=",
  "a=b=c",
  "x".repeat(5000),
  "metadata.name=a",
  "metadata.name!=a,spec.nodeName=",
  "a=\\",
  "status.phase in (x)",
  "\u0000",
];
const accepts = [
  "",
  "*/*",
  "application/json",
  "application/json;as=Table;v=v1;g=meta.k8s.io",
  "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  "application/json;as=Table;v=v9;g=meta.k8s.io",
  "text/html",
  "application/vnd.kubernetes.protobuf",
  ";;,;q=",
  "application/json;q=nan",
  "*/*;".repeat(1000),
];
const types = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "text/plain",
  "",
  ";",
  "application/cbor",
  "application/json;charset=\u00e9",
];
const patches = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];
const numbers = ["0", "1", "-1", "500", "99999999999999999999", "1e3", "NaN", "", " ", "0x1", "1.5", "\u0660"];

function query(draws: Draws): string {
  const one = (): string => {
    switch (draws.below(12)) {
      case 0:
        return `labelSelector=${encodeURIComponent(draws.of(selectors))}`;
      case 1:
        return `fieldSelector=${encodeURIComponent(draws.of(selectors))}`;
      case 2:
        return `limit=${draws.of(numbers)}`;
      case 3:
        return `continue=${draws.of([
          "x",
          "",
          // One that could be ours, but for where it goes on.
          Buffer.from(
            textOf({
              v: "meta.k8s.io/v1",
              rv: draws.of([-1, 1, 2, 50, 1e15]),
              start: draws.of(["a\0", "\0", "..\0", "default/a\0", "z".repeat(3_000)]),
            }),
          ).toString("base64url"),
          Buffer.from(textOf({ v: "meta.k8s.io/v1", rv: hostileValue(draws), start: hostileValue(draws) }))
            .toString("base64url")
            .slice(0, 5_000),
        ])}`;
      case 4:
        return `resourceVersion=${draws.of(numbers)}`;
      case 5:
        return `resourceVersionMatch=${draws.of(["Exact", "NotOlderThan", "x", ""])}`;
      case 6:
        return `dryRun=${draws.of(["All", "x", "All&dryRun=All", ""])}`;
      case 7:
        return `fieldValidation=${draws.of(["Strict", "Warn", "Ignore", "x"])}`;
      case 8:
        return `fieldManager=${draws.of(["m", "", "x".repeat(200), "%0a", "é"])}&force=${draws.of(["true", "false", "x", ""])}`;
      case 9:
        return `gracePeriodSeconds=${draws.of(numbers)}&propagationPolicy=${draws.of(["Foreground", "Orphan", "x", ""])}`;
      case 10:
        return draws.of([
          "%",
          "&&&",
          "=",
          "a=%zz",
          "pretty=true",
          ...["-1", "0", "1e9", "999999999999999", "1.5", "x"].map((seconds) => `timeoutSeconds=${seconds}`),
          ...["-1s", "1h", "0", "1e9s", ".s", "9".repeat(400)].map((duration) => `timeout=${duration}`),
          "includeObject=x",
          "x=".repeat(2000),
          "limit[]=1",
          "__proto__=1",
        ]);
      default:
        return "fieldManager=m";
    }
  };
  const many = draws.below(4);
  return many === 0 ? "" : `?${Array.from({ length: many }, one).join("&")}`;
}

const pointers = [
  "/spec",
  "/metadata/labels/x",
  "/spec/containers/0/image",
  "/spec/containers/-",
  "/spec/containers/99",
  "",
  "/",
  "x",
  "/~",
  "/~2",
  "/__proto__/polluted",
  "/constructor/prototype/polluted",
  "/metadata",
  "/metadata/name",
  "/data/a",
  "/spec/-1",
  "/metadata/managedFields",
  "/spec/template/spec/containers/0",
];

/** A pointer to somewhere in the object. */
function pointerInto(object: Document, draws: Draws): string {
  let pointer = "";
  let at: unknown = object;
  for (let depth = 1 + draws.below(8); depth > 0 && typeof at === "object" && at !== null; depth--) {
    const keys = Object.keys(at);
    if (keys.length === 0) break;
    const key = draws.of(keys);
    pointer += `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    at = (at as Document)[key];
  }
  return pointer;
}

function jsonPatch(object: Document, draws: Draws): unknown {
  if (draws.oneIn(20)) return hostileValue(draws);
  const somewhere = () => (draws.oneIn(2) ? draws.of(pointers) : pointerInto(object, draws));
  const operation = () => ({
    op: draws.of(["add", "remove", "replace", "move", "copy", "test", "x"]),
    path: somewhere(),
    from: somewhere(),
    value: hostileValue(draws),
  });
  // Some copy what they have copied, hundreds of times.
  if (draws.oneIn(15)) {
    const [from, to] = [pointerInto(object, draws), pointerInto(object, draws)];
    const round = [
      { op: draws.of(["copy", "move"]), from, path: `${to}/-` },
      { op: "copy", from: to, path: from },
    ];
    return Array.from({ length: draws.below(300) }, () => round).flat();
  }
  return Array.from({ length: 1 + draws.below(5) }, operation);
}

const targets = [
  "/",
  "/version",
  "/api",
  "/apis",
  "/apis/apps",
  "/openapi/v2",
  "/openapi/v3/apis/apps/v1",
  "/healthz",
  "/livez/x",
  "/readyz?exclude=x&verbose",
  "/metrics",
  "//",
  "/api/v1/..",
  "/apis/%2e%2e/v1",
  "/api/v1/namespaces/default",
  "/.well-known/openid-configuration",
  "/openid/v1/jwks",
  "/api/v1/componentstatuses",
  "/apis/x/y/z/a/b/c/d",
  "/debug/pprof",
  "/logs/",
];

/** By way of JSON: what is nested as deeply as some of this is has no structured clone. */
const copyOf = (object: Document): Document => JSON.parse(textOf(object));

/** The next request: of a well-meant one most is left, or little, or nothing. */
export function hostileRequest(draws: Draws): HostileRequest {
  const accept = draws.oneIn(3) ? draws.of(accepts) : "application/json";
  const [path, make] = draws.of(draws.oneIn(2) ? kinds : everyKind);
  const method = draws.of([
    "POST",
    "POST",
    "POST",
    "PUT",
    "PUT",
    "PATCH",
    "PATCH",
    "PATCH",
    "GET",
    "GET",
    "DELETE",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "BREW",
  ]);
  if (draws.oneIn(40))
    return { method, target: `${draws.of(targets)}${query(draws)}`, accept, contentType: draws.of(types), body: new Uint8Array() };
  const object = copyOf(make(draws));
  const name = draws.oneIn(4) ? draws.of(names) : draws.of(["a", "b", "c"]);
  const metadata = object.metadata as Document | undefined;
  if (metadata && metadata.name === undefined) metadata.name = name;
  const meant = copyOf(object);
  mutate(object, draws);
  const collection = method === "POST" ? !draws.oneIn(10) : draws.oneIn(6);
  const target = `${path}${collection ? "" : `/${draws.oneIn(8) ? draws.of(names) : name}${draws.of(subresources)}`}${query(draws)}`;
  const isPatch = method === "PATCH";
  const contentType = draws.oneIn(12)
    ? draws.of([...types, ...patches])
    : isPatch
      ? draws.of(patches)
      : draws.oneIn(6)
        ? draws.of(types)
        : "application/json";
  const document = contentType.includes("json-patch") ? jsonPatch(meant, draws) : draws.oneIn(40) ? hostileValue(draws) : object;
  const text = torn(textOf(document), draws);
  const body = contentType.includes("protobuf")
    ? protobufOf(meant, text, draws)
    : method === "GET" || method === "HEAD"
      ? new Uint8Array()
      : Buffer.from(text.slice(0, 4_000_000));
  return { method, target, accept, contentType, body };
}

/** The object as a well-meant client would send it, and then bytes of it changed, doubled, left out or wrapped; of kinds without a message something that looks like one. */
function protobufOf(object: Document, text: string, draws: Draws): Uint8Array {
  let bytes = Buffer.from(encoded(object) ?? likeAMessage(text, draws));
  for (let n = draws.below(6); n > 0; n--) {
    const at = draws.below(bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (draws.below(6)) {
      case 0:
        bytes = Buffer.concat([before, after, after.subarray(0, 50_000)]);
        break;
      case 1:
        bytes = Buffer.concat([before, after.subarray(draws.below(20))]);
        break;
      case 2:
        // A length, or a number, beyond all bounds.
        bytes = Buffer.concat([before, Buffer.from("ffffffffffffffffff01".slice(draws.below(10) * 2), "hex"), after]);
        break;
      case 3:
        // A group that begins again and again, or a message in a message in a message.
        bytes = Buffer.concat([before, Buffer.alloc(draws.below(5_000), draws.of([0x0b, 0x0a, 0x12])), after]);
        break;
      default:
        bytes = Buffer.from(bytes);
        bytes[at] = draws.below(256);
    }
    if (bytes.length === 0 || bytes.length > 1_000_000) break;
  }
  return draws.oneIn(8) ? bytes.subarray(0, draws.below(bytes.length + 1)) : bytes;
}

function encoded(object: Document): Uint8Array | undefined {
  try {
    return toProtobuf(object);
  } catch {
    // It grew something of another type than the message has there.
    return undefined;
  }
}

/** The magic number and, after it, something that has the look of a message. */
const likeAMessage = (text: string, draws: Draws): Uint8Array =>
  Buffer.concat([
    Buffer.from("k8s\0"),
    Buffer.from([0x0a, 0x10, 0x0a, 0x02]),
    Buffer.from("v1"),
    Buffer.from([0x12, 0x0a]),
    Buffer.from(draws.of(["ConfigMap ", "Deployment", "Pod"])),
    Buffer.from([0x12]),
    Buffer.from(text.slice(0, 200)),
  ]);
