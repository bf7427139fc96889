import { type Token, tokenize } from "./lexer";
import { expandMacro } from "./macros";
import { CelSyntaxError, type Element, type Expr, type ExprBody, type MapEntry, partBelow, type StructField } from "./syntax";
import type { CelValue } from "./values";

/** How deep an expression may be nested, and of how many parts it may consist. */
const depthMax = 200;
/** How deep chains of operators and fields may become, `a + b + c`: whoever goes through them needs the stack for it. */
const chainMax = 400;
const nodesMax = 100_000;

/** Reads an expression and expands its macros. Throws a CelSyntaxError for what is no expression. */
export function parseCel(source: string): Expr {
  return new Parser(tokenize(source)).whole();
}

const reserved: ReadonlySet<string> = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(" "),
);
const relations: ReadonlyMap<string, string> = new Map([
  ["<", "_<_"],
  ["<=", "_<=_"],
  [">", "_>_"],
  [">=", "_>=_"],
  ["==", "_==_"],
  ["!=", "_!=_"],
]);
const additions: ReadonlyMap<string, string> = new Map([
  ["+", "_+_"],
  ["-", "_-_"],
]);
const multiplications: ReadonlyMap<string, string> = new Map([
  ["*", "_*_"],
  ["/", "_/_"],
  ["%", "_%_"],
]);

class Parser {
  private at = 0;
  private depth = 0;
  private nodes = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  whole(): Expr {
    const expr = this.expression();
    if (this.token.type !== "end") throw this.unexpected("<EOF>");
    const tooDeep = partBelow(expr, chainMax);
    if (tooDeep) throw new CelSyntaxError(`expression recursion limit exceeded: ${chainMax}`, tooDeep.offset);
    return expr;
  }

  private get token(): Token {
    return this.tokens[this.at]!;
  }

  private node(offset: number, body: ExprBody): Expr {
    if (++this.nodes > nodesMax) throw new CelSyntaxError(`expression has more than ${nodesMax} parts`, offset);
    return { offset, ...body };
  }

  private call(offset: number, name: string, ...args: readonly Expr[]): Expr {
    return this.node(offset, { type: "call", name, target: undefined, args });
  }

  private isSign(text: string): boolean {
    return this.token.type === "sign" && this.token.text === text;
  }

  private take(text: string): boolean {
    if (!this.isSign(text)) return false;
    this.at += 1;
    return true;
  }

  private expect(text: string): void {
    if (!this.take(text)) throw this.unexpected(`'${text}'`);
  }

  private unexpected(wanted: string): CelSyntaxError {
    const { token } = this;
    const shown = `'${token.type === "end" ? "<EOF>" : token.type === "literal" ? String(token.value) : token.text}'`;
    return new CelSyntaxError(`Syntax error: mismatched input ${shown} expecting ${wanted}`, token.offset);
  }

  private expression(): Expr {
    if (++this.depth > depthMax) throw new CelSyntaxError(`expression recursion limit exceeded: ${depthMax}`, this.token.offset);
    const condition = this.or();
    const { offset } = this.token;
    let expr = condition;
    if (this.take("?")) {
      const yes = this.or();
      this.expect(":");
      expr = this.call(offset, "_?_:_", condition, yes, this.expression());
    }
    this.depth -= 1;
    return expr;
  }

  private or(): Expr {
    let left = this.and();
    for (let { offset } = this.token; this.take("||"); { offset } = this.token) left = this.call(offset, "_||_", left, this.and());
    return left;
  }

  private and(): Expr {
    let left = this.relation();
    for (let { offset } = this.token; this.take("&&"); { offset } = this.token) left = this.call(offset, "_&&_", left, this.relation());
    return left;
  }

  private relation(): Expr {
    let left = this.binary(additions, () => this.binary(multiplications, () => this.unary()));
    for (;;) {
      const { token } = this;
      const name = token.type === "sign" ? relations.get(token.text) : token.type === "ident" && token.text === "in" ? "@in" : undefined;
      if (name === undefined) return left;
      this.at += 1;
      left = this.call(
        token.offset,
        name,
        left,
        this.binary(additions, () => this.binary(multiplications, () => this.unary())),
      );
    }
  }

  private binary(operators: ReadonlyMap<string, string>, operand: () => Expr): Expr {
    let left = operand();
    for (;;) {
      const { token } = this;
      const name = token.type === "sign" ? operators.get(token.text) : undefined;
      if (name === undefined) return left;
      this.at += 1;
      left = this.call(token.offset, name, left, operand());
    }
  }

