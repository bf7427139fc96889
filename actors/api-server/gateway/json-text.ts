/** JSON as Kubernetes' servers write it: with a line end behind it, and indented for people. Numbers stay as they are written, however large. */

const lineEnd = 0x0a;

/** The bytes with a line end behind them; those that have one are not copied. */
export function withLineEnd(json: Uint8Array): Uint8Array {
  if (json[json.length - 1] === lineEnd) return json;
  // Of Node's pool: memory of its own for each small answer costs more than the copy.
  const ended = Buffer.allocUnsafe(json.length + 1);
  ended.set(json);
  ended[json.length] = lineEnd;
  return ended;
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** A JSON text indented by two spaces, with a line end behind it. */
export function indented(json: string): string {
  const parts: string[] = [];
  let indent = "\n";
  let before = "";
  for (const [token] of json.matchAll(tokens)) {
    const opens = before === "{" || before === "[";
    if (token === "}" || token === "]") {
      indent = indent.slice(0, -2);
      parts.push(opens ? token : indent + token);
    } else {
      if (opens || before === ",") parts.push(indent);
      parts.push(token === ":" ? ": " : token);
      if (token === "{" || token === "[") indent += "  ";
    }
    before = token;
  }
  return `${parts.join("")}\n`;
}
