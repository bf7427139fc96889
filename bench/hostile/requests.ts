import type { Draws } from "./draws";
import { kinds } from "./kinds";
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
          "timeoutSeconds=-1",
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

function jsonPatch(draws: Draws): unknown {
  const operation = () => ({
    op: draws.of(["add", "remove", "replace", "move", "copy", "test", "x"]),
    path: draws.of(pointers),
    from: draws.of(pointers),
    value: hostileValue(draws),
  });
  return draws.oneIn(20) ? hostileValue(draws) : Array.from({ length: 1 + draws.below(5) }, operation);
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

/** The next request: of a well-meant one most is left, or little, or nothing. */
export function hostileRequest(draws: Draws): HostileRequest {
  const accept = draws.oneIn(3) ? draws.of(accepts) : "application/json";
  const [path, make] = draws.of(kinds);
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
  const object = structuredClone(make(draws));
  const name = draws.oneIn(4) ? draws.of(names) : draws.of(["a", "b", "c"]);
  const metadata = object.metadata as Document | undefined;
  if (metadata && metadata.name === undefined) metadata.name = name;
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
  const document = contentType.includes("json-patch") ? jsonPatch(draws) : draws.oneIn(40) ? hostileValue(draws) : object;
  const text = torn(textOf(document), draws);
  const body = contentType.includes("protobuf")
    ? protobufOf(text, draws)
    : method === "GET" || method === "HEAD"
      ? new Uint8Array()
      : Buffer.from(text.slice(0, 4_000_000));
  return { method, target, accept, contentType, body };
}

/** The magic number and, after it, something that has the look of a message. */
function protobufOf(text: string, draws: Draws): Uint8Array {
  const bytes = Buffer.concat([
    Buffer.from("k8s\0"),
    Buffer.from([0x0a, 0x10, 0x0a, 0x02]),
    Buffer.from("v1"),
    Buffer.from([0x12, 0x0a]),
    Buffer.from(draws.of(["ConfigMap ", "Deployment", "Pod"])),
    Buffer.from([0x12]),
    Buffer.from(text.slice(0, 200)),
  ]);
  for (let n = draws.below(10); n > 0; n--) bytes[draws.below(bytes.length)] = draws.below(256);
  return bytes.subarray(0, draws.oneIn(3) ? draws.below(bytes.length) : bytes.length);
}
