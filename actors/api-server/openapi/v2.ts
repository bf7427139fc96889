import { allDefinitions, type GroupVersion } from "../../../protocol/kinds/registry";
import { customDefinitions } from "../custom-resources/openapi";
import { patchMediaTypes } from "../negotiation";
import { type Operation, operationsOf, parameterType, patchDefinition } from "./operations";
import { definitionsFrom, type JsonSchema, reference } from "./schema";
import { descriptions } from "./v3";

/** The subset of Swagger 2.0 that is used here. */
export interface SwaggerDocument {
  readonly swagger: "2.0";
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, SwaggerPath>>;
  readonly definitions: Readonly<Record<string, JsonSchema>>;
  /** The query parameters that operations refer to. */
  readonly parameters: Readonly<Record<string, SwaggerParameter>>;
  readonly securityDefinitions: Readonly<Record<string, unknown>>;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
}

export interface SwaggerParameter {
  readonly name: string;
  readonly in: "body" | "path" | "query";
  readonly required?: boolean;
  readonly type?: string;
  readonly uniqueItems?: boolean;
  readonly schema?: JsonSchema;
}

export interface SwaggerReference {
  readonly $ref: string;
}

export interface SwaggerOperation {
  readonly tags: readonly string[];
  readonly operationId: string;
  readonly consumes: readonly string[];
  readonly produces: readonly string[];
  readonly schemes: readonly string[];
  readonly parameters: readonly (SwaggerParameter | SwaggerReference)[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly schema?: JsonSchema }>>;
  readonly "x-kubernetes-action": string;
  readonly "x-kubernetes-group-version-kind": unknown;
}

export type SwaggerPath = { readonly parameters?: readonly SwaggerParameter[] } & {
  readonly [method in Operation["method"]]?: SwaggerOperation;
};

/** The Swagger 2.0 document of everything that is served. */
export function openApiV2(groups: readonly GroupVersion[], version: string): SwaggerDocument {
  const paths = new Map<string, Record<string, unknown>>();
  const operations = groups.flatMap(operationsOf);
  for (const operation of operations) {
    const item = paths.get(operation.path) ?? pathItem(operation);
    item[operation.method] = operationObject(operation);
    paths.set(operation.path, item);
  }
  const shared = new Set(operations.flatMap((operation) => operation.queryParameters).filter((name) => name !== inline));
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version },
    paths: Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1))) as SwaggerDocument["paths"],
    definitions: definitionsFrom(
      allDefinitions().keys(),
      "v2",
      customDefinitions(
        groups.flatMap(({ kinds }) => kinds),
        "v2",
      ),
    ),
    parameters: Object.fromEntries([...shared].sort().map((name) => [name, queryParameter(name)])),
    securityDefinitions: { BearerToken: { type: "apiKey", name: "authorization", in: "header", description: "Bearer token" } },
    security: [{ BearerToken: [] }],
  };
}

/** kubectl looks for this one in each PATCH operation, to learn whether the server can dry-run, and does not follow references. */
const inline = "dryRun";

function queryParameter(name: string): SwaggerParameter {
  return { name, in: "query", type: parameterType(name), uniqueItems: true };
}

function pathItem({ pathParameters }: Operation): Record<string, unknown> {
  if (pathParameters.length === 0) return {};
  return { parameters: pathParameters.map((name) => ({ name, in: "path", required: true, type: "string", uniqueItems: true })) };
}

function operationObject({ tag, id, kind, action, queryParameters, body, bodyRequired, answer, codes }: Operation): SwaggerOperation {
  const schema: JsonSchema = answer === "" ? { type: "string" } : reference(answer, "v2");
  const inBody: SwaggerParameter = {
    name: "body",
    in: "body",
    ...(bodyRequired ? { required: true } : {}),
    schema: reference(body, "v2"),
  };
  return {
    tags: [tag],
    operationId: id,
    consumes: body === patchDefinition ? patchMediaTypes : ["application/json", "application/yaml"],
    produces: [answer === "" ? "text/plain" : "application/json", ...(action === "list" ? ["application/json;stream=watch"] : [])],
    schemes: ["https"],
    parameters: [
      ...(body === "" ? [] : [inBody]),
      ...queryParameters.map((name) => (name === inline ? queryParameter(name) : { $ref: `#/parameters/${name}` })),
    ],
    responses: {
      ...Object.fromEntries(codes.map((code) => [code, { description: descriptions[code], schema }])),
      401: { description: descriptions[401] },
    },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": kind,
  };
}
