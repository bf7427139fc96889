import { actions } from "./actions";
import { aims } from "./aim";
import { checks } from "./checks";
import { faults } from "./faults";
import { compileSchema, durationSchema, type JsonSchema, recordSchema } from "./schema";
import { clusterSchema } from "./shape";
import { drawnFaults } from "./swarm";
import { workloads } from "./workloads";

const repeatParams: Readonly<Record<string, JsonSchema>> = {
  every: { ...durationSchema, description: "repeat the step after so long" },
  times: { type: "integer", minimum: 1, maximum: 1000, description: "how many times in all, with `every`" },
};
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
    load: { type: "array", items: { type: "object" }, description: "a list of workloads" },
    settle: durationSchema,
    storm: { type: "array", items: { type: "object" }, description: "a list of steps" },
    stormFor: durationSchema,
    swarm: {
      description: "steps that each seed draws anew, beside those of the storm",
      ...recordSchema({
        steps: { type: "integer", minimum: 1, maximum: 1000, description: "at most so many" },
        within: durationSchema,
        faults: { type: "array", items: { enum: [...drawnFaults] }, minItems: 1, description: "the faults that may be drawn" },
        rollouts: { type: "boolean", description: "restart and scale Deployments in between" },
      }),
    },
    beyondBudget: { type: "boolean" },
    calm: recordSchema({ within: durationSchema, stay: durationSchema }),
    expect: { type: "array", items: { type: ["string", "object"] }, minItems: 1, description: "a list of checks" },
  },
  ["name", "expect"],
);

export const validateFile = compileSchema(fileSchema);
/** The schema of each fault, action, check and workload as it stands in a file, by "fault crash". */
export const partSchemas = new Map(
  [
    ...faults.map((fault): readonly [string, JsonSchema] => [
      `fault ${fault.name}`,
      recordSchema(
        {
          fault: textSchema,
          at: durationSchema,
          for: durationSchema,
          target: aims[fault.aims ?? "hosts"].schema,
          mayMiss: { type: "boolean" },
          ...repeatParams,
          ...fault.params,
        },
        ["at", "target", ...fault.required],
      ),
    ]),
    ...actions.map((action): readonly [string, JsonSchema] => [
      `action ${action.name}`,
      recordSchema({ action: textSchema, at: durationSchema, ...repeatParams, ...action.params }, ["at", ...action.required]),
    ]),
    ...checks.map((check): readonly [string, JsonSchema] => [
      `check ${check.name}`,
      recordSchema({ check: textSchema, ...check.params }, check.required),
    ]),
    ...workloads.map((workload): readonly [string, JsonSchema] => [
      `workload ${workload.name}`,
      recordSchema({ workload: textSchema, ...workload.params }, workload.required),
    ]),
  ].map(([name, schema]) => [name, { schema, validate: compileSchema(schema) }]),
);

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
        return { ...schema, properties, required };
      });
  const properties = fileSchema.properties as Readonly<Record<string, JsonSchema>>;
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A scenario of Wavetank",
    ...fileSchema,
    properties: {
      ...properties,
      cluster: clusterSchema,
      storm: { ...properties.storm, items: { oneOf: [...variants("fault", "fault"), ...variants("action", "action")] } },
      load: { ...properties.load, items: { anyOf: variants("workload", "workload") } },
      expect: { ...properties.expect, items: { anyOf: [{ enum: checks.map(({ name }) => name) }, ...variants("check", "check")] } },
    },
  };
}
