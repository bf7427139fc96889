import { durationSchema, type JsonSchema, recordSchema } from "../schema";
import { moments } from "./moments";

const text: JsonSchema = { type: "string" };
const times: JsonSchema = {
  type: "integer",
  minimum: 1,
  maximum: 1_000_000,
  description: "how often it has to happen; once where not given",
};
const objects: JsonSchema = { type: "string", description: 'objects by kind and name, such as "Pod shop/web-*" or "Node node-1"' };
const field: JsonSchema = {
  type: "string",
  pattern: "^[^.\\[\\]]+(\\.[^.\\[\\]]+|\\[[^\\[\\]]+\\])*$",
  description: 'a field such as "status.phase" or "status.conditions[Ready].status"',
};
const any: JsonSchema = { description: "a value" };
const number: JsonSchema = { type: "number" };
const actor: JsonSchema = { type: "string", description: 'an actor such as "kubelet/node-1" or "controller-manager/*"' };
const condition: JsonSchema = { type: ["string", "object"], description: "a condition" };
const conditions: JsonSchema = { type: "array", items: condition, minItems: 1, description: "a list of conditions" };

/** The forms of a condition, each by the field that says which it is. A text alone is the name of a moment. */
export const conditionForms: ReadonlyMap<string, { readonly what: string; readonly schema: JsonSchema }> = new Map(
  (
    [
      ["all", "every one of them holds", { all: conditions }, []],
      ["any", "one of them holds", { any: conditions }, []],
      ["not", "it does not hold", { not: condition }, []],
      [
        "timeline",
        "a named moment has come, or a line with this text is in the timeline",
        {
          timeline: { type: "string", minLength: 1, description: "a moment, or a part of a line, with * for any letters" },
          actor: { ...text, description: "of this actor or host; a pattern" },
          where: { type: "object", additionalProperties: { type: ["string", "number", "boolean"] }, description: "fields of the fact" },
          times,
        },
        [],
      ],
      ["created", "an object was made", { created: objects, times }, []],
      ["updated", "an object was changed in any way", { updated: objects, times }, []],
      ["deleted", "an object is gone", { deleted: objects, times }, []],
      ["changed", "a field of an object changed", { changed: objects, field, from: any, to: any, times }, ["field"]],
      [
        "write",
        "a request to change something came to an API server from the actor",
        {
          write: actor,
          verb: { enum: ["create", "update", "patch", "delete", "deletecollection"], description: "only these" },
          resource: { ...text, description: 'only of these, such as "pods"' },
          times,
        },
        [],
      ],
      [
        "watchEvent",
        "an event of a watch came to the actor",
        { watchEvent: actor, resource: { ...text, description: 'only of these, such as "pods"' }, times },
        [],
      ],
      [
        "object",
        "an object has a field like that",
        { object: objects, field, is: any, atLeast: number, atMost: number, exists: { type: "boolean" } },
        [],
      ],
      [
        "count",
        "there are so many objects with fields like these",
        {
          count: objects,
          where: { type: "object", description: "fields with what they must be" },
          is: number,
          atLeast: number,
          atMost: number,
        },
        [],
      ],
      ["host", "a host is up or down", { host: text, is: { enum: ["up", "down"] } }, ["is"]],
      ["elapsed", "so long has passed since the storm began", { elapsed: durationSchema }, []],
      ["check", "a check of the scenario is violated, or held so far", { check: text, is: { enum: ["violated", "held"] } }, ["is"]],
    ] as readonly (readonly [string, string, Readonly<Record<string, JsonSchema>>, readonly string[]])[]
  ).map(([name, what, properties, required]) => [name, { what, schema: recordSchema(properties, [name, ...required]) }]),
);

/** The text that stands for "everything that is asked for is so". */
export const atRest = "at rest";

/** What a text alone can be. */
export const conditionTexts: readonly string[] = [atRest, ...moments.map(({ name }) => name)];

/** For editors: every form of a condition. Conditions in conditions are only told apart from texts. */
export const conditionJsonSchema: JsonSchema = {
  anyOf: [{ enum: [...conditionTexts] }, ...[...conditionForms.values()].map(({ schema }) => schema)],
};
