import type { ApiRequest } from "../../../protocol/api";
import { type FieldRequirements, parseFieldSelector, requiredName } from "../../../protocol/kinds/field-selector";
import type { StatusCause } from "../../../protocol/kinds/generated";
import { parseLabelSelector, type Requirements } from "../../../protocol/kinds/label-selector";
import type { Kind } from "../../../protocol/kinds/registry";
import { badRequest, type Failure, invalid } from "../../../protocol/status";
import { decodeContinue } from "./continue-token";

/** What of a resource is wanted: a namespace ("" for all), and what objects must meet. */
export interface Selection {
  readonly namespace: string;
  readonly labels: Requirements;
  readonly fields: FieldRequirements;
  /** The one name that can match, where the field selector or the URL pins it down. */
  readonly name: string | undefined;
}

/** How fresh and how much: where a list or a watch starts, after "Resource versions" in the Kubernetes documentation. */
export type Version =
  /** Nothing that was written before the request may be missing. */
  | { readonly at: "consistent" }
  /** Whatever the server has. */
  | { readonly at: "any" }
  | { readonly at: "notOlderThan"; readonly revision: number }
  | { readonly at: "exact"; readonly revision: number };

export interface ListOptions {
  readonly selection: Selection;
  readonly version: Version;
  /** 0 where there is no limit. */
  readonly limit: number;
  /** Where a list goes on: behind this key (relative to the list's prefix); "" at its beginning. */
  readonly startAfter: string;
  /** Whether it goes on from an earlier page. */
  readonly continues: boolean;
}

export interface WatchOptions {
  readonly selection: Selection;
  /** undefined: the state now as ADDED events first, then what happens. */
  readonly version: Exclude<Version, { readonly at: "exact" }>;
  readonly sendInitialEvents: boolean;
  /** Whether a watch that starts from no revision begins with the state: unless sendInitialEvents=false. */
  readonly wantsState: boolean;
  readonly bookmarks: boolean;
  /** 0 where not given. */
  readonly timeoutSeconds: number;
}

/** Reads a list's parameters; a Failure says which is wrong in a real server's words. */
export function listOptions(request: ApiRequest, kind: Kind): ListOptions | Failure {
  const selection = selectionOf(request, kind);
  if ("status" in selection) return selection;
  const { query } = request;
  const match = query.resourceVersionMatch ?? "";
  const text = query.resourceVersion ?? "";
  const limit = wholeNumber(query.limit);
  if (limit === undefined) return notANumber(query.limit);
  if (wholeNumber(query.timeoutSeconds) === undefined) return notANumber(query.timeoutSeconds);
  const token = query.continue ?? "";
  const wrong = wrongWithList(query);
  if (wrong.length > 0) return invalid({ group: "meta.k8s.io", resource: "listoptions", kind: "ListOptions" }, wrong);
  if (token !== "") {
    const from = decodeContinue(token);
    if (typeof from === "string") return badRequest(`invalid continue token: continue key is not valid: ${from}`);
    if (text !== "" && text !== "0") return badRequest("specifying resource version is not allowed when using continue");
    const version: Version = from.revision > 0 ? { at: "exact", revision: from.revision } : { at: "consistent" };
    return { selection, version, limit, startAfter: from.startAfter, continues: true };
  }
  const revision = revisionOf(text);
  if (revision === undefined) return badRequest(`invalid resource version: ${wrongVersion(text)}`);
  const rest = { selection, limit, startAfter: "", continues: false };
  if (text === "") return { ...rest, version: { at: "consistent" } };
  // Without a limit "0" and the caches go together; a limit would only make the client ask more often for what lies ready.
  if (revision === 0) return { ...rest, limit: 0, version: { at: "any" } };
  if (match === "Exact" || (match === "" && limit > 0)) return { ...rest, version: { at: "exact", revision } };
  return { ...rest, version: { at: "notOlderThan", revision } };
}

