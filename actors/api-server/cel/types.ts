/** The types of CEL's checker. An object's fields are asked for by name, so that the types of a schema that contains itself can be made. */
export type CelType =
  /** Any value: what it is shows when the expression is evaluated. */
  | { readonly kind: "dyn" }
  | { readonly kind: "simple"; readonly name: string }
  | { readonly kind: "list"; readonly item: CelType }
  | { readonly kind: "map"; readonly key: CelType; readonly value: CelType }
  | { readonly kind: "optional"; readonly value: CelType }
  | { readonly kind: "type"; readonly of: CelType }
  | ObjectType
  /** A type that a signature leaves open. */
  | { readonly kind: "param"; readonly name: string };

export interface ObjectType {
  readonly kind: "object";
  readonly name: string;
  /** The fields by the names that expressions use for them. */
  readonly fields: ReadonlyMap<string, CelType>;
}

export const dyn: CelType = { kind: "dyn" };
const simple = (name: string): CelType => ({ kind: "simple", name });
export const bool = simple("bool");
export const int = simple("int");
export const uint = simple("uint");
export const double = simple("double");
export const string = simple("string");
export const bytes = simple("bytes");
export const nullType = simple("null_type");
export const timestamp = simple("google.protobuf.Timestamp");
export const duration = simple("google.protobuf.Duration");
export const listOf = (item: CelType): CelType => ({ kind: "list", item });
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: "map", key, value });
export const optionalOf = (value: CelType): CelType => ({ kind: "optional", value });
export const typeOf = (of: CelType): CelType => ({ kind: "type", of });

const known: ReadonlyMap<string, CelType> = new Map([
  ...[bool, int, uint, double, string, bytes, nullType].map((type) => [(type as { name: string }).name, type] as const),
  ["dyn", dyn],
  ["timestamp", timestamp],
  ["duration", duration],
  ["google.protobuf.Timestamp", timestamp],
  ["google.protobuf.Duration", duration],
  ["list", listOf(dyn)],
  ["map", mapOf(dyn, dyn)],
]);

/** Reads a type as signatures write it: "list<T>", "map<string, dyn>", "kubernetes.Quantity". One capital letter is a parameter. */
export function parseType(text: string): CelType {
  const trimmed = text.trim();
  if (/^[A-Z]$/.test(trimmed)) return { kind: "param", name: trimmed };
  const found = known.get(trimmed);
  if (found) return found;
  const generic = /^(list|map|optional|type)<([\s\S]*)>$/.exec(trimmed);
  if (!generic) return simple(trimmed);
  const inner = splitTypes(generic[2]!).map(parseType);
  switch (generic[1]) {
    case "list":
      return listOf(inner[0]!);
    case "map":
      return mapOf(inner[0]!, inner[1]!);
    case "optional":
      return optionalOf(inner[0]!);
    default:
      return typeOf(inner[0]!);
  }
}

/** Splits at the commas that stand in no brackets. */
export function splitTypes(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "<") depth++;
    else if (text[at] === ">") depth--;
    else if (text[at] === "," && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  const last = text.slice(from);
  return last.trim() === "" && parts.length === 0 ? [] : [...parts, last];
}

/** A type as messages write it: "list(int)", "map(string, dyn)". */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case "dyn":
      return "dyn";
    case "list":
      return `list(${typeText(type.item)})`;
    case "map":
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case "optional":
      return `optional_type(${typeText(type.value)})`;
    case "type":
      return `type(${typeText(type.of)})`;
    case "object":
    case "simple":
    case "param":
      return type.name;
  }
}

/** What the parameters of a signature stand for in one call. */
export type Bindings = Map<string, CelType>;

/** Whether a value of type `given` may stand where `wanted` is; binds the parameters in `wanted`. */
export function assignable(wanted: CelType, given: CelType, bindings: Bindings): boolean {
  if (given.kind === "param") return true;
  if (wanted.kind === "param") {
    const bound = bindings.get(wanted.name);
    if (bound === undefined || bound.kind === "dyn" || bound.kind === "param") {
      bindings.set(wanted.name, bound?.kind === "dyn" ? bound : given);
      return true;
    }
    if (given.kind === "dyn") {
      bindings.set(wanted.name, given);
      return true;
    }
    if (assignable(bound, given, bindings)) return true;
    if (!assignable(given, bound, bindings)) return false;
    bindings.set(wanted.name, given);
    return true;
  }
  if (wanted.kind === "dyn" || given.kind === "dyn") return true;
  // A field that may be missing may be compared with null.
  if (given === nullType && (wanted.kind === "object" || wanted === duration || wanted === timestamp || wanted.kind === "optional"))
    return true;
  if (wanted.kind !== given.kind) return false;
  switch (wanted.kind) {
    case "simple":
      return wanted.name === (given as { name: string }).name;
    case "object":
      return wanted.name === (given as ObjectType).name;
    case "list":
      return assignable(wanted.item, (given as { item: CelType }).item, bindings);
    case "map": {
      const other = given as { key: CelType; value: CelType };
      return assignable(wanted.key, other.key, bindings) && assignable(wanted.value, other.value, bindings);
    }
    case "optional":
      return assignable(wanted.value, (given as { value: CelType }).value, bindings);
    case "type":
      return true;
  }
}

/** A type with its parameters replaced by what they stand for; one that stands for nothing may be anything. */
export function substitute(type: CelType, bindings: Bindings): CelType {
  switch (type.kind) {
    case "param":
      return bindings.get(type.name) ?? dyn;
    case "list":
      return listOf(substitute(type.item, bindings));
    case "map":
      return mapOf(substitute(type.key, bindings), substitute(type.value, bindings));
    case "optional":
      return optionalOf(substitute(type.value, bindings));
    case "type":
      return typeOf(substitute(type.of, bindings));
    default:
      return type;
  }
}

/** The type that both can be taken for; undefined where there is none. */
export function join(a: CelType, b: CelType): CelType | undefined {
  if (a.kind === "dyn" || b.kind === "dyn") return dyn;
  if (a.kind === "param") return b;
  if (b.kind === "param") return a;
  if (a.kind === "list" && b.kind === "list") {
    const item = join(a.item, b.item);
    return item && listOf(item);
  }
  if (a.kind === "map" && b.kind === "map") {
    const [key, value] = [join(a.key, b.key), join(a.value, b.value)];
    return key && value && mapOf(key, value);
  }
  if (a.kind === "optional" && b.kind === "optional") {
    const value = join(a.value, b.value);
    return value && optionalOf(value);
  }
  return assignable(a, b, new Map()) ? a : assignable(b, a, new Map()) ? b : undefined;
}
