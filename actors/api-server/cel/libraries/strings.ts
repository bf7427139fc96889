import { fn, type Overload } from "../function";
import { type CelValue, fail } from "../values";
import { formatText } from "./format-text";

/** CEL's extension for strings, as Kubernetes has it. Positions count code points. */

const tenth = (size: number) => 1 + 0.1 * size;
const product = (a: number, b: number) => 1 + 0.1 * a * Math.max(1, 0.1 * b);

function positionIn(index: bigint, most: number): number {
  return index < 0n || index > BigInt(most) ? fail(`index out of range: ${index}`) : Number(index);
}

function indexOf(text: string, part: string, from = 0n): bigint {
  const letters = [...text];
  const start = positionIn(from, letters.length);
  const found = letters.slice(start).join("").indexOf(part);
  return found < 0 ? -1n : BigInt(start + [...letters.slice(start).join("").slice(0, found)].length);
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const letters = [...text];
  const last = from === undefined ? letters.length : positionIn(from, letters.length);
  const upTo = letters.slice(0, last + [...part].length).join("");
  const found = upTo.lastIndexOf(part);
  return found < 0 ? -1n : BigInt([...upTo.slice(0, found)].length);
}

function substring(text: string, from: bigint, to?: bigint): string {
  const letters = [...text];
  const start = positionIn(from, letters.length);
  const end = to === undefined ? letters.length : positionIn(to, letters.length);
  if (start > end) fail(`invalid substring range. start: ${start}, end: ${end}`);
  return letters.slice(start, end).join("");
}

function split(text: string, separator: string, most = -1n): readonly string[] {
  if (most === 0n) return [];
  const parts = separator === "" ? [...text] : text.split(separator);
  if (most < 0n || BigInt(parts.length) <= most) return parts;
  const kept = Number(most) - 1;
  return [...parts.slice(0, kept), parts.slice(kept).join(separator)];
}

const replacedBytesMax = 10_000_000;

function replace(text: string, from: string, to: string, most = -1n): string {
  if (most === 0n) return text;
  const parts = split(text, from, most < 0n ? -1n : most + 1n);
  if (parts.length * to.length > replacedBytesMax) fail("replaced text is too long");
  return from === "" ? `${to}${parts.join(to)}${most < 0n || BigInt(parts.length) < most ? to : ""}` : parts.join(to);
}

/** JSON's way to quote, as Go's strconv would for printable text. */
function quote(text: string): string {
  const escapes: ReadonlyMap<string, string> = new Map([
    ["\x07", "\\a"],
    ["\b", "\\b"],
    ["\f", "\\f"],
    ["\n", "\\n"],
    ["\r", "\\r"],
    ["\t", "\\t"],
    ["\v", "\\v"],
    ["\\", "\\\\"],
    ['"', '\\"'],
  ]);
  return `"${[...text].map((letter) => escapes.get(letter) ?? letter).join("")}"`;
}

const ascii = (text: string, upper: boolean) =>
  text.replace(upper ? /[a-z]/g : /[A-Z]/g, (letter) => (upper ? letter.toUpperCase() : letter.toLowerCase()));

export const strings: readonly Overload[] = [
  fn(
    "string.charAt(int): string",
    (text: string, index: bigint) => {
      const letters = [...text];
      return letters[positionIn(index, letters.length)] ?? "";
    },
    tenth,
  ),
  fn("string.indexOf(string): int", (text: string, part: string) => indexOf(text, part), product),
  fn("string.indexOf(string, int): int", indexOf, product),
  fn("string.lastIndexOf(string): int", (text: string, part: string) => lastIndexOf(text, part), product),
  fn("string.lastIndexOf(string, int): int", lastIndexOf, product),
  fn("string.lowerAscii(): string", (text: string) => ascii(text, false), tenth),
  fn("string.upperAscii(): string", (text: string) => ascii(text, true), tenth),
  fn(
    "string.replace(string, string): string",
    (text: string, from: string, to: string) => replace(text, from, to),
    (a, b, c) => 1 + 0.1 * a * (1 + b + c),
  ),
  fn("string.replace(string, string, int): string", replace, (a, b, c) => 1 + 0.1 * a * (1 + b + c)),
  fn("string.split(string): list<string>", (text: string, separator: string) => split(text, separator), tenth),
  fn("string.split(string, int): list<string>", split, tenth),
  fn("string.substring(int): string", (text: string, from: bigint) => substring(text, from), tenth),
  fn("string.substring(int, int): string", substring, tenth),
  fn("string.trim(): string", (text: string) => text.trim(), tenth),
  fn("string.reverse(): string", (text: string) => [...text].reverse().join(""), tenth),
  fn("strings.quote(string): string", quote, tenth),
  fn(
    "list<string>.join(): string",
    (list: readonly string[]) => join(list, ""),
    (list) => 1 + list,
  ),
  fn("list<string>.join(string): string", join, (list, separator) => 1 + list * (1 + 0.1 * separator)),
  fn(
    "string.format(list<dyn>): string",
    (form: string, args: readonly CelValue[]) => formatText(form, args),
    (form, args) => 1 + 0.1 * form + args,
  ),
];

function join(list: readonly string[], separator: string): string {
  const length = list.reduce((all, item) => all + separator.length + item.length, 0);
  if (length > replacedBytesMax) fail("joined text is too long");
  return list.map((item) => (typeof item === "string" ? item : fail("no such overload"))).join(separator);
}
