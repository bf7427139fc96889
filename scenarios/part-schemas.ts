import { actions } from "./actions";
import { aims } from "./aim";
import { checks } from "./checks";
import { faults } from "./faults";
import { blocks, endFields, startFields } from "./language/storm-schema";
import { compileSchema, type JsonSchema, recordSchema } from "./schema";
import { workloads } from "./workloads";

const textSchema: JsonSchema = { type: "string" };

/** The schema of each fault, action, block, check and workload as it stands in a file, by "fault crash". */
export const partSchemas = new Map(
  [
    ...faults.map((fault): readonly [string, JsonSchema] => [
      `fault ${fault.name}`,
      recordSchema({ fault: textSchema, target: aims[fault.aims ?? "hosts"].schema, ...startFields, ...endFields, ...fault.params }, [
        "target",
        ...fault.required,
      ]),
    ]),
    ...actions.map((action): readonly [string, JsonSchema] => [
      `action ${action.name}`,
      recordSchema({ action: textSchema, ...startFields, ...action.params }, action.required),
    ]),
    ...[...blocks].map(([name, { schema }]): readonly [string, JsonSchema] => [`block ${name}`, schema]),
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
