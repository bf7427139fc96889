import type { AuditPolicy } from "../actors/api-server/audit/policy";
import { type Authorizer, readAuthorizationConfiguration } from "../actors/api-server/authorization/configuration";
import type { ApiServerConfig } from "../actors/api-server/config";
import { type EncryptionRule, readEncryptionConfiguration } from "../actors/api-server/storage/encryption/configuration";
import type { KeyServicePlan } from "./key-services";
import type { Complaints } from "./language/complaints";
import type { JsonSchema } from "./schema";
import type { Path } from "./source";
import type { WebhookPlan } from "./webhooks";

/** What the files of kube-apiserver's flags would say, in a scenario: what is encrypted in etcd, who decides what users may do, what is written down. */
export interface ServerConfiguration {
  readonly audit: AuditPolicy | undefined;
  readonly encryption: readonly EncryptionRule[];
  /** undefined for Node and RBAC. */
  readonly authorizers: readonly Authorizer[] | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/** Its own reader says what is expected of the parts, so that it is the same as in the file of a real API server. */
export const encryptionSchema: JsonSchema = {
  type: "object",
  description: "what is encrypted in etcd: the `resources` of an EncryptionConfiguration",
};
export const authorizationSchema: JsonSchema = {
  type: "object",
  description: "who decides what users may do: the `authorizers` of an AuthorizationConfiguration; a webhook's connectionInfo is a `url`",
};

/** What an API server of the scenario is told. */
export function serverConfigOf({ audit, encryption, authorizers }: ServerConfiguration): Partial<ApiServerConfig> {
  return { ...(audit ? { audit } : {}), ...(encryption.length > 0 ? { encryption } : {}), ...(authorizers ? { authorizers } : {}) };
}

/** Reads the `encryption` part, whose kms providers have to be among these; what is wrong is noted. */
export function readEncryption(value: unknown, services: readonly KeyServicePlan[], complaints: Complaints): readonly EncryptionRule[] {
  const used = new Set<string>();
  const rules = value === undefined ? [] : rulesOf(value as Json, complaints);
  for (const [i, { providers }] of rules.entries())
    for (const [k, provider] of providers.entries()) {
      if (provider.type !== "kms") continue;
      used.add(provider.endpoint);
      if (!services.some(({ endpoint }) => endpoint === provider.endpoint))
        complaints.complain(
          ["encryption", "resources", i, "providers", k, "kms", "endpoint"],
          `nobody answers at ${provider.endpoint}: expected the endpoint of one of the \`keyServices\``,
        );
    }
  for (const [i, { name, endpoint }] of services.entries())
    if (!used.has(endpoint) && complaints.problems.length === 0)
      complaints.complain(
        ["keyServices", i, "endpoint"],
        `nobody asks the key service "${name}": no kms provider under \`encryption\` leads to it`,
      );
  return rules;
}

function rulesOf(value: Json, complaints: Complaints): readonly EncryptionRule[] {
  const document = { apiVersion: "apiserver.config.k8s.io/v1", kind: "EncryptionConfiguration", ...value };
  const read = readEncryptionConfiguration(document);
  noOther(value, "encryption", ["apiVersion", "kind", "resources"], complaints);
  if (read.ok) return read.rules;
  for (const problem of read.problems) complainAt(complaints, "encryption", problem);
  return [];
}

/** Reads the `authorization` part, whose webhooks have to be among these; what is wrong is noted. */
export function readAuthorization(
  value: unknown,
  webhooks: readonly WebhookPlan[],
  complaints: Complaints,
): readonly Authorizer[] | undefined {
  const asked = webhooks.flatMap((webhook, i) => ("authorization" in webhook.answers ? [{ ...webhook, i }] : []));
  const authorizers = value === undefined ? undefined : authorizersOf(value as Json, complaints);
  const used = new Set<string>();
  for (const [i, each] of (authorizers ?? []).entries()) {
    if (each.type !== "Webhook") continue;
    const at = ["authorization", "authorizers", i, "webhook", "connectionInfo", "url"];
    const host = /^https:\/\/([a-z0-9.-]+(?::\d+)?)(\/|$)/.exec(each.webhook.access.url)?.[1];
    if (host === undefined) {
      complaints.complain(at, `expected the address of a webhook, "https://authz.example.com/authorize"`);
      continue;
    }
    const serves = host.includes(":") ? host : `${host}:443`;
    used.add(serves);
    if (!asked.some((webhook) => webhook.serves === serves))
      complaints.complain(at, `nobody answers at ${serves}: expected what one of the \`webhooks\` with \`authorization\` serves`);
  }
  for (const { i, name, serves } of asked)
    if (!used.has(serves) && complaints.problems.length === 0)
      complaints.complain(
        ["webhooks", i, "authorization"],
        `nobody asks the webhook "${name}": no authorizer under \`authorization\` leads to it`,
      );
  return authorizers;
}

function authorizersOf(value: Json, complaints: Complaints): readonly Authorizer[] | undefined {
  const listed = Array.isArray(value.authorizers) ? value.authorizers.map(connected) : value.authorizers;
  const document = { apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthorizationConfiguration", ...value, authorizers: listed };
  const read = readAuthorizationConfiguration(document);
  if (read.ok) return read.authorizers;
  for (const problem of read.problems) complainAt(complaints, "authorization", problem);
  return undefined;
}

/** Where a real file names a kubeconfig, a scenario names the address in it: there are no certificates to be shown in a simulation. */
function connected(each: unknown): unknown {
  const webhook = recordOf(recordOf(each)?.webhook);
  const connection = recordOf(webhook?.connectionInfo);
  if (webhook === undefined || connection === undefined) return each;
  const { url, ...others } = connection;
  const made = { type: "KubeConfigFile", kubeConfigFile: "/scenario", access: { url }, ...others };
  return { ...recordOf(each), webhook: { ...webhook, connectionInfo: made } };
}

/** Notes what a reader said as "authorizers[0].webhook.timeout: …" at that place of the scenario. */
function complainAt(complaints: Complaints, part: string, problem: string): void {
  const end = problem.search(/: | [^[\]\w.]/);
  const place = /^[\w.[\]]+$/.test(problem.slice(0, end)) ? problem.slice(0, end) : "";
  const path: Path = [...place.matchAll(/[^.[\]]+/g)].map(([name]) => (/^\d+$/.test(name) ? Number(name) : name));
  complaints.complain([part, ...path], place === "" ? problem : problem.slice(end + 2));
}

function noOther(value: Json, part: string, known: readonly string[], complaints: Complaints): void {
  for (const field of Object.keys(value))
    if (!known.includes(field)) complaints.complain([part, field], `unknown field; known are ${known.join(", ")}`, "key");
}

function recordOf(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
