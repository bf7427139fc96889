import { evaluate } from "./arithmetic";
import type { Step } from "./script";

/** A piece of a word; only what is not in single quotes is expanded. */
export interface Piece {
  readonly text: string;
  readonly expands: boolean;
  /** It stands in no quotes: what comes of it may be several words, or none. */
  readonly splits?: true;
  /** Commands whose output stands here: $(…). */
  readonly commands?: readonly Step[];
  /** What stands here is the value of `text`: $((…)). */
  readonly isSum?: true;
}

export type Word = readonly Piece[];

/** What a shell knows while it fills in words. */
export interface Values {
  readonly environment: ReadonlyMap<string, string>;
  readonly status: number;
  /** $1, $2, … */
  readonly positional: readonly string[];
}

/** A word as it stands, without expansion. */
export function literal(word: Word): string {
  return word.map(({ text }) => text).join("");
}

/** Whether what a word comes to depends on anything but its text. */
export const hasVariables = (word: Word) =>
  word.some(({ text, expands, commands, isSum }) => commands || isSum || (expands && text.includes("$")));

/** `NAME=value`, which sets a variable where it stands before the command. */
export const isAssignment = (word: Word) => /^[A-Za-z_]\w*=/.test(literal(word));

/** What the words of a command may come to: `A=$A$A` doubles them each time. Source: execve(2), limits on size of arguments. */
export const wordsMax = 2 * 1024 * 1024;

const variable = /\$(?:\{(#?)([A-Za-z_]\w*|[0-9@*#?$!])(?:(:?[-+=])([^}]*))?\}|([A-Za-z_]\w*|[0-9@*#?$]))/g;

/** A word with its variables filled in, as one text; what is not set is empty. One that becomes longer than `wordsMax` ends soon after that. */
export function expand(word: Word, values: Values): string {
  let filled = 0;
  return word
    .map((piece) => {
      const text = filled > wordsMax ? "" : expanded(piece, values, wordsMax - filled);
      filled += text.length;
      return text;
    })
    .join("");
}

function expanded({ text, expands, isSum }: Piece, values: Values, room: number): string {
  let filled = 0;
  const value = (name: string) => {
    if (filled > room) return "";
    const found = variableOf(name, values);
    filled += found?.length ?? 0;
    return found;
  };
  const full = expands
    ? text.replace(variable, (_all, length?: string, braced?: string, operator?: string, other?: string, plain?: string) => {
        const found = value(braced ?? plain ?? "");
        if (length) return String((found ?? "").length);
        if (operator === undefined) return found ?? "";
        const isSet = found !== undefined && (found !== "" || !operator.startsWith(":"));
        return operator.endsWith("+") ? (isSet ? other! : "") : isSet ? found : other!;
      })
    : text;
  return isSum ? String(evaluate(full, (name) => Number(values.environment.get(name) || 0)) ?? "") : full;
}

function variableOf(name: string, { environment, status, positional }: Values): string | undefined {
  if (name === "?") return String(status);
  if (name === "$") return "1";
  if (name === "0") return "sh";
  if (name === "#") return String(positional.length);
  if (name === "@" || name === "*") return positional.join(" ");
  return /^\d$/.test(name) ? positional[Number(name) - 1] : environment.get(name);
}

/** The words that a word comes to: where a variable or a command stands in no quotes, its value is cut at spaces and line ends. */
export function fieldsOf(word: Word, values: Values): readonly string[] {
  if (word.length === 1 && word[0]!.text === "$@" && word[0]!.expands && !word[0]!.splits) return values.positional;
  const fields: string[] = [];
  let current: string | undefined;
  let filled = 0;
  for (const piece of word) {
    const text = filled > wordsMax ? "" : expanded(piece, values, wordsMax - filled);
    filled += text.length;
    if (!piece.splits) {
      current = (current ?? "") + text;
      continue;
    }
    for (const [index, part] of text.split(/[ \t\n]+/).entries()) {
      if (index > 0 && current !== undefined) {
        fields.push(current);
        current = undefined;
      }
      if (part !== "") current = (current ?? "") + part;
    }
  }
  if (current !== undefined) fields.push(current);
  return fields;
}

/**
 * Whether a text is what the pattern of a case's clause asks for: `*`, `?` and `[…]` mean more than themselves where they stand in no quotes. The time it takes is that of
 * the text by the pattern, whatever they are.
 */
export function matchesPattern(word: Word, values: Values, text: string): boolean {
  const parts: PatternPart[] = [];
  for (const piece of word) {
    const full = expanded(piece, values, wordsMax);
    if (piece.splits) for (const part of full.match(/\[[!^]?[^\]]+\]|[\s\S]/gu) ?? []) parts.push(patternPart(part));
    else for (const char of full) parts.push((other) => other === char);
  }
  const chars = [...text];
  // What nobody writes by hand is not looked through.
  if (chars.length * parts.length > comparisonsMax) return false;
  let [at, part] = [0, 0];
  /** The last star, and what it has taken so far. */
  let star = -1;
  let taken = 0;
  while (at < chars.length) {
    const wanted = parts[part];
    if (wanted === "any") {
      star = part++;
      taken = at;
    } else if (wanted?.(chars[at]!)) {
      at++;
      part++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++taken;
    } else return false;
  }
  while (parts[part] === "any") part++;
  return part === parts.length;
}

const comparisonsMax = 20_000_000;

type PatternPart = "any" | ((char: string) => boolean);

function patternPart(part: string): PatternPart {
  if (part === "*") return "any";
  if (part === "?") return () => true;
  if (!/^\[[\s\S]+\]$/.test(part)) return (char) => char === part;
  const negated = /^\[[!^]/.test(part);
  const set = [...part.slice(negated ? 2 : 1, -1)];
  const isIn = (char: string) =>
    set.some((one, index) =>
      set[index + 1] === "-" && set[index + 2] !== undefined ? char >= one && char <= set[index + 2]! : char === one,
    );
  return (char) => isIn(char) !== negated;
}
