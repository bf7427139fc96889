import type { CustomFacts } from "../../../protocol/kinds/custom";
import type { JsonObject } from "../../../protocol/kinds/object";
import { groupVersionOf } from "../../../protocol/kinds/registry";
import type { CelWatch } from "../cel/figures";
import { type DecodedValue, decodeAs, isObject } from "../objects/decode";
import type { FieldError } from "../objects/validation/field-error";
import { brokenRules, hasRules } from "./rules";
import { withoutRefusedNulls, withSchemaDefaults } from "./schema/defaults";
import { repeatedItems, wrongEmbedded } from "./schema/lists";
import { prune } from "./schema/prune";
import { validateSchema } from "./schema/validate";

/** Objects of custom resources: what decoding, defaults and validation are for them. Everything follows from the schema of the version. */

/** Takes JSON as an object of the version: metadata must have the types that it has everywhere, fields that the schema does not name go. */
export function decodeCustom(custom: CustomFacts, json: unknown): DecodedValue {
  if (!isObject(json))
    return {
      ok: false,
      message: `json: cannot unmarshal ${Array.isArray(json) ? "array" : typeof json} into Go value of type map[string]interface {}`,
    };
  const metadata = decodeAs("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", json.metadata ?? {});
  if (!metadata.ok) return metadata;
  const { value, unknown } = prune(custom.openApi, { ...json, metadata: metadata.value });
  const known = withoutRefusedNulls(custom.openApi, value) as JsonObject;
  return { ok: true, value: known, unknown: [...metadata.unknown.map((path) => `metadata.${path}`), ...unknown] };
}

/** The object with the defaults that the version's schema gives. */
export function withCustomDefaults({ openApi }: CustomFacts, object: JsonObject): JsonObject {
  return withSchemaDefaults(openApi, object) as JsonObject;
}

/** An object as it was stored, as it is read: by the schema of the version it is in, unknown fields have gone and defaults are there. */
export function asRead({ versions, openApi }: CustomFacts, object: JsonObject): JsonObject {
  const { version } = groupVersionOf(String(object.apiVersion));
  const schema = versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema ?? openApi;
  return withSchemaDefaults(schema, withoutRefusedNulls(schema, prune(schema, object).value)) as JsonObject;
}

/** An object that came out of a conversion: what the version does not know goes. Defaults are filled in before conversions, not after. */
export function asConverted({ openApi }: CustomFacts, object: JsonObject): JsonObject {
  return withoutRefusedNulls(openApi, prune(openApi, object).value) as JsonObject;
}

/** Errors after which rules would say nothing that means anything. */
const blocking: ReadonlySet<FieldError["type"]> = new Set(["NotSupported", "Required", "TooLong", "TooMany", "TypeInvalid"]);

/**
 * What is wrong with an object by its schema and its rules. `stored` is undefined for a new one; what did not change since is not held against a
 * schema that has become stricter.
 */
export function customErrors(
  { openApi }: CustomFacts,
  object: JsonObject,
  stored: JsonObject | undefined,
  watch?: CelWatch,
): readonly FieldError[] {
  const found = [...validateSchema(openApi, object, "", stored && { value: stored }), ...wrongEmbedded(openApi, object)];
  if (!stored || repeatedItems(openApi, stored).length === 0) found.push(...repeatedItems(openApi, object));
  if (!hasRules(openApi)) return found;
  if (found.some(({ type }) => blocking.has(type))) return [...found, rulesNotChecked];
  return [...found, ...brokenRules(openApi, object, stored, "", true, watch)];
}

const rulesNotChecked: FieldError = {
  type: "Invalid",
  field: "<nil>",
  value: "null",
  detail: "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};
