/**
 * What is wrong with a value of another type, in the words of the converter through which real servers take the result of a strategic merge patch (apimachinery's
 * runtime/converter.go). `type` is as Go prints it: int32, []string, v1.Container. Undefined for types that read their own JSON.
 */
export function convertingError(value: unknown, type: string): string | undefined {
  const found = goKind(value);
  if (type.startsWith("[]")) return `cannot restore slice from ${found}`;
  if (type.startsWith("map[")) return `cannot restore map from ${found}`;
  if (type === "resource.Quantity" || type === "intstr.IntOrString") return undefined;
  if (type.includes(".")) return `cannot restore struct from: ${found}`;
  // Go converts these into each other, but JSON must not.
  if (found === "int64" && type === "string") return "cannot convert int64 to string";
  if (found === "float64" && type.startsWith("int")) return `cannot convert float64 to ${type}`;
  return `unrecognized type: ${type}`;
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "slice";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return typeof value === "boolean" ? "bool" : typeof value === "string" ? "string" : "map";
}

/** A value as Go's %+v prints it: `map[spec:map[replicas:many]]`. */
export function printed(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(printed).join(" ")}]`;
  if (typeof value !== "object") return String(value);
  const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
  return `map[${keys.map((key) => `${key}:${printed((value as Record<string, unknown>)[key])}`).join(" ")}]`;
}

/** A value as Go's %#v prints it where it came from JSON: `map[string]interface {}{"a":1}`. */
export function inGo(value: unknown): string {
  if (value === null || value === undefined) return "interface {}(nil)";
  if (Array.isArray(value)) return `[]interface {}{${value.map(inGo).join(", ")}}`;
  if (typeof value !== "object") return JSON.stringify(value);
  const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
  return `map[string]interface {}{${keys.map((key) => `${JSON.stringify(key)}:${inGo((value as Record<string, unknown>)[key])}`).join(", ")}}`;
}
