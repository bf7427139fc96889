import type { Json, Tank } from "../server/tank";

/** Definitions to test with, and how to install them. */

export const definitionsPath = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
export const widgets = "/apis/shop.example.com/v1/namespaces/default/widgets";

const properties: Json = {
  spec: {
    type: "object",
    required: ["size"],
    properties: {
      size: { type: "integer", minimum: 1 },
      color: { type: "string", default: "red", enum: ["red", "green", "blue"] },
      replicas: { type: "integer" },
      port: { "x-kubernetes-int-or-string": true },
      note: { type: "string", nullable: true },
      parts: {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        items: { type: "object", required: ["name"], properties: { name: { type: "string" }, count: { type: "integer" } } },
      },
      tags: { type: "array", "x-kubernetes-list-type": "set", items: { type: "string" } },
      options: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
  },
  status: { type: "object", properties: { ready: { type: "boolean" }, replicas: { type: "integer" }, selector: { type: "string" } } },
};

/** A version of widgets; `more` overrides. */
export const version = (name: string, more: Json = {}): Json => ({
  name,
  served: true,
  storage: name === "v1",
  schema: { openAPIV3Schema: { type: "object", properties } },
  subresources: { status: {} },
  ...more,
});

/** The definition of widgets.shop.example.com; `spec` overrides parts of it. */
export const widgetDefinition = (spec: Json = {}): Json => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${spec.names?.plural ?? "widgets"}.${spec.group ?? "shop.example.com"}` },
  spec: {
    group: "shop.example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget", shortNames: ["wd"], categories: ["all"] },
    versions: [version("v1")],
    ...spec,
  },
});

export const widget = (name: string, spec: Json, more: Json = {}): Json => ({
  apiVersion: "shop.example.com/v1",
  kind: "Widget",
  metadata: { name },
  spec,
  ...more,
});

/** Creates the definition and waits until every server serves it. */
export function install(tank: Tank, definition: Json, servers = 1): void {
  const reply = tank.create(definitionsPath, definition);
  if (reply.code !== 201) throw new Error(reply.text);
  const { group, versions, names } = definition.spec;
  for (let server = 0; server < servers; server++)
    tank.until(
      () => tank.state(server)?.served.kindOfResource(group, versions[0].name, names.plural) !== undefined,
      `apiserver/${server} does not serve ${definition.metadata.name}`,
    );
}

/** What is wrong, as "field: message" lines. */
export const causes = (body: Json): readonly string[] =>
  (body.details?.causes ?? []).map(({ field, message }: { field: string; message: string }) => `${field}: ${message}`);
