import { CelSyntaxError, type Expr, type ExprBody } from "./syntax";

/**
 * Macros are written like calls and become folds. Source: "Macros" in the language definition of CEL, and the extensions for optionals and for
 * comprehensions with two variables.
 */
type Make = (body: ExprBody) => Expr;

export const accumulatorName = "@result";

/** What a macro becomes; undefined where the call is none. Throws a CelSyntaxError for one with the wrong arguments. */
export function expandMacro(make: Make, name: string, target: Expr | undefined, args: readonly Expr[], offset: number): Expr | undefined {
  if (target === undefined) return name === "has" && args.length === 1 ? has(make, args[0]!) : undefined;
  const macro = macros.get(`${name}/${args.length}`);
  return macro?.(new Builder(make, offset), target, args);
}

function has(make: Make, arg: Expr): Expr {
  if (arg.type !== "select" || arg.testOnly) throw new CelSyntaxError("invalid argument to has() macro", arg.offset);
  return make({ type: "select", operand: arg.operand, field: arg.field, testOnly: true });
}

type Macro = (build: Builder, target: Expr, args: readonly Expr[]) => Expr;

class Builder {
  constructor(
    private readonly make: Make,
    private readonly offset: number,
  ) {}

  readonly accumulator = (): Expr => this.make({ type: "ident", name: accumulatorName });
  readonly literal = (value: boolean | bigint): Expr => this.make({ type: "literal", value });
  readonly ident = (name: string): Expr => this.make({ type: "ident", name });
  readonly call = (name: string, ...args: readonly Expr[]): Expr => this.make({ type: "call", name, target: undefined, args });
  readonly method = (target: Expr, name: string, ...args: readonly Expr[]): Expr => this.make({ type: "call", name, target, args });
  readonly list = (...items: readonly Expr[]): Expr =>
    this.make({ type: "list", items: items.map((value) => ({ value, optional: false })) });
  readonly emptyMap = (): Expr => this.make({ type: "map", entries: [] });

  variable(expr: Expr): string {
    if (expr.type !== "ident") throw new CelSyntaxError("argument must be a simple name", expr.offset);
    if (expr.name === accumulatorName) throw new CelSyntaxError("iteration variable overwrites accumulator variable", expr.offset);
    return expr.name;
  }

  fold(range: Expr, variables: readonly Expr[], parts: Omit<Fold, "accumulator">): Expr {
    const [variable, second] = variables.map((each) => this.variable(each));
    if (second !== undefined && second === variable) throw new CelSyntaxError(`duplicate variable name: ${variable}`, variables[1]!.offset);
    return this.make({ type: "comprehension", range, variable: variable!, second, accumulator: accumulatorName, ...parts });
  }

  bind(name: string, init: Expr, result: Expr): Expr {
    const never = this.literal(false);
    const parts = { variable: "#unused", second: undefined, accumulator: name, init, condition: never, step: this.ident(name), result };
    return this.make({ type: "comprehension", range: this.list(), ...parts });
  }
}

interface Fold {
  readonly accumulator: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

const all =
  (count: number): Macro =>
  (build, target, args) =>
    build.fold(target, args.slice(0, count), {
      init: build.literal(true),
      condition: build.call("@not_strictly_false", build.accumulator()),
      step: build.call("_&&_", build.accumulator(), args[count]!),
      result: build.accumulator(),
    });

const exists =
  (count: number): Macro =>
  (build, target, args) =>
    build.fold(target, args.slice(0, count), {
      init: build.literal(false),
      condition: build.call("@not_strictly_false", build.call("!_", build.accumulator())),
      step: build.call("_||_", build.accumulator(), args[count]!),
      result: build.accumulator(),
    });

const existsOne =
  (count: number): Macro =>
  (build, target, args) =>
    build.fold(target, args.slice(0, count), {
      init: build.literal(0n),
      condition: build.literal(true),
      step: build.call("_?_:_", args[count]!, build.call("_+_", build.accumulator(), build.literal(1n)), build.accumulator()),
      result: build.call("_==_", build.accumulator(), build.literal(1n)),
    });

/** map and transformList: the last argument is what becomes of an item, the one before it, if there is one, which items. */
const toList =
  (count: number): Macro =>
  (build, target, args) => {
    const [transform, filter] = [args.at(-1)!, args.length > count + 1 ? args[count] : undefined];
    const push = build.call("_+_", build.accumulator(), build.list(transform));
    return build.fold(target, args.slice(0, count), {
      init: build.list(),
      condition: build.literal(true),
      step: filter ? build.call("_?_:_", filter, push, build.accumulator()) : push,
      result: build.accumulator(),
    });
  };

const filter: Macro = (build, target, args) =>
  build.fold(target, args.slice(0, 1), {
    init: build.list(),
    condition: build.literal(true),
    step: build.call(
      "_?_:_",
      args[1]!,
      build.call("_+_", build.accumulator(), build.list(build.ident(build.variable(args[0]!)))),
      build.accumulator(),
    ),
    result: build.accumulator(),
  });

const toMap =
  (insert: (build: Builder, key: Expr, transform: Expr) => Expr): Macro =>
  (build, target, args) => {
    const [transform, filter] = [args.at(-1)!, args.length > 3 ? args[2] : undefined];
    const put = insert(build, build.ident(build.variable(args[0]!)), transform);
    return build.fold(target, args.slice(0, 2), {
      init: build.emptyMap(),
      condition: build.literal(true),
      step: filter ? build.call("_?_:_", filter, put, build.accumulator()) : put,
      result: build.accumulator(),
    });
  };

const transformMap = toMap((build, key, transform) => build.call("@map_insert", build.accumulator(), key, transform));
const transformMapEntry = toMap((build, _key, transform) => build.call("@map_insert", build.accumulator(), transform));

const optional =
  (isFlat: boolean): Macro =>
  (build, target, args) => {
    const inner = build.bind(build.variable(args[0]!), build.method(target, "value"), args[1]!);
    const some = isFlat ? inner : build.method(build.ident("optional"), "of", inner);
    return build.call("_?_:_", build.method(target, "hasValue"), some, build.method(build.ident("optional"), "none"));
  };

const macros: ReadonlyMap<string, Macro> = new Map<string, Macro>([
  ["all/2", all(1)],
  ["all/3", all(2)],
  ["exists/2", exists(1)],
  ["exists/3", exists(2)],
  ["exists_one/2", existsOne(1)],
  ["existsOne/2", existsOne(1)],
  ["exists_one/3", existsOne(2)],
  ["existsOne/3", existsOne(2)],
  ["map/2", toList(1)],
  ["map/3", toList(1)],
  ["filter/2", filter],
  ["transformList/3", toList(2)],
  ["transformList/4", toList(2)],
  ["transformMap/3", transformMap],
  ["transformMap/4", transformMap],
  ["transformMapEntry/3", transformMapEntry],
  ["transformMapEntry/4", transformMapEntry],
  ["optMap/2", optional(false)],
  ["optFlatMap/2", optional(true)],
]);
