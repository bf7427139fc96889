import type { JSONSchemaProps, ValidationRule } from "../../../protocol/kinds/generated";
import { celEnvironment, compile, type Program, perCallLimit, perObjectLimit } from "../cel/environment";
import { CostExceeded } from "../cel/evaluate";
import type { CelWatch } from "../cel/figures";
import { toCelBySchema } from "../cel/json";
import { schemaType } from "../cel/schema-type";
import { namesIn } from "../cel/syntax";
import { bool, optionalOf, string } from "../cel/types";
import { CelFault, type CelValue, none, OptionalValue } from "../cel/values";
import { isObject } from "../objects/decode";
import type { FieldError } from "../objects/validation/field-error";
import { correlate } from "./schema/correlate";
import { fieldOf, itemsOf } from "./schema/structural";

/**
 * x-kubernetes-validations: rules in CEL that values have to meet. Rules about oldSelf are put where there is an old value that can be told to
 * be the same one's. What did not change is not held against rules that came later (ratcheting).
 * Source: "Validation rules" in the documentation of CustomResourceDefinitions.
 */
export interface CompiledRule {
  readonly rule: ValidationRule;
  /** What is wrong with the rule itself. */
  readonly error: string | undefined;
  readonly program: Program | undefined;
  readonly message: Program | undefined;
  readonly messageError: string | undefined;
  readonly usesOldSelf: boolean;
}

/** Filled as schemas are met; a function of the schema alone. */
const compiledRules = new WeakMap<JSONSchemaProps, readonly CompiledRule[]>();

/** The rules of one node of a schema, compiled. */
export function rulesOf(schema: JSONSchemaProps, isResource: boolean, watch?: CelWatch): readonly CompiledRule[] {
  const known = compiledRules.get(schema);
  if (known) return known;
  const fromUs = watch?.nowUs() ?? 0;
  const given = [schema, ...(schema.allOf ?? [])].flatMap((each) => each["x-kubernetes-validations"] ?? []);
  const self = given.length === 0 ? undefined : schemaType(schema, isResource, "object");
  const rules = given.map((rule): CompiledRule => {
    if (!self)
      return {
        rule,
        error: "the schema says too little for rules",
        program: undefined,
        message: undefined,
        messageError: undefined,
        usesOldSelf: false,
      };
    const environment = celEnvironment({ self, oldSelf: rule.optionalOldSelf ? optionalOf(self) : self });
    const program = compile(environment, rule.rule, bool);
    const message = rule.messageExpression ? compile(environment, rule.messageExpression, string) : undefined;
    return {
      rule,
      error: program.ok ? undefined : program.message.replace(/^must evaluate to/, "cel expression must evaluate to a"),
      program: program.ok ? program.program : undefined,
      message: message?.ok ? message.program : undefined,
      messageError:
        message && !message.ok ? message.message.replace(/^must evaluate to/, "messageExpression must evaluate to a") : undefined,
      usesOldSelf: program.ok && namesIn(program.program.checked.expr).has("oldSelf"),
    };
  });
  compiledRules.set(schema, rules);
  if (rules.length > 0) watch?.compiled(watch.nowUs() - fromUs);
  return rules;
}

/** Filled as schemas are met; a function of the schema alone. */
const ruled = new WeakMap<JSONSchemaProps, boolean>();

/** Whether there is a rule anywhere in the schema. */
export function hasRules(schema: JSONSchemaProps): boolean {
  const known = ruled.get(schema);
  if (known !== undefined) return known;
  const found = JSON.stringify(schema).includes('"x-kubernetes-validations"');
  ruled.set(schema, found);
  return found;
}

/** What breaks the rules of a schema. `old` is the value before, where there was one. */
export function brokenRules(
  schema: JSONSchemaProps,
  value: unknown,
  old: unknown,
  at = "",
  isResource = true,
  watch?: CelWatch,
): readonly FieldError[] {
  const walk = new RuleWalk(watch);
  walk.visit(schema, value, old, at, isResource, old !== undefined && JSON.stringify(old) === JSON.stringify(value));
  if (walk.forgiven.length > 0) forgiven.set(value as object, walk.forgiven);
  return walk.found;
}

/** By object that was judged: what breaks rules and did so before. */
const forgiven = new WeakMap<object, readonly FieldError[]>();

/** What breaks rules in an object that passed, because it is as it was before they came: whoever writes it is warned. */
export function forgivenIn(object: object): readonly FieldError[] {
  return forgiven.get(object) ?? [];
}

const messageBytesMax = 5 * 1024;

class RuleWalk {
  readonly found: FieldError[] = [];
  readonly forgiven: FieldError[] = [];
  private left = perObjectLimit;
  private isOver = false;

  constructor(private readonly watch: CelWatch | undefined) {}

  /** `unchanged` says that this value, or one around it that could be told to be the same one's, is what it was. */
  visit(schema: JSONSchemaProps, value: unknown, old: unknown, at: string, isResource: boolean, unchanged: boolean): void {
    if (value === null || value === undefined || this.isOver) return;
    const fromUs = this.watch?.nowUs() ?? 0;
    this.check(schema, value, old ?? undefined, at, isResource, unchanged);
    const inside = (child: JSONSchemaProps, childValue: unknown, childOld: { readonly value: unknown } | undefined, path: string) => {
      const same = childOld === undefined ? unchanged : unchanged || sameText(childOld.value, childValue);
      this.visit(child, childValue, childOld?.value, path, child["x-kubernetes-embedded-resource"] === true, same);
    };
    if (Array.isArray(value)) {
      const items = itemsOf(schema);
      if (items && hasRules(items))
        for (const [index, item] of value.entries()) inside(items, item, correlate(schema, old, item), `${at}[${index}]`);
    } else if (isObject(value))
      for (const [name, member] of Object.entries(value)) {
        const child = fieldOf(schema, name);
        if (child && hasRules(child)) inside(child, member, correlate(schema, old, name), pathOf(schema, at, name));
      }
    this.watch?.evaluated(this.watch.nowUs() - fromUs);
  }

