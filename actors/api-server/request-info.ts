import type { ApiRequest, Verb } from "../../protocol/api";
import { badRequest, type Failure } from "../../protocol/status";

/** What a method and a URL say, before anybody has looked at headers or body: the first fields of an ApiRequest. */
export type RequestInfo = Pick<
  ApiRequest,
  "verb" | "path" | "isResource" | "group" | "version" | "resource" | "subresource" | "namespace" | "name" | "query" | "repeated"
>;

/**
 * Takes a request's method and target ("/apis/apps/v1/namespaces/shop/deployments/web/scale?timeout=10s") apart as Kubernetes' API
 * servers do: everything below /api/VERSION and /apis/GROUP/VERSION is a resource request, all else is not. A GET without a name is a
 * list, or a watch with `watch=true` or the older /watch/ in the path; a DELETE without a name deletes the collection. HEAD counts as
 * GET. In requests that are not for resources POST, PUT and the rest keep the verbs of resources. Answers a 400 Status for a target
 * that cannot be decoded and a 405 for a method that has no verb.
 */
export function requestInfo(method: string, target: string): RequestInfo | Failure {
  const verb = verbs.get(method.toUpperCase());
  if (verb === undefined)
    return { ...badRequest(`the method ${JSON.stringify(method)} is not understood`), reason: "MethodNotAllowed", code: 405 };
  const [rawPath = "", rawQuery = ""] = splitOnce(target.startsWith("/") ? target : afterOrigin(target), "?");
  const path = decode(rawPath);
  if (path === undefined) return badRequest(`the path ${JSON.stringify(rawPath)} is not valid percent-encoding`);
  const parsed = parseQuery(rawQuery.split("#")[0] ?? "");
  if (parsed === undefined) return badRequest(`the query ${JSON.stringify(rawQuery)} is not valid percent-encoding`);

  const plain: RequestInfo = {
    verb,
    path,
    isResource: false,
    group: "",
    version: "",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
    ...parsed,
  };
  const parts = path.split("/").filter((part) => part !== "");
  const [prefix, ...rest] = parts;
  if (prefix === "api" && rest.length >= 2) return resourceInfo(plain, "", rest[0]!, rest.slice(1));
  if (prefix === "apis" && rest.length >= 3) return resourceInfo(plain, rest[0]!, rest[1]!, rest.slice(2));
  return plain;
}

const verbs: ReadonlyMap<string, Verb> = new Map([
  ["GET", "get"],
  ["HEAD", "get"],
  ["POST", "create"],
  ["PUT", "update"],
  ["PATCH", "patch"],
  ["DELETE", "delete"],
]);

/** What a Namespace has below it that is not a resource in it. */
const namespaceSubresources: ReadonlySet<string> = new Set(["status", "finalize"]);

function resourceInfo(plain: RequestInfo, group: string, version: string, segments: readonly string[]): RequestInfo | Failure {
  let rest = segments;
  let verb = plain.verb;
  if (rest[0] === "watch") {
    if (rest.length < 2) return badRequest(`the path ${JSON.stringify(plain.path)} names no resource to watch`);
    if (verb === "get") verb = "watch";
    rest = rest.slice(1);
  }
  let namespace = "";
  if (rest[0] === "namespaces" && rest[1] !== undefined) {
    namespace = rest[1];
    if (rest[2] !== undefined && !namespaceSubresources.has(rest[2])) rest = rest.slice(2);
  }
  const [resource = "", name = "", ...below] = rest;
  // A proxied path goes on below the subresource; whoever serves the proxy reads it from `path`.
  const subresource = below[0] ?? "";
  if (name === "") {
    if (verb === "get") verb = isTrue(plain.query.watch) ? "watch" : "list";
    else if (verb === "delete") verb = "deletecollection";
  }
  return { ...plain, verb, isResource: true, group, version, resource, subresource, namespace, name };
}

/** How Kubernetes reads a boolean parameter: present and neither "false" nor "0". */
function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== "false" && value !== "0";
}

/** The first value of each parameter, and all of those that came more than once; undefined where one cannot be decoded. */
function parseQuery(text: string): Pick<RequestInfo, "query" | "repeated"> | undefined {
  const values = new Map<string, string[]>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const [rawName = "", rawValue = ""] = splitOnce(pair.replaceAll("+", " "), "=");
    const name = decode(rawName);
    const value = decode(rawValue);
    if (name === undefined || value === undefined) return undefined;
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  const query = Object.fromEntries([...values].map(([name, [first = ""]]) => [name, first]));
  const several = [...values].filter(([, all]) => all.length > 1);
  return several.length === 0 ? { query } : { query, repeated: Object.fromEntries(several) };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** The path and query of an absolute target ("https://host:6443/api"), which proxies may send. */
function afterOrigin(target: string): string {
  const slash = target.indexOf("/", target.indexOf("://") + 3);
  return target.includes("://") && slash >= 0 ? target.slice(slash) : `/${target}`;
}
