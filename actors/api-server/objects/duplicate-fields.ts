import { pathText } from "./decode";

/**
 * Finds fields that a JSON text gives twice, which JSON.parse hides by keeping the last. Returns messages as a real server words them,
 * `duplicate field "spec.replicas"`, each path once, in the order of the text. The text must be well formed.
 */
export function duplicateFields(json: string): readonly string[] {
  return fieldFindings(json, []);
}

export const unknownField = (path: string) => `unknown field ${JSON.stringify(path)}`;

/** The same with the fields that are known to be unknown among them, by path, where they stand in the text. */
export function fieldFindings(json: string, unknownPaths: readonly string[]): readonly string[] {
  const unknown = new Set(unknownPaths);
  const found = new Set<string>();
  const path: (string | number)[] = [];
  /** One entry per open bracket: the names seen in an object, or undefined for a list. */
  const open: (Set<string> | undefined)[] = [];
  let expectName = false;
  let at = 0;
  while (at < json.length) {
    switch (json.charCodeAt(at)) {
      case 0x7b: // {
        open.push(new Set());
        path.push("");
        expectName = true;
        break;
      case 0x5b: // [
        open.push(undefined);
        path.push(0);
        expectName = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        path.pop();
        expectName = false;
        break;
      case 0x2c: {
        // A comma: the next name of an object, or the next index of a list.
        const last = path[path.length - 1];
        if (typeof last === "number") path[path.length - 1] = last + 1;
        else expectName = true;
        break;
      }
      case 0x22: {
        const end = endOfString(json, at);
        if (expectName) {
          const written = json.slice(at + 1, end - 1);
          const name = written.includes("\\") ? (JSON.parse(json.slice(at, end)) as string) : written;
          const names = open[open.length - 1]!;
          path[path.length - 1] = name;
          if (names.has(name)) found.add(`duplicate field ${JSON.stringify(pathText(path))}`);
          else if (unknown.size > 0 && unknown.has(pathText(path))) found.add(unknownField(pathText(path)));
          names.add(name);
          expectName = false;
        }
        at = end - 1;
        break;
      }
    }
    at += 1;
  }
  return [...found];
}

/** The position behind the closing quote of the string that opens at `start`. */
function endOfString(json: string, start: number): number {
  let quote = json.indexOf('"', start + 1);
  while (quote >= 0) {
    let backslashes = 0;
    while (json.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
    quote = json.indexOf('"', quote + 1);
  }
  return json.length;
}
