import type { JSONSchemaProps } from "../../../protocol/kinds/generated";
import { itemsOf, valuesOf } from "../custom-resources/schema/structural";
import type { Checked } from "./check";
import { fieldNameOf } from "./schema-type";
import type { Comprehension, Expr } from "./syntax";
import { isList, isMap } from "./values";

/**
 * The most that an expression can cost, from how long the lists, maps and texts of a schema may be. What a schema does not bound is bounded by
 * the size of a request. Source: Kubernetes' own estimates, which refuse rules before any object is held against them.
 */
export interface Variable {
  readonly schema: JSONSchemaProps;
  readonly isResource: boolean;
}

const requestBytesMax = 3 * 1024 * 1024;

/** What an expression may amount to: what it costs to know it, how much there may be of it, and what is known of its inside. */
interface Estimate {
  readonly cost: number;
  readonly size: number;
  readonly schema: JSONSchemaProps | undefined;
  /** The largest size of an item of a list that the expression makes. */
  readonly itemSize: number;
}

/** The most that the expression costs for one value of its variables. */
export function estimateCost(checked: Checked, variables: Readonly<Record<string, Variable>>): number {
  const locals = new Map(Object.entries(variables).map(([name, { schema }]) => [name, ofSchema(1, schema)] as const));
  return new Estimator(checked).of(checked.expr, locals).cost;
}

/** How many values of a schema there may be in one request, where no list or map around them says so. */
export function cardinalityMax(schema: JSONSchemaProps): number {
  return Math.floor(requestBytesMax / (minSize(schema) + 1));
}

/** How many items or entries a list or map of the schema may have; undefined where it does not say. */
export function declaredMax(schema: JSONSchemaProps): number | undefined {
  return schema.type === "array" ? schema.maxItems : schema.maxProperties;
}

function ofSchema(cost: number, schema: JSONSchemaProps | undefined): Estimate {
  const items = itemsOf(schema);
  return { cost, size: schema ? sizeMax(schema) : requestBytesMax, schema, itemSize: items ? sizeMax(items) : requestBytesMax };
}

/** How long a text, or how many items or entries. */
function sizeMax(schema: JSONSchemaProps): number {
  if (schema["x-kubernetes-int-or-string"]) return schema.maxLength === undefined ? requestBytesMax - 2 : schema.maxLength * 4;
  switch (schema.type) {
    case "string": {
      if (schema.enum) return Math.max(1, ...schema.enum.map((each) => (typeof each === "string" ? each.length : 1)));
      if (schema.maxLength !== undefined) return schema.maxLength * 4;
      return formatSizes.get(schema.format ?? "") ?? requestBytesMax - 2;
    }
    case "array":
      return schema.maxItems ?? Math.floor((requestBytesMax - 2) / (minSize(itemsOf(schema)) + 1));
    case "object": {
      const values = valuesOf(schema);
      if (values === undefined) return Math.max(1, Object.keys(schema.properties ?? {}).length);
      return schema.maxProperties ?? Math.floor((requestBytesMax - 2) / (minSize(values === "any" ? undefined : values) + 6));
    }
    default:
      return 1;
  }
}

const formatSizes: ReadonlyMap<string, number> = new Map([
  ["duration", 32],
  ["date", 12],
  ["date-time", 37],
]);

/** The fewest bytes of JSON that a value of the schema takes. */
function minSize(schema: JSONSchemaProps | undefined): number {
  switch (schema?.type) {
    case "string":
    case "array":
      return 2;
    case "boolean":
      return 4;
    case "object": {
      const required = schema.required ?? [];
      return required.reduce((all, name) => {
        const child = schema.properties?.[name];
        // A required field with a default may be left out of the request.
        return child && child.default === undefined ? all + name.length + minSize(child) + 4 : all;
      }, 2);
    }
    default:
      return 1;
  }
}

type Locals = ReadonlyMap<string, Estimate>;

class Estimator {
  private readonly known = new Map<Expr, Estimate>();

  constructor(private readonly checked: Checked) {}

  of(expr: Expr, locals: Locals): Estimate {
    const known = this.known.get(expr);
    if (known) return known;
    const estimate = this.estimate(expr, locals);
    this.known.set(expr, estimate);
    return estimate;
  }

