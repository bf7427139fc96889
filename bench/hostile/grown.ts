import { definition, type Kind, type Schema, schemaOf } from "../../protocol/kinds/registry";
import type { Draws } from "./draws";
import { type Document, hostileValue } from "./values";

/** Fields that no manifest of ours names: grown from the kinds' schemas, so that every reader of a field meets one. */

/** Deeper than that nothing grows; what is required there is left out. */
const deepest = 6;
/** One of so many fields is added to one object: with many, hardly one is accepted, with few hardly two meet. */
const rarities = [10, 40, 150];
const texts = [
  ...[
    "a",
    "b",
    "main",
    "default",
    "app:1",
    "v1",
    "apps/v1",
    "ConfigMap",
    "example.com/a",
    "kubernetes.io/hostname",
    "IPv4",
    "TCP",
    "Always",
  ],
  ...[
    "10.0.0.1",
    "10.0.0.0/24",
    "fd00::1",
    "/a",
    "/a/../b",
    "a=b",
    "true",
    "self == 1",
    "object.spec.a",
    "$(A)",
    "* * * * *",
    "Europe/Zurich",
  ],
  ...[
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.000001Z",
    "1s",
    "RollingUpdate",
    "In",
    "Exists",
    "NoExecute",
    "ClusterIP",
    "Local",
    "https://127.0.0.1:1/",
  ],
];
const wholes = [0, 1, 1, 2, 80, 443, 600, 65_535, 65_536, -1, 2 ** 31 - 1, 2 ** 40];
const quantities = ["1", "100m", "1Gi", "0", "-1", "1e3", "1.5Ki", "12345678901234567890"];

const followed = (schema: Schema): Schema => (schema.$ref === undefined ? schema : (definition(schema.$ref) ?? {}));

/** A value of the schema, or in one of fifty cases one that is not. */
export function grow(schema: Schema, draws: Draws, depth = 0): unknown {
  if (draws.oneIn(50)) return hostileValue(draws);
  const { enum: allowed, type, format, properties, additionalProperties, items, required } = followed(schema);
  if (allowed !== undefined && allowed.length > 0) return draws.oneIn(8) ? draws.of(texts) : draws.of(allowed);
  switch (type) {
    case "boolean":
      return draws.oneIn(2);
    case "integer":
      return draws.of(wholes);
    case "number":
      return draws.of([0, 1, 0.5, -1, 1e300]);
    case "array":
      return depth >= deepest ? [] : Array.from({ length: draws.below(4) }, () => grow(items ?? {}, draws, depth + 1));
    case "object": {
      if (properties === undefined) {
        const pairs = depth >= deepest ? 0 : draws.below(3);
        return Object.fromEntries(
          Array.from({ length: pairs }, () => [draws.of(texts), grow(additionalProperties ?? { type: "string" }, draws, depth + 1)]),
        );
      }
      const of: Document = {};
      for (const [name, property] of Object.entries(properties)) {
        if (depth < deepest && (required?.includes(name) || draws.oneIn(3 + depth))) of[name] = grow(property, draws, depth + 1);
      }
      return of;
    }
    default:
      switch (format) {
        case "quantity":
          return draws.of(quantities);
        case "int-or-string":
          return draws.oneIn(2) ? draws.of(wholes) : draws.of(["25%", "a", "101%", "http"]);
        case "byte":
          return draws.of(["", "AA==", "YQ==", "%"]);
        default:
          return draws.of(texts);
      }
  }
}

/** Adds to an object of a kind, in place, some of the fields that its schema knows and it lacks. */
export function graft(object: Document, kind: Kind, draws: Draws): void {
  graftAt(object, schemaOf(kind), draws, draws.of(rarities), 0);
}

function graftAt(value: unknown, schema: Schema, draws: Draws, rarity: number, depth: number): void {
  const { properties, items } = followed(schema);
  if (Array.isArray(value)) {
    for (const item of value) graftAt(item, items ?? {}, draws, rarity, depth + 1);
    return;
  }
  if (typeof value !== "object" || value === null || properties === undefined) return;
  const document = value as Document;
  for (const [name, property] of Object.entries(properties)) {
    // What an object is and how it is called stays: else most are refused before anybody reads the rest.
    if (depth === 0 && (name === "apiVersion" || name === "kind")) continue;
    if (Object.hasOwn(document, name)) graftAt(document[name], property, draws, rarity, depth + 1);
    else if (draws.oneIn(rarity)) document[name] = grow(property, draws, depth + 2);
  }
}
