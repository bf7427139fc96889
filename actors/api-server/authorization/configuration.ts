import { parseDurationMs } from "../../../protocol/kinds/duration";
import type { AbacPolicy } from "./abac";
import { compileConditions } from "./match-conditions";

/**
 * Who is asked whether somebody may, one after the other: an AuthorizationConfiguration (apiserver.config.k8s.io/v1). Source: "Authorization", Configuring
 * the API server using an authorization config file, and the validation of kube-apiserver.
 */
export type Authorizer =
  | { readonly type: "Node" | "RBAC" | "AlwaysAllow" | "AlwaysDeny"; readonly name: string }
  | { readonly type: "ABAC"; readonly name: string; readonly policies: readonly AbacPolicy[] }
  | { readonly type: "Webhook"; readonly name: string; readonly webhook: AuthorizationWebhook };

export interface AuthorizationWebhook {
  readonly timeoutMs: number;
  /** How long an answer is believed; 0 where each question is asked anew. */
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  readonly subjectAccessReviewVersion: "v1" | "v1beta1";
  /** What becomes of a question that is not answered. */
  readonly failurePolicy: "NoOpinion" | "Deny";
  readonly access: WebhookAccess;
  /** CEL over `request`: all must hold, else the webhook is passed over. */
  readonly matchConditions: readonly string[];
}

/** What a kubeconfig says of a webhook. */
export interface WebhookAccess {
  readonly url: string;
  /** Base64 of PEM; "" for the authorities that the machine trusts. */
  readonly caBundle: string;
  readonly insecure: boolean;
  readonly headers: readonly (readonly [string, string])[];
}

/** Without a file: as kubeadm starts servers. */
export const defaultAuthorizers: readonly Authorizer[] = [
  { type: "Node", name: "node" },
  { type: "RBAC", name: "rbac" },
];

type Json = Readonly<Record<string, unknown>>;
type Wrong = (at: string, why: string) => void;

export type ReadAuthorization =
  | { readonly ok: true; readonly authorizers: readonly Authorizer[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const types = ["AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"] as const;

/**
 * Reads a parsed file in which each webhook's connectionInfo has the `access` that its kubeconfig gives. The answer of problems names each place:
 * `authorizers[0].webhook.timeout: …`.
 */
export function readAuthorizationConfiguration(value: unknown): ReadAuthorization {
  const problems: string[] = [];
  const wrong: Wrong = (at, why) => void problems.push(`${at}: ${why}`);
  const document = recordAt(value);
  if (document === undefined) return { ok: false, problems: ["expected an AuthorizationConfiguration"] };
  if (!/^apiserver\.config\.k8s\.io\/v1(beta1|alpha1)?$/.test(String(document.apiVersion)))
    wrong("apiVersion", `expected apiserver.config.k8s.io/v1, found ${quoted(document.apiVersion)}`);
  if (document.kind !== "AuthorizationConfiguration") wrong("kind", `expected AuthorizationConfiguration, found ${quoted(document.kind)}`);
  noOther(document, "", ["apiVersion", "kind", "authorizers"], wrong);
  const listed = Array.isArray(document.authorizers) ? document.authorizers.map((each: unknown) => recordAt(each) ?? {}) : [];
  if (listed.length === 0) wrong("authorizers", "Required value: at least one authorization mode must be defined");
  const authorizers = listed.flatMap((each, index) => {
    const earlier = listed.slice(0, index);
    const read = readAuthorizer(each, earlier, `authorizers[${index}]`, wrong);
    return read ? [read] : [];
  });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, authorizers };
}

function readAuthorizer(given: Json, earlier: readonly Json[], at: string, wrong: Wrong): Authorizer | undefined {
  noOther(given, `${at}.`, ["type", "name", "webhook"], wrong);
  const type = types.find((each) => each === given.type);
  if (!given.type) return void wrong(`${at}.type`, "Required value");
  if (given.type === "ABAC")
    return void wrong(`${at}.type`, "ABAC has a file of its own: it is chosen by --authorization-mode, not in this file");
  if (type === undefined) return void wrong(`${at}.type`, notSupported(given.type, types));
  if (type !== "Webhook" && earlier.some((other) => other.type === type))
    return void wrong(`${at}.type`, `Duplicate value: ${quoted(type)}`);
  const name = String(given.name ?? "");
  if (name === "") wrong(`${at}.name`, "Required value");
  else if (earlier.some((other) => other.name === name)) wrong(`${at}.name`, `Duplicate value: ${quoted(name)}`);
  else if (name.length > 253 || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name))
    wrong(`${at}.name`, `Invalid value: ${quoted(name)}: authorizer name is invalid: a lowercase RFC 1123 subdomain is expected`);
  const webhook = recordAt(given.webhook);
  if (type !== "Webhook") {
    if (webhook) wrong(`${at}.webhook`, 'Invalid value: "non-null": may only be specified when type=Webhook');
    return { type, name };
  }
  if (!webhook) return void wrong(`${at}.webhook`, "Required value: required when type=Webhook");
  return { type, name, webhook: readWebhook(webhook, `${at}.webhook`, wrong) };
}

const webhookFields = [
  ...["authorizedTTL", "cacheAuthorizedRequests", "unauthorizedTTL", "cacheUnauthorizedRequests", "timeout", "subjectAccessReviewVersion"],
  ...["matchConditionSubjectAccessReviewVersion", "failurePolicy", "connectionInfo", "matchConditions"],
];

