import { CelSyntaxError } from "./syntax";
import { Uint } from "./values";

export type Token = { readonly offset: number; readonly end: number } & (
  | { readonly type: "ident"; readonly text: string }
  /** `name` in backticks, which may be any field. */
  | { readonly type: "quoted"; readonly text: string }
  | { readonly type: "literal"; readonly value: bigint | number | Uint | string | Uint8Array }
  | { readonly type: "sign"; readonly text: string }
  | { readonly type: "end" }
);

const signs = [
  "&&",
  "||",
  "==",
  "!=",
  "<=",
  ">=",
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  ".",
  ",",
  ":",
  "?",
  "!",
  "-",
  "+",
  "*",
  "/",
  "%",
  "<",
  ">",
  "=",
];
const blank = /(?:[ \t\r\n\f]|\/\/[^\n]*)+/y;
const identifier = /[A-Za-z_][A-Za-z0-9_]*/y;
const quotedName = /`([A-Za-z0-9_.\-/ ]+)`/y;
const floating = /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)/y;
const whole = /0x[0-9a-fA-F]+|\d+/y;
const stringStart = /(?:[bB][rR]|[rR][bB]|[bB]|[rR])?("""|'''|"|')/y;

/** Splits an expression into tokens, the last of which is the end. Throws a CelSyntaxError. */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (shape: RegExp): RegExpExecArray | null => {
    shape.lastIndex = at;
    return shape.exec(source);
  };
  for (;;) {
    at += match(blank)?.[0].length ?? 0;
    if (at >= source.length) break;
    const offset = at;
    const text = match(stringStart);
    if (text) {
      const { value, end } = readString(source, at, text[0], text[1]!);
      tokens.push({ type: "literal", value, offset, end });
      at = end;
      continue;
    }
    const name = match(identifier);
    const quoted = match(quotedName);
    const number = match(floating) ?? match(whole);
    if (name) {
      at += name[0].length;
      tokens.push({ type: "ident", text: name[0], offset, end: at });
    } else if (quoted) {
      at += quoted[0].length;
      tokens.push({ type: "quoted", text: quoted[1]!, offset, end: at });
    } else if (number) {
      at += number[0].length;
      const isUnsigned = /^(?:0x[0-9a-fA-F]+|\d+)$/.test(number[0]) && /[uU]/.test(source[at] ?? "");
      if (isUnsigned) at += 1;
      tokens.push({ type: "literal", value: numberOf(number[0], isUnsigned, offset), offset, end: at });
    } else {
      const sign = signs.find((each) => source.startsWith(each, at));
      if (!sign) throw new CelSyntaxError(`Syntax error: token recognition error at: '${source[at]}'`, at);
      at += sign.length;
      tokens.push({ type: "sign", text: sign, offset, end: at });
    }
  }
  tokens.push({ type: "end", offset: source.length, end: source.length });
  return tokens;
}

/** A negative number is a sign and a number, so that here 2^63 is still allowed. */
function numberOf(text: string, isUnsigned: boolean, offset: number): bigint | number | Uint {
  if (!/^(?:0x[0-9a-fA-F]+|\d+)$/.test(text)) return Number(text);
  const value = BigInt(text);
  if (isUnsigned) {
    if (value >= 2n ** 64n) throw new CelSyntaxError("invalid uint literal", offset);
    return new Uint(value);
  }
  if (value > 2n ** 63n) throw new CelSyntaxError("invalid int literal", offset);
  return value;
}

function readString(
  source: string,
  offset: number,
  opening: string,
  quote: string,
): { readonly value: string | Uint8Array; readonly end: number } {
  const prefix = opening.slice(0, opening.length - quote.length).toLowerCase();
  const isRaw = prefix.includes("r");
  const isBytes = prefix.includes("b");
  const parts: Buffer[] = [];
  let at = offset + opening.length;
  for (;;) {
    if (at >= source.length || (quote.length === 1 && (source[at] === "\n" || source[at] === "\r")))
      throw new CelSyntaxError(`Syntax error: token recognition error at: '${source.slice(offset, at)}'`, offset);
    if (source.startsWith(quote, at)) break;
    if (source[at] === "\\" && !isRaw) {
      const { bytes, length } = readEscape(source, at, isBytes);
      parts.push(bytes);
      at += length;
    } else {
      const letter = String.fromCodePoint(source.codePointAt(at)!);
      parts.push(Buffer.from(letter));
      at += letter.length;
    }
  }
  const bytes = Buffer.concat(parts);
  return { value: isBytes ? new Uint8Array(bytes) : bytes.toString("utf8"), end: at + quote.length };
}

const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["\\", "\\"],
  ["'", "'"],
  ['"', '"'],
  ["`", "`"],
  ["?", "?"],
]);

const numericEscape = /\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))/y;

function readEscape(source: string, at: number, isBytes: boolean): { readonly bytes: Buffer; readonly length: number } {
  const simple = simpleEscapes.get(source[at + 1] ?? "");
  if (simple !== undefined) return { bytes: Buffer.from(simple), length: 2 };
  numericEscape.lastIndex = at;
  const match = numericEscape.exec(source);
  const [hex, short, long, octal] = match?.slice(1) ?? [];
  if (!match || (isBytes && (short || long))) throw new CelSyntaxError(`Syntax error: invalid escape sequence`, at);
  const point = octal ? Number.parseInt(octal, 8) : Number.parseInt((hex ?? short ?? long)!, 16);
  if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000 && !isBytes))
    throw new CelSyntaxError("Syntax error: invalid unicode code point", at);
  return { bytes: isBytes ? Buffer.from([point]) : Buffer.from(String.fromCodePoint(point)), length: match[0].length };
}
