import { resolve } from "node:path";
import type { Command } from "commander";
import { parse } from "yaml";
import { type AbacPolicy, readPolicies } from "../actors/api-server/authorization/abac";
import { type Authorizer, readAuthorizationConfiguration, type WebhookAccess } from "../actors/api-server/authorization/configuration";
import { parseDurationMs } from "../protocol/kinds/duration";
import { readAuditWebhookAccess } from "./audit-webhook-access";
import { InputError } from "./exit";
import { readText } from "./read-text";

const flag = "--authorization-config";

/** kube-apiserver's own flags of who decides what users may do. */
export interface AuthorizationFlags {
  readonly authorizationConfig?: string;
  readonly authorizationMode?: string;
  readonly authorizationPolicyFile?: string;
  readonly authorizationWebhookConfigFile?: string;
  readonly authorizationWebhookVersion?: string;
  readonly authorizationWebhookCacheAuthorizedTtl?: string;
  readonly authorizationWebhookCacheUnauthorizedTtl?: string;
}

/** Declares them. */
export function addAuthorizationFlag(command: Command): Command {
  return command
    .option(`${flag} <file>`, "an AuthorizationConfiguration: who is asked what users may do, webhooks too (default Node, RBAC)")
    .option(
      `${modeFlag} <modes>`,
      "the same in short: Node, RBAC, ABAC, Webhook, AlwaysAllow, AlwaysDeny with commas between them, in their order",
    )
    .option("--authorization-policy-file <file>", "policies of the mode ABAC: one of JSON a line")
    .option("--authorization-webhook-config-file <file>", "a kubeconfig: whom the mode Webhook asks")
    .option("--authorization-webhook-version <version>", "the SubjectAccessReview that it is asked with, v1 or v1beta1 (default v1beta1)")
    .option(
      "--authorization-webhook-cache-authorized-ttl <duration>",
      "how long it is believed that somebody may; 0 not at all (default 5m)",
    )
    .option("--authorization-webhook-cache-unauthorized-ttl <duration>", "the same where somebody may not (default 30s)");
}

