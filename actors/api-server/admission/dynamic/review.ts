import type { JsonObject } from "../../../../protocol/kinds/object";
import type { GroupVersionKind, Kind } from "../../../../protocol/kinds/registry";
import type { User } from "../../authentication/user";
import { userInfo } from "../../authorization/reviews";
import type { ResourceCall } from "../../call";

/** A request as webhooks and admission policies see it (admission.k8s.io AdmissionRequest). */
export interface Review {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  /** The kind behind the resource of the URL: Pod in "pods/eviction". */
  readonly kind: Kind;
  readonly subresource: string;
  /** What the objects are: Eviction in "pods/eviction". */
  readonly body: GroupVersionKind;
  readonly namespace: string;
  /** "" where the server has yet to make one up. */
  readonly name: string;
  /** Undefined for a deletion. */
  readonly object: JsonObject | undefined;
  readonly old: JsonObject | undefined;
  readonly options: JsonObject | undefined;
  readonly dryRun: boolean;
  readonly user: User;
}

/** The review of a call for objects of its own kind. A request about a Namespace is said to be in it. */
export function reviewOf(
  { kind, request, user }: Pick<ResourceCall, "kind" | "request" | "user">,
  operation: Review["operation"],
  asked: Pick<Review, "options" | "dryRun"> & Partial<Pick<Review, "object" | "old" | "name" | "body">>,
): Review {
  const { name = request.name, object, old, options, dryRun, body = kind } = asked;
  const isNamespace = kind.group === "" && kind.plural === "namespaces";
  return {
    ...{ operation, kind, subresource: request.subresource, body, namespace: isNamespace ? name : request.namespace, name },
    ...{ object, old, options, dryRun, user },
  };
}

/** Under which of its names a webhook or policy is shown the request: another version's where that is what its rules name. */
export interface Match {
  readonly kind: Kind;
  readonly body: GroupVersionKind;
}

/** The resource of a request, under the names of its own version. */
export function plainMatch({ kind, body }: Review): Match {
  return { kind, body };
}

/** What both webhooks and expressions are told of a request, besides the objects. Empty fields are left out, as in Kubernetes' JSON. */
export function requestFacts(review: Review, match: Match): JsonObject {
  const { subresource, name, namespace, operation, user, dryRun, options } = review;
  const place = (at: Kind) => ({ group: at.group, version: at.version, resource: at.plural });
  return {
    kind: named(match.body),
    resource: place(match.kind),
    ...(subresource === "" ? {} : { subResource: subresource }),
    requestKind: named(review.body),
    requestResource: place(review.kind),
    ...(subresource === "" ? {} : { requestSubResource: subresource }),
    ...(name === "" ? {} : { name }),
    ...(namespace === "" ? {} : { namespace }),
    operation,
    userInfo: userInfo(user),
    dryRun,
    options: options ?? null,
  };
}

const named = ({ group, version, kind }: GroupVersionKind) => ({ group, version, kind });

/** The AdmissionReview that a webhook is sent. `object` and `old` are in the version of the match. */
export function reviewMessage(
  review: Review,
  match: Match,
  { object, old }: Pick<Review, "object" | "old">,
  { version, uid }: { readonly version: string; readonly uid: string },
): JsonObject {
  const { dryRun, options, ...facts } = requestFacts(review, match);
  const request = { uid, ...facts, object: object ?? null, oldObject: old ?? null, dryRun, options };
  return { kind: "AdmissionReview", apiVersion: `admission.k8s.io/${version}`, request };
}

/** The options of a create, update or patch as an object. */
export function writeOptions({ request: { query } }: Pick<ResourceCall, "request">, kind: "CreateOptions" | "UpdateOptions"): JsonObject {
  const { dryRun, fieldManager, fieldValidation } = query;
  return {
    ...{ kind, apiVersion: "meta.k8s.io/v1" },
    ...(dryRun ? { dryRun: [dryRun] } : {}),
    ...(fieldManager ? { fieldManager } : {}),
    ...(fieldValidation ? { fieldValidation } : {}),
  };
}

const warningsLengthMax = 4096;
const warningLengthMax = 256;

/** What admission has to say besides yes and no. */
export class Notes {
  private readonly told = new Set<string>();
  /** For the audit log, by key. */
  readonly annotations = new Map<string, string>();

  /** `audited` is what the request's entry in the audit log shows. */
  constructor(private readonly audited: Record<string, string> = {}) {}

  /** Warnings for whoever made the request, each once. Of very many only the beginnings of the first are told, as in Kubernetes. */
  get warnings(): readonly string[] {
    const all = [...this.told];
    if (all.reduce((sum, text) => sum + text.length, 0) <= warningsLengthMax) return all;
    return all.map((text) => text.slice(0, warningLengthMax)).slice(0, warningsLengthMax / warningLengthMax);
  }
  warn(text: string): void {
    this.told.add(text);
  }
  /** The first value of a key stands, as in Kubernetes. */
  annotate(key: string, value: string): void {
    if (this.annotations.has(key)) return;
    this.annotations.set(key, value);
    this.audited[key] = value;
  }
}
