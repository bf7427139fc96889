import { fn, type Overload } from "../function";
import { compilePattern, type Pattern } from "../pattern";
import { type CelValue, fail, OpaqueValue } from "../values";
import { matchCost } from "./standard";

/** Kubernetes' functions for URLs and regular expressions. */
class Url extends OpaqueValue {
  readonly typeName = "kubernetes.URL";
  constructor(
    readonly text: string,
    readonly scheme: string,
    /** With its port. */
    readonly host: string,
    readonly path: string,
    readonly query: string,
  ) {
    super();
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof Url && other.text === this.text;
  }
}

// An absolute URL, or a path from the root, as in the first line of a request.
const shape = /^(?:([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/(?:[^/?#@]*@)?([^/?#]*))?)?([^?#]*)(?:\?([^#]*))?$/;
const hostShape = /^(?:\[[0-9a-fA-F:.]+(?:%25[^\]]+)?\]|[^\s[\]:<>"\\^`{|}]*)(?::\d*)?$/;

function readUrl(text: string): Url | undefined {
  const match = shape.exec(text);
  if (!match || [...text].some((letter) => letter <= " " || letter === "\x7f")) return undefined;
  const [, scheme = "", host = "", path = "", query = ""] = match;
  if (scheme === "" && !text.startsWith("/")) return undefined;
  if (!hostShape.test(host) || !isEscaped(path)) return undefined;
  return new Url(text, scheme.toLowerCase(), host, path, query);
}

function isEscaped(path: string): boolean {
  return !/%(?![0-9a-fA-F]{2})/.test(path);
}

const urlOf = (text: string): Url =>
  readUrl(text) ?? fail(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`);

const portOf = (host: string) => /:(\d*)$/.exec(host)?.[1] ?? "";
const hostnameOf = (host: string) => host.replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1");

/** What does not decode stands for nothing, as in Go. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function queryOf(query: string): ReadonlyMap<CelValue, CelValue> {
  const values = new Map<CelValue, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const at = pair.indexOf("=");
    const name = decoded(at < 0 ? pair : pair.slice(0, at));
    const value = decoded(at < 0 ? "" : pair.slice(at + 1));
    if (name === undefined || value === undefined) continue;
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}

function escapedPath(path: string): string {
  return path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@%/]/gu, (letter) => encodeURIComponent(letter));
}

const urlCost = (size: number) => 1 + 0.1 * size;

export const urls: readonly Overload[] = [
  fn("url(string): kubernetes.URL", urlOf, urlCost),
  fn("isURL(string): bool", (text: string) => readUrl(text) !== undefined, urlCost),
  fn("kubernetes.URL.getScheme(): string", ({ scheme }: Url) => scheme),
  fn("kubernetes.URL.getHost(): string", ({ host }: Url) => host),
  fn("kubernetes.URL.getHostname(): string", ({ host }: Url) => hostnameOf(host)),
  fn("kubernetes.URL.getPort(): string", ({ host }: Url) => portOf(host)),
  fn("kubernetes.URL.getEscapedPath(): string", ({ path }: Url) => escapedPath(path)),
  fn("kubernetes.URL.getQuery(): map<string, list<string>>", ({ query }: Url) => queryOf(query)),
];

function patternOf(expression: string): Pattern {
  const compiled = compilePattern(expression);
  return compiled.ok ? compiled.pattern : fail(`Illegal regex: ${compiled.message}`);
}

export const regex: readonly Overload[] = [
  fn("string.find(string): string", (text: string, expression: string) => patternOf(expression).find(text) ?? "", matchCost),
  fn("string.findAll(string): list<string>", (text: string, expression: string) => patternOf(expression).findAll(text, -1), matchCost),
  fn(
    "string.findAll(string, int): list<string>",
    (text: string, expression: string, most: bigint) => patternOf(expression).findAll(text, Number(most)),
    (text, expression) => matchCost(text, expression),
  ),
];
