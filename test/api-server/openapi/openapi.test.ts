import { Root } from "protobufjs";
import type { DocumentCache, ServedDocument } from "../../../actors/api-server/discovery/document";
import { described } from "../../../actors/api-server/openapi/descriptions";
import { openApi } from "../../../actors/api-server/openapi/openapi";
import reflection from "../../../actors/api-server/openapi/v2.protobuf.json";
import { allKinds, apiVersionOf, groupVersions } from "../../../protocol/kinds/registry";

const { textsOf } = require("../../../bin/describe.cjs") as { textsOf: (source: string) => object };
const cache: DocumentCache = new Map();
const serve = (path: string, accept = "application/json", hash = "") => openApi(path, accept, hash, { cache }) as ServedDocument;
// biome-ignore lint/suspicious/noExplicitAny: parsed JSON
const parsed = new Map<Uint8Array, any>();
function json(document: ServedDocument) {
  if (!parsed.has(document.body)) parsed.set(document.body, JSON.parse(new TextDecoder().decode(document.body)));
  return parsed.get(document.body);
}
const protobuf = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

const pathOf = (gv: { group: string; version: string }) => (gv.group === "" ? `/api/${gv.version}` : `/apis/${apiVersionOf(gv)}`);

/** Every $ref anywhere in a document. */
function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== "object" || value === null) return [];
  const own = (value as { $ref?: unknown }).$ref;
  return [...(typeof own === "string" ? [own] : []), ...Object.values(value).flatMap(references)];
}

// Source: Kubernetes API concepts, "OpenAPI V3": an index of group versions, each under a URL with a hash.
test("the index leads to a document of every group version that is served", () => {
  const { paths } = json(serve("/openapi/v3"));
  expect(Object.keys(paths).sort()).toEqual(
    groupVersions()
      .map((gv) => pathOf(gv).slice(1))
      .sort(),
  );
  for (const { serverRelativeURL } of Object.values<{ serverRelativeURL: string }>(paths)) {
    const [path, hash] = serverRelativeURL.split("?hash=");
    const document = serve(path!, "application/json", hash);
    expect(new Map(document.headers).get("cache-control")).toContain("immutable");
    expect(json(document).openapi).toBe("3.0.0");
  }
});

test("a document under an old hash is served, but not to be kept for ever", () => {
  expect(new Map(serve("/openapi/v3/apis/apps/v1", "", "OLD").headers).get("cache-control")).not.toContain("immutable");
});

test("every reference in a document leads to a schema in it", () => {
  for (const gv of groupVersions()) {
    const document = json(serve(`/openapi/v3${pathOf(gv)}`));
    const schemas = new Set(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`));
    expect(references(document).filter((ref) => !schemas.has(ref))).toEqual([]);
  }
  const swagger = json(serve("/openapi/v2"));
  const known = new Set([
    ...Object.keys(swagger.definitions).map((name) => `#/definitions/${name}`),
    ...Object.keys(swagger.parameters).map((name) => `#/parameters/${name}`),
  ]);
  expect(references(swagger).filter((ref) => !known.has(ref))).toEqual([]);
});

// Source: kubectl looks for its PATCH operation to learn whether the server validates fields itself and dry-runs.
test("every kind that can be patched says so with its kind, its action and the parameters that clients look for", () => {
  for (const kind of allKinds().filter((k) => k.verbs.includes("patch"))) {
    const { paths } = json(serve(`/openapi/v3${pathOf(kind)}`));
    const path = `${pathOf(kind)}/${kind.namespaced ? "namespaces/{namespace}/" : ""}${kind.plural}/{name}`;
    const { patch } = paths[path];
    expect(patch["x-kubernetes-action"]).toBe("patch");
    expect(patch["x-kubernetes-group-version-kind"]).toEqual({ group: kind.group, version: kind.version, kind: kind.kind });
    const names = patch.parameters.map((p: { name: string }) => p.name);
    expect(names).toEqual(expect.arrayContaining(["dryRun", "fieldManager", "fieldValidation", "force"]));
  }
});

// Source: kubectl before 1.27 learns whether the server can dry-run from the PATCH operation itself, and follows no references.
test("in version 2 the parameter dryRun stands in each operation, and the others are shared", () => {
  const { paths, parameters } = json(serve("/openapi/v2"));
  const { patch } = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
  expect(patch.parameters).toContainEqual({ name: "dryRun", in: "query", type: "string", uniqueItems: true });
  expect(patch.parameters).toContainEqual({ $ref: "#/parameters/fieldManager" });
  expect(parameters.limit).toEqual({ name: "limit", in: "query", type: "integer", uniqueItems: true });
});

test("operations have the identifiers that generated clients are named after, each once", () => {
  const ids = groupVersions().flatMap((gv) => {
    const { paths } = json(serve(`/openapi/v3${pathOf(gv)}`));
    return Object.values<object>(paths).flatMap((item) => Object.values<{ operationId?: string }>(item as never).map((o) => o.operationId));
  });
  const known = ids.filter((id) => id !== undefined);
  expect(new Set(known).size).toBe(known.length);
  expect(known).toEqual(
    expect.arrayContaining([
      ...["readCoreV1NamespacedPod", "listCoreV1PodForAllNamespaces", "deleteAppsV1CollectionNamespacedDeployment"],
      ...["patchAppsV1NamespacedDeploymentScale", "createCoreV1NamespacedPodEviction", "readCoreV1NamespacedPodLog"],
      ...["createRbacAuthorizationV1ClusterRole", "replaceCoreV1NamespaceFinalize", "connectCoreV1GetNamespacedPodExec"],
    ]),
  );
});

