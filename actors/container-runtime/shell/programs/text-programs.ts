import { ended, failed, type Program, type ProgramResult } from "../program";

/** Small programs that make texts of their words, or change what they read. */

const decoder = new TextDecoder();
/** What one of them writes at most. */
const linesMax = 100_000;

/** seq [FIRST [STEP]] LAST */
function seq(words: readonly string[]): ProgramResult {
  const numbers = words.map(Number);
  if (numbers.length < 1 || numbers.length > 3 || numbers.some((one) => !Number.isFinite(one)))
    return failed("seq: usage: seq [-w] [-s SEP] [FIRST [INC]] LAST\n");
  const last = numbers.at(-1)!;
  const first = numbers.length > 1 ? numbers[0]! : 1;
  const by = numbers.length > 2 ? numbers[1]! : 1;
  const lines: string[] = [];
  for (let index = 0; index < linesMax && by !== 0; index++) {
    const value = first + index * by;
    if (by > 0 ? value > last : value < last) break;
    lines.push(`${value}\n`);
  }
  return ended(lines.join(""));
}

/** printf FORMAT [ARGUMENT]…: the format again for as long as there are arguments. */
function printf([format = "", ...args]: readonly string[]): ProgramResult {
  let out = "";
  let left = [...args];
  do {
    const before = left.length;
    out += format.replace(/\\([nrt0\\"])|%(-?\d*)([sdixc%])/g, (_all, escaped?: string, width = "", kind?: string) => {
      if (escaped !== undefined) return { n: "\n", r: "\r", t: "\t", "0": "\0", "\\": "\\", '"': '"' }[escaped]!;
      if (kind === "%") return "%";
      const [value = "", ...others] = left;
      left = others;
      const text =
        kind === "s"
          ? value
          : kind === "c"
            ? value.slice(0, 1)
            : kind === "x"
              ? (Number(value) || 0).toString(16)
              : String(Math.trunc(Number(value) || 0));
      const size = Math.min(1_000, Math.abs(Number(width) || 0));
      if (width.startsWith("-")) return text.padEnd(size);
      return text.padStart(size, width.startsWith("0") && kind !== "s" ? "0" : " ");
    });
    if (left.length === before) break;
  } while (left.length > 0 && out.length < 1 << 20);
  return ended(out);
}

/** What one of them holds at most. */
const textMax = 4 * 1024 * 1024;

/** A program that changes all of what it reads at once. */
const changing = (change: (text: string) => ProgramResult): ProgramResult => {
  let text = "";
  const stream = new TextDecoder();
  return {
    is: "reading",
    reader: {
      take(bytes, isEnd) {
        if (text.length + bytes.length > textMax) return { err: "out of memory\n", code: 1 };
        text += stream.decode(bytes, { stream: !isEnd });
        return isEnd ? { next: change(text) } : {};
      },
    },
  };
};

const linesOf = (text: string) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
const inLines = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");

function sort(words: readonly string[]): ProgramResult {
  const flags = words.filter((word) => word.startsWith("-")).join("");
  return changing((text) => {
    const compare = (a: string, b: string) =>
      (flags.includes("n") ? Number.parseFloat(a) - Number.parseFloat(b) || 0 : 0) || (a < b ? -1 : a > b ? 1 : 0);
    const lines = linesOf(text).sort(compare);
    const ordered = flags.includes("r") ? lines.reverse() : lines;
    return ended(inLines(flags.includes("u") ? [...new Set(ordered)] : ordered));
  });
}

const uniq = () => changing((text) => ended(inLines(linesOf(text).filter((line, index, all) => line !== all[index - 1]))));

/** cut -d CHAR -f N[,M…] */
function cut(words: readonly string[]): ProgramResult {
  const joined = words.join("\0");
  const delimiter = /(?:^|\0)-d\0?([^\0])/.exec(joined)?.[1] ?? "\t";
  const fields = /(?:^|\0)-f\0?([\d,]+)/.exec(joined)?.[1]?.split(",").map(Number);
  if (!fields) return failed("cut: this simulated program knows cut -d CHAR -f N[,M] alone\n");
  return changing((text) =>
    ended(
      inLines(
        linesOf(text).map((line) => {
          const parts = line.split(delimiter);
          return parts.length === 1 ? line : fields.flatMap((field) => parts[field - 1] ?? []).join(delimiter);
        }),
      ),
    ),
  );
}

/** tr [-d] SET [SET] */
function tr(words: readonly string[]): ProgramResult {
  const deletes = words[0] === "-d";
  const [from = "", to = ""] = (deletes ? words.slice(1) : words).map(charactersOf);
  const turned = new Map<string, string>();
  for (const [index, char] of [...from].entries())
    if (!turned.has(char)) turned.set(char, deletes ? "" : (to[Math.min(index, to.length - 1)] ?? char));
  return changing((text) => ended([...text].map((char) => turned.get(char) ?? char).join("")));
}

/** The characters of "a-z\n". */
function charactersOf(set: string): string {
  const plain = set.replaceAll("\\n", "\n").replaceAll("\\t", "\t").replaceAll("\\r", "\r");
  return plain.replace(/([a-zA-Z0-9])-([a-zA-Z0-9])/g, (_all, a: string, b: string) => {
    const [first, last] = [a.charCodeAt(0), b.charCodeAt(0)];
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => String.fromCharCode(first + index)).join("");
  });
}

/** base64 [-d] */
const base64 = (words: readonly string[]) =>
  changing((text) =>
    words[0] === "-d" ? ended(decoder.decode(Buffer.from(text, "base64"))) : ended(`${Buffer.from(text).toString("base64")}\n`),
  );

export const textPrograms: readonly (readonly [string, Program])[] = [
  ["seq", seq],
  ["printf", printf],
  ["sort", sort],
  ["uniq", uniq],
  ["cut", cut],
  ["tr", tr],
  ["base64", base64],
];
