import { Root } from "protobufjs";
import reflection from "../../../actors/api-server/gateway/kubernetes.protobuf.json";
import { fromProtobuf } from "../../../actors/api-server/gateway/protobuf";
import { toProtobuf, toProtobufEvent } from "../../../actors/api-server/gateway/protobuf-encode";
import type { JsonObject } from "../../../protocol/kinds/object";
import { allKinds, apiVersionOf, definition, type Schema } from "../../../protocol/kinds/registry";

/** The published schemas do not tell MicroTime from Time. */
const microTimes = new Set(["acquireTime", "renewTime", "eventTime", "lastObservedTime"]);

/** A value in which every property of the schema stands, down to a depth. */
function sample(schema: Schema | undefined, depth: number): unknown {
  if (schema === undefined) return undefined;
  if (schema.$ref !== undefined) return ofDefinition(schema.$ref, depth);
  if (schema.enum) return schema.enum.find((value) => value !== "");
  switch (schema.format) {
    case "date-time":
      return "2026-11-25T10:20:30Z";
    case "int-or-string":
      return "25%";
    case "quantity":
      return "100m";
    case "byte":
      return "eA==";
  }
  switch (schema.type) {
    case "string":
      return "text";
    case "integer":
    case "number":
      return 7;
    case "boolean":
      return true;
    case "array": {
      const item = sample(schema.items, depth);
      return item === undefined ? undefined : [item];
    }
    case "object":
      if (schema.properties) return ofProperties(schema, depth);
      if (schema.additionalProperties) {
        const value = sample(schema.additionalProperties, depth);
        return value === undefined ? undefined : { key: value };
      }
      return undefined;
  }
  return undefined;
}

function ofDefinition(name: string, depth: number): unknown {
  if (name.endsWith(".Time")) return "2026-11-25T10:20:30Z";
  if (name.endsWith(".Duration")) return "1m30s";
  if (name.endsWith(".FieldsV1")) return { "f:spec": {} };
  if (name.endsWith(".RawExtension") || name.endsWith(".JSON")) return { any: [1, "two"] };
  if (name.endsWith(".JSONSchemaPropsOrArray")) return [{ type: "string" }];
  if (name.endsWith(".JSONSchemaPropsOrBool")) return { type: "string" };
  if (name.endsWith(".JSONSchemaPropsOrStringArray")) return ["other"];
  if (depth === 0) return undefined;
  const schema = definition(name);
  return schema?.properties ? ofProperties(schema, depth - 1) : sample(schema, depth - 1);
}

function ofProperties(schema: Schema, depth: number): JsonObject {
  const entries = Object.entries(schema.properties ?? {}).map(
    ([key, value]) => [key, microTimes.has(key) ? "2026-11-25T10:20:30.123456Z" : sample(value, depth)] as const,
  );
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

const kinds = allKinds();

// Source: Kubernetes API concepts, "Alternate representations of resources": the same objects in JSON and in protobuf.
test.each(kinds.map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind] as const))(
  "%s says in protobuf all that it says in JSON",
  (_name, kind) => {
    const { kind: _kind, apiVersion: _apiVersion, ...rest } = ofProperties(definition(kind.definition)!, 6);
    // Claims in a template name their kind in JSON only, also in Kubernetes' own messages.
    for (const claim of (rest.spec as { volumeClaimTemplates?: Record<string, unknown>[] } | undefined)?.volumeClaimTemplates ?? [])
      for (const key of ["kind", "apiVersion"]) delete claim[key];
    const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), ...rest };
    expect(Object.keys(rest)).not.toEqual([]);
    const bytes = toProtobuf(object);
    expect(fromProtobuf(bytes!)).toEqual(object);
  },
);

test("lists, Statuses, metadata and discovery have messages, a Table and a custom resource have none", () => {
  const list = {
    kind: "PodList",
    apiVersion: "v1",
    metadata: { resourceVersion: "9", remainingItemCount: 3 },
    items: [{ metadata: { name: "a" } }],
  };
  expect(fromProtobuf(toProtobuf(list)!)).toMatchObject({ ...list, items: [{ metadata: { name: "a" } }] });
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: "gone", reason: "Expired", code: 410 };
  expect(fromProtobuf(toProtobuf(status)!)).toEqual(status);
  const metadata = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "a", labels: { b: "c" } } };
  expect(fromProtobuf(toProtobuf(metadata)!)).toEqual(metadata);
  expect(toProtobuf({ kind: "Table", apiVersion: "meta.k8s.io/v1", rows: [] })).toBeUndefined();
  const resource = { name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: ["get", "list"], shortNames: ["po"] };
  const resources = { kind: "APIResourceList", apiVersion: "v1", groupVersion: "v1", resources: [resource] };
  expect(fromProtobuf(toProtobuf(resources)!)).toEqual(resources);
  expect(toProtobuf({ kind: "Widget", apiVersion: "example.org/v1", spec: {} })).toBeUndefined();
});

test("a watch event is a frame that says its length, with the object inside as it is sent alone", () => {
  const pod = { kind: "Pod", apiVersion: "v1", metadata: { name: "a", generation: 3_000_000_000_000 } };
  const frame = Buffer.from(toProtobufEvent("MODIFIED", pod)!);
  expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
  const type = Root.fromJSON(reflection).lookupType("k8s.io.apimachinery.pkg.apis.meta.v1.WatchEvent");
  const event = type.decode(frame.subarray(4)) as unknown as { readonly type: string; readonly object: { readonly raw: Uint8Array } };
  expect(event.type).toBe("MODIFIED");
  expect(fromProtobuf(event.object.raw)).toEqual(pod);
});
