import type { JSONSchemaProps } from "../../../protocol/kinds/generated";
import type { Schema } from "../../../protocol/kinds/registry";
import { isObject } from "../objects/decode";

const text: Schema = { type: "string" };
const objectMeta: Schema = { $ref: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" };

/**
 * A custom resource's schema in the form in which the registry holds the built-in ones: which fields there are, and how lists and maps are
 * owned. Values are not described: that is the business of validation. `isResource` adds what every object has.
 */
export function ownershipSchema(openApi: JSONSchemaProps, isResource = openApi["x-kubernetes-embedded-resource"] === true): Schema {
  if (openApi["x-kubernetes-int-or-string"]) return { format: "int-or-string" };
  const items = isObject(openApi.items) ? ownershipSchema(openApi.items as JSONSchemaProps) : undefined;
  const values = isObject(openApi.additionalProperties) ? ownershipSchema(openApi.additionalProperties as JSONSchemaProps) : undefined;
  const own = Object.entries(openApi.properties ?? {}).map(([name, child]) => [name, ownershipSchema(child)] as const);
  const properties = {
    ...Object.fromEntries(own),
    ...(isResource ? { apiVersion: text, kind: text, metadata: objectMeta } : {}),
  };
  const listType = openApi["x-kubernetes-list-type"] as Schema["x-kubernetes-list-type"];
  const mapType = openApi["x-kubernetes-map-type"] as Schema["x-kubernetes-map-type"];
  return {
    ...(openApi.type ? { type: openApi.type as NonNullable<Schema["type"]> } : {}),
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(values ? { additionalProperties: values } : openApi.additionalProperties === true ? { additionalProperties: unknownContent } : {}),
    ...(items ? { items } : {}),
    ...(openApi.default === undefined ? {} : { default: openApi.default }),
    ...(listType ? { "x-kubernetes-list-type": listType } : {}),
    ...(openApi["x-kubernetes-list-map-keys"] ? { "x-kubernetes-list-map-keys": openApi["x-kubernetes-list-map-keys"] } : {}),
    ...(mapType ? { "x-kubernetes-map-type": mapType } : {}),
    ...(openApi["x-kubernetes-preserve-unknown-fields"] ? { "x-kubernetes-preserve-unknown-fields": true } : {}),
  };
}

/** What nothing is said about: objects in it are owned by field, lists as a whole. */
export const unknownContent: Schema = { "x-kubernetes-preserve-unknown-fields": true };
