import type { Status, StatusCause } from "./kinds/generated";

/** The machine-readable reasons of the Kubernetes API (metav1.StatusReason) with the HTTP code each is sent with. */
const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  NotImplemented: 501,
  ServiceUnavailable: 503,
  Timeout: 504,
  ServerTimeout: 500,
} as const;

export type Reason = keyof typeof codes;

/** What a refusal is about: the plural resource (Kubernetes calls it `kind` in details) with its group, and the object's name. */
export interface Subject {
  readonly group: string;
  readonly resource: string;
  readonly name?: string;
}

/** A failure that was to be expected, as a value: metav1.Status. */
export type Failure = Status & { readonly status: "Failure"; readonly code: number; readonly message: string };

interface Extra {
  readonly subject?: Subject;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** Makes a Failure; the code follows from the reason. */
export function failure(reason: Reason, message: string, extra: Extra = {}): Failure {
  const { subject, uid, causes, retryAfterSeconds } = extra;
  const details = {
    ...(subject?.name ? { name: subject.name } : {}),
    ...(subject?.group ? { group: subject.group } : {}),
    ...(subject ? { kind: subject.resource } : {}),
    ...(uid ? { uid } : {}),
    ...(causes && causes.length > 0 ? { causes } : {}),
    ...(retryAfterSeconds ? { retryAfterSeconds } : {}),
  };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(Object.keys(details).length > 0 ? { details } : {}),
    code: codes[reason],
  };
}

/** "deployments.apps" or "pods". */
export function qualified(subject: Subject): string {
  return subject.group ? `${subject.resource}.${subject.group}` : subject.resource;
}

export const badRequest = (message: string) => failure("BadRequest", message);
export const unauthorized = (message = "Unauthorized") => failure("Unauthorized", message);
export const forbidden = (subject: Subject, why: string) =>
  failure("Forbidden", `${qualified(subject)} ${JSON.stringify(subject.name ?? "")} is forbidden: ${why}`, { subject });
export const notFound = (subject: Subject) =>
  failure("NotFound", `${qualified(subject)} ${JSON.stringify(subject.name ?? "")} not found`, { subject });
export const alreadyExists = (subject: Subject) =>
  failure("AlreadyExists", `${qualified(subject)} ${JSON.stringify(subject.name ?? "")} already exists`, { subject });
export const conflict = (subject: Subject, why: string) =>
  failure("Conflict", `Operation cannot be fulfilled on ${qualified(subject)} ${JSON.stringify(subject.name ?? "")}: ${why}`, { subject });
export const modifiedConflict = (subject: Subject) =>
  conflict(subject, "the object has been modified; please apply your changes to the latest version and try again");
/** `kind` here is the object's Kind, as real servers send it for Invalid. */
export const invalid = (subject: Subject & { readonly kind: string }, causes: readonly StatusCause[]) => {
  const list = causes.map((c) => `${c.field}: ${c.message}`);
  const text = list.length === 1 ? list[0] : `[${list.join(", ")}]`;
  const what = subject.group ? `${subject.kind}.${subject.group}` : subject.kind;
  return failure("Invalid", `${what} ${JSON.stringify(subject.name ?? "")} is invalid: ${text}`, {
    subject: { ...subject, resource: subject.kind },
    causes,
  });
};
export const methodNotAllowed = (subject: Subject, verb: string) =>
  failure("MethodNotAllowed", `${verb} is not supported on resources of kind ${JSON.stringify(qualified(subject))}`, { subject });
export const notAcceptable = (accepted: readonly string[]) =>
  failure("NotAcceptable", `only the following media types are accepted: ${accepted.join(", ")}`);
export const unsupportedMediaType = (got: string, supported: readonly string[]) =>
  failure(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(", ")} (got ${JSON.stringify(got)})`,
  );
export const gone = (message: string) => failure("Expired", message);
export const tooOldResourceVersion = (asked: number, oldest: number) => gone(`too old resource version: ${asked} (${oldest})`);
export const tooManyRequests = (message: string, retryAfterSeconds: number, causes: readonly StatusCause[] = []) =>
  failure("TooManyRequests", message, { retryAfterSeconds, causes });
export const requestEntityTooLarge = (message: string) => failure("RequestEntityTooLarge", message);
export const internalError = (message: string) => failure("InternalError", `Internal error occurred: ${message}`);
export const serviceUnavailable = (message: string) => failure("ServiceUnavailable", message, { retryAfterSeconds: 1 });
export const timeout = (message: string) => failure("Timeout", message, { retryAfterSeconds: 1 });
export const notImplemented = (message: string) => failure("NotImplemented", message);

/** True for a Status that reports a failure with this reason. */
export function isFailure(value: unknown, reason?: Reason): value is Failure {
  const status = value as Partial<Failure> | null;
  if (typeof status !== "object" || status === null || status.kind !== "Status" || status.status !== "Failure") return false;
  return reason === undefined || status.reason === reason;
}
export const isNotFound = (value: unknown) => isFailure(value, "NotFound");
export const isConflict = (value: unknown) => isFailure(value, "Conflict");
export const isAlreadyExists = (value: unknown) => isFailure(value, "AlreadyExists");
export const isGone = (value: unknown) => isFailure(value, "Expired") || isFailure(value, "Gone");
export const isTooManyRequests = (value: unknown) => isFailure(value, "TooManyRequests");