/** Reads the file, or the modes. Throws an InputError that names the file or the flag, and the place. */
export function readAuthorization(flags: AuthorizationFlags): readonly Authorizer[] | undefined {
  const { authorizationConfig: file, authorizationMode: modes, authorizationPolicyFile: policies, ...webhook } = flags;
  const given = webhookFlags.find((name) => webhook[name] !== undefined);
  if (policies !== undefined && !modes?.split(",").includes("ABAC"))
    throw new InputError(`${policyFlag} ${policies}: cannot be specified without mode ABAC`);
  if (file === undefined) {
    if (modes !== undefined) return authorizersOf(modes, webhook, policies);
    if (given !== undefined) throw new InputError(`${flagOf(given)} ${webhook[given]}: without ${modeFlag} Webhook nobody is asked`);
    return undefined;
  }
  if (modes !== undefined || given !== undefined)
    throw new InputError(`${flag} can not be specified when ${modeFlag} or --authorization-webhook-* flags are defined`);
  let document: unknown;
  try {
    document = parse(readText(file));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${file}: ${(error as Error).message}`);
  }
  const read = readAuthorizationConfiguration(withAccess(document, file));
  if (!read.ok) throw new InputError(read.problems.map((problem) => `${file}: ${problem}`).join("\n"));
  return read.authorizers;
}

const modeFlag = "--authorization-mode";
const policyFlag = "--authorization-policy-file";
const modeNames = ["Node", "RBAC", "ABAC", "Webhook", "AlwaysAllow", "AlwaysDeny"] as const;
const webhookFlags = [
  "authorizationWebhookConfigFile",
  "authorizationWebhookVersion",
  "authorizationWebhookCacheAuthorizedTtl",
  "authorizationWebhookCacheUnauthorizedTtl",
] as const;

const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function authorizersOf(text: string, webhook: AuthorizationFlags, policies: string | undefined): readonly Authorizer[] {
  const modes = text.split(",");
  const file = webhook.authorizationWebhookConfigFile;
  for (const mode of modes)
    if (!modeNames.some((name) => name === mode))
      throw new InputError(`${modeFlag} ${text}: ${JSON.stringify(mode)} is not a valid mode: expected some of ${modeNames.join(", ")}`);
  if (new Set(modes).size < modes.length) throw new InputError(`${modeFlag} ${text}: has mode specified more than once`);
  const given = webhookFlags.find((name) => webhook[name] !== undefined);
  if (given !== undefined && !modes.includes("Webhook"))
    throw new InputError(`${flagOf(given)} ${webhook[given]}: cannot be specified without mode Webhook`);
  if (file === undefined && modes.includes("Webhook"))
    throw new InputError(`${modeFlag} ${text}: --authorization-webhook-config-file says whom the mode Webhook asks`);
  const ttl = (name: "authorizationWebhookCacheAuthorizedTtl" | "authorizationWebhookCacheUnauthorizedTtl", standard: string) => {
    const duration = webhook[name] ?? standard;
    const ms = parseDurationMs(duration);
    if (ms === undefined || ms < 0) throw new InputError(`${flagOf(name)} ${duration}: expected a duration such as "30s"`);
    return { duration, isCached: ms > 0 };
  };
  const [yes, no] = [ttl("authorizationWebhookCacheAuthorizedTtl", "5m"), ttl("authorizationWebhookCacheUnauthorizedTtl", "30s")];
  const version = webhook.authorizationWebhookVersion ?? "v1beta1";
  if (version !== "v1" && version !== "v1beta1") throw new InputError(`--authorization-webhook-version ${version}: expected v1 or v1beta1`);
  const asked = file && {
    ...{ timeout: "30s", subjectAccessReviewVersion: version, failurePolicy: "NoOpinion" },
    ...{ authorizedTTL: yes.duration, cacheAuthorizedRequests: yes.isCached },
    ...{ unauthorizedTTL: no.duration, cacheUnauthorizedRequests: no.isCached },
    connectionInfo: {
      ...{ type: "KubeConfigFile", kubeConfigFile: resolve(file) },
      access: accessOf(resolve(file), "--authorization-webhook-config-file"),
    },
  };
  const others = modes.filter((mode) => mode !== "ABAC");
  const abac = modes.indexOf("ABAC");
  if (abac >= 0 && policies === undefined) throw new InputError(`${modeFlag} ${text}: ${policyFlag} says what the mode ABAC allows`);
  const byPolicies: readonly Authorizer[] = policies === undefined ? [] : [{ type: "ABAC", name: "abac", policies: policiesIn(policies) }];
  if (others.length === 0) return byPolicies;
  const read = readAuthorizationConfiguration({
    ...{ apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthorizationConfiguration" },
    authorizers: others.map((type) =>
      type === "Webhook" ? { type, name: "default", webhook: asked } : { type, name: type.toLowerCase() },
    ),
  });
  if (!read.ok) throw new InputError(read.problems.map((problem) => `${modeFlag} ${text}: ${problem}`).join("\n"));
  return abac < 0 ? read.authorizers : read.authorizers.toSpliced(abac, 0, ...byPolicies);
}

function policiesIn(file: string): readonly AbacPolicy[] {
  const read = readPolicies(readText(file));
  if (!read.ok) throw new InputError(read.problems.map((problem) => `${file}:${problem}`).join("\n"));
  return read.policies;
}

/** A parsed file with what the kubeconfigs say that its webhooks name. Throws an InputError about the first that cannot be used. */
export function withAccess(document: unknown, file: string): unknown {
  const { authorizers, ...rest } = recordOf(document);
  if (!Array.isArray(authorizers)) return document;
  const complete = authorizers.map((each: unknown, index) => {
    const webhook = recordOf(recordOf(each).webhook);
    const { kubeConfigFile, ...connection } = recordOf(webhook.connectionInfo);
    // What is no absolute path is refused where the rest is read.
    if (typeof kubeConfigFile !== "string" || !kubeConfigFile.startsWith("/")) return each;
    const access = accessOf(kubeConfigFile, `${flag} ${file}: authorizers[${index}].webhook.connectionInfo.kubeConfigFile`);
    return { ...recordOf(each), webhook: { ...webhook, connectionInfo: { ...connection, kubeConfigFile, access } } };
  });
  return { ...rest, authorizers: complete };
}

/** What API servers are told of a webhook's kubeconfig; they have no certificates of their own to show to it. */
export function accessOf(kubeconfig: string, place: string): WebhookAccess {
  const { url, tls, headers } = readAuditWebhookAccess(kubeconfig, place);
  if (tls.cert !== undefined || tls.servername !== undefined)
    throw new InputError(`${place} ${kubeconfig}: client certificates and tls-server-name are not there for this webhook`);
  return {
    url,
    caBundle: tls.ca === undefined ? "" : Buffer.from(tls.ca).toString("base64"),
    insecure: tls.rejectUnauthorized === false,
    headers: Object.entries(headers),
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}
