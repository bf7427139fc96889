import { actionNamed } from "./actions";
import { faultNamed } from "./faults";
import { compileSchema, type JsonSchema } from "./schema";
import { clusterSchema } from "./shape";
import type { ScheduledStep } from "./storm";

const wholeNumber: JsonSchema = { type: "integer", minimum: 0 };
const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: "null" }] });
const source: JsonSchema = {
  type: "object",
  properties: { file: { type: "string" }, text: { type: "string" } },
  required: ["file", "text"],
};

const step: JsonSchema = {
  type: "object",
  properties: {
    type: { enum: ["fault", "action", "missed"] },
    step: { type: "integer" },
    occurrence: wholeNumber,
    atUs: wholeNumber,
    name: { type: "string" },
    where: { type: "string" },
    targets: { type: "array", items: { type: "string" } },
    forUs: orNull(wholeNumber),
    params: { type: "object" },
    mayMiss: { type: "boolean" },
  },
  required: ["type", "step", "occurrence", "atUs", "name", "where", "targets", "forUs", "params", "mayMiss"],
};

const load: JsonSchema = {
  type: "object",
  properties: { place: wholeNumber, params: { type: "object" }, fromUs: wholeNumber, toUs: orNull(wholeNumber) },
  required: ["place", "params", "fromUs", "toUs"],
};

const check: JsonSchema = {
  type: "object",
  properties: { name: { type: "string" }, verdict: { enum: ["held", "violated"] }, detail: { type: "string" } },
  required: ["name", "verdict", "detail"],
};

/** What has to stand in a run.json for a run to be repeated. */
const recordSchema: JsonSchema = {
  type: "object",
  properties: {
    bundle: {
      type: "object",
      properties: {
        source,
        files: { type: "object", additionalProperties: { type: "array", items: source } },
        operators: { type: "object", additionalProperties: source },
      },
      required: ["source", "files"],
    },
    build: { type: "string" },
    seed: wholeNumber,
    schedule: { type: "array", items: step },
    shape: { ...clusterSchema, required: ["etcd", "apiServers", "controllers", "nodes", "zones", "capacity", "knobs"] },
    stormUs: orNull(wholeNumber),
    coreOnly: { type: "boolean" },
    load: { type: "array", items: load },
    objects: orNull({ type: "array", items: { type: "string" } }),
    untilUs: orNull(wholeNumber),
    stopEvent: orNull(wholeNumber),
    result: {
      type: "object",
      properties: { traceHash: { type: "string", pattern: "^[0-9a-f]{16}$" }, checks: { type: "array", items: check } },
      required: ["traceHash", "checks"],
    },
  },
  required: ["bundle", "seed", "schedule", "shape", "stormUs", "load", "objects", "untilUs", "stopEvent", "result"],
};

const validate = compileSchema(recordSchema);

/** What is wrong with a record, "$.schedule[3].targets: must be array"; undefined where nothing is. */
export function wrongWithRecord(record: unknown): string | undefined {
  const errors = validate(record);
  // What an alternative says last (null) tells less than what its first branch says.
  const [error] = errors;
  if (error) {
    const missing = error.keyword === "required" ? `.${String(error.params.missingProperty)}` : "";
    const place = `$${error.instancePath.replace(/\/(\d+)/g, "[$1]").replaceAll("/", ".")}${missing}`;
    return `${place}: ${missing ? "missing" : (error.message ?? "damaged")}`;
  }
  for (const [i, { type, name }] of (record as { readonly schedule: readonly ScheduledStep[] }).schedule.entries()) {
    const known = type === "missed" || (type === "fault" ? faultNamed(name) : actionNamed(name)) !== undefined;
    if (!known) return `$.schedule[${i}].name: this version has no ${type} "${name}"`;
  }
  return undefined;
}
