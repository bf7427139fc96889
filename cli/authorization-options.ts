import type { Command } from "commander";
import { parse } from "yaml";
import { type Authorizer, readAuthorizationConfiguration, type WebhookAccess } from "../actors/api-server/authorization/configuration";
import { readAuditWebhookAccess } from "./audit-webhook-access";
import { InputError } from "./exit";
import { readText } from "./read-text";

const flag = "--authorization-config";

/** Declares the flag of `wavetank up` that says who decides what users may do, under kube-apiserver's name. */
export function addAuthorizationFlag(command: Command): Command {
  return command.option(
    `${flag} <file>`,
    "an AuthorizationConfiguration: who is asked what users may do, webhooks too (default Node, RBAC)",
  );
}

/** Reads the file. Throws an InputError that names the file and the place. */
export function readAuthorization(file: string | undefined): readonly Authorizer[] | undefined {
  if (file === undefined) return undefined;
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
