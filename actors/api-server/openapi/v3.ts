import type { GroupVersion } from "../../../protocol/kinds/registry";
import { customDefinitions } from "../custom-resources/openapi";
import { patchMediaTypes } from "../negotiation";
import { type Operation, operationsOf, parameterType, patchDefinition } from "./operations";
import { definitionsFrom, reference } from "./schema";

/** The OpenAPI 3.0 document of one group version: its paths, and the schemas they need. */
export function openApiV3(groupVersion: GroupVersion, version: string) {
  const operations = operationsOf(groupVersion);
  const paths = new Map<string, Record<string, unknown>>();
  for (const operation of operations) {
    const item = paths.get(operation.path) ?? pathItem(operation);
    item[operation.method] = operationObject(operation);
    paths.set(operation.path, item);
  }
  const names = new Set(operations.flatMap((o) => [o.body, o.answer]).filter((name) => name !== ""));
  for (const kind of groupVersion.kinds) names.add(kind.definition);
  const custom = customDefinitions(groupVersion.kinds, "v3");
  if (custom.size > 0) for (const name of ["ObjectMeta", "ListMeta"]) names.add(`io.k8s.apimachinery.pkg.apis.meta.v1.${name}`);
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version },
    paths: Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      schemas: definitionsFrom(names, "v3", custom),
      securitySchemes: { BearerToken: { type: "apiKey", name: "authorization", in: "header", description: "Bearer token" } },
    },
  };
}

function pathItem({ pathParameters }: Operation): Record<string, unknown> {
  if (pathParameters.length === 0) return {};
  const parameter = (name: string) => ({ name, in: "path", required: true, schema: { type: "string", uniqueItems: true } });
  return { parameters: pathParameters.map(parameter) };
}

const answerTypes = ["application/json", "application/json;stream=watch"];
function operationObject({ tag, id, kind, action, queryParameters, body, bodyRequired, answer, codes }: Operation) {
  const schema = answer === "" ? { type: "string" } : reference(answer, "v3");
  const types = answer === "" ? ["text/plain"] : action === "list" ? answerTypes : answerTypes.slice(0, 1);
  const content = Object.fromEntries(types.map((type) => [type, { schema }]));
  const bodyTypes = body === patchDefinition ? patchMediaTypes : ["application/json", "application/yaml"];
  return {
    tags: [tag],
    operationId: id,
    parameters: queryParameters.map((name) => ({ name, in: "query", schema: { type: parameterType(name), uniqueItems: true } })),
    ...(body === ""
      ? {}
      : {
          requestBody: {
            content: Object.fromEntries(bodyTypes.map((type) => [type, { schema: reference(body, "v3") }])),
            ...(bodyRequired ? { required: true } : {}),
          },
        }),
    responses: {
      ...Object.fromEntries(codes.map((code) => [code, { description: descriptions[code], content }])),
      401: { description: descriptions[401] },
    },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": kind,
  };
}

export const descriptions = { 200: "OK", 201: "Created", 202: "Accepted", 401: "Unauthorized" } as const;
