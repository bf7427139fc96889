import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { cidrContains, parseCidr, parseIPv4 } from "../actors/network/cidr";
import { clusterCidr, serviceCidr } from "../scenarios/cluster";
import { InputError } from "./exit";
import { readText } from "./read-text";

/** Where a webhook is that a file of ours names, such as that of audit events, and with which credentials. */
export interface AuditWebhookAccess {
  readonly url: string;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly rejectUnauthorized?: false;
  };
  readonly headers: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>>;

/** Reads the kubeconfig of a webhook: the server of its current context. Throws an InputError that names the flag, the file and the field. */
export function readAuditWebhookAccess(file: string, flag = "--audit-webhook-config-file"): AuditWebhookAccess {
  const wrong = (why: string) => new InputError(`${flag} ${file}: ${why}`);
  const config = record(parsed(readText(file), wrong));
  if (config?.kind !== "Config") throw wrong(`expected a kubeconfig (kind: Config), found ${JSON.stringify(config?.kind ?? null)}`);
  const named = (list: unknown, name: unknown, part: string) =>
    record((Array.isArray(list) ? list : []).map(record).find((entry) => entry?.name === name)?.[part]);
  const current = config["current-context"];
  const context = named(config.contexts, current, "context");
  if (!context) throw wrong(`current-context: there is no context ${JSON.stringify(current ?? "")}`);
  const cluster = named(config.clusters, context.cluster, "cluster");
  if (!cluster) throw wrong(`contexts: there is no cluster ${JSON.stringify(context.cluster ?? "")}`);
  const user = named(config.users, context.user, "user") ?? {};
  const url = String(cluster.server ?? "");
  const why = wrongWithUrl(url);
  if (why !== undefined) throw wrong(`clusters: server ${JSON.stringify(url)}: ${why}`);
  const pem = (of: Json, field: string): string | undefined => {
    const data = of[`${field}-data`];
    if (typeof data === "string") return Buffer.from(data, "base64").toString();
    const path = of[field];
    return typeof path === "string" ? readText(resolve(dirname(file), path)) : undefined;
  };
  const [ca, cert, key] = [pem(cluster, "certificate-authority"), pem(user, "client-certificate"), pem(user, "client-key")];
  if ((cert === undefined) !== (key === undefined)) throw wrong("users: client-certificate and client-key: one needs the other");
  const serverName = cluster["tls-server-name"];
  return {
    url,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
      ...(typeof serverName === "string" ? { servername: serverName } : {}),
      ...(cluster["insecure-skip-tls-verify"] === true ? { rejectUnauthorized: false as const } : {}),
    },
    headers: credentialOf(user, file),
  };
}

/** The headers by which a kubeconfig's user shows who it is. */
export function credentialOf(user: Json, file: string): Readonly<Record<string, string>> {
  const { token, tokenFile, username, password } = user;
  if (typeof tokenFile === "string") return { authorization: `Bearer ${readFileSync(resolve(dirname(file), tokenFile), "utf8").trim()}` };
  if (typeof token === "string") return { authorization: `Bearer ${token}` };
  if (typeof username === "string")
    return { authorization: `Basic ${Buffer.from(`${username}:${String(password ?? "")}`).toString("base64")}` };
  return {};
}

/** Addresses of Pods and Services are the cluster's own: on this machine they belong to somebody else, or to nobody. */
function wrongWithUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return "expected https://HOST[:PORT][/PATH]";
  const { protocol, hostname } = new URL(text);
  if (protocol !== "https:") return "expected https://HOST[:PORT][/PATH]";
  const address = isIP(hostname) === 4 ? parseIPv4(hostname) : undefined;
  const isInside = [clusterCidr, serviceCidr].some((range) => address !== undefined && cidrContains(parseCidr(range)!, address));
  return isInside || /(\.svc|\.cluster\.local)\.?$/.test(hostname)
    ? "this is an address inside of the cluster, which nobody reaches from this machine"
    : undefined;
}

function parsed(text: string, wrong: (why: string) => InputError): unknown {
  try {
    return parse(text);
  } catch {
    throw wrong("this is no YAML");
  }
}

function record(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