  private check(schema: JSONSchemaProps, value: unknown, old: unknown, at: string, isResource: boolean, unchanged: boolean): void {
    const rules = rulesOf(schema, isResource, this.watch);
    if (rules.length === 0) return;
    const type = schema.type ?? "";
    const self = () => toCelBySchema(value, schema, isResource);
    const oldSelf = () => toCelBySchema(old, schema, isResource);
    for (const compiled of rules) {
      const { rule, program, usesOldSelf } = compiled;
      if (this.isOver) return;
      if (!program) {
        this.invalid(at, type, `rule compile error: ${compiled.error}`);
        continue;
      }
      if (usesOldSelf && old === undefined && !rule.optionalOldSelf) continue;
      const asOptional = (): CelValue => (old === undefined ? none : new OptionalValue(oldSelf()));
      const variables = new Map([["self", self] as const, ["oldSelf", rule.optionalOldSelf ? asOptional : oldSelf] as const]);
      const result = this.evaluate(program, variables, at, type, rule);
      if (result === undefined || result === true) continue;
      const detail = this.message(compiled, variables) ?? messageOf(rule);
      const omits = schema.type === "object" || schema.type === "array";
      const error = errorFor(rule, `${at}${normalized(rule.fieldPath, at)}`, value, detail, omits);
      (!usesOldSelf && unchanged ? this.forgiven : this.found).push(error);
    }
  }

  /** The outcome of a rule; undefined where it had none, which is said. */
  private evaluate(
    program: Program,
    variables: ReadonlyMap<string, () => CelValue>,
    at: string,
    type: string,
    rule: ValidationRule,
  ): CelValue | undefined {
    const budget = { left: Math.min(perCallLimit, this.left) };
    const given = budget.left;
    try {
      return program.evaluate(variables, budget);
    } catch (error) {
      if (error instanceof CostExceeded) {
        this.isOver = true;
        const detail =
          given < perCallLimit
            ? "validation failed due to running out of cost budget, no further validation rules will be run"
            : `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${textOf(rule)}`;
        this.invalid(at, type, detail);
      } else if (error instanceof CelFault) {
        const isOverload = error.message.startsWith("no such overload");
        this.invalid(
          at,
          type,
          isOverload
            ? `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${textOf(rule)}`
            : `${error.message} evaluating rule: ${textOf(rule)}`,
        );
      } else throw error;
      return undefined;
    } finally {
      this.left -= given - Math.max(0, budget.left);
    }
  }

  /** What the rule's own expression says; undefined where there is none, or none that can be shown. */
  private message({ message }: CompiledRule, variables: ReadonlyMap<string, () => CelValue>): string | undefined {
    if (!message) return undefined;
    const budget = { left: Math.min(perCallLimit, Math.max(0, this.left)) };
    const given = budget.left;
    try {
      const said = message.evaluate(variables, budget);
      if (typeof said !== "string") return undefined;
      const trimmed = said.trim();
      return trimmed === "" || Buffer.byteLength(trimmed) > messageBytesMax || /[\n\r]/.test(trimmed) ? undefined : trimmed;
    } catch (error) {
      if (error instanceof CelFault || error instanceof CostExceeded) return undefined;
      throw error;
    } finally {
      this.left -= given - Math.max(0, budget.left);
    }
  }

  private invalid(at: string, type: string, detail: string): void {
    this.found.push({ type: "Invalid", field: at === "" ? "<nil>" : at, value: type, detail });
  }
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function pathOf(schema: JSONSchemaProps, at: string, name: string): string {
  if (!(schema.properties && Object.hasOwn(schema.properties, name))) return `${at}[${name}]`;
  return at === "" ? name : `${at}.${name}`;
}

/** A rule's field path as it is put behind the path of the value; at the root it begins without a dot. */
function normalized(path: string | undefined, at: string): string {
  if (!path) return "";
  const plain = path.trim().replace(/\['((?:\\.|[^'\\])*)'\]/g, (_whole, name: string) => `[${name.replace(/\\(.)/g, "$1")}]`);
  return at === "" ? plain.replace(/^\./, "") : plain;
}

const textOf = ({ message, rule }: ValidationRule): string => (message?.trim() || rule).trim();
const messageOf = (rule: ValidationRule): string => rule.message?.trim() || `failed rule: ${textOf(rule)}`;

function errorFor({ reason }: ValidationRule, path: string, value: unknown, detail: string, omits: boolean): FieldError {
  const field = path === "" ? "<nil>" : path;
  switch (reason) {
    case "FieldValueForbidden":
      return { type: "Forbidden", field, detail };
    case "FieldValueRequired":
      return { type: "Required", field, detail };
    case "FieldValueDuplicate":
      return { type: "Duplicate", field, value, detail: "" };
    default:
      return { type: "Invalid", field, value, detail, ...(omits ? { omitsValue: true as const } : {}) };
  }
}