  private estimate(expr: Expr, locals: Locals): Estimate {
    switch (expr.type) {
      case "literal": {
        const { value } = expr;
        const size = typeof value === "string" || isList(value) ? value.length : isMap(value) ? value.size : 1;
        return made(0, size);
      }
      case "ident":
        return locals.get(expr.name) ?? made(1, 1);
      case "select": {
        const operand = this.of(expr.operand, locals);
        return expr.testOnly ? made(operand.cost + 1, 1) : ofSchema(operand.cost + 1, fieldSchema(operand.schema, expr.field));
      }
      case "list": {
        const items = expr.items.map(({ value }) => this.of(value, locals));
        return { ...made(10 + sum(items.map(({ cost }) => cost)), items.length), itemSize: Math.max(1, ...items.map(({ size }) => size)) };
      }
      case "map": {
        const parts = expr.entries.flatMap(({ key, value }) => [this.of(key, locals), this.of(value, locals)]);
        return made(30 + sum(parts.map(({ cost }) => cost)), expr.entries.length);
      }
      case "struct":
        return made(40 + sum(expr.fields.map(({ value }) => this.of(value, locals).cost)), expr.fields.length);
      case "comprehension":
        return this.fold(expr, locals);
      case "call":
        return this.call(expr, locals);
    }
  }

  private fold(expr: Comprehension, locals: Locals): Estimate {
    const range = this.of(expr.range, locals);
    const items = itemsOf(range.schema);
    const values = valuesOf(range.schema);
    const inner = new Map(locals);
    const item = items ? ofSchema(1, items) : made(1, range.itemSize);
    const key = made(1, requestBytesMax);
    const isMapRange = values !== undefined || range.schema?.type === "object";
    inner.set(expr.variable, isMapRange ? key : expr.second === undefined ? item : made(1, 1));
    if (expr.second !== undefined) inner.set(expr.second, isMapRange ? ofSchema(1, values === "any" ? undefined : values) : item);
    const init = this.of(expr.init, locals);
    inner.set(expr.accumulator, { ...init, cost: 1 });
    const step = this.of(expr.step, inner);
    const each = this.of(expr.condition, inner).cost + step.cost + 1;
    const outer = new Map(locals);
    // A list that is put together has an item for each at most.
    const growing = expr.init.type === "list";
    outer.set(expr.accumulator, growing ? { ...made(1, range.size), itemSize: step.itemSize } : { ...step, cost: 1 });
    const result = this.of(expr.result, outer);
    return { ...result, cost: range.cost + init.cost + range.size * each + result.cost };
  }

  private call(expr: Expr & { readonly type: "call" }, locals: Locals): Estimate {
    const args = (expr.target ? [expr.target, ...expr.args] : expr.args).map((arg) => this.of(arg, locals));
    const costs = sum(args.map(({ cost }) => cost));
    const [first, second, third] = args;
    switch (expr.name) {
      case "_?_:_": {
        const [a, b] = [second!, third!];
        const larger = a.size >= b.size ? a : b;
        return { ...larger, cost: first!.cost + Math.max(a.cost, b.cost), itemSize: Math.max(a.itemSize, b.itemSize) };
      }
      case "_[_]":
      case "_[?_]":
        return within(costs + 1, first!);
      case "_?._":
        return ofSchema(costs + 1, fieldSchema(first!.schema, String((expr.args[1] as { value?: unknown }).value)));
      case "_+_": {
        const own = this.own(expr, args);
        return {
          cost: costs + own,
          size: first!.size + second!.size,
          schema: undefined,
          itemSize: Math.max(first!.itemSize, second!.itemSize),
        };
      }
      case "value":
      case "orValue":
      case "or":
      case "optional.of":
        return { ...first!, cost: costs + 1 };
    }
    const size = Math.max(1, ...args.map((arg) => arg.size));
    return { cost: costs + this.own(expr, args), size, schema: undefined, itemSize: size };
  }

  /** What the call itself costs, by the dearest of its overloads. */
  private own(expr: Expr, args: readonly Estimate[]): number {
    const overloads = this.checked.calls.get(expr) ?? [];
    return Math.max(1, ...overloads.map(({ cost }) => (cost ? Math.ceil(cost(...args.map(({ size }) => size))) : 1)));
  }
}

function made(cost: number, size: number): Estimate {
  return { cost, size, schema: undefined, itemSize: 1 };
}

function within(cost: number, container: Estimate): Estimate {
  const values = valuesOf(container.schema);
  const inner = itemsOf(container.schema) ?? (values === "any" ? undefined : values);
  return inner ? ofSchema(cost, inner) : made(cost, container.itemSize);
}

function fieldSchema(schema: JSONSchemaProps | undefined, field: string): JSONSchemaProps | undefined {
  const entry = Object.entries(schema?.properties ?? {}).find(([name]) => fieldNameOf(name) === field);
  if (entry) return entry[1];
  if (field === "apiVersion" || field === "kind" || field === "name" || field === "generateName") return { type: "string", maxLength: 253 };
  if (field === "metadata") return { type: "object" };
  const values = valuesOf(schema);
  return values === "any" ? undefined : values;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
