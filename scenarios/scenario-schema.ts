import { auditSchema } from "./audit";
import { checks } from "./checks";
import { keyServicesSchema } from "./key-services";
import { conditionJsonSchema } from "./language/condition-schema";
import { planSchema } from "./language/plan";
import { blocks } from "./language/storm-schema";
import { operatorSchema } from "./operators";
import { partSchemas } from "./part-schemas";
import { compileSchema, durationSchema, type JsonSchema, recordSchema } from "./schema";
import { authorizationSchema, encryptionSchema } from "./server-configuration";
import { clusterSchema } from "./shape";
import { swarmSchema } from "./swarm-shape";
import { webhooksSchema } from "./webhooks";

const textSchema: JsonSchema = { type: "string" };

const fileSchema = recordSchema(
  {
    // These three make the file an empty List to kubectl, so that it may lie beside the manifests that it uses.
    apiVersion: { const: "v1" },
    kind: { const: "List" },
    items: { type: "array", maxItems: 0 },
    name: {
      type: "string",
      pattern: "^[a-z0-9][a-z0-9-]*$",
      description: 'a name of lower case letters, digits and dashes, such as "leader-loss"',
    },
    title: textSchema,
    description: textSchema,
    cluster: { type: "object" },
    manifests: { type: "array", items: textSchema, description: "a list of files and folders" },
    images: { type: "array", description: "a list of images with their behaviour" },
    operator: operatorSchema,
    webhooks: webhooksSchema,
    keyServices: keyServicesSchema,
    encryption: encryptionSchema,
    authorization: authorizationSchema,
    audit: auditSchema,
    load: { type: "array", items: { type: "object" }, description: "a list of workloads" },
    settle: durationSchema,
    storm: { type: "array", items: { type: "object" }, description: "a list of steps" },
    stormFor: durationSchema,
    swarm: swarmSchema,
    plan: planSchema,
    beyondBudget: { type: "boolean" },
    calm: recordSchema({
      within: durationSchema,
      stay: durationSchema,
      coreOnly: {
        type: "boolean",
        description: "of the control plane only a core is sure to live on; each of the rest stays dead or not, as each seed draws",
      },
    }),
    expect: { type: "array", items: { type: ["string", "object"] }, minItems: 1, description: "a list of checks" },
  },
  ["name", "expect"],
);

export const validateFile = compileSchema(fileSchema);

/** A part's schema with references to nodes and conditions in the places where it holds some. */
function nested(schema: JsonSchema): JsonSchema {
  const properties = Object.entries(schema.properties as Readonly<Record<string, JsonSchema>>).map(([name, own]) => {
    if (["when", "until", "if", "wait"].includes(name)) return [name, { $ref: "#/$defs/condition" }];
    if (["serial", "parallel", "repeat", "then", "else"].includes(name)) return [name, { ...own, items: { $ref: "#/$defs/node" } }];
    return [name, own];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** The whole JSON Schema of a scenario file, for editors: with the parameters of each fault, action, check and workload. */
export function scenarioSchema(): JsonSchema {
  const variants = (prefix: string, field: string) =>
    [...partSchemas]
      .filter(([name]) => name.startsWith(`${prefix} `))
      .map(([name, { schema }]) => {
        const properties = {
          ...(schema.properties as Readonly<Record<string, JsonSchema>>),
          [field]: { const: name.slice(prefix.length + 1) },
        };
        const required = [...(schema.required as readonly string[]), ...(prefix === "workload" ? [] : [field])];
        return nested({ ...schema, properties, required });
      });
  const properties = fileSchema.properties as Readonly<Record<string, JsonSchema>>;
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A scenario of Wavetank",
    ...fileSchema,
    $defs: {
      node: {
        oneOf: [
          ...variants("fault", "fault"),
          ...variants("action", "action"),
          ...[...blocks.values()].map(({ schema }) => nested(schema)),
        ],
      },
      condition: conditionJsonSchema,
    },
    properties: {
      ...properties,
      cluster: clusterSchema,
      storm: { ...properties.storm, items: { $ref: "#/$defs/node" } },
      load: { ...properties.load, items: { anyOf: variants("workload", "workload") } },
      expect: { ...properties.expect, items: { anyOf: [{ enum: checks.map(({ name }) => name) }, ...variants("check", "check")] } },
    },
  };
}
