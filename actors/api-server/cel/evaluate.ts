import type { Checked } from "./check";
import { isOfType, type Overload, sizeOf } from "./function";
import { accumulatorName } from "./macros";
import type { Comprehension, Expr } from "./syntax";
import {
  CelFault,
  type CelMap,
  type CelValue,
  fail,
  find,
  isList,
  isMap,
  none,
  OptionalValue,
  StructValue,
  TypeValue,
  typeNameOf,
  UnorderedList,
} from "./values";

/** How much an evaluation may cost. What it cost is taken off; several evaluations may share one. */
export interface Budget {
  left: number;
}

/** An expression cost more than it may. Nothing in the expression can do without it. */
export class CostExceeded extends Error {}

/** The cost of making things, as in Kubernetes' accounting; a variable or field costs 1, a literal nothing. */
const listCost = 10;
const mapCost = 30;
const structCost = 40;

/**
 * Evaluates a checked expression with these variables. Throws a CelFault where it has no value, and CostExceeded where the budget does not
 * suffice. A variable may be given as a function, which is called when the variable is first needed.
 */
export function evaluateCel(checked: Checked, variables: ReadonlyMap<string, CelValue | (() => CelValue)>, budget: Budget): CelValue {
  return new Evaluation(checked, variables, budget).run(checked.expr, undefined);
}

/** The variables of folds, innermost first. A fault may lie in an accumulator until somebody looks at it. */
interface Frame {
  readonly name: string;
  value: CelValue | CelFault;
  readonly outer: Frame | undefined;
}

class Evaluation {
  private readonly worked = new Map<string, CelValue>();

  constructor(
    private readonly checked: Checked,
    private readonly variables: ReadonlyMap<string, CelValue | (() => CelValue)>,
    private readonly budget: Budget,
  ) {}

  run(expr: Expr, frame: Frame | undefined): CelValue {
    switch (expr.type) {
      case "literal":
        return expr.value;
      case "ident":
        this.pay(1);
        return this.ident(expr.name, frame);
      case "select":
        return this.select(expr, frame);
      case "call":
        return this.call(expr, frame);
      case "list": {
        this.pay(listCost);
        const items: CelValue[] = [];
        for (const { value, optional } of expr.items) {
          const item = this.run(value, frame);
          if (!optional) items.push(item);
          else if (asOptional(item).value !== undefined) items.push(asOptional(item).value!);
        }
        return items;
      }
      case "map": {
        this.pay(mapCost);
        const map = new Map<CelValue, CelValue>();
        for (const { key, value, optional } of expr.entries) {
          const name = this.run(key, frame);
          const given = this.run(value, frame);
          const entry = optional ? asOptional(given).value : given;
          if (entry === undefined) continue;
          if (find(map, name) !== undefined) fail(`Failed with repeated key ${String(name)}`);
          map.set(name, entry);
        }
        return map;
      }
      case "struct": {
        this.pay(structCost);
        const fields: (readonly [string, CelValue])[] = [];
        for (const { name, value, optional } of expr.fields) {
          const given = this.run(value, frame);
          const entry = optional ? asOptional(given).value : given;
          if (entry !== undefined) fields.push([name, entry]);
        }
        return new StructValue(expr.name, fields);
      }
      case "comprehension":
        return this.fold(expr, frame);
    }
  }

  /** The value, or the fault as a value. */
  private attempt(expr: Expr, frame: Frame | undefined): CelValue | CelFault {
    try {
      return this.run(expr, frame);
    } catch (error) {
      if (error instanceof CelFault) return error;
      throw error;
    }
  }

  private pay(cost: number): void {
    this.budget.left -= cost;
    if (this.budget.left < 0) throw new CostExceeded("operation cancelled: actual cost limit exceeded");
  }

  private ident(name: string, frame: Frame | undefined): CelValue {
    for (let at = frame; at; at = at.outer) {
      if (at.name !== name) continue;
      if (at.value instanceof CelFault) throw at.value;
      return at.value;
    }
    const given = this.variables.get(name);
    if (given === undefined) return this.checked.names.size > 0 ? new TypeValue(name) : fail(`no such attribute(s): ${name}`);
    if (typeof given !== "function") return given;
    const known = this.worked.get(name);
    if (known !== undefined) return known;
    const value = given();
    this.worked.set(name, value);
    return value;
  }

  private select(expr: Expr & { readonly type: "select" }, frame: Frame | undefined): CelValue {
    this.pay(1);
    const name = this.checked.names.get(expr);
    if (name !== undefined) return this.ident(name, undefined);
    const operand = this.run(expr.operand, frame);
    if (operand instanceof OptionalValue) {
      const found = operand.value === undefined ? undefined : fieldOf(operand.value, expr.field);
      if (expr.testOnly) return found !== undefined;
      return found === undefined ? none : new OptionalValue(found);
    }
    const found = fieldOf(operand, expr.field);
    if (expr.testOnly) return found !== undefined;
    return found === undefined ? fail(`no such key: ${expr.field}`) : found;
  }

