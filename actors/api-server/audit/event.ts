import type { ApiRequest, ApiResponse } from "../../../protocol/api";
import type { User } from "../authentication/user";
import type { Attributes } from "../authorization/attributes";
import type { AuditDecision, AuditLevel, AuditStage } from "./policy";

/** One entry of the audit log (audit.k8s.io/v1 Event). */
export interface AuditEvent {
  readonly kind: "Event";
  readonly apiVersion: "audit.k8s.io/v1";
  readonly level: AuditLevel;
  readonly auditID: string;
  readonly stage: AuditStage;
  readonly requestURI: string;
  readonly verb: string;
  readonly user: object;
  readonly impersonatedUser?: object;
  readonly sourceIPs: readonly string[];
  readonly userAgent?: string;
  readonly objectRef?: object;
  readonly responseStatus?: object;
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** All that is known of a request when one of its stages is written. */
export interface AuditSubject {
  readonly auditId: string;
  readonly request: ApiRequest;
  readonly wanted: Attributes;
  readonly user: User;
  readonly impersonated: User | undefined;
  readonly decision: AuditDecision;
  readonly receivedUs: number;
  readonly annotations: Readonly<Record<string, string>>;
}

/** `nowUs` is wall time; `response` is there from the stage on at which there is one. Pure. */
export function auditEvent(subject: AuditSubject, stage: AuditStage, nowUs: number, response: ApiResponse | undefined): AuditEvent {
  const { auditId, request, wanted, user, impersonated, decision, receivedUs, annotations } = subject;
  const answered = stage !== "RequestReceived";
  const hasBodies = decision.level === "Request" || decision.level === "RequestResponse";
  const sent = hasBodies && answered ? withoutManagedFields(jsonIn(request.body), decision) : undefined;
  const got =
    decision.level === "RequestResponse" && stage === "ResponseComplete" && response
      ? withoutManagedFields(jsonIn(response.body), decision)
      : undefined;
  return {
    ...({ kind: "Event", apiVersion: "audit.k8s.io/v1", level: decision.level, auditID: auditId, stage } as const),
    ...{ requestURI: uriOf(request), verb: verbOf(wanted), user: person(user) },
    ...(impersonated ? { impersonatedUser: person(impersonated) } : {}),
    sourceIPs: [request.sourceIp || "127.0.0.1"],
    ...(request.userAgent === "" ? {} : { userAgent: request.userAgent }),
    ...(request.isResource ? { objectRef: objectRef(request, wanted, answered) } : {}),
    ...(response && answered ? { responseStatus: statusOf(response) } : {}),
    ...(sent === undefined ? {} : { requestObject: sent }),
    ...(got === undefined ? {} : { responseObject: got }),
    requestReceivedTimestamp: microTime(receivedUs),
    stageTimestamp: microTime(nowUs),
    ...(answered && Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

function person({ name, uid, groups, extra }: User): object {
  return {
    username: name,
    ...(uid === "" ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

/** A request that is not for a resource has its HTTP method for a verb. */
function verbOf({ isResource, verb }: Attributes): string {
  if (isResource) return verb;
  return verb === "create" ? "post" : verb === "update" ? "put" : verb;
}

function uriOf({ path, query, repeated }: ApiRequest): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (repeated?.[name] ?? [value]).map((each) => [name, each] as [string, string]),
  );
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`;
}

/** What the request is about; a name and a uid that only its body tells are known once it was read. */
function objectRef(request: ApiRequest, wanted: Attributes, read: boolean): object {
  const { group, version, resource, subresource, namespace } = request;
  const metadata = read ? ((jsonIn(request.body) as { readonly metadata?: Record<string, unknown> } | undefined)?.metadata ?? {}) : {};
  const text = (field: string) => (typeof metadata[field] === "string" ? (metadata[field] as string) : "");
  const fields: readonly (readonly [string, string])[] = [
    ["resource", resource],
    ["namespace", namespace || text("namespace")],
    ["name", wanted.name || text("name")],
    ["uid", text("uid")],
    ["apiGroup", group],
    ["apiVersion", version],
    ["resourceVersion", text("resourceVersion")],
    ["subresource", subresource],
  ];
  return Object.fromEntries(fields.filter(([, value]) => value !== ""));
}

/** The Status that was answered, or for an object just the code. */
function statusOf({ code, body, contentType }: ApiResponse): object {
  const answered = contentType.startsWith("application/json") && body.length < 64 * 1024 ? jsonIn(body) : undefined;
  const status = answered as { readonly kind?: string; readonly [field: string]: unknown } | undefined;
  if (status?.kind !== "Status") return { metadata: {}, code };
  const { kind: _kind, apiVersion: _version, ...rest } = status;
  return { ...rest, metadata: {}, code };
}

function jsonIn(bytes: Uint8Array): unknown {
  const first = bytes[0];
  if (first !== 0x7b && first !== 0x5b) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The object without managedFields, those of a list's items too, where the policy wants it so. */
function withoutManagedFields(value: unknown, { omitManagedFields }: AuditDecision): unknown {
  if (!omitManagedFields || typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const { metadata, items, ...rest } = value as { readonly metadata?: object; readonly items?: unknown };
  const { managedFields: _, ...kept } = (metadata ?? {}) as { readonly managedFields?: unknown };
  return {
    ...rest,
    ...(metadata === undefined ? {} : { metadata: kept }),
    ...(items === undefined
      ? {}
      : { items: Array.isArray(items) ? items.map((item) => withoutManagedFields(item, { omitManagedFields } as AuditDecision)) : items }),
  };
}

/** "2026-01-01T00:00:00.000001Z" */
function microTime(us: number): string {
  const whole = Math.floor(us);
  const text = new Date(Math.floor(whole / 1000)).toISOString();
  return `${text.slice(0, -1)}${String(whole % 1000).padStart(3, "0")}Z`;
}