test("schemas carry what merging patches needs", () => {
  const { schemas } = json(serve("/openapi/v3/apis/apps/v1")).components;
  const { containers } = schemas["io.k8s.api.core.v1.PodSpec"].properties;
  expect(containers).toMatchObject({
    "x-kubernetes-patch-merge-key": "name",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  });
  const { strategy } = schemas["io.k8s.api.apps.v1.DeploymentSpec"].properties;
  expect(strategy).toEqual({
    allOf: [{ $ref: "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy" }],
    "x-kubernetes-patch-strategy": "retainKeys",
  });
});

test("quantities and int-or-strings are definitions of their own", () => {
  const v3 = json(serve("/openapi/v3/api/v1")).components.schemas;
  expect(v3["io.k8s.api.core.v1.ResourceRequirements"].properties.limits.additionalProperties).toEqual({
    $ref: "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity",
  });
  const v2 = json(serve("/openapi/v2")).definitions;
  expect(v2["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]).toEqual({ type: "string", format: "int-or-string" });
});

test("a field that takes any JSON has a schema that is not empty", () => {
  const { schemas } = json(serve("/openapi/v3/apis/apiextensions.k8s.io/v1")).components;
  const { default: any } = schemas["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"].properties;
  expect(any).toEqual({ "x-kubernetes-preserve-unknown-fields": true });
});

// Source: kubectl before 1.29 reads /openapi/v2 in gnostic's protobuf messages only; before 1.25 it asks for them with an "@".
test("the protobuf form says the same as the JSON form, and is named so that old clients can parse the name", () => {
  const document = serve("/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  expect(document.contentType).toBe(protobuf);
  expect(serve("/openapi/v2", protobuf).body).toBe(document.body);
  const type = Root.fromJSON(reflection).lookupType("openapi.v2.Document");
  // biome-ignore lint/suspicious/noExplicitAny: a decoded document of gnostic has no type of ours
  const decoded: any = type.toObject(type.decode(document.body));
  const swagger = json(serve("/openapi/v2"));
  expect(decoded.swagger).toBe("2.0");
  expect(decoded.paths.path.map((p: { name: string }) => p.name)).toEqual(Object.keys(swagger.paths));
  const definitions = new Map(decoded.definitions.additional_properties.map((d: { name: string; value: unknown }) => [d.name, d.value]));
  expect([...definitions.keys()]).toEqual(Object.keys(swagger.definitions));
  const pod = definitions.get("io.k8s.api.core.v1.Pod") as { vendor_extension: { name: string; value: { yaml: string } }[]; type: unknown };
  expect(pod.type).toEqual({ value: ["object"] });
  expect(pod.vendor_extension).toEqual([
    { name: "x-kubernetes-group-version-kind", value: { yaml: JSON.stringify([{ group: "", kind: "Pod", version: "v1" }]) } },
  ]);
  // biome-ignore lint/suspicious/noExplicitAny: see above
  const spec = definitions.get("io.k8s.api.apps.v1.DeploymentSpec") as any;
  expect(spec.required).toEqual(swagger.definitions["io.k8s.api.apps.v1.DeploymentSpec"].required);
  expect(spec.properties.additional_properties.map((p: { name: string }) => p.name)).toContain("replicas");
});

test("paths that are no OpenAPI documents, and forms we do not have, are told apart", () => {
  expect(openApi("/openapi/v3/apis/nosuch/v1", "", "", { cache })).toBeUndefined();
  expect(openApi("/openapi/v4", "", "", { cache })).toBeUndefined();
  expect(openApi("/api/v1", "", "", { cache })).toBeUndefined();
  expect(openApi("/openapi/v3", "application/com.github.proto-openapi.spec.v3.v1.0+protobuf", "", { cache })).toMatchObject({ code: 406 });
  expect(openApi("/openapi/v2", "text/html", "", { cache })).toMatchObject({ code: 406 });
});

// Source: the OpenAPI documents of a real server, and what `kubectl explain` reads of them.
test("types and fields are described; in OpenAPI 3.0 nothing stands beside a reference", () => {
  const texts = { Boat: { "": "A boat.", hull: "What it floats on.", sail: "" }, Sail: { "": "A sail." } };
  const fields = (prefix: string) => ({ hull: { type: "string" }, sail: { $ref: `${prefix}Sail` }, crew: { type: "integer" } });
  const v3 = "#/components/schemas/";
  expect(described("Boat", { type: "object", properties: fields(v3) }, "v3", texts)).toEqual({
    ...{ type: "object", description: "A boat." },
    properties: {
      hull: { type: "string", description: "What it floats on." },
      sail: { description: "A sail.", allOf: [{ $ref: `${v3}Sail` }] },
      crew: { type: "integer" },
    },
  });
  const v2 = described("Boat", { properties: fields("#/definitions/") }, "v2", texts).properties as Record<string, object>;
  expect(v2.sail).toEqual({ description: "A sail.", $ref: "#/definitions/Sail" });
  expect(described("Raft", { type: "object" }, "v3", texts)).toEqual({ type: "object" });
});

test("the texts are taken from the declarations of a client library, by type and field", () => {
  const texts = textsOf(
    [
      "/**\n * OpenAPI spec version: v1.34.0\n * Do not edit the class manually.\n */\nimport { V1Sail } from './V1Sail.js';\n",
      "/**\n* A boat\\'s hull.\n*/\nexport declare class V1Hull {\n    /**\n    * How long, in \\\"metres\\\".\n    */\n    'length'?: number;\n",
      "    'sail': V1Sail;\n    static readonly discriminator: string | undefined;\n}\n",
    ].join(""),
  );
  expect(texts).toEqual({ own: "A boat's hull.", fields: { length: 'How long, in "metres".' } });
});