  private call(expr: Expr & { readonly type: "call" }, frame: Frame | undefined): CelValue {
    const { name, args } = expr;
    switch (name) {
      case "_&&_":
        return this.logical(args, frame, false);
      case "_||_":
        return this.logical(args, frame, true);
      case "_?_:_": {
        const condition = this.run(args[0]!, frame);
        if (typeof condition !== "boolean") return fail("no such overload");
        return this.run(condition ? args[1]! : args[2]!, frame);
      }
      case "@not_strictly_false":
        return this.attempt(args[0]!, frame) !== false;
      case "_?._":
      case "_[?_]":
        return this.optionalAccess(args, frame);
      case "_[_]": {
        const operand = this.run(args[0]!, frame);
        if (operand instanceof OptionalValue) return this.optionalAccess(args, frame);
        this.pay(1);
        return indexed(operand, this.run(args[1]!, frame));
      }
    }
    const grown = this.grow(expr, frame);
    if (grown) return grown;
    const overloads = this.checked.calls.get(expr)!;
    const isMember = overloads[0]!.member;
    const given = isMember && expr.target ? [expr.target, ...args] : args;
    const values = given.map((arg) => this.run(arg, frame));
    // "or" and "orValue" look at their argument only where they need it in CEL too; here it has no effects, so that it does not matter.
    const overload = choose(overloads, values);
    if (!overload) return fail("no such overload");
    this.pay(overload.cost ? Math.ceil(overload.cost(...values.map(sizeOf))) : 1);
    // Where the order does not count each item is held against each of the other list.
    if (values.some((value) => value instanceof UnorderedList)) this.pay(values.reduce<number>((all, value) => all * sizeOf(value), 1));
    return overload.run(...values);
  }

  /**
   * What a fold puts together grows where it lies, as copying it each time would take time by its square. Only macros can name their
   * accumulator, and none of them looks at what it was before.
   */
  private grow({ name, args }: Expr & { readonly type: "call" }, frame: Frame | undefined): CelValue | undefined {
    const [first, ...rest] = args;
    if (first?.type !== "ident" || first.name !== accumulatorName || (name !== "_+_" && name !== "@map_insert")) return undefined;
    const value = this.ident(accumulatorName, frame);
    if (name === "_+_" && !isList(value)) return undefined;
    const given = rest.map((arg) => this.run(arg, frame));
    this.pay(1);
    if (isList(value)) {
      const more = given[0]!;
      for (const item of isList(more) ? more : fail("no such overload")) (value as CelValue[]).push(item);
      return value;
    }
    const [key, content] = given;
    for (const [name, entry] of content === undefined ? (key as CelMap) : [[key!, content] as const]) {
      if (find(value as CelMap, name) !== undefined) fail(`insert failed: key ${String(name)} already exists`);
      (value as Map<CelValue, CelValue>).set(name, entry);
    }
    return value;
  }

  /** One operand that decides is enough, whatever became of the other. */
  private logical(args: readonly Expr[], frame: Frame | undefined, decisive: boolean): CelValue {
    const left = this.attempt(args[0]!, frame);
    if (left === decisive) return decisive;
    const right = this.attempt(args[1]!, frame);
    if (right === decisive) return decisive;
    for (const value of [left, right]) {
      if (value instanceof CelFault) throw value;
      if (typeof value !== "boolean") return fail("no such overload");
    }
    return !decisive;
  }

  private optionalAccess(args: readonly Expr[], frame: Frame | undefined): CelValue {
    this.pay(1);
    const operand = this.run(args[0]!, frame);
    const key = this.run(args[1]!, frame);
    const inner = operand instanceof OptionalValue ? operand.value : operand;
    if (inner === undefined) return none;
    const found = isList(inner) ? inner[Number(key)] : isMap(inner) ? find(inner, key) : undefined;
    return found === undefined ? none : new OptionalValue(found);
  }

  private fold(expr: Comprehension, outer: Frame | undefined): CelValue {
    const range = this.run(expr.range, outer);
    const items = itemsOf(range, expr.second !== undefined);
    const accumulator: Frame = { name: expr.accumulator, value: this.run(expr.init, outer), outer };
    for (const [first, second] of items) {
      const inner: Frame = { name: expr.variable, value: first, outer: accumulator };
      const frame = expr.second === undefined ? inner : { name: expr.second, value: second!, outer: inner };
      if (this.attempt(expr.condition, frame) !== true) break;
      this.pay(1);
      accumulator.value = this.attempt(expr.step, frame);
    }
    return this.run(expr.result, accumulator);
  }
}

function asOptional(value: CelValue): OptionalValue {
  return value instanceof OptionalValue ? value : fail(`cannot initialize optional entry from non-optional value ${typeNameOf(value)}`);
}

/** Lists give their items, maps their keys; with two variables indices and items, or keys and values. */
function itemsOf(range: CelValue, both: boolean): Iterable<readonly [CelValue, CelValue?]> {
  if (isList(range)) return range.map((item, index) => (both ? [BigInt(index), item] : [item]));
  if (isMap(range)) return [...range].map(([key, value]) => (both ? [key, value] : [key]));
  return fail(`got '${typeNameOf(range)}', expected iterable type`);
}

function fieldOf(operand: CelValue, field: string): CelValue | undefined {
  if (isMap(operand)) return operand.get(field);
  return fail(operand === null ? `no such key: ${field}` : "no such overload");
}

function indexed(operand: CelValue, key: CelValue): CelValue {
  if (isList(operand)) {
    const index = typeof key === "object" ? Number(String((key as { value?: bigint } | null)?.value)) : Number(key);
    if (!Number.isInteger(index)) return fail(`unsupported index value ${String(key)}`);
    return operand[index] ?? (index >= 0 && index < operand.length ? null : fail(`index out of bounds: ${index}`));
  }
  if (!isMap(operand)) return fail("no such overload");
  const found = find(operand as CelMap, key);
  return found === undefined ? fail(`no such key: ${String(key)}`) : found;
}

/** Of what the checker left possible the one that fits the values; where only one was left nothing needs to be looked at but dyn. */
function choose(overloads: readonly Overload[], values: readonly CelValue[]): Overload | undefined {
  return overloads.find(({ args }) => args.every((type, index) => isOfType(values[index]!, type)));
}
