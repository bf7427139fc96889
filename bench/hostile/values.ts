import type { Draws } from "./draws";

/** Values that nobody means well with, and what mutates a well-meant document. */

export type Document = { [key: string]: unknown };

const nest = (levels: number, list: boolean): unknown => {
  let value: unknown = 1;
  for (let n = 0; n < levels; n++) value = list ? [value] : { a: value };
  return value;
};

const hostile: readonly ((draws: Draws) => unknown)[] = [
  () => null,
  () => "",
  () => true,
  () => -1,
  () => 0,
  () => 2 ** 31,
  () => 2 ** 53,
  () => 1e308,
  () => 0.1,
  () => [],
  () => ({}),
  () => [null],
  () => [[]],
  () => "__proto__",
  () => JSON.parse('{"__proto__":{"polluted":true}}'),
  () => ({ constructor: { prototype: { polluted: true } } }),
  () => ({ toString: 1, valueOf: 1, hasOwnProperty: 1, length: 5 }),
  () => "\u0000",
  () => "\ud800",
  () => "a".repeat(300),
  () => "x".repeat(100_000),
  () => "../../etc/passwd",
  () => "%00%2e%2e",
  () => "9999999999999999999999999999999Gi",
  () => "1e999999999",
  () => "-1m",
  () => "0x10",
  () => "2026-13-45T99:99:99Z",
  () => "9999-12-31T23:59:59.999999999Z",
  () => "(a+)+$",
  () => "a".repeat(30),
  () => "10.0.0.0/33",
  () => "::1/129",
  () => "*",
  () => "{{.}}",
  (draws) => nest(5 + draws.below(2_000), draws.oneIn(2)),
  (draws) => Array.from({ length: draws.below(2_000) }, (_, n) => n),
  (draws) => Object.fromEntries(Array.from({ length: draws.below(500) }, (_, n) => [`k${n}`, "v"])),
];

export const hostileValue = (draws: Draws): unknown => draws.of(hostile)(draws);

const hostileKeys = [
  "__proto__",
  "constructor",
  "toString",
  "",
  "a.b/c",
  "$patch",
  "$retainKeys",
  "$setElementOrder/containers",
  "-1",
  "0",
  "é",
  "f:spec",
];

/** Changes the document in place, in some places; sometimes in none. */
export function mutate(document: Document, draws: Draws): void {
  for (let times = draws.below(4); times > 0; times--) {
    let at: unknown = document;
    for (let depth = draws.below(8); depth > 0; depth--) {
      const inside = Object.values(at as object).filter((value) => typeof value === "object" && value !== null);
      if (inside.length === 0) break;
      at = draws.of(inside);
    }
    const container = at as Document;
    const keys = Object.keys(container);
    const key = keys.length > 0 && !draws.oneIn(5) ? draws.of(keys) : draws.of(hostileKeys);
    switch (draws.below(4)) {
      case 0:
        delete container[key];
        break;
      case 1:
        if (keys.length > 0) container[key] = container[draws.of(keys)];
        break;
      default:
        Object.defineProperty(container, key, { value: hostileValue(draws), enumerable: true, configurable: true, writable: true });
    }
  }
}

/** A text of what is left of a document after somebody tore at it. */
export function torn(text: string, draws: Draws): string {
  switch (draws.below(12)) {
    case 0:
      return text.slice(0, draws.below(text.length + 1));
    case 1: {
      const at = draws.below(text.length + 1);
      return `${text.slice(0, at)}${draws.of(['"', "{", "]", "\u0000", ",", "1e999", "\\u", "NaN", "-", ":", "&a *a", "!!binary", "<<: *x"])}${text.slice(at)}`;
    }
    case 2:
      return text + text;
    case 3:
      return text.replaceAll('"', draws.of(["'", "", '"""']));
    default:
      return text;
  }
}

/** JSON of a document; one that holds itself has none and becomes null. */
export function textOf(document: unknown): string {
  try {
    return JSON.stringify(document) ?? "null";
  } catch {
    return "null";
  }
}