function wrongWithList({
  resourceVersionMatch: match = "",
  resourceVersion: text = "",
  ...query
}: ApiRequest["query"]): readonly StatusCause[] {
  const forbidden = (field: string, message: string) => ({ reason: "FieldValueForbidden", field, message: `Forbidden: ${message}` });
  const ofMatch = (message: string) => forbidden("resourceVersionMatch", message);
  return [
    ...(match !== "" && text === "" ? [ofMatch("resourceVersionMatch is forbidden unless resourceVersion is provided")] : []),
    ...(match !== "" && query.continue ? [ofMatch("resourceVersionMatch is forbidden when continue is provided")] : []),
    ...(["", "Exact", "NotOlderThan"].includes(match) ? [] : [unsupportedMatch(match)]),
    ...(match === "Exact" && text === "0" ? [ofMatch('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')] : []),
    ...(query.sendInitialEvents ? [forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")] : []),
  ];
}

/** Reads a watch's parameters. */
export function watchOptions(request: ApiRequest, kind: Kind): WatchOptions | Failure {
  const selection = selectionOf(request, kind);
  if ("status" in selection) return selection;
  const { query } = request;
  const match = query.resourceVersionMatch ?? "";
  const text = query.resourceVersion ?? "";
  const initial = query.sendInitialEvents;
  const wrong = (field: string, message: string) =>
    invalid({ group: "meta.k8s.io", resource: "listoptions", kind: "ListOptions" }, [
      { reason: "FieldValueForbidden", field, message: `Forbidden: ${message}` },
    ]);
  if (initial !== undefined && initial !== "") {
    if (match !== "NotOlderThan")
      return wrong("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  } else if (match !== "")
    return wrong("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  const revision = revisionOf(text);
  if (revision === undefined) return badRequest(wrongVersion(text));
  const timeoutSeconds = wholeNumber(query.timeoutSeconds);
  if (timeoutSeconds === undefined) return notANumber(query.timeoutSeconds);
  const sendInitialEvents = isTrue(initial);
  const version: WatchOptions["version"] =
    text === "" ? { at: "consistent" } : revision === 0 ? { at: "any" } : { at: "notOlderThan", revision };
  const wantsState = sendInitialEvents || initial === undefined || initial === "";
  return { selection, version, sendInitialEvents, wantsState, bookmarks: isTrue(query.allowWatchBookmarks), timeoutSeconds };
}

/** The resourceVersion of a single get: "consistent", "any", or not older than. */
export function getVersion(request: ApiRequest): Exclude<Version, { readonly at: "exact" }> | Failure {
  const text = request.query.resourceVersion ?? "";
  const revision = revisionOf(text);
  if (revision === undefined) return badRequest(wrongVersion(text));
  return text === "" ? { at: "consistent" } : revision === 0 ? { at: "any" } : { at: "notOlderThan", revision };
}

/** The namespace and selectors of a request; shared with deletecollection. */
export function selectionOf({ query, namespace, name }: ApiRequest, kind: Kind): Selection | Failure {
  const labels = parseLabelSelector(query.labelSelector ?? "");
  if (!labels.ok) return badRequest(`unable to parse requirement: ${labels.message}`.replace(/^(unable to parse requirement: )\1/, "$1"));
  const fields = parseFieldSelector(query.fieldSelector ?? "", kind);
  if (!fields.ok) return badRequest(fields.message);
  const required = name || requiredName(fields.requirements);
  return { namespace: kind.namespaced ? namespace : "", labels: labels.requirements, fields: fields.requirements, name: required };
}

/** How Kubernetes reads a boolean parameter: present and neither "false" nor "0". */
export function isTrue(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "false" && value !== "0";
}

/** A resourceVersion as a number: 0 for "" and "0"; undefined for what is none. */
export function revisionOf(text: string): number | undefined {
  if (text === "") return 0;
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(revision) ? revision : undefined;
}

/** A count or a time; what is below zero is none, as with real servers. */
function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return 0;
  return /^[+-]?\d{1,15}$/.test(text) ? Math.max(0, Number(text)) : undefined;
}

const notANumber = (text: string | undefined) => badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);

/** What is wrong with a resourceVersion, in Go's words. */
function wrongVersion(text: string): string {
  const why = /^\d+$/.test(text) ? "value out of range" : "invalid syntax";
  const quoted = JSON.stringify(text);
  return `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${why}`;
}

function unsupportedMatch(match: string): StatusCause {
  const message = `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`;
  return { reason: "FieldValueNotSupported", field: "resourceVersionMatch", message };
}
