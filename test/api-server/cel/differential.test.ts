import { Environment } from "@marcbachmann/cel-js";
import fc from "fast-check";
import { celEnvironment, compile, perCallLimit } from "../../../actors/api-server/cel/environment";
import { fromCel } from "../../../actors/api-server/cel/json";
import { bool, int, listOf, string } from "../../../actors/api-server/cel/types";
import { CelFault } from "../../../actors/api-server/cel/values";

// An implementation that nobody here has written, held against ours on what both know: operators, macros, strings and lists.
const theirs = new Environment()
  .registerVariable("n", "int")
  .registerVariable("b", "bool")
  .registerVariable("s", "string")
  .registerVariable("l", "list<int>");
const ours = celEnvironment({ n: int, b: bool, s: string, l: listOf(int) });

type Outcome = { readonly value: unknown } | "fault";

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  return Array.isArray(value) ? value.map(plain) : value;
}

function byTheirs(source: string, context: Record<string, unknown>): Outcome {
  try {
    return { value: plain(theirs.evaluate(source, context)) };
  } catch {
    return "fault";
  }
}

function byOurs(source: string, context: Record<string, unknown>): Outcome {
  const compiled = compile(ours, source);
  if (!compiled.ok) throw new Error(`${source}: ${compiled.message}`);
  try {
    return { value: fromCel(compiled.program.evaluate(new Map(Object.entries(context)) as never, { left: perCallLimit })) };
  } catch (error) {
    if (error instanceof CelFault) return "fault";
    throw error;
  }
}

const {
  int: ints,
  bool: bools,
  text: texts,
  list: lists,
} = fc.letrec<Record<"int" | "bool" | "text" | "list", string>>((tie) => ({
  int: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("n", "0", "1", "2", "7"),
    fc.tuple(tie("int"), fc.constantFrom("+", "-", "*", "/", "%"), tie("int")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie("int").map((a) => `(-${a})`),
    tie("list").map((l) => `size(${l})`),
    tie("text").map((t) => `${t}.size()`),
    fc.tuple(tie("bool"), tie("int"), tie("int")).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
    fc.tuple(tie("list"), fc.constantFrom("0", "1", "5")).map(([l, i]) => `${l}[${i}]`),
  ),
  bool: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("b", "true", "false"),
    fc.tuple(tie("bool"), fc.constantFrom("&&", "||"), tie("bool")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    tie("bool").map((a) => `(!${a})`),
    fc.tuple(tie("int"), fc.constantFrom("<", "<=", ">", ">=", "==", "!="), tie("int")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie("text"), fc.constantFrom("==", "!=", "<"), tie("text")).map(([a, op, b]) => `(${a} ${op} ${b})`),
    fc.tuple(tie("int"), tie("list")).map(([a, l]) => `(${a} in ${l})`),
    fc.tuple(tie("list"), fc.constantFrom("all", "exists", "exists_one"), tie("int")).map(([l, m, a]) => `${l}.${m}(x, x > ${a})`),
    fc.tuple(tie("text"), fc.constantFrom("startsWith", "endsWith", "contains"), tie("text")).map(([a, f, b]) => `${a}.${f}(${b})`),
  ),
  text: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("s", "''", "'ab'", '"a\\nZ"'),
    fc.tuple(tie("text"), tie("text")).map(([a, b]) => `(${a} + ${b})`),
    tie("int").map((a) => `string(${a})`),
    tie("text").map((t) => `${t}.upperAscii()`),
  ),
  list: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("l", "[1, 2]", "[3]"),
    fc.array(tie("int"), { minLength: 1, maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc.tuple(tie("list"), tie("list")).map(([a, b]) => `(${a} + ${b})`),
    fc.tuple(tie("list"), tie("int")).map(([l, a]) => `${l}.map(x, x + ${a})`),
    fc.tuple(tie("list"), tie("int")).map(([l, a]) => `${l}.filter(x, x < ${a})`),
  ),
}));

it("agrees with another implementation on whatever both can say", () => {
  let values = 0;
  let faults = 0;
  fc.assert(
    fc.property(
      fc.oneof(ints!, bools!, texts!, lists!),
      fc.bigInt(-3n, 9n),
      fc.boolean(),
      fc.string({ maxLength: 3 }),
      (source, n, b, s) => {
        const context = { n, b, s, l: [n, 4n] };
        const outcome = byOurs(source, context);
        if (outcome === "fault") faults += 1;
        else values += 1;
        expect({ source, outcome }).toEqual({ source, outcome: byTheirs(source, context) });
      },
    ),
    { numRuns: 1_500, seed: 7 },
  );
  expect(Math.min(values, faults)).toBeGreaterThan(50);
});
