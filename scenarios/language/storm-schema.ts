import { durationSchema, type JsonSchema, recordSchema } from "../schema";

const condition: JsonSchema = { type: ["string", "object"], description: "a condition" };
const nodes: JsonSchema = { type: "array", items: { type: "object" }, minItems: 1, description: "a list of steps" };

/** What any node of a storm may say about when it begins. */
export const startFields: Readonly<Record<string, JsonSchema>> = {
  at: { ...durationSchema, description: `${String(durationSchema.description)}, counted from when its block begins` },
  between: {
    type: "array",
    items: durationSchema,
    minItems: 2,
    maxItems: 2,
    description: "two durations: each seed draws when between them it begins",
  },
  when: { ...condition, description: "a condition: it begins when this holds" },
  within: { ...durationSchema, description: "how long it waits for `when`; 60s where not given" },
  after: { ...durationSchema, description: "so long after its turn came" },
  every: { ...durationSchema, description: "repeat the step after so long" },
  cron: {
    type: "string",
    description:
      'a schedule as CronJobs have them, such as "*/2 * * * *" or "@every 90s", in place of `at`: the storm begins at midnight of a first of January, a Thursday',
  },
  times: { type: "integer", minimum: 1, maximum: 1000, description: "how many times in all, with `every`, `cron` or `when`" },
  unless: { ...condition, description: "a condition: a round whose turn comes while this holds is left out, with `every` or `cron`" },
  concurrencyPolicy: {
    enum: ["Allow", "Forbid", "Replace"],
    description:
      "with `every` or `cron`, when the turn of a round comes while the one before it goes on: Allow (both), Forbid (it is left out), Replace (the one before it ends). Allow where not given",
  },
  overlap: { type: "boolean", description: "false: the same as `concurrencyPolicy: Forbid`" },
  mayMiss: { type: "boolean", description: "whether it is fine that it does nothing" },
};

/** What a fault may say about its end. */
export const endFields: Readonly<Record<string, JsonSchema>> = {
  for: { ...durationSchema, description: "how long it lasts; until the calm where not given" },
  until: { ...condition, description: "a condition: it ends when this holds, at the latest after `for` (60s where not given)" },
};

const block = (properties: Readonly<Record<string, JsonSchema>>, required: readonly string[]) =>
  recordSchema({ ...startFields, ...properties }, required);

/** The blocks that compose steps, by the field that says which it is. */
export const blocks: ReadonlyMap<string, { readonly what: string; readonly schema: JsonSchema }> = new Map([
  ["serial", { what: "its nodes one after the other", schema: block({ serial: nodes }, ["serial"]) }],
  ["parallel", { what: "its nodes side by side", schema: block({ parallel: nodes }, ["parallel"]) }],
  [
    "if",
    {
      what: "`then` where the condition holds at that moment, `else` where not",
      schema: block({ if: condition, then: nodes, else: nodes }, ["if", "then"]),
    },
  ],
  [
    "repeat",
    {
      what: "its nodes again and again: `times` rounds, or until the condition holds after one; `every` from the begin of a round to the next",
      schema: block(
        { repeat: nodes, until: { ...condition, description: "a condition: the last round is the one after which it holds" } },
        ["repeat"],
      ),
    },
  ],
  ["wait", { what: "nothing, until the condition holds", schema: block({ wait: condition }, ["wait"]) }],
]);
