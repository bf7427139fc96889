/** Operators of $((…)) by how tightly they bind, loosest first. Source: POSIX shell, "Arithmetic Expansion". */
const levels: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!="],
  ["<=", ">=", "<", ">"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

/** Parentheses and signs within each other that are read. */
const depthMax = 100;

/** The value of an expression of whole numbers; names are looked up. Undefined where it is none, or divides by 0. */
export function evaluate(text: string, lookUp: (name: string) => number): number | undefined {
  const tokens = text.match(/\d+|[A-Za-z_]\w*|\|\||&&|[=!<>]=|<<|>>|\S/g) ?? [];
  let at = 0;
  let depth = 0;
  const unary = (): number | undefined => {
    const token = tokens[at++];
    if (token === undefined || depth > depthMax) return undefined;
    if (/^\d/.test(token)) return Number(token);
    if (/^[A-Za-z_]/.test(token)) return Math.trunc(lookUp(token));
    if (!"-+!~(".includes(token)) return undefined;
    depth++;
    const value = token === "(" ? binary(0) : unary();
    depth--;
    if (value === undefined || (token === "(" && tokens[at++] !== ")")) return undefined;
    return token === "-" ? -value : token === "!" ? Number(value === 0) : token === "~" ? ~value : value;
  };
  const binary = (level: number): number | undefined => {
    if (level === levels.length) return unary();
    let left = binary(level + 1);
    while (left !== undefined && levels[level]!.includes(tokens[at] ?? "")) {
      const operator = tokens[at++]!;
      const right = binary(level + 1);
      left = right === undefined ? undefined : computed(operator, left, right);
    }
    return left;
  };
  if (tokens.length === 0) return 0;
  const value = binary(0);
  return at === tokens.length && value !== undefined && Number.isFinite(value) ? value : undefined;
}

function computed(operator: string, left: number, right: number): number | undefined {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return right === 0 ? undefined : Math.trunc(left / right);
    case "%":
      return right === 0 ? undefined : left % right;
    case "==":
      return Number(left === right);
    case "!=":
      return Number(left !== right);
    case "<":
      return Number(left < right);
    case ">":
      return Number(left > right);
    case "<=":
      return Number(left <= right);
    case ">=":
      return Number(left >= right);
    case "&&":
      return Number(left !== 0 && right !== 0);
    case "||":
      return Number(left !== 0 || right !== 0);
    case "&":
      return left & right;
    case "|":
      return left | right;
    case "^":
      return left ^ right;
    case "<<":
      return left << right;
    default:
      return left >> right;
  }
}
