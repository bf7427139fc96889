import { type Checked, checkCel, type Scope } from "./check";
import { type Budget, evaluateCel } from "./evaluate";
import { type FunctionTable, functionTable, type Overload } from "./function";
import { namedFormats } from "./libraries/formats";
import { lists, sets } from "./libraries/lists";
import { addresses } from "./libraries/network";
import { operators } from "./libraries/operators";
import { quantities } from "./libraries/quantity";
import { versions } from "./libraries/semver";
import { standard } from "./libraries/standard";
import { strings } from "./libraries/strings";
import { regex, urls } from "./libraries/urls";
import { parseCel } from "./parser";
import { CelSyntaxError, describeFault } from "./syntax";
import { bool, bytes, type CelType, double, duration, int, nullType, parseType, string, timestamp, typeText, uint } from "./types";
import type { CelValue } from "./values";

/**
 * CEL as Kubernetes' API servers have it: the place to go for whoever evaluates expressions (rules of custom resources, admission policies,
 * match conditions).
 *
 *   const env = celEnvironment({ object: dyn, oldObject: dyn });
 *   const compiled = compile(env, 'object.spec.replicas <= 5', bool);
 *   if (!compiled.ok) …compiled.message says what is wrong, with the line and a mark
 *   const value = compiled.program.evaluate(new Map([["object", toCel(json)]]), { left: perCallLimit });
 *
 * evaluate() throws a CelFault where the expression has no value (a missing key, an overflow) and CostExceeded where it costs more than the
 * budget has left; nothing else. Values come from JSON by toCel() and go back by fromCel(), both in json.ts; types of objects come from
 * schemas by schemaType() in schema-type.ts. All of it is pure.
 */
export interface CelEnvironment extends Scope {}

/** The functions that every expression may call. */
export const kubernetesFunctions: FunctionTable = functionTable(
  ...[operators, standard, strings, lists, sets, regex, urls, quantities, addresses, namedFormats, versions],
);

const named = (types: readonly CelType[]) => types.map((type) => [typeText(type), type] as const);
const opaque = ["kubernetes.URL", "kubernetes.Quantity", "kubernetes.NamedFormat", "kubernetes.Semver", "net.IP", "net.CIDR"].map(
  parseType,
);

/** The types that expressions may name. */
export const kubernetesTypes: ReadonlyMap<string, CelType> = new Map([
  ...named([bool, int, uint, double, string, bytes, nullType, timestamp, duration, ...opaque]),
  ["list", parseType("list")],
  ["map", parseType("map")],
  ["type", parseType("type<dyn>")],
  ["optional_type", parseType("optional<dyn>")],
]);

/** What may be named besides: functions of one's own (declared with fn()), and types of objects that expressions may make. */
export interface Additions {
  readonly functions?: readonly Overload[];
  readonly types?: ReadonlyMap<string, CelType>;
}

/** An environment with these variables, by name. */
export function celEnvironment(
  variables: Readonly<Record<string, CelType>>,
  { functions = [], types = new Map() }: Additions = {},
): CelEnvironment {
  return {
    variables: new Map(Object.entries(variables)),
    functions: functions.length === 0 ? kubernetesFunctions : functionTable([...kubernetesFunctions.values()].flat(), functions),
    types: types.size === 0 ? kubernetesTypes : new Map([...kubernetesTypes, ...types]),
  };
}

/** A variable's value, or a function that works it out when it is first needed. */
export type CelVariables = ReadonlyMap<string, CelValue | (() => CelValue)>;

export interface Program {
  readonly source: string;
  readonly type: CelType;
  /** The checked expression: for whoever estimates its cost, or looks for what it names. */
  readonly checked: Checked;
  evaluate(variables: CelVariables, budget: Budget): CelValue;
}

export type Compiled = { readonly ok: true; readonly program: Program } | { readonly ok: false; readonly message: string };

/** The longest expression that is read. */
const sourceLengthMax = 1024 * 1024;

/** Reads and checks an expression that must be of one of these types; any type where none is given. */
export function compile(environment: CelEnvironment, source: string, ...wanted: readonly CelType[]): Compiled {
  if (source.length > sourceLengthMax) return { ok: false, message: `expression is longer than ${sourceLengthMax} characters` };
  try {
    const checked = checkCel(parseCel(source), environment);
    const { type } = checked;
    if (wanted.length > 0 && type.kind !== "dyn" && !wanted.some((each) => typeText(each) === typeText(type)))
      return { ok: false, message: `must evaluate to ${wanted.map(typeText).join(" or ")}` };
    const evaluate: Program["evaluate"] = (variables, budget) => evaluateCel(checked, variables, budget);
    return { ok: true, program: { source, type, checked, evaluate } };
  } catch (error) {
    if (!(error instanceof CelSyntaxError)) throw error;
    return { ok: false, message: `compilation failed: ${describeFault(source, error.message, error.offset)}` };
  }
}

/** What one expression may cost, and all those together that are evaluated for one object. Source: Kubernetes' own limits. */
export const perCallLimit = 1_000_000;
export const perObjectLimit = 10_000_000;
