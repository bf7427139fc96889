import { Root, type Type } from "protobufjs";
import type { JsonSchema } from "./schema";
import type { SwaggerDocument, SwaggerOperation, SwaggerParameter, SwaggerPath, SwaggerReference } from "./v2";
import reflection from "./v2.protobuf.json";

/**
 * The Swagger document in the protobuf messages of gnostic, which is the only form in which kubectl before 1.29 reads /openapi/v2.
 * There, maps are lists of named values, and what protobuf has no type for (extensions, enums, defaults) is YAML, of which JSON is a part.
 */
export function encodeOpenApiV2(document: SwaggerDocument): Uint8Array {
  const type: Type = Root.fromJSON(reflection).lookupType("openapi.v2.Document");
  const message: Plain = {
    swagger: document.swagger,
    info: document.info,
    paths: { path: named(document.paths, pathMessage) },
    definitions: { additional_properties: named(document.definitions, schemaMessage) },
    parameters: { additional_properties: named(document.parameters, (parameter) => parameterMessage(parameter).parameter) },
    security: document.security.map((requirement) => ({
      additional_properties: named(requirement, (value) => ({ value })),
    })),
    security_definitions: { additional_properties: named(document.securityDefinitions, (value) => ({ api_key_security: value })) },
  };
  // Everything above has the messages' own shapes, so the copy that fromObject would make, and its time, can be saved.
  return type.encode(message).finish();
}

type Plain = Readonly<Record<string, unknown>>;

function named<T>(map: Readonly<Record<string, T>>, value: (value: T) => unknown): readonly Plain[] {
  return Object.entries(map).map(([name, each]) => ({ name, value: value(each) }));
}

const any = (value: unknown) => ({ yaml: JSON.stringify(value) });

function extensions(of: object): readonly Plain[] {
  return Object.entries(of)
    .filter(([key]) => key.startsWith("x-"))
    .map(([name, value]) => ({ name, value: any(value) }));
}

function pathMessage({ parameters, ...operations }: SwaggerPath): Plain {
  return {
    ...(parameters === undefined ? {} : { parameters: parameters.map(parameterMessage) }),
    ...Object.fromEntries(Object.entries(operations).map(([method, operation]) => [method, operationMessage(operation)])),
  };
}

function operationMessage(operation: SwaggerOperation): Plain {
  const { tags, operationId, consumes, produces, schemes, parameters, responses } = operation;
  return {
    tags,
    operation_id: operationId,
    consumes,
    produces,
    schemes,
    parameters: parameters.map(parameterMessage),
    responses: {
      response_code: named(responses, ({ description, schema }) => ({
        response: { description, ...(schema === undefined ? {} : { schema: { schema: schemaMessage(schema) } }) },
      })),
    },
    vendor_extension: extensions(operation),
  };
}

function parameterMessage(parameter: SwaggerParameter | SwaggerReference): Plain {
  if ("$ref" in parameter) return { json_reference: { _ref: parameter.$ref } };
  const { name, in: place, required, type, uniqueItems, schema } = parameter;
  const common = { name, in: place, ...(required === undefined ? {} : { required }) };
  if (schema !== undefined) return { parameter: { body_parameter: { ...common, schema: schemaMessage(schema) } } };
  const sub = { ...common, type, unique_items: uniqueItems };
  return { parameter: { non_body_parameter: place === "path" ? { path_parameter_sub_schema: sub } : { query_parameter_sub_schema: sub } } };
}

function schemaMessage(schema: JsonSchema): Plain {
  const { $ref, type, format, required, enum: values, default: initial, properties, items, additionalProperties } = schema;
  return {
    ...($ref === undefined ? {} : { _ref: $ref }),
    ...(type === undefined ? {} : { type: { value: [type] } }),
    ...(format === undefined ? {} : { format }),
    ...(required === undefined ? {} : { required }),
    ...(values === undefined ? {} : { enum: (values as readonly unknown[]).map(any) }),
    ...(initial === undefined ? {} : { default: any(initial) }),
    ...(properties === undefined
      ? {}
      : { properties: { additional_properties: named(properties as Readonly<Record<string, JsonSchema>>, schemaMessage) } }),
    ...(items === undefined ? {} : { items: { schema: [schemaMessage(items as JsonSchema)] } }),
    ...(additionalProperties === undefined ? {} : { additional_properties: { schema: schemaMessage(additionalProperties as JsonSchema) } }),
    vendor_extension: extensions(schema),
  };
}
