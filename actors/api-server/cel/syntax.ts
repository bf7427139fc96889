import type { CelValue } from "./values";

/** The syntax tree of an expression of the Common Expression Language (CEL). Operators are calls under the names that CEL gives them, "_+_". */
export type Expr = { readonly offset: number } & ExprBody;

export type ExprBody =
  | { readonly type: "literal"; readonly value: CelValue }
  | { readonly type: "ident"; readonly name: string }
  /** `testOnly` is has(operand.field). */
  | { readonly type: "select"; readonly operand: Expr; readonly field: string; readonly testOnly: boolean }
  | { readonly type: "call"; readonly name: string; readonly target: Expr | undefined; readonly args: readonly Expr[] }
  | { readonly type: "list"; readonly items: readonly Element[] }
  | { readonly type: "map"; readonly entries: readonly MapEntry[] }
  | { readonly type: "struct"; readonly name: string; readonly fields: readonly StructField[] }
  | Comprehension;

/** An item of a list; an optional one (`?x`) is there only where the optional has a value. */
export interface Element {
  readonly value: Expr;
  readonly optional: boolean;
}

export interface MapEntry {
  readonly key: Expr;
  readonly value: Expr;
  readonly optional: boolean;
}

export interface StructField {
  readonly name: string;
  readonly value: Expr;
  readonly optional: boolean;
}

/** A fold, which is what every macro over lists and maps becomes. With `second` it runs over indices or keys, and values. */
export interface Comprehension {
  readonly type: "comprehension";
  readonly range: Expr;
  readonly variable: string;
  readonly second: string | undefined;
  readonly accumulator: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

/** The expressions of which an expression is made. */
export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.type) {
    case "literal":
    case "ident":
      return [];
    case "select":
      return [expr.operand];
    case "call":
      return expr.target ? [expr.target, ...expr.args] : expr.args;
    case "list":
      return expr.items.map(({ value }) => value);
    case "map":
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case "struct":
      return expr.fields.map(({ value }) => value);
    case "comprehension":
      return [expr.range, expr.init, expr.condition, expr.step, expr.result];
  }
}

/** The names of variables that an expression uses anywhere, those of its own folds among them. */
export function namesIn(expr: Expr): ReadonlySet<string> {
  const names = new Set<string>();
  // A macro may stand for one part in several places: each part is looked at once, or there would be no end of them.
  const seen = new Set<Expr>([expr]);
  for (const part of seen) {
    if (part.type === "ident") names.add(part.name);
    for (const each of partsOf(part)) seen.add(each);
  }
  return names;
}

/** The first part that lies deeper than so many levels; undefined where none does. It takes no more of the stack however deep that is. */
export function partBelow(expr: Expr, levels: number): Expr | undefined {
  let level: ReadonlySet<Expr> = new Set([expr]);
  for (let depth = 0; depth <= levels; depth++) {
    // Parts that a macro uses in several places count once, or they would double with each macro in another.
    level = new Set([...level].flatMap(partsOf));
    if (level.size === 0) return undefined;
  }
  const [part] = level;
  return part;
}

/** An expression cannot be read or has no meaning; `offset` is where. */
export class CelSyntaxError extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/** The message in the form of Kubernetes' API servers: what, where, the line, and a mark under the place. */
export function describeFault(source: string, message: string, offset: number): string {
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  const lineStart = before.lastIndexOf("\n") + 1;
  const lineEnd = source.indexOf("\n", offset);
  const text = source.slice(lineStart, lineEnd < 0 ? undefined : lineEnd);
  const column = offset - lineStart;
  return `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${".".repeat(column)}^`;
}
