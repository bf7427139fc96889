import { type AdmissionBehaviour, admissionText, isAdmissionBehaviour } from "../actors/container-runtime/admission-behaviour";
import type { MsRange } from "../actors/container-runtime/image-behaviour";
import { type AuthorizationBehaviour, decisions } from "../actors/webhook/authorization-behaviour";
import type { WebhookConfig } from "../actors/webhook/webhook";
import { type Address, address } from "../protocol/address";
import type { HostPlan } from "./cluster";
import type { Complaints } from "./language/complaints";
import { type JsonSchema, nameSchema, recordSchema } from "./schema";
import type { Params } from "./workloads/workload";

/** A webhook outside of the cluster, of admission or authorization, played by an actor on a host of its own, so that storms can break it. */
export interface WebhookPlan extends WebhookConfig {
  readonly name: string;
  /** "guard.example.com:443", or "guard.shop.svc:443" for a Service that it plays: what a configuration's clientConfig leads to. */
  readonly serves: string;
}

const amount: JsonSchema = { type: "number", minimum: 0 };
/** How long whoever is outside of the cluster takes for an answer. */
export const latencySchema: JsonSchema = {
  anyOf: [amount, recordSchema({ min: amount, max: amount }, ["min", "max"])],
  description: "how long an answer takes: milliseconds, or { min, max }; 1 to 5 where not given",
};
export const standardLatencyMs: MsRange = { min: 1, max: 5 };

const texts: JsonSchema = { type: "array", items: { type: "string" }, minItems: 1 };
const decisionSchema: JsonSchema = { enum: [...decisions], description: `one of ${decisions.join(", ")}` };
const authorizationSchema: JsonSchema = {
  anyOf: [
    decisionSchema,
    {
      type: "array",
      minItems: 1,
      items: recordSchema(
        {
          decision: decisionSchema,
          reason: { type: "string" },
          ...{ users: texts, groups: texts, verbs: texts, resources: texts, namespaces: texts },
        },
        ["decision"],
      ),
    },
  ],
  description:
    "what an authorization webhook says to SubjectAccessReviews: allow, deny or no-opinion, or rules with decision, reason, users, groups, verbs, resources, namespaces, of which the first that fits decides",
};

/** The `webhooks` part of a scenario file. */
export const webhooksSchema: JsonSchema = {
  type: "array",
  items: recordSchema(
    {
      name: nameSchema("its name: its host is webhook-NAME"),
      serves: {
        type: "string",
        pattern: "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?$",
        description: 'the name that leads to it, and the port where it is not 443: "guard.example.com", or "guard.shop.svc" for a Service',
      },
      admission: { type: ["string", "object"], description: admissionText },
      authorization: authorizationSchema,
      latencyMs: latencySchema,
    },
    ["name", "serves"],
  ),
  description: "a list of webhooks outside of the cluster",
};

/** Reads the `webhooks` part; what is wrong is noted. */
export function readWebhooks(value: unknown, complaints: Complaints): readonly WebhookPlan[] {
  const read: WebhookPlan[] = [];
  for (const [i, given] of ((value ?? []) as readonly Params[]).entries()) {
    const { admission = "allow", authorization, latencyMs = standardLatencyMs } = given;
    const name = String(given.name);
    const serves = /:\d+$/.test(String(given.serves)) ? String(given.serves) : `${String(given.serves)}:443`;
    if (!isAdmissionBehaviour(admission)) complaints.complain(["webhooks", i, "admission"], `expected ${admissionText}`);
    if (given.admission !== undefined && authorization !== undefined)
      complaints.complain(["webhooks", i, "authorization"], "a webhook is asked about admission or authorization: expected one of the two");
    if (read.some((other) => other.name === name)) complaints.complain(["webhooks", i, "name"], `there is a webhook "${name}" already`);
    if (read.some((other) => other.serves === serves))
      complaints.complain(["webhooks", i, "serves"], `${serves} leads to another one already`);
    const answers =
      authorization === undefined
        ? { admission: admission as AdmissionBehaviour }
        : { authorization: authorization as AuthorizationBehaviour };
    read.push({ name, serves, answers, latencyMs: latencyMs as MsRange });
  }
  return read;
}

/** Whom API servers ask instead of the world outside, by name and port. */
export function webActorsOf(webhooks: readonly WebhookPlan[]): Readonly<Record<string, Address>> {
  return Object.fromEntries(webhooks.map(({ name, serves }) => [serves, address("webhook", name)]));
}

/** The hosts of the webhooks, over the zones in turn: `webhook-NAME` with the actor `webhook/NAME`. */
export function webhookHosts(webhooks: readonly WebhookPlan[], zone: (index: number) => string): readonly HostPlan[] {
  return webhooks.map(({ name, answers, latencyMs }, i): HostPlan => {
    const config: WebhookConfig = { answers, latencyMs };
    return {
      name: `webhook-${name}`,
      zone: zone(i),
      role: "webhook",
      actors: [{ address: address("webhook", name), config: { ...config } }],
    };
  });
}
