/**
 * A message in a line, for people: fields and values without quotes, bytes as text where they are such and otherwise as a length, what is empty left out.
 * At most `max` characters.
 */
export function brief(message: object, max: number): string {
  const parts: string[] = [];
  let length = 0;
  for (const [name, value] of Object.entries(message)) {
    if (name === "kind" || isEmpty(value)) continue;
    const part = `${name} ${textOf(value, max)}`;
    parts.push(part);
    length += part.length + 2;
    if (length > max) break;
  }
  const text = parts.join(", ");
  return text.length > max ? `${text.slice(0, max - 1)}…` : text;
}

function textOf(value: unknown, max: number): string {
  if (value instanceof Uint8Array) return bytesOf(value);
  if (Array.isArray(value)) return value.length > 3 ? `[${value.length}]` : `[${value.map((one) => textOf(one, max)).join(", ")}]`;
  if (typeof value === "object" && value !== null) return `{${brief(value, max)}}`;
  return String(value);
}

/** Keys of etcd are text; objects and snapshots are too long to show. */
function bytesOf(bytes: Uint8Array): string {
  const isText = bytes.length <= 60 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  return isText ? Buffer.from(bytes).toString("latin1") : `${bytes.length} B`;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "" || value === false) return true;
  return (Array.isArray(value) || value instanceof Uint8Array) && value.length === 0;
}
