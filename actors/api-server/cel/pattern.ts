import { RE2JS, RE2JSException } from "re2js";

/** A regular expression of RE2, as Go reads it: it takes time in proportion to the text, whatever the expression. */
export interface Pattern {
  /** Whether it is found anywhere in the text. */
  test(text: string): boolean;
  /** The first match, or undefined. */
  find(text: string): string | undefined;
  /** Up to `most` matches, all of them where it is negative. */
  findAll(text: string, most: number): readonly string[];
}

export type CompiledPattern = { readonly ok: true; readonly pattern: Pattern } | { readonly ok: false; readonly message: string };

/** Expressions longer than this are refused: compiling takes time in proportion to their square where they repeat. */
const lengthMax = 10_000;

/** Compiles an expression; `message` says what is wrong with it in Go's words. */
export function compilePattern(expression: string): CompiledPattern {
  if (expression.length > lengthMax)
    return { ok: false, message: `error parsing regexp: expression is longer than ${lengthMax} characters` };
  try {
    const compiled = RE2JS.compile(expression);
    return { ok: true, pattern: patternOf(compiled) };
  } catch (error) {
    if (error instanceof RE2JSException) return { ok: false, message: error.message };
    throw error;
  }
}

function patternOf(compiled: RE2JS): Pattern {
  const findAll = (text: string, most: number): readonly string[] => {
    const matcher = compiled.matcher(text);
    const found: string[] = [];
    while ((most < 0 || found.length < most) && matcher.find()) found.push(matcher.group() ?? "");
    return found;
  };
  return {
    test: (text) => compiled.matcher(text).find(),
    find: (text) => findAll(text, 1)[0],
    findAll,
  };
}
