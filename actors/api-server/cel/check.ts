import type { FunctionTable, Overload } from "./function";
import { CelSyntaxError, type Comprehension, type Expr } from "./syntax";
import {
  assignable,
  type Bindings,
  bool,
  bytes,
  type CelType,
  double,
  dyn,
  int,
  join,
  listOf,
  mapOf,
  nullType,
  type ObjectType,
  optionalOf,
  string,
  substitute,
  typeOf,
  typeText,
  uint,
} from "./types";
import { type CelValue, Uint } from "./values";

/** What expressions may name. */
export interface Scope {
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: FunctionTable;
  /** Types that may be named (`type(x) == int`), and objects that may be made (`Object{…}`). */
  readonly types: ReadonlyMap<string, CelType>;
}

/** An expression that has a meaning: the type of each of its parts, and for each call what may be called. */
export interface Checked {
  readonly expr: Expr;
  readonly type: CelType;
  readonly types: ReadonlyMap<Expr, CelType>;
  readonly calls: ReadonlyMap<Expr, readonly Overload[]>;
  /** Chains of names that are one variable or type ("google.protobuf.Duration"), by the outermost select. */
  readonly names: ReadonlyMap<Expr, string>;
}

/** Finds the types of an expression. Throws a CelSyntaxError for one that can have no value. */
export function checkCel(expr: Expr, scope: Scope): Checked {
  const checker = new Checker(scope);
  const type = checker.check(expr, new Map());
  return { expr, type, types: checker.types, calls: checker.calls, names: checker.names };
}

type Locals = ReadonlyMap<string, CelType>;

class Checker {
  readonly types = new Map<Expr, CelType>();
  readonly calls = new Map<Expr, readonly Overload[]>();
  readonly names = new Map<Expr, string>();

  constructor(private readonly scope: Scope) {}

  check(expr: Expr, locals: Locals): CelType {
    const known = this.types.get(expr);
    if (known) return known;
    const type = this.typeOf(expr, locals);
    this.types.set(expr, type);
    return type;
  }

  private typeOf(expr: Expr, locals: Locals): CelType {
    switch (expr.type) {
      case "literal":
        return literalType(expr.value);
      case "ident":
        return this.ident(expr, locals);
      case "select":
        return this.select(expr, locals);
      case "call":
        return this.call(expr, locals);
      case "list":
        return listOf(this.common(expr.items.map(({ value, optional }) => this.element(value, optional, locals))));
      case "map": {
        const keys = expr.entries.map(({ key }) => this.check(key, locals));
        const values = expr.entries.map(({ value, optional }) => this.element(value, optional, locals));
        return mapOf(this.common(keys), this.common(values));
      }
      case "struct":
        return this.struct(expr, locals);
      case "comprehension":
        return this.comprehension(expr, locals);
    }
  }

  private element(value: Expr, optional: boolean, locals: Locals): CelType {
    const type = this.check(value, locals);
    if (!optional || type.kind === "dyn") return type;
    if (type.kind !== "optional")
      throw new CelSyntaxError(`expected type 'optional_type(${typeText(type)})' but found '${typeText(type)}'`, value.offset);
    return type.value;
  }

  /** Lists and maps may hold values of several types: then nothing is known of them. */
  private common(types: readonly CelType[]): CelType {
    const [first = { kind: "param", name: "T" } as CelType, ...rest] = types;
    return rest.reduce<CelType>((all, type) => join(all, type) ?? dyn, first);
  }

  private ident(expr: Expr & { readonly type: "ident" }, locals: Locals): CelType {
    const type = locals.get(expr.name) ?? this.scope.variables.get(expr.name);
    if (type) return type;
    const named = this.scope.types.get(expr.name);
    if (!named) throw new CelSyntaxError(`undeclared reference to '${expr.name}' (in container '')`, expr.offset);
    this.names.set(expr, expr.name);
    return typeOf(named);
  }

  private select(expr: Expr & { readonly type: "select" }, locals: Locals): CelType {
    const qualified = expr.testOnly ? undefined : qualifiedName(expr);
    if (qualified !== undefined && !locals.has(qualified.split(".")[0]!)) {
      const variable = this.scope.variables.get(qualified);
      const named = this.scope.types.get(qualified);
      if (variable || named) {
        this.names.set(expr, qualified);
        return variable ?? typeOf(named!);
      }
    }
    const operand = this.check(expr.operand, locals);
    const base = operand.kind === "optional" ? operand.value : operand;
    const field = this.field(base, expr.field, expr.offset);
    if (expr.testOnly) return bool;
    return operand.kind === "optional" ? optionalOf(field) : field;
  }

  private field(operand: CelType, name: string, offset: number): CelType {
    switch (operand.kind) {
      case "dyn":
      case "param":
        return dyn;
      case "map":
        return operand.value;
      case "object": {
        const type = operand.fields.get(name);
        if (!type) throw new CelSyntaxError(`undefined field '${name}'`, offset);
        return type;
      }
      default:
        throw new CelSyntaxError(`type '${typeText(operand)}' does not support field selection`, offset);
    }
  }

