import type { LabelSelector } from "./generated";
import { wrongWithLabelValue, wrongWithQualifiedName } from "./names";

/**
 * Label selectors in both of their forms: the text of a query (`app=web,tier in (a,b),!canary`) and the LabelSelector of a spec.
 * Source: "Labels and Selectors" in the Kubernetes documentation.
 */

export type Operator = "=" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** All of it must hold; the empty list selects everything. */
export type Requirements = readonly Requirement[];

export type ParsedRequirements =
  | { readonly ok: true; readonly requirements: Requirements }
  | { readonly ok: false; readonly message: string };

type Labels = Readonly<Record<string, string>> | undefined;

/** Whether the labels meet every requirement. `!=` and `notin` also hold where the label is absent. */
export function matchesLabels(requirements: Requirements, labels: Labels): boolean {
  for (const requirement of requirements) if (!meets(requirement, labels)) return false;
  return true;
}

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "=":
    case "in":
      return value !== undefined && values.includes(value);
    case "!=":
    case "notin":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > Number(values[0]);
    case "lt":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < Number(values[0]);
  }
}

/** Whether a spec's selector selects the labels: nothing when there is no selector, everything when it is empty. */
export function matchesLabelSelector(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels?.[key] !== value) return false;
  for (const expression of selector.matchExpressions ?? [])
    if (!meets({ key: expression.key, operator: operatorOf(expression.operator), values: expression.values ?? [] }, labels)) return false;
  return true;
}

/** Whether a plain map of labels (a Service's or ReplicationController's selector) is contained in the labels; an empty one selects nothing. */
export function matchesLabelMap(selector: Labels, labels: Labels): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
}

function operatorOf(operator: string): Operator {
  switch (operator) {
    case "In":
      return "in";
    case "NotIn":
      return "notin";
    case "Exists":
      return "exists";
    case "DoesNotExist":
      return "!";
    default:
      throw new Error(`${JSON.stringify(operator)} is not a valid label selector operator`);
  }
}

/** The requirements of a LabelSelector that passed validation, keys in order. */
export function requirementsOf(selector: LabelSelector): Requirements {
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]): Requirement => ({ key, operator: "=", values: [value] }));
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values }): Requirement => ({ key, operator: operatorOf(operator), values: values ?? [] }),
  );
  return [...labels, ...expressions].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** The text of requirements, `app=web,tier in (a,b),!canary`: a Scale's status.selector, kubectl's SELECTOR column. */
export function formatRequirements(requirements: Requirements): string {
  return requirements.map(formatRequirement).join(",");
}

function formatRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case "=":
    case "!=":
      return `${key}${operator}${values[0] ?? ""}`;
    case "in":
    case "notin":
      return `${key} ${operator} (${[...values].sort().join(",")})`;
    case "exists":
      return key;
    case "!":
      return `!${key}`;
    case "gt":
      return `${key}>${values[0]}`;
    case "lt":
      return `${key}<${values[0]}`;
  }
}

type Token = {
  readonly is: "(" | ")" | "," | "!" | "=" | "!=" | "gt" | "lt" | "in" | "notin" | "identifier" | "end" | "error";
  readonly text: string;
};

const symbols: readonly (readonly [string, Token["is"]])[] = [
  ["==", "="],
  ["!=", "!="],
  ["=", "="],
  ["!", "!"],
  ["(", "("],
  [")", ")"],
  [",", ","],
  [">", "gt"],
  ["<", "lt"],
];

function tokens(text: string): readonly Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at += 1;
      continue;
    }
    const symbol = symbols.find(([spelling]) => text.startsWith(spelling, at));
    if (symbol) {
      found.push({ is: symbol[1], text: symbol[0] });
      at += symbol[0].length;
      continue;
    }
    const word = /^[^\s=!(),<>]+/.exec(text.slice(at))![0];
    found.push({ is: word === "in" || word === "notin" ? word : "identifier", text: word });
    at += word.length;
  }
  found.push({ is: "end", text: "" });
  return found;
}

class SelectorError extends Error {}