  private unary(): Expr {
    const { offset } = this.token;
    let count = 0;
    if (this.take("!")) {
      for (count = 1; this.take("!"); ) count += 1;
      const operand = this.member(this.primary());
      return count % 2 === 0 ? operand : this.call(offset, "!_", operand);
    }
    if (!this.take("-")) return this.member(this.primary());
    for (count = 1; this.take("-"); ) count += 1;
    const { token } = this;
    if (count === 1 && token.type === "literal" && (typeof token.value === "bigint" || typeof token.value === "number")) {
      this.at += 1;
      return this.member(this.node(offset, { type: "literal", value: -token.value }));
    }
    const operand = this.member(this.primary());
    return count % 2 === 0 ? operand : this.call(offset, "-_", operand);
  }

  private member(start: Expr): Expr {
    let operand = start;
    for (;;) {
      const { offset } = this.token;
      if (this.take(".")) {
        const optional = this.take("?");
        const { token } = this;
        if (token.type !== "ident" && token.type !== "quoted") throw this.unexpected("IDENTIFIER");
        this.at += 1;
        if (optional) {
          const field = this.node(token.offset, { type: "literal", value: token.text });
          operand = this.call(offset, "_?._", operand, field);
        } else if (token.type === "ident" && this.isSign("(")) {
          operand = this.calling(this.token.offset, token.text, operand);
        } else operand = this.node(offset, { type: "select", operand, field: token.text, testOnly: false });
      } else if (this.take("[")) {
        const name = this.take("?") ? "_[?_]" : "_[_]";
        const index = this.expression();
        this.expect("]");
        operand = this.call(offset, name, operand, index);
      } else if (this.isSign("{") && typeNameOf(operand) !== undefined) {
        operand = this.struct(offset, typeNameOf(operand)!);
      } else return operand;
    }
  }

  private primary(): Expr {
    const { token } = this;
    const { offset } = token;
    if (token.type === "literal") {
      this.at += 1;
      if (token.value === 2n ** 63n) throw new CelSyntaxError("invalid int literal", offset);
      return this.node(offset, { type: "literal", value: token.value as CelValue });
    }
    if (token.type === "ident") return this.named(token.text, offset);
    if (this.take("(")) {
      const inner = this.expression();
      this.expect(")");
      return inner;
    }
    if (this.take("[")) return this.node(offset, { type: "list", items: this.elements() });
    if (this.take("{")) return this.node(offset, { type: "map", entries: this.entries() });
    if (this.take(".") && this.token.type === "ident") return this.named(this.token.text, offset);
    throw this.unexpected(
      "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
    );
  }

  private named(name: string, offset: number): Expr {
    this.at += 1;
    if (name === "true" || name === "false") return this.node(offset, { type: "literal", value: name === "true" });
    if (name === "null") return this.node(offset, { type: "literal", value: null });
    if (reserved.has(name)) throw new CelSyntaxError(`reserved identifier: ${name}`, offset);
    if (name === "in") {
      this.at -= 1;
      throw this.unexpected("IDENTIFIER");
    }
    return this.isSign("(") ? this.calling(this.token.offset, name, undefined) : this.node(offset, { type: "ident", name });
  }

  private calling(offset: number, name: string, target: Expr | undefined): Expr {
    this.expect("(");
    const args: Expr[] = [];
    while (!this.isSign(")")) {
      args.push(this.expression());
      if (!this.take(",")) break;
    }
    this.expect(")");
    const make = (body: ExprBody) => this.node(offset, body);
    return expandMacro(make, name, target, args, offset) ?? make({ type: "call", name, target, args });
  }

  private elements(): readonly Element[] {
    const items: Element[] = [];
    while (!this.isSign("]")) {
      const optional = this.take("?");
      items.push({ value: this.expression(), optional });
      if (!this.take(",")) break;
    }
    this.expect("]");
    return items;
  }

  private entries(): readonly MapEntry[] {
    const entries: MapEntry[] = [];
    while (!this.isSign("}")) {
      const optional = this.take("?");
      const key = this.expression();
      this.expect(":");
      entries.push({ key, value: this.expression(), optional });
      if (!this.take(",")) break;
    }
    this.expect("}");
    return entries;
  }

  private struct(offset: number, name: string): Expr {
    this.expect("{");
    const fields: StructField[] = [];
    while (!this.isSign("}")) {
      const optional = this.take("?");
      const { token } = this;
      if (token.type !== "ident" && token.type !== "quoted") throw this.unexpected("IDENTIFIER");
      this.at += 1;
      this.expect(":");
      fields.push({ name: token.text, value: this.expression(), optional });
      if (!this.take(",")) break;
    }
    this.expect("}");
    return this.node(offset, { type: "struct", name, fields });
  }
}

/** "Object.spec" of a chain of names; undefined for any other expression. */
function typeNameOf(expr: Expr): string | undefined {
  if (expr.type === "ident") return expr.name;
  if (expr.type !== "select" || expr.testOnly) return undefined;
  const base = typeNameOf(expr.operand);
  return base === undefined ? undefined : `${base}.${expr.field}`;
}
