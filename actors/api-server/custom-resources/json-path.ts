/**
 * JSONPath in the dialect of kubectl and of printer columns: `.status.conditions[?(@.type=="Ready")].status`. Names, indices, slices, unions,
 * wildcards, recursive descent and filters that compare a path with a literal. Source: "JSONPath Support" in the documentation.
 */
type Step =
  | { readonly type: "name"; readonly name: string }
  | { readonly type: "wildcard" }
  | { readonly type: "descend" }
  | { readonly type: "slice"; readonly from: number | undefined; readonly to: number | undefined; readonly by: number }
  | { readonly type: "union"; readonly members: readonly (readonly Step[])[] }
  | { readonly type: "filter"; readonly left: Operand; readonly operator: string; readonly right: Operand | undefined };

type Operand = { readonly type: "path"; readonly steps: readonly Step[] } | { readonly type: "literal"; readonly value: unknown };

export type JsonPath = { readonly ok: true; readonly steps: readonly Step[] } | { readonly ok: false; readonly message: string };

class PathError extends Error {}

/** Reads a path, with or without the dot at its beginning; `message` says what cannot be understood. */
export function parseJsonPath(text: string): JsonPath {
  try {
    return { ok: true, steps: stepsOf(text.replace(/^\$/, "")) };
  } catch (error) {
    if (error instanceof PathError) return { ok: false, message: error.message };
    throw error;
  }
}

/** All values that the path leads to. */
export function evaluateJsonPath(steps: readonly Step[], root: unknown): readonly unknown[] {
  return steps.reduce<readonly unknown[]>((found, step) => found.flatMap((value) => follow(step, value)), [root]);
}

/** The names of a path that is nothing but names (".spec.replicas"); undefined for any other. */
export function simplePath(steps: readonly Step[]): readonly string[] | undefined {
  const names = steps.map((step) => (step.type === "name" ? step.name : undefined));
  return names.every((name) => name !== undefined) ? names : undefined;
}

function stepsOf(text: string): readonly Step[] {
  const steps: Step[] = [];
  let at = 0;
  while (at < text.length) {
    if (text.startsWith("..", at)) {
      steps.push({ type: "descend" });
      at += text[at + 2] === "[" ? 2 : 1;
    } else if (text[at] === "[") {
      const end = closing(text, at);
      steps.push(bracket(text.slice(at + 1, end)));
      at = end + 1;
    } else {
      const start = text[at] === "." ? at + 1 : at;
      const match = /^(?:\\.|[^.[\\])*/.exec(text.slice(start))!;
      const raw = match[0];
      if (raw === "") {
        if (start < text.length && text[start] === "[") {
          at = start;
          continue;
        }
        // A lone dot is the object itself.
        if (text === ".") return steps;
        throw new PathError(`unexpected end of path ${JSON.stringify(text)}`);
      }
      steps.push(raw === "*" ? { type: "wildcard" } : { type: "name", name: raw.replace(/\\(.)/g, "$1") });
      at = start + raw.length;
    }
  }
  return steps;
}

/** The position of the bracket that closes the one at `open`; quotes and inner brackets are passed over. */
function closing(text: string, open: number): number {
  let depth = 0;
  let quote = "";
  for (let at = open; at < text.length; at++) {
    const letter = text[at]!;
    if (quote !== "") {
      if (letter === "\\") at++;
      else if (letter === quote) quote = "";
    } else if (letter === "'" || letter === '"') quote = letter;
    else if (letter === "[") depth++;
    else if (letter === "]" && --depth === 0) return at;
  }
  throw new PathError(`unterminated array in ${JSON.stringify(text)}`);
}

const sliceShape = /^(-?\d+)?:(-?\d+)?(?::(-?\d+))?$/;

function bracket(inner: string): Step {
  const text = inner.trim();
  if (text === "*") return { type: "wildcard" };
  const filter = /^\?\(([\s\S]*)\)$/.exec(text);
  if (filter) return filterOf(filter[1]!);
  const members = text.split(",").map((member) => member.trim());
  if (members.length > 1) return { type: "union", members: members.map((member) => [bracket(member)]) };
  const quoted = /^(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")$/.exec(text);
  if (quoted) return { type: "name", name: (quoted[1] ?? quoted[2] ?? "").replace(/\\(.)/g, "$1") };
  if (/^-?\d+$/.test(text)) {
    const index = Number(text);
    return { type: "slice", from: index, to: index === -1 ? undefined : index + 1, by: 1 };
  }
  const slice = sliceShape.exec(text);
  if (slice) {
    const part = (value: string | undefined) => (value === undefined ? undefined : Number(value));
    return { type: "slice", from: part(slice[1]), to: part(slice[2]), by: part(slice[3]) ?? 1 };
  }
  throw new PathError(`invalid array index ${text}`);
}

const comparison = /^((?:'[^']*'|"[^"]*"|[^=!<>'"])*?)\s*(==|!=|<=|>=|<|>)\s*([\s\S]+)$/;

function filterOf(text: string): Step {
  const match = comparison.exec(text.trim());
  if (!match) return { type: "filter", left: operandOf(text.trim()), operator: "exists", right: undefined };
  return { type: "filter", left: operandOf(match[1]!.trim()), operator: match[2]!, right: operandOf(match[3]!.trim()) };
}

function operandOf(text: string): Operand {
  if (text.startsWith("@")) return { type: "path", steps: stepsOf(text.slice(1)) };
  const quoted = /^(?:'([\s\S]*)'|"([\s\S]*)")$/.exec(text);
  if (quoted) return { type: "literal", value: quoted[1] ?? quoted[2] };
  if (text === "true" || text === "false") return { type: "literal", value: text === "true" };
  if (text !== "" && !Number.isNaN(Number(text))) return { type: "literal", value: Number(text) };
  throw new PathError(`unrecognized identifier ${text}`);
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function follow(step: Step, value: unknown): readonly unknown[] {
  switch (step.type) {
    case "name":
      return isMap(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case "wildcard":
      return Array.isArray(value) ? value : isMap(value) ? Object.values(value) : [];
    case "descend":
      return [value, ...follow({ type: "wildcard" }, value).flatMap((child) => follow(step, child))];
    case "slice":
      return Array.isArray(value) ? sliced(value, step.from, step.to, step.by) : [];
    case "union":
      return step.members.flatMap((member) => evaluateJsonPath(member, value));
    case "filter":
      return follow({ type: "wildcard" }, value).filter((item) => holds(step, item));
  }
}

function sliced(list: readonly unknown[], from: number | undefined, to: number | undefined, by: number): readonly unknown[] {
  const part = list.slice(from ?? 0, to ?? list.length);
  return by > 1 ? part.filter((_, index) => index % by === 0) : part;
}

function holds({ left, operator, right }: Extract<Step, { readonly type: "filter" }>, item: unknown): boolean {
  const resolve = (operand: Operand) => (operand.type === "literal" ? [operand.value] : evaluateJsonPath(operand.steps, item));
  const [a] = resolve(left);
  if (operator === "exists") return a !== undefined;
  const [b] = resolve(right!);
  if (a === undefined || b === undefined) return false;
  switch (operator) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    default: {
      if (typeof a !== typeof b || (typeof a !== "number" && typeof a !== "string")) return false;
      const [x, y] = [a as number, b as number];
      return operator === "<" ? x < y : operator === "<=" ? x <= y : operator === ">" ? x > y : x >= y;
    }
  }
}