function readWebhook(given: Json, at: string, wrong: Wrong): AuthorizationWebhook {
  noOther(given, `${at}.`, webhookFields, wrong);
  const { subjectAccessReviewVersion: version, matchConditionSubjectAccessReviewVersion: matchVersion, failurePolicy } = given;
  const timeoutMs = durationOf(given, "timeout", at, wrong);
  if (timeoutMs === 0) wrong(`${at}.timeout`, "Required value");
  else if (timeoutMs < 0 || timeoutMs > 30_000) wrong(`${at}.timeout`, `Invalid value: ${quoted(given.timeout)}: must be > 0s and <= 30s`);
  const ttl = (field: string, cached: string, standardMs: number) => {
    const ms = durationOf(given, field, at, wrong) || standardMs;
    if (ms < 0) wrong(`${at}.${field}`, `Invalid value: ${quoted(given[field])}: must be > 0s`);
    const isCached = given[cached] ?? true;
    if (typeof isCached !== "boolean") wrong(`${at}.${cached}`, "expected true or false");
    return isCached === false ? 0 : ms;
  };
  const [authorizedTtlMs, unauthorizedTtlMs] = [
    ttl("authorizedTTL", "cacheAuthorizedRequests", 5 * 60_000),
    ttl("unauthorizedTTL", "cacheUnauthorizedRequests", 30_000),
  ];
  oneOf(version, `${at}.subjectAccessReviewVersion`, ["v1", "v1beta1"], wrong);
  const matchConditions = readConditions(given.matchConditions, `${at}.matchConditions`, wrong);
  if (matchVersion) oneOf(matchVersion, `${at}.matchConditionSubjectAccessReviewVersion`, ["v1"], wrong);
  else if (matchConditions.length > 0)
    wrong(`${at}.matchConditionSubjectAccessReviewVersion`, "Required value: required if match conditions are specified");
  oneOf(failurePolicy, `${at}.failurePolicy`, ["NoOpinion", "Deny"], wrong);
  return {
    ...{ timeoutMs, authorizedTtlMs, unauthorizedTtlMs, matchConditions },
    subjectAccessReviewVersion: version === "v1beta1" ? version : "v1",
    failurePolicy: failurePolicy === "NoOpinion" ? failurePolicy : "Deny",
    access: readAccess(recordAt(given.connectionInfo) ?? {}, `${at}.connectionInfo`, wrong),
  };
}

function readAccess(given: Json, at: string, wrong: Wrong): WebhookAccess {
  noOther(given, `${at}.`, ["type", "kubeConfigFile", "access"], wrong);
  const { type, kubeConfigFile: file } = given;
  if (type === "InClusterConfig") wrong(`${at}.type`, "InClusterConfig is not there in this cluster: use KubeConfigFile");
  else oneOf(type, `${at}.type`, ["InClusterConfig", "KubeConfigFile"], wrong);
  const { url, caBundle = "", insecure, headers = [] } = recordAt(given.access) ?? {};
  if (type === "KubeConfigFile") {
    if (typeof file !== "string" || file === "") wrong(`${at}.kubeConfigFile`, "Required value");
    else if (!file.startsWith("/")) wrong(`${at}.kubeConfigFile`, `Invalid value: ${quoted(file)}: must be an absolute path`);
  }
  return {
    url: String(url ?? ""),
    caBundle: String(caBundle),
    insecure: insecure === true,
    headers: headers as WebhookAccess["headers"],
  };
}

function readConditions(given: unknown, at: string, wrong: Wrong): readonly string[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) {
    wrong(at, "expected a list");
    return [];
  }
  if (given.length > 64) {
    wrong(at, `Too many: ${given.length}: must have at most 64 items`);
    return [];
  }
  const expressions = given.map((each: unknown, index) => {
    const condition = recordAt(each) ?? {};
    noOther(condition, `${at}[${index}].`, ["expression"], wrong);
    return String(condition.expression ?? "");
  });
  expressions.forEach((expression, index) => {
    const place = `${at}[${index}].expression`;
    const { problem } = compileConditions([expression]);
    if (expression.trim() === "") wrong(place, "Required value");
    else if (expressions.indexOf(expression) < index) wrong(place, `Duplicate value: ${quoted(expression)}`);
    else if (problem !== undefined) wrong(place, `Invalid value: ${quoted(expression)}: ${problem}`);
  });
  return expressions;
}

/** 0 where there is none. */
function durationOf(given: Json, field: string, at: string, wrong: Wrong): number {
  const text = given[field] ?? "0s";
  const ms = typeof text === "string" ? parseDurationMs(text.replace(/^-/, "")) : undefined;
  if (ms === undefined) wrong(`${at}.${field}`, `expected a duration such as "3s", found ${quoted(text)}`);
  return ms === undefined ? 1 : String(text).startsWith("-") ? -ms : ms;
}

function oneOf(value: unknown, at: string, known: readonly string[], wrong: Wrong): void {
  if (!value) wrong(at, "Required value");
  else if (!known.includes(String(value))) wrong(at, notSupported(value, known));
}

function notSupported(value: unknown, known: readonly string[]): string {
  return `Unsupported value: ${quoted(value)}: supported values: ${known.map(quoted).join(", ")}`;
}

function noOther(given: Json, at: string, known: readonly string[], wrong: Wrong): void {
  for (const field of Object.keys(given))
    if (!known.includes(field)) wrong(`${at}${field}`, `unknown field; known are ${known.filter((each) => each !== "access").join(", ")}`);
}

const quoted = (value: unknown) => JSON.stringify(value ?? null);

function recordAt(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}