/** Parses the text of a query's labelSelector; the message of a failure is what a server answers with status 400. */
export function parseLabelSelector(text: string): ParsedRequirements {
  try {
    return { ok: true, requirements: parseAll(tokens(text)) };
  } catch (error) {
    if (error instanceof SelectorError) return { ok: false, message: error.message };
    throw error;
  }
}

function parseAll(all: readonly Token[]): Requirements {
  const requirements: Requirement[] = [];
  let at = 0;
  // Where a key or value is expected, "in" and "notin" are ordinary words.
  const word = (token: Token): Token => (token.is === "in" || token.is === "notin" ? { is: "identifier", text: token.text } : token);
  const peek = () => all[Math.min(at, all.length - 1)]!;
  const take = () => all[Math.min(at++, all.length - 1)]!;

  const parseValues = (): readonly string[] => {
    const open = take();
    if (open.is !== "(") throw new SelectorError(`unable to parse requirement: found '${open.text}' expected: '('`);
    const values: string[] = [];
    for (;;) {
      const next = word(peek());
      if (next.is === "identifier") values.push(take().text);
      else if (next.is === "," || (next.is === ")" && all[at - 1]?.is === ",")) values.push("");
      else if (next.is !== ")")
        throw new SelectorError(`unable to parse requirement: found '${next.text}', expected: ',', ')' or identifier`);
      const end = take();
      if (end.is === ")") return values;
      if (end.is !== ",") throw new SelectorError(`unable to parse requirement: found '${end.text}', expected: ',' or ')'`);
    }
  };

  const parseRequirement = (): Requirement => {
    const negated = peek().is === "!";
    if (negated) at += 1;
    const key = word(take());
    if (key.is !== "identifier") throw new SelectorError(`unable to parse requirement: found '${key.text}', expected: identifier`);
    refuseWrong("key", key.text, wrongWithQualifiedName(key.text));
    if (negated) return { key: key.text, operator: "!", values: [] };
    if (peek().is === "end" || peek().is === ",") return { key: key.text, operator: "exists", values: [] };
    const operator = take();
    switch (operator.is) {
      case "in":
      case "notin": {
        const values = parseValues();
        return { key: key.text, operator: operator.is, values: checkedValues(key.text, values) };
      }
      case "=":
      case "!=":
      case "gt":
      case "lt": {
        const value = word(peek());
        if (value.is !== "identifier" && value.is !== "end" && value.is !== ",")
          throw new SelectorError(`unable to parse requirement: found '${value.text}', expected: identifier`);
        const text = value.is === "identifier" ? take().text : "";
        if ((operator.is === "gt" || operator.is === "lt") && !/^-?\d+$/.test(text))
          throw new SelectorError(
            `unable to parse requirement: values[0]: Invalid value: "${text}": for 'Gt', 'Lt' operators, the value must be an integer`,
          );
        return { key: key.text, operator: operator.is, values: checkedValues(key.text, [text]) };
      }
      default:
        throw new SelectorError(`unable to parse requirement: found '${operator.text}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  };

  for (;;) {
    const next = word(peek());
    if (next.is === "end") return requirements;
    if (next.is !== "identifier" && next.is !== "!")
      throw new SelectorError(`found '${next.text}', expected: !, identifier, or 'end of string'`);
    requirements.push(parseRequirement());
    const separator = take();
    if (separator.is === "end") return requirements;
    if (separator.is !== ",") throw new SelectorError(`found '${separator.text}', expected: ',' or 'end of string'`);
    const after = word(peek());
    if (after.is !== "identifier" && after.is !== "!") throw new SelectorError(`found '${after.text}', expected: identifier after ','`);
  }
}

function refuseWrong(path: string, value: string, wrong: readonly string[]): void {
  if (wrong.length > 0)
    throw new SelectorError(`unable to parse requirement: ${path}: Invalid value: ${JSON.stringify(value)}: ${wrong.join("; ")}`);
}

function checkedValues(key: string, values: readonly string[]): readonly string[] {
  values.forEach((value, index) => {
    refuseWrong(`values[${index}][${key}]`, value, wrongWithLabelValue(value));
  });
  return [...new Set(values)].sort();
}