  private call(expr: Expr & { readonly type: "call" }, locals: Locals): CelType {
    const { name, target } = expr;
    // "optional.of(x)" and "net.url.x(y)" are functions with a dot in their names, where nothing before the dot is a variable.
    const space = target && qualifiedName(target);
    if (space !== undefined && !locals.has(space.split(".")[0]!) && this.scope.functions.has(`${space}.${name}`))
      return this.resolve(expr, `${space}.${name}`, expr.args, false, locals);
    if (name === "_?._" || name === "_[?_]") return this.optionalAccess(expr, locals);
    if (name === "_[_]" && this.check(expr.args[0]!, locals).kind === "optional") {
      const inner = this.check(expr.args[0]!, locals) as { value: CelType };
      return optionalOf(this.indexed(inner.value));
    }
    if (!this.scope.functions.has(name)) throw new CelSyntaxError(`undeclared reference to '${name}' (in container '')`, expr.offset);
    return this.resolve(expr, name, target ? [target, ...expr.args] : expr.args, target !== undefined, locals);
  }

  private optionalAccess(expr: Expr & { readonly type: "call" }, locals: Locals): CelType {
    const [operand, key] = expr.args as readonly [Expr, Expr];
    const type = this.check(operand, locals);
    this.check(key, locals);
    const base = type.kind === "optional" ? type.value : type;
    if (expr.name === "_[?_]") return optionalOf(this.indexed(base));
    const field = (key as { value?: CelValue }).value;
    return optionalOf(this.field(base, String(field), key.offset));
  }

  private indexed(type: CelType): CelType {
    return type.kind === "list" ? type.item : type.kind === "map" ? type.value : dyn;
  }

  private resolve(expr: Expr, name: string, args: readonly Expr[], isMember: boolean, locals: Locals): CelType {
    const types = args.map((arg) => this.check(arg, locals));
    const matching: Overload[] = [];
    const results: CelType[] = [];
    for (const overload of this.scope.functions.get(name) ?? []) {
      if (overload.member !== isMember || overload.args.length !== types.length) continue;
      const bindings: Bindings = new Map();
      if (!overload.args.every((wanted, index) => assignable(wanted, types[index]!, bindings))) continue;
      matching.push(overload);
      results.push(substitute(overload.result, bindings));
    }
    if (matching.length === 0) {
      const shown = types.map(typeText);
      const applied = isMember ? `${shown[0]}.(${shown.slice(1).join(", ")})` : `(${shown.join(", ")})`;
      throw new CelSyntaxError(`found no matching overload for '${name}' applied to '${applied}'`, expr.offset);
    }
    this.calls.set(expr, matching);
    return results.reduce((all, type) => (typeText(all) === typeText(type) ? all : dyn));
  }

  private struct(expr: Expr & { readonly type: "struct" }, locals: Locals): CelType {
    const type = this.scope.types.get(expr.name);
    if (!type) throw new CelSyntaxError(`undeclared reference to '${expr.name}' (in container '')`, expr.offset);
    if (type.kind !== "object") throw new CelSyntaxError(`'${expr.name}' is not a message type`, expr.offset);
    for (const { name, value, optional } of expr.fields) {
      const given = this.element(value, optional, locals);
      const wanted = (type as ObjectType).fields.get(name);
      if (!wanted) throw new CelSyntaxError(`undefined field '${name}'`, value.offset);
      if (!assignable(wanted, given, new Map()))
        throw new CelSyntaxError(
          `expected type of field '${name}' is '${typeText(wanted)}' but provided type is '${typeText(given)}'`,
          value.offset,
        );
    }
    return type;
  }

  private comprehension(expr: Comprehension & { readonly offset: number }, locals: Locals): CelType {
    const range = this.check(expr.range, locals);
    const [first, second] = rangeTypes(range, expr.second !== undefined);
    if (!first)
      throw new CelSyntaxError(
        `expression of type '${typeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        expr.range.offset,
      );
    const init = this.check(expr.init, locals);
    const inner = new Map(locals);
    inner.set(expr.variable, first);
    if (expr.second !== undefined) inner.set(expr.second, second!);
    inner.set(expr.accumulator, init);
    this.check(expr.condition, inner);
    const step = this.check(expr.step, inner);
    const outer = new Map(locals);
    // A list that grows has the type of what is put into it.
    outer.set(expr.accumulator, join(init, step) ?? dyn);
    if (init.kind === "simple" && !assignable(init, step, new Map()))
      throw new CelSyntaxError(`expected type '${typeText(init)}' but found '${typeText(step)}'`, expr.step.offset);
    return this.check(expr.result, outer);
  }
}

function rangeTypes(range: CelType, both: boolean): readonly [CelType | undefined, CelType?] {
  if (range.kind === "dyn" || range.kind === "param") return [dyn, dyn];
  if (range.kind === "list") return both ? [int, range.item] : [range.item];
  return range.kind === "map" ? [range.key, range.value] : [undefined];
}

function literalType(value: CelValue): CelType {
  if (value === null) return nullType;
  switch (typeof value) {
    case "boolean":
      return bool;
    case "bigint":
      return int;
    case "number":
      return double;
    case "string":
      return string;
    default:
      return value instanceof Uint ? uint : bytes;
  }
}

/** "google.protobuf.Duration" of a chain of names; undefined for any other expression. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.type === "ident") return expr.name;
  if (expr.type !== "select" || expr.testOnly) return undefined;
  const base = qualifiedName(expr.operand);
  return base === undefined ? undefined : `${base}.${expr.field}`;
}
